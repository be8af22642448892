//! Messages as LINE would show them, drawn for a terminal: what `cargo xtask up` prints.

mod flex;
mod lines;

use serde_json::Value;

use lines::{Align, pad, width_of, wrap};

/// Columns inside the frame of a message.
const WIDTH: usize = 46;

/// One message object, as given to a reply or push, drawn with box characters. Shows whatever it
/// is given: what it does not know, it names.
#[must_use]
pub fn render_text(message: &Value) -> String {
    let mut out = match kind(message) {
        "text" | "textV2" => speech(words(message, "text")),
        "flex" => flex::containers(&message["contents"]).join("\n"),
        "sticker" => {
            speech(&format!("[sticker {}/{}]", words(message, "packageId"), words(message, "stickerId")))
        }
        "image" => speech("[image]"),
        "video" => speech("[video]"),
        "audio" => speech("[audio]"),
        "location" => speech(&format!("📍 {}\n{}", words(message, "title"), words(message, "address"))),
        "template" => template(message),
        "imagemap" => speech(words(message, "altText")),
        other => speech(&format!("[{}]", if other.is_empty() { "unknown message" } else { other })),
    };
    let replies = message.pointer("/quickReply/items").and_then(Value::as_array);
    let labels: Vec<_> =
        replies.into_iter().flatten().map(|i| format!("( {} )", words(&i["action"], "label"))).collect();
    if !labels.is_empty() {
        out.push('\n');
        out.push_str(&wrap(&labels.join("  "), WIDTH + 4).join("\n"));
    }
    out
}

fn template(message: &Value) -> String {
    let template = &message["template"];
    let mut body = wrap(words(template, "text"), WIDTH);
    if let Some(actions) = template["actions"].as_array() {
        body.extend(actions.iter().map(|a| pad(&format!("[ {} ]", words(a, "label")), WIDTH, Align::Center)));
    }
    frame(&[body], WIDTH)
}

fn speech(text: &str) -> String {
    let lines = wrap(text, WIDTH);
    let width = width_of(&lines).max(1);
    frame(&[lines], width)
}

/// Blocks in one frame, with a line between them.
fn frame(blocks: &[Vec<String>], width: usize) -> String {
    let rule = "─".repeat(width + 2);
    let mut out = vec![format!("╭{rule}╮")];
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            out.push(format!("├{rule}┤"));
        }
        out.extend(block.iter().map(|line| format!("│ {} │", pad(line, width, Align::Start))));
    }
    out.push(format!("╰{rule}╯"));
    out.join("\n")
}

fn kind(value: &Value) -> &str {
    words(value, "type")
}

fn words<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_line_of_a_frame_is_equally_wide_in_every_script() {
        for text in [
            "short",
            "เราช่วยสรุปสิ่งที่คุยกันที่นี่ พิมพ์สรุปได้ทุกเมื่อที่ต้องการ",
            "みなさん、はじめまして！ここでの会話のまとめを作ります。🎉🎉",
            &"x".repeat(99),
            "",
        ] {
            let drawn = render_text(&json!({"type": "text", "text": text}));
            let widths: Vec<_> = drawn.lines().map(UnicodeWidthStr::width).collect();
            assert!(widths.iter().all(|w| *w == widths[0] && *w <= WIDTH + 4), "{drawn}");
        }
    }

    #[test]
    fn japanese_and_thai_are_broken_between_words() {
        assert_eq!(wrap("สวัสดีครับ ขอบคุณมาก", 6), ["สวัสดี", "ครับ", "ขอบคุณ", "มาก"]);
        assert_eq!(wrap("会議は、月曜です。", 6), ["会議", "は、月", "曜で", "す。"]);
    }

    #[test]
    fn what_is_unknown_is_named_not_hidden() {
        assert!(render_text(&json!({"type": "hologram"})).contains("[hologram]"));
        assert!(render_text(&json!(null)).contains("[unknown message]"));
        let odd = json!({"type": "flex", "contents": {"type": "bubble", "body": {"type": "cube"}}});
        assert!(render_text(&odd).contains("[cube]"));
    }

    #[test]
    fn quick_replies_stand_below_the_message() {
        let drawn = render_text(&json!({"type": "text", "text": "hi", "quickReply": {"items": [
            {"type": "action", "action": {"type": "message", "label": "Yes", "text": "y"}},
            {"type": "action", "action": {"type": "message", "label": "No", "text": "n"}},
        ]}}));
        insta::assert_snapshot!(drawn, @r"
        ╭────╮
        │ hi │
        ╰────╯
        ( Yes )  ( No )
        ");
    }
}
