//! Finds a day that was said ("by Friday", 3月5日まで, วันที่ 5 มีนาคม 2567) and resolves it against the day
//! it was said on. What cannot be resolved for certain is no date.

use std::sync::LazyLock;

use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, ToSpan};
use matome_domain::clock::Timestamp;
use matome_domain::language::Language;
use regex_lite::Regex;

/// The calendar day in which people `offset_minutes` east of UTC said something.
pub(super) fn day_of(at: Timestamp, offset_minutes: i32) -> Option<Date> {
    let offset = Offset::from_seconds(offset_minutes.checked_mul(60)?).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(TimeZone::fixed(offset)).date())
}

/// The day that `text` names, said on `today` (if known).
pub(super) fn said(text: &str, language: Language, today: Option<Date>) -> Option<Date> {
    let text = ascii_digits(text).to_lowercase();
    full(&text)
        .or_else(|| month_and_day(&text, language, today))
        .or_else(|| today.and_then(|today| relative(&text, language, today)))
}

/// Whether someone else may read `day` out of `text`, said on `today` (if known): it names a day near it,
/// or one that is not certain to [`said`], or an hour.
pub(super) fn allows(text: &str, language: Language, today: Option<Date>, day: Date) -> bool {
    /// "Next Friday" is this week's to some and next week's to others.
    const NEAR: i32 = 7;
    match said(text, language, today) {
        Some(named) => (named - day).get_days().abs() <= NEAR,
        None => said(text, language, Some(day)).is_some() || hints(text, language),
    }
}

/// Whether `text` tells of a time that is no certain day: `3/5`, "by 5 pm", 来週, เดือนหน้า.
fn hints(text: &str, language: Language) -> bool {
    static RULES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        [
            rule(concat!(
                r"(?:^|[^0-9/])[0-3]?[0-9]/[0-3]?[0-9](?:[^0-9/]|$)|[0-9](?:st|nd|rd|th)(?:[^a-z]|$)|[0-9]:[0-5][0-9]",
                r"|[0-9]\s*(?:am|pm|a\.m|p\.m|o'?clock)|(?:^|[^a-z])(?:noon|midnight|weekend)",
                r"|(?:this|next|coming|end of the) (?:week|month|year)|(?:in|within) [a-z0-9]+ (?:hour|day|week|month)",
                r"|(?:on|by|until|till|before|this|next) (?:mon|tues?|wed|thu|thurs?|fri|sat|sun)(?:[^a-z]|$)",
            )),
            rule(
                r"[0-9一二三四五六七八九十]+(?:日|時|週間|月)|[今来]週|週[末明]|[今来]月|月[末初]|年[末内]|[今来]年|正午|午[前後]|夕方|[（(][月火水木金土日][)）]",
            ),
            rule(
                r"วันที่\s*[0-9]|[0-9][:.][0-9]{2}\s*น|โมง|ทุ่ม|เที่ยง|(?:สัปดาห์|อาทิตย์|เดือน|ปี)(?:นี้|หน้า)|สุดสัปดาห์|ภายใน\s*[0-9]",
            ),
        ]
    });
    RULES[language as usize].is_match(&ascii_digits(text).to_lowercase())
}

/// Full-width and Thai digits as ASCII ones.
fn ascii_digits(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
            '๐'..='๙' => char::from(b'0' + (c as u32 - '๐' as u32) as u8),
            c => c,
        })
        .collect()
}

fn rule(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, compiled by a test")
}

/// A year of the Buddhist era is 543 ahead; 67 is short for 2567.
fn common_era(year: i16) -> i16 {
    match year {
        2400..=2700 => year - 543,
        0..=99 => year + 2500 - 543,
        _ => year,
    }
}

/// Dates with a year: `2024-03-05`, `2024/3/5`, 2024年3月5日.
fn full(text: &str) -> Option<Date> {
    static ISO: LazyLock<Regex> = LazyLock::new(|| {
        rule(r"(?:^|[^0-9])([12][0-9]{3})(?:-|/|\.|年)([01]?[0-9])(?:-|/|\.|月)([0-3]?[0-9])(?:[^0-9]|$)")
    });
    let found = ISO.captures(text)?;
    Date::new(common_era(number(&found[1])?), number(&found[2])?, number(&found[3])?).ok()
}

fn number<N: std::str::FromStr>(digits: &str) -> Option<N> {
    digits.parse().ok()
}

