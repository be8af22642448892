//! The lines of an exported chat: header, "saved on", messages of phones and desktops.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Time;
use matome_domain::language::Language;
use regex_lite::Regex;

use super::{date, notice};

/// A line that starts something.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    /// A message, or its first line.
    Message { time: Time, name: &'t str, text: &'t str },
    /// Something that happened in the room.
    Notice,
}

/// The chat's name and the file's language, from the first line.
pub(super) fn header(text: &str) -> Option<(String, Language)> {
    let text = text.trim();
    let bare = text.strip_prefix("[LINE]").map_or(text, str::trim_start);
    let tagged = bare.len() != text.len();
    for (start, language) in [
        ("Chat history with ", Language::En),
        ("Chat history in ", Language::En),
        ("Chat with ", Language::En),
        ("ประวัติการแชทกับ", Language::Th),
        ("ประวัติการแชทใน", Language::Th),
        ("ประวัติการแชท", Language::Th),
        ("ประวัติแชทกับ", Language::Th),
        ("ประวัติแชท", Language::Th),
        ("แชทกับ", Language::Th),
    ] {
        if let Some(title) = bare.strip_prefix(start) {
            let title = title.trim().trim_matches(['"', '“', '”', ':']).trim();
            return Some((title.to_owned(), language));
        }
    }
    for end in ["とのトーク履歴", "のトーク履歴", "とのトーク", "のトーク"] {
        if let Some(title) = bare.strip_suffix(end) {
            return Some((title.trim().to_owned(), Language::Ja));
        }
    }
    tagged.then(|| (bare.to_owned(), Language::En))
}

/// `Saved on: 2024/03/05 12:00` and its kin.
pub(super) fn is_saved_on(text: &str) -> bool {
    let text = text.trim();
    ["Saved on", "Saved time", "保存日時", "บันทึกเมื่อ", "วันที่บันทึก", "บันทึกวันที่"]
        .iter()
        .any(|s| text.starts_with(s))
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<before>午前|午後|AM|PM|am|pm)?[ ]?(?P<h>[0-2]?[0-9])[:.](?P<m>[0-5][0-9])(?::[0-5][0-9])?(?:[ ]?(?P<after>AM|PM|am|pm|a\.m\.|p\.m\.|午前|午後|น\.))?(?P<gap>\t| +)")
        .expect("a constant pattern, compiled by a test")
});

/// The time at the start of a line and what follows it; `true` when a tab separates the two.
fn time(text: &str) -> Option<(Time, &str, bool)> {
    let found = TIME.captures(text)?;
    let mut hour: i8 = found["h"].parse().ok()?;
    let minute: i8 = found["m"].parse().ok()?;
    let half = found.name("before").or_else(|| found.name("after")).map(|m| m.as_str());
    match half {
        Some("午後" | "PM" | "pm" | "p.m.") if hour < 12 => hour += 12,
        Some("午前" | "AM" | "am" | "a.m.") if hour == 12 => hour = 0,
        _ => {}
    }
    let time = Time::new(hour, minute, 0, 0).ok()?;
    Some((time, &text[found.get(0)?.end()..], &found["gap"] == "\t"))
}

/// A line that starts a message or a notice; `None` for one that goes on.
pub(super) fn message<'t>(text: &'t str, names: &[String]) -> Option<Line<'t>> {
    let (time, rest, tab) = time(text)?;
    if tab {
        return Some(match rest.split_once('\t') {
            // `22:05<tab><tab>… unsent a message`: nobody said it.
            Some(("", _)) => Line::Notice,
            Some((name, text)) => Line::Message { time, name: name.trim(), text },
            None => Line::Notice,
        });
    }
    if notice::is_notice(rest) {
        return Some(Line::Notice);
    }
    if let Some(name) = names
        .iter()
        .filter(|n| rest.strip_prefix(n.as_str()).is_some_and(|r| r.is_empty() || r.starts_with(' ')))
        .max_by_key(|n| n.len())
    {
        let text = rest[name.len()..].strip_prefix(' ').unwrap_or_default();
        return Some(Line::Message { time, name: &rest[..name.len()], text });
    }
    let (name, text) = rest.split_once(' ')?;
    Some(Line::Message { time, name, text })
}

