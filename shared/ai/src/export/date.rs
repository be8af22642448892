//! Date lines: `2024/03/05(火)`, `2024.03.05 火曜日`, `Tue, 03/05/2024`, `อ. 05/03/2567`, …

use crate::builtin::dates::THAI_MONTHS;
use std::sync::LazyLock;

use jiff::civil::Date;
use regex_lite::Regex;

/// Which of two small numbers is the month, in lines that end with the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    MonthFirst,
    DayFirst,
}

static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    rule(r"^(?P<y>[12][0-9]{3})\s?[./年-]\s?(?P<m>[01]?[0-9])\s?[./月-]\s?(?P<d>[0-3]?[0-9])日?\s*(?P<w>.*)$")
});
static YEAR_LAST: LazyLock<Regex> = LazyLock::new(|| {
    rule(
        r"^(?P<w>[^0-9]*?)[,.]?\s*(?P<a>[0-3]?[0-9])[./-](?P<b>[0-3]?[0-9])[./-](?P<y>[12][0-9]{3})\s*(?P<v>[^0-9]*)$",
    )
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    rule(
        r"^(?P<w>[^0-9]*?)(?:ที่)?[,.]?\s*(?P<d>[0-3]?[0-9])\s+(?P<m>[^0-9\s]+)\s+(?:พ\.ศ\.\s*|ค\.ศ\.\s*)?(?P<y>[12][0-9]{3})\s*$",
    )
});

fn rule(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, compiled by a test")
}

/// Words that may stand beside a date: weekdays in the three languages, whole or short.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const THAI_DAYS: [&str; 14] =
    ["จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "พฤหัส", "ศุกร์", "เสาร์", "อาทิตย์", "จ", "อ", "พ", "พฤ", "ศ", "ส"];

/// Whether nothing but a weekday (or nothing) stands beside the numbers.
fn is_weekday(word: &str) -> bool {
    let word = word.trim().trim_matches(|c: char| matches!(c, '(' | ')' | '（' | '）' | ',' | '.' | ' '));
    if word.is_empty() {
        return true;
    }
    let lower = word.to_lowercase();
    if WEEKDAYS.iter().any(|d| lower == *d || (lower.starts_with(d) && lower.ends_with("day"))) {
        return true;
    }
    let japanese = word.trim_end_matches("曜日").trim_end_matches('曜');
    if japanese.chars().count() == 1 && "日月火水木金土".contains(japanese) {
        return true;
    }
    let thai =
        word.strip_prefix("วัน").unwrap_or(word).trim().trim_end_matches("ที่").trim_end_matches('.').trim();
    THAI_DAYS.contains(&thai) || thai == "อา"
}

/// Years of the Buddhist era are 543 ahead.
fn common_era(year: i16) -> i16 {
    if year >= 2400 { year - 543 } else { year }
}

/// The date of a date line; `None` for any other line.
pub(super) fn of_line(text: &str, order: Order) -> Option<Date> {
    let text = text.trim();
    // Cheap, and most lines of a chat are no dates.
    if text.len() > 80 || text.contains('\t') || text.contains(':') {
        return None;
    }
    if let Some(f) = YEAR_FIRST.captures(text) {
        return is_weekday(&f["w"])
            .then(|| {
                Date::new(common_era(f["y"].parse().ok()?), f["m"].parse().ok()?, f["d"].parse().ok()?).ok()
            })
            .flatten();
    }
    if let Some((a, b, year)) = year_last(text) {
        let (month, day) = match order {
            _ if a > 12 => (b, a),
            _ if b > 12 => (a, b),
            Order::MonthFirst => (a, b),
            Order::DayFirst => (b, a),
        };
        return Date::new(common_era(year), month, day).ok();
    }
    let f = NAMED.captures(text)?;
    let name = f["m"].to_lowercase();
    let month =
        THAI_MONTHS.iter().position(|(long, short)| name == *long || name == *short).or_else(|| {
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
                .iter()
                .position(|m| name.starts_with(m))
        })?;
    is_weekday(&f["w"])
        .then(|| {
            Date::new(common_era(f["y"].parse().ok()?), i8::try_from(month + 1).ok()?, f["d"].parse().ok()?)
                .ok()
        })
        .flatten()
}

fn year_last(text: &str) -> Option<(i8, i8, i16)> {
    let f = YEAR_LAST.captures(text)?;
    let beside = format!("{}{}", &f["w"], &f["v"]);
    if !is_weekday(&beside) {
        return None;
    }
    Some((f["a"].parse().ok()?, f["b"].parse().ok()?, f["y"].parse().ok()?))
}

/// Whether the file writes the month or the day first. Decided by a date that can be read only one
/// way, or by the weekday beside one; else by language: Thai writes the day first, US English the month.
pub(super) fn order(lines: &[&str]) -> Order {
    let mut thai = false;
    for text in lines.iter().filter(|l| l.len() < 80 && !l.contains('\t') && !l.contains(':')) {
        let Some((a, b, year)) = year_last(text.trim()) else { continue };
        thai |= year >= 2400 || text.chars().any(|c| ('\u{0E00}'..='\u{0E7F}').contains(&c));
        if a > 12 {
            return Order::DayFirst;
        }
        if b > 12 {
            return Order::MonthFirst;
        }
        let lower = text.to_lowercase();
        let said = WEEKDAYS.iter().position(|d| lower.contains(d));
        let weekday = |month: i8, day: i8| {
            Date::new(common_era(year), month, day)
                .ok()
                .map(|d| usize::from(d.weekday().to_monday_zero_offset().unsigned_abs()))
        };
        if let Some(said) = said {
            match (weekday(a, b) == Some(said), weekday(b, a) == Some(said)) {
                (true, false) => return Order::MonthFirst,
                (false, true) => return Order::DayFirst,
                _ => {}
            }
        }
    }
    if thai { Order::DayFirst } else { Order::MonthFirst }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_lines_of_all_three_languages() {
        for line in [
            "2024/03/05(火)",
            "2024/3/5（火）",
            "2024.03.05 火曜日",
            "2024年3月5日 火曜日",
            "2024.03.05 Tuesday",
            "2024/03/05(Tue)",
            "2024-03-05",
            "Tue, 03/05/2024",
            "Tue, 3/5/2024",
            "2567/03/05(อ.)",
            "2024.03.05 วันอังคาร",
            "วันอังคารที่ 5 มีนาคม 2567",
            "อ. 5 มี.ค. 2567",
            "5 March 2024",
        ] {
            assert_eq!(of_line(line, Order::MonthFirst), Some(Date::constant(2024, 3, 5)), "{line}");
        }
        assert_eq!(of_line("อังคาร, 05/03/2567", Order::DayFirst), Some(Date::constant(2024, 3, 5)));
        assert_eq!(of_line("อ., 05/03/2024", Order::DayFirst), Some(Date::constant(2024, 3, 5)));
    }

    #[test]
    fn other_lines_are_no_dates() {
        for line in [
            "2024/03/05 is when we meet",
            "on 03/05/2024",
            "12:30\tA\t2024/03/05",
            "2024/13/45(火)",
            "5 apples 2024",
            "",
        ] {
            assert_eq!(of_line(line, Order::MonthFirst), None, "{line}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_found_in_the_file() {
        assert_eq!(order(&["Tue, 03/05/2024"]), Order::MonthFirst);
        assert_eq!(order(&["Tue, 05/03/2024"]), Order::DayFirst);
        assert_eq!(order(&["Fri, 03/01/2024", "Wed, 03/27/2024"]), Order::MonthFirst);
        assert_eq!(order(&["05/03/2567"]), Order::DayFirst);
    }
}