const MONTHS: [(&str, i8); 12] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
];
/// Long and short, January first.
pub(crate) const THAI_MONTHS: [(&str, &str); 12] = [
    ("มกราคม", "ม.ค."),
    ("กุมภาพันธ์", "ก.พ."),
    ("มีนาคม", "มี.ค."),
    ("เมษายน", "เม.ย."),
    ("พฤษภาคม", "พ.ค."),
    ("มิถุนายน", "มิ.ย."),
    ("กรกฎาคม", "ก.ค."),
    ("สิงหาคม", "ส.ค."),
    ("กันยายน", "ก.ย."),
    ("ตุลาคม", "ต.ค."),
    ("พฤศจิกายน", "พ.ย."),
    ("ธันวาคม", "ธ.ค."),
];

/// A month and a day, perhaps a year: 3月5日, "March 5th", 5 มีนาคม 2567, `5/3` (Thai), `3/5` (Japanese).
fn month_and_day(text: &str, language: Language, today: Option<Date>) -> Option<Date> {
    static JAPANESE: LazyLock<Regex> = LazyLock::new(|| rule(r"([01]?[0-9])月([0-3]?[0-9])日?"));
    static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
        rule(
            r"(?:^|[^a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|tember|t|ober|ember)?\.?\s+(?:the\s+)?([0-3]?[0-9])(?:st|nd|rd|th)?(?:,?\s+([12][0-9]{3}))?(?:[^0-9:a-z]|$)",
        )
    });
    static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
        rule(
            r"(?:^|[^0-9:])([0-3]?[0-9])(?:st|nd|rd|th)?\s+(?:of\s+)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|tember|t|ober|ember)?(?:,?\s+([12][0-9]{3}))?(?:[^a-z]|$)",
        )
    });
    static THAI: LazyLock<Regex> = LazyLock::new(|| {
        let names: Vec<String> = THAI_MONTHS
            .iter()
            .flat_map(|(long, short)| [(*long).to_owned(), short.replace('.', r"\.")])
            .collect();
        rule(&format!(
            r"([0-3]?[0-9])\s*({})(?:\s*(?:พ\.ศ\.\s*|ค\.ศ\.\s*)?([0-9]{{4}}|[0-9]{{2}}))?",
            names.join("|")
        ))
    });
    static SLASH: LazyLock<Regex> = LazyLock::new(|| {
        rule(r"(?:^|[^0-9/])([0-3]?[0-9])/([0-3]?[0-9])(?:/([0-9]{4}|[0-9]{2}))?(?:[^0-9/]|$)")
    });
    if let Some(f) = JAPANESE.captures(text) {
        return dated(None, number(&f[1])?, number(&f[2])?, today);
    }
    if let Some(f) = THAI.captures(text) {
        let month = THAI_MONTHS.iter().position(|(long, short)| *long == &f[2] || *short == &f[2])?;
        let year = f.get(3).and_then(|y| number::<i16>(y.as_str())).map(common_era);
        return dated(year, i8::try_from(month + 1).ok()?, number(&f[1])?, today);
    }
    let month = |name: &str| MONTHS.iter().find(|(m, _)| *m == name).map(|(_, n)| *n);
    if language != Language::Ja {
        if let Some(f) = MONTH_FIRST.captures(text) {
            return dated(f.get(3).and_then(|y| number(y.as_str())), month(&f[1])?, number(&f[2])?, today);
        }
        if let Some(f) = DAY_FIRST.captures(text) {
            return dated(f.get(3).and_then(|y| number(y.as_str())), month(&f[2])?, number(&f[1])?, today);
        }
    }
    let f = SLASH.captures(text)?;
    let year = f.get(3).and_then(|y| number::<i16>(y.as_str()));
    match language {
        // 3/5 is March or May in English, depending on who writes: no date.
        Language::En => None,
        Language::Ja => dated(None, number(&f[1])?, number(&f[2])?, today),
        Language::Th => dated(year.map(common_era), number(&f[2])?, number(&f[1])?, today),
    }
}

/// Without a year the next such day; one just past is this year's ("it was due on March 3").
fn dated(year: Option<i16>, month: i8, day: i8, today: Option<Date>) -> Option<Date> {
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    let today = today?;
    let this = Date::new(today.year(), month, day).ok()?;
    let late = today.checked_sub(14.days()).ok()?;
    if this >= late { Some(this) } else { Date::new(today.year() + 1, month, day).ok() }
}

