//! A message's text: lines gathered, placeholders of shared things recognized.

use matome_domain::dialogue::TurnContent;

/// The whole text of a message whose first line is `first` at `lines[at]`, and how many lines it
/// took. LINE puts a message with line breaks in quotes and doubles quotes inside.
pub(super) fn gather(lines: &[&str], at: usize, first: &str) -> (String, usize) {
    let Some(opened) = first.strip_prefix('"') else {
        return (first.to_owned(), 1);
    };
    if closes(opened) {
        // One line in quotes is what somebody typed.
        return (first.to_owned(), 1);
    }
    let mut body = opened.to_owned();
    for (count, line) in lines[at + 1..].iter().enumerate() {
        body.push('\n');
        if closes(line) {
            body.push_str(&line[..line.len() - 1]);
            return (body.replace("\"\"", "\""), count + 2);
        }
        body.push_str(line);
    }
    // Never closed: the quote was just a quote, and what follows is read on its own.
    (first.to_owned(), 1)
}

/// Whether an odd number of quotes ends the line.
fn closes(line: &str) -> bool {
    let quotes = line.len() - line.trim_end_matches('"').len();
    quotes % 2 == 1
}

/// What a message's text stands for. Desktops write the placeholders without brackets.
pub(super) fn content(body: &str, desktop: bool) -> TurnContent {
    let bare = body.trim();
    let bracketed = format!("[{bare}]");
    let text = if desktop && is_bare_placeholder(bare) { bracketed.as_str() } else { bare };
    let named = |names: &[&str]| names.contains(&text);
    if named(&[
        "[Photo]",
        "[Photos]",
        "[Image]",
        "[写真]",
        "[画像]",
        "[รูปภาพ]",
        "[รูป]",
        "[ภาพ]",
        "[アルバム]",
        "[Album]",
        "[อัลบั้ม]",
    ]) {
        return TurnContent::Image { description: None, data: None };
    }
    if named(&["[Sticker]", "[スタンプ]", "[สติกเกอร์]", "[สติ๊กเกอร์]", "(emoji)", "(絵文字)", "(อีโมจิ)"])
    {
        return TurnContent::Sticker { keywords: Vec::new() };
    }
    if named(&["[Video]", "[動画]", "[วิดีโอ]", "[วีดีโอ]"]) {
        return TurnContent::Video;
    }
    if named(&["[Voice message]", "[Audio]", "[ボイスメッセージ]", "[音声]", "[ข้อความเสียง]", "[เสียง]"])
    {
        return TurnContent::Audio;
    }
    for tag in ["[File]", "[ファイル]", "[ไฟล์]"] {
        if let Some(name) = text.strip_prefix(tag) {
            return TurnContent::File { name: name.trim().to_owned() };
        }
    }
    for tag in ["[Location]", "[位置情報]", "[ตำแหน่ง]", "[ตำแหน่งที่ตั้ง]", "[สถานที่]"]
    {
        if let Some(label) = text.strip_prefix(tag) {
            return TurnContent::Location { label: label.trim().to_owned() };
        }
    }
    TurnContent::Text { text: body.to_owned() }
}

fn is_bare_placeholder(text: &str) -> bool {
    const BARE: [&str; 11] = [
        "Photo",
        "Photos",
        "Sticker",
        "Video",
        "Voice message",
        "写真",
        "スタンプ",
        "動画",
        "ボイスメッセージ",
        "รูปภาพ",
        "สติกเกอร์",
    ];
    BARE.contains(&text)
}

/// Goes on with a message.
pub(super) fn append(content: &mut TurnContent, line: &str) {
    let more = match content {
        TurnContent::Text { text } => text,
        TurnContent::Location { label } => label,
        // Below a picture stands nothing of it.
        _ => return,
    };
    if !more.is_empty() {
        more.push('\n');
    }
    more.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_messages_end_at_their_closing_quote() {
        let lines = ["x", "two \"\"quoted\"\" words", "three\"", "next"];
        assert_eq!(gather(&lines, 0, "\"one"), ("one\ntwo \"quoted\" words\nthree".to_owned(), 3));
        assert_eq!(gather(&lines, 0, "\"just said\""), ("\"just said\"".to_owned(), 1));
        assert_eq!(gather(&["x", "y"], 0, "\"never closed"), ("\"never closed".to_owned(), 1));
    }
}