/// Names of a desktop export, where a space ends a name and names have spaces too: what several
/// messages start with alike, as long as possible, is a name.
pub(super) fn desktop_names(lines: &[&str]) -> Vec<String> {
    const LONGEST: usize = 4;
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut messages = 0;
    for text in lines.iter().filter(|l| date::of_line(l, date::Order::MonthFirst).is_none()) {
        let Some((_, rest, false)) = time(text) else { continue };
        if notice::is_notice(rest) {
            continue;
        }
        messages += 1;
        let words: Vec<&str> = rest.split(' ').collect();
        for length in 1..=LONGEST.min(words.len().saturating_sub(1)) {
            *counts.entry(words[..length].join(" ")).or_default() += 1;
        }
    }
    if messages == 0 {
        return Vec::new();
    }
    // A longer beginning is the name if nearly every message that begins with the shorter one has it.
    let mut names: Vec<String> = counts.keys().filter(|k| !k.contains(' ')).cloned().collect();
    for name in &mut names {
        loop {
            let count = counts[name.as_str()];
            let longer = counts
                .iter()
                .filter(|(k, n)| {
                    k.strip_prefix(name.as_str()).is_some_and(|r| r.starts_with(' ') && !r[1..].contains(' '))
                        && **n == count
                        && count >= 3
                })
                .map(|(k, _)| k.clone())
                .min();
            match longer {
                Some(longer) => *name = longer,
                None => break,
            }
        }
    }
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (i8, i8, &str, &str) {
        match message(text, &[]) {
            Some(Line::Message { time, name, text }) => (time.hour(), time.minute(), name, text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn times_of_all_kinds() {
        assert_eq!(read("9:05\tAnn\tHi there"), (9, 5, "Ann", "Hi there"));
        assert_eq!(read("午後3:07\t佐藤\tはい"), (15, 7, "佐藤", "はい"));
        assert_eq!(read("午前12:07\t佐藤\tはい"), (0, 7, "佐藤", "はい"));
        assert_eq!(read("09:30PM\tAnn Lee\tHi"), (21, 30, "Ann Lee", "Hi"));
        assert_eq!(read("9:30 AM\tAnn\tHi\tthere"), (9, 30, "Ann", "Hi\tthere"));
        assert_eq!(read("21:30 น.\tสมชาย\tครับ"), (21, 30, "สมชาย", "ครับ"));
        assert_eq!(read("21:30 Ann Hi there"), (21, 30, "Ann", "Hi there"));
        assert_eq!(message("25:99\tAnn\tHi", &[]), None);
        assert_eq!(message("just words", &[]), None);
    }

    #[test]
    fn names_with_spaces_are_found_in_desktop_exports() {
        let lines = ["10:00 Ann Lee Hello", "10:01 Bob hi", "10:02 Ann Lee Shall we go", "10:03 Ann Lee ok"];
        let names = desktop_names(&lines);
        assert_eq!(
            message(lines[2], &names),
            Some(Line::Message { time: Time::constant(10, 2, 0, 0), name: "Ann Lee", text: "Shall we go" })
        );
        assert!(names.contains(&"Bob".to_owned()));
    }

    #[test]
    fn headers_name_the_chat() {
        for (text, title, language) in [
            ("[LINE] Chat history with Ann", "Ann", Language::En),
            ("Chat history in Team", "Team", Language::En),
            ("[LINE] 佐藤 花子とのトーク履歴", "佐藤 花子", Language::Ja),
            ("[LINE] 営業部のトーク履歴", "営業部", Language::Ja),
            ("[LINE] ประวัติการแชทกับ สมชาย", "สมชาย", Language::Th),
        ] {
            assert_eq!(header(text), Some((title.to_owned(), language)));
        }
        assert_eq!(header("hello"), None);
    }
}