const WEEKDAYS: [(Weekday, &str, &str, &str); 7] = [
    (Weekday::Monday, "monday", "月曜", "จันทร์"),
    (Weekday::Tuesday, "tuesday", "火曜", "อังคาร"),
    (Weekday::Wednesday, "wednesday", "水曜", "พุธ"),
    (Weekday::Thursday, "thursday", "木曜", "พฤหัส"),
    (Weekday::Friday, "friday", "金曜", "ศุกร์"),
    (Weekday::Saturday, "saturday", "土曜", "เสาร์"),
    (Weekday::Sunday, "sunday", "日曜", "วันอาทิตย์"),
];

/// Days counted from today.
fn relative(text: &str, language: Language, today: Date) -> Option<Date> {
    let plus = |days: i64| today.checked_add(Span::new().try_days(days).ok()?).ok();
    let has = |cues: &[&str]| cues.iter().any(|c| word_in(text, c, language));
    let (day_after, tomorrow, now): (&[&str], &[&str], &[&str]) = match language {
        Language::En => (
            &["day after tomorrow"],
            &["tomorrow", "tmrw", "2moro"],
            &["today", "tonight", "this evening", "this afternoon", "this morning"],
        ),
        Language::Ja => (
            &["明後日", "あさって"],
            &["明日", "あした", "あす"],
            &["今日", "本日", "今夜", "今晩", "きょう"],
        ),
        Language::Th => (&["มะรืน"], &["พรุ่งนี้", "วันพรุ่ง"], &["วันนี้", "คืนนี้", "เย็นนี้", "บ่ายนี้"]),
    };
    if has(day_after) {
        return plus(2);
    }
    if has(tomorrow) {
        return plus(1);
    }
    if let Some(day) = weekday(text, language, today) {
        return Some(day);
    }
    if has(now) {
        return Some(today);
    }
    if let Some(days) = days_ahead(text, language) {
        return plus(days);
    }
    let month_end: &[&str] = match language {
        Language::En => &["end of the month", "end of this month", "month end"],
        Language::Ja => &["今月末", "月末", "今月中"],
        Language::Th => &["สิ้นเดือน"],
    };
    let other_month: &[&str] = &["next month", "来月", "หน้า"];
    (has(month_end) && !other_month.iter().any(|o| text.contains(o))).then(|| today.last_of_month())
}

/// The day of the week that is named: the next one, or the one of the next week.
fn weekday(text: &str, language: Language, today: Date) -> Option<Date> {
    let (weekday, name) = WEEKDAYS.iter().find_map(|(day, en, ja, th)| match language {
        Language::En => {
            (word_in(text, en, language) || word_in(text, &format!("{en}s"), language)).then_some((*day, *en))
        }
        Language::Ja => text.contains(ja).then_some((*day, *ja)),
        Language::Th => text.contains(th).then_some((*day, *th)),
    })?;
    let next_week = match language {
        Language::En => text.contains(&format!("next {name}")) || text.contains("next week"),
        Language::Ja => text.contains("来週"),
        Language::Th => text.contains("หน้า"),
    };
    let last = match language {
        Language::En => text.contains(&format!("last {name}")),
        Language::Ja => text.contains("先週"),
        Language::Th => text.contains("ที่แล้ว") || text.contains("ที่ผ่านมา"),
    };
    if last {
        return None;
    }
    let from_monday = |day: Weekday| i64::from(day.to_monday_zero_offset());
    let ahead = (from_monday(weekday) - from_monday(today.weekday())).rem_euclid(7);
    let days = if next_week {
        7 - from_monday(today.weekday()) + from_monday(weekday)
    } else if ahead == 0 {
        7
    } else {
        ahead
    };
    today.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// "in 3 days", 3日以内, ภายใน 3 วัน.
fn days_ahead(text: &str, language: Language) -> Option<i64> {
    static RULES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        [
            rule(r"(?:in|within)\s+([0-9]{1,3})\s+days"),
            rule(r"([0-9]{1,3})日(?:以内|後)"),
            rule(r"(?:ภายใน|อีก)\s*([0-9]{1,3})\s*วัน"),
        ]
    });
    number(&RULES[language as usize].captures(text)?[1])
}

/// Whether a cue stands in the text; an English one as a word.
fn word_in(text: &str, cue: &str, language: Language) -> bool {
    if language != Language::En {
        return text.contains(cue);
    }
    text.match_indices(cue).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + cue.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Tuesday.
    fn today() -> Option<Date> {
        Some(Date::constant(2024, 3, 5))
    }

    fn on(text: &str, language: Language) -> Option<String> {
        said(text, language, today()).map(|d| d.to_string())
    }

    #[test]
    fn english_days() {
        for (text, expected) in [
            ("I'll bring it tomorrow", Some("2024-03-06")),
            ("please pay by Friday", Some("2024-03-08")),
            ("next Friday then", Some("2024-03-15")),
            ("see you on Tuesday", Some("2024-03-12")),
            ("due March 9th, 2025", Some("2025-03-09")),
            ("on 1 April", Some("2024-04-01")),
            ("Jan 10", Some("2025-01-10")),
            ("2024-12-24 at noon", Some("2024-12-24")),
            ("within 3 days", Some("2024-03-08")),
            ("by the end of the month", Some("2024-03-31")),
            ("tonight", Some("2024-03-05")),
            ("3/5 maybe", None),
            ("last Friday", None),
            ("may 100 people come", None),
            ("some day", None),
        ] {
            assert_eq!(on(text, Language::En).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn japanese_days() {
        for (text, expected) in [
            ("明日までに送ります", Some("2024-03-06")),
            ("明後日でお願いします", Some("2024-03-07")),
            ("金曜日までに", Some("2024-03-08")),
            ("来週の月曜に", Some("2024-03-11")),
            ("３月２０日に届きます", Some("2024-03-20")),
            ("1月10日", Some("2025-01-10")),
            ("2024年12月1日", Some("2024-12-01")),
            ("4/1から", Some("2024-04-01")),
            ("3日以内に", Some("2024-03-08")),
            ("月末まで", Some("2024-03-31")),
            ("来月末まで", None),
            ("いつか", None),
        ] {
            assert_eq!(on(text, Language::Ja).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn thai_days() {
        for (text, expected) in [
            ("พรุ่งนี้ส่งให้นะคะ", Some("2024-03-06")),
            ("ภายในวันศุกร์นี้", Some("2024-03-08")),
            ("วันจันทร์หน้า", Some("2024-03-11")),
            ("วันที่ 5 เมษายน 2567", Some("2024-04-05")),
            ("๕ มีนาคม ๒๕๖๘", Some("2025-03-05")),
            ("10 เม.ย. 67", Some("2024-04-10")),
            ("วันที่ 20/3", Some("2024-03-20")),
            ("ภายใน 3 วัน", Some("2024-03-08")),
            ("สิ้นเดือนนี้", Some("2024-03-31")),
            ("สักวัน", None),
        ] {
            assert_eq!(on(text, Language::Th).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_counted_from_an_unknown_day() {
        assert_eq!(said("tomorrow", Language::En, None), None);
        assert_eq!(said("3月5日", Language::Ja, None), None);
        assert_eq!(said("2024-03-05", Language::En, None), Some(Date::constant(2024, 3, 5)));
    }

    #[test]
    fn others_may_read_a_day_where_one_is_named() {
        let day = Date::constant(2024, 3, 15);
        for (text, language, allowed) in [
            ("by Friday", Language::En, true),
            ("by March 28", Language::En, false),
            ("pay 3/15 please", Language::En, true),
            ("by 5 pm", Language::En, true),
            ("by next week", Language::En, true),
            ("by Fri", Language::En, true),
            ("on the 15th", Language::En, true),
            ("as soon as you can", Language::En, false),
            ("we sat in the sun and paid 1500", Language::En, false),
            ("来週中にお願いします", Language::Ja, true),
            ("15日までに", Language::Ja, true),
            ("３時に行きます", Language::Ja, true),
            ("なるべく早くお願いします", Language::Ja, false),
            ("สัปดาห์หน้า", Language::Th, true),
            ("ก่อนห้าโมง", Language::Th, true),
            ("โดยเร็ว", Language::Th, false),
        ] {
            assert_eq!(allows(text, language, today(), day), allowed, "{text}");
        }
        assert!(allows("tomorrow", Language::En, None, day), "counted from a day that only they know");
    }

    #[test]
    fn the_day_is_the_day_of_the_people_in_the_talk() {
        // 2024-03-04T23:30Z is already Tuesday in Tokyo.
        let at = Timestamp(1_709_595_000_000);
        assert_eq!(day_of(at, 540), Some(Date::constant(2024, 3, 5)));
        assert_eq!(day_of(at, 0), Some(Date::constant(2024, 3, 4)));
        assert_eq!(day_of(at, i32::MAX), None);
    }
}
