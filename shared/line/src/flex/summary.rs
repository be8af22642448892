//! A summary as a Flex bubble. Long summaries are shortened evenly, step by step, until the bubble
//! fits LINE's size: the full account is one tap away.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use matome_domain::clock::Timestamp;
use matome_domain::language::Language;
use serde_json::{Value, json};

use super::component::{
    GRAY, GREEN, INK, WHITE, bold, button, clean, column, flex_message, marked, postback, row, separator,
    text,
};
use super::{ActionItemView, BUILTIN, SummaryView, limits};
use crate::locale;
use crate::postback::{PostbackAction, Rating};
use crate::utf16;

/// How much of a summary is shown.
#[derive(Debug, Clone, Copy)]
struct Measure {
    /// Entries of each section.
    items: usize,
    /// UTF-16 units of an entry; the brief may have four times as many.
    units: usize,
}

/// From generous to what always fits: 4 sections × 3 entries × (2 × 60 units × 3 bytes + frame).
const MEASURES: [Measure; 6] = [
    Measure { items: 12, units: 300 },
    Measure { items: 10, units: 200 },
    Measure { items: 8, units: 150 },
    Measure { items: 6, units: 120 },
    Measure { items: 5, units: 80 },
    Measure { items: 3, units: 60 },
];

/// Names (rooms, assignees, writers) are cut here, in UTF-16 units.
const NAME: usize = 60;

/// A summary as a Flex message: brief, key points, things to do, decisions, open questions, five
/// stars to rate it, and a button for the details.
#[must_use]
pub fn summary_message(view: &SummaryView, language: Language) -> Value {
    let mut contents = Value::Null;
    for measure in MEASURES {
        contents = bubble(view, language, measure);
        if contents.to_string().len() <= limits::BUBBLE_BYTES {
            break;
        }
    }
    flex_message(&alt_text(view, language), contents)
}

fn title(view: &SummaryView, language: Language) -> String {
    match view.room_name.as_deref().map(clean).filter(|r| !r.is_empty()) {
        Some(room) => locale::text(language, "summary-title-room")
            .with("room", utf16::truncate(&room, NAME))
            .to_string(),
        None => locale::text(language, "summary-title").to_string(),
    }
}

/// What notifications and screen readers say: title, brief, key points.
fn alt_text(view: &SummaryView, language: Language) -> String {
    let mut lines = vec![title(view, language)];
    lines.extend(Some(clean(&view.brief)).filter(|b| !b.is_empty()));
    lines.extend(kept(&view.bullets).into_iter().map(|b| format!("• {b}")));
    lines.join("\n")
}

fn bubble(view: &SummaryView, language: Language, measure: Measure) -> Value {
    let mut header = column(
        vec![bold(&title(view, language), "lg", WHITE), text(&facts(view, language), "xs", WHITE)],
        "xs",
    );
    header["backgroundColor"] = json!(GREEN);
    let mut bubble =
        json!({"type": "bubble", "size": "mega", "header": header, "footer": footer(view, language)});
    let body = body(view, language, measure);
    if !body.is_empty() {
        bubble["body"] = column(body, "md");
    }
    bubble
}

fn body(view: &SummaryView, language: Language, measure: Measure) -> Vec<Value> {
    let mut body = Vec::new();
    let brief = clean(&view.brief);
    if !brief.is_empty() {
        body.push(text(&utf16::truncate(&brief, measure.units * 4), "md", INK));
    }
    let point = |mark: &'static str| {
        move |words: &String| marked(mark, vec![text(&utf16::truncate(words, measure.units), "sm", INK)])
    };
    let year = local(view.ended_at, view.utc_offset_minutes).map(|t| t.year());
    let sections: [(Option<&'static str>, Vec<Value>); 4] = [
        (None, kept(&view.bullets).iter().map(point("•")).collect()),
        (
            Some("actions"),
            view.action_items
                .iter()
                .filter(|a| !clean(&a.item).is_empty())
                .map(|a| action_item(a, year, language, measure))
                .collect(),
        ),
        (Some("decisions"), kept(&view.decisions).iter().map(point("✓")).collect()),
        (Some("questions"), kept(&view.open_questions).iter().map(point("?")).collect()),
    ];
    for (heading, entries) in sections {
        if entries.is_empty() {
            continue;
        }
        if !body.is_empty() {
            body.push(separator());
        }
        if let Some(key) = heading {
            body.push(bold(&locale::text(language, key).to_string(), "sm", GRAY));
        }
        let hidden = entries.len().saturating_sub(measure.items);
        body.extend(entries.into_iter().take(measure.items));
        if hidden > 0 {
            body.push(text(&locale::text(language, "more").with("count", hidden).to_string(), "xs", GRAY));
        }
    }
    body
}

fn action_item(action: &ActionItemView, year: Option<i16>, language: Language, measure: Measure) -> Value {
    let mut contents = vec![text(&utf16::truncate(&clean(&action.item), measure.units), "sm", INK)];
    let who = action.assigned_to.as_deref().map(clean).filter(|w| !w.is_empty());
    let until = action.deadline.as_deref().map(clean).filter(|d| !d.is_empty());
    let mut notes = Vec::new();
    notes.extend(who.map(|w| format!("👤 {}", utf16::truncate(&w, NAME))));
    notes.extend(until.map(|d| format!("📅 {}", utf16::truncate(&deadline(&d, year, language), NAME))));
    if !notes.is_empty() {
        contents.push(text(&notes.join("  "), "xs", GRAY));
    }
    marked("☐", contents)
}

fn footer(view: &SummaryView, language: Language) -> Value {
    let stars = Rating::ALL.map(|rating| {
        let action = PostbackAction::RateSummary { summary_id: view.summary_id.clone(), rating };
        let label = locale::text(language, "rate-label").with("stars", rating.stars()).to_string();
        let said = locale::text(language, "rate-said").with("stars", rating.stars()).to_string();
        let mut star = text("☆", "xxl", GREEN);
        star["align"] = json!("center");
        star["action"] = postback(&action, &label, &said);
        star
    });
    let details = PostbackAction::ShowDetails { summary_id: view.summary_id.clone() };
    let label = locale::text(language, "details-label").to_string();
    let said = locale::text(language, "details-said").to_string();
    let writer = clean(&view.written_by);
    let written_by = if writer == BUILTIN || writer.is_empty() {
        locale::text(language, "written-by-builtin").to_string()
    } else {
        locale::text(language, "written-by").with("writer", utf16::truncate(&writer, NAME)).to_string()
    };
    let mut rate = text(&locale::text(language, "rate").to_string(), "xs", GRAY);
    rate["align"] = json!("center");
    let mut written_by = text(&written_by, "xxs", GRAY);
    written_by["align"] = json!("center");
    column(
        vec![
            rate,
            row(stars.to_vec(), "none"),
            button("primary", postback(&details, &label, &said)),
            written_by,
        ],
        "sm",
    )
}

/// "No. 3 · Jul 3 14:05–15:20 · 42 messages · 3 people".
fn facts(view: &SummaryView, language: Language) -> String {
    let mut facts = vec![locale::text(language, "session").with("number", view.session_number).to_string()];
    let start = local(view.started_at, view.utc_offset_minutes);
    let end = local(view.ended_at, view.utc_offset_minutes);
    if let (Some(start), Some(end)) = (start, end) {
        let clock = |t: jiff::civil::DateTime| format!("{:02}:{:02}", t.hour(), t.minute());
        let first = date(start.date(), None, language);
        facts.push(if start.date() == end.date() {
            format!("{first} {}–{}", clock(start), clock(end))
        } else {
            format!("{first} {} – {} {}", clock(start), date(end.date(), None, language), clock(end))
        });
    }
    let counts = locale::text(language, "counts");
    facts
        .push(counts.with("messages", view.message_count).with("people", view.participant_count).to_string());
    facts.join(" · ")
}

/// `None` for times and offsets beyond the calendar.
fn local(at: Timestamp, offset_minutes: i32) -> Option<jiff::civil::DateTime> {
    let offset = Offset::from_seconds(offset_minutes.checked_mul(60)?).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(TimeZone::fixed(offset).to_datetime(at))
}

/// A deadline as the language writes days; the year only when it is not the talk's own.
fn deadline(deadline: &str, year: Option<i16>, language: Language) -> String {
    match deadline.parse::<Date>() {
        Ok(day) => date(day, Some(day.year()).filter(|y| Some(*y) != year), language),
        Err(_) => deadline.to_owned(),
    }
}

fn date(day: Date, year: Option<i16>, language: Language) -> String {
    let key = if year.is_some() { "date-year" } else { "date" };
    let mut words = locale::text(language, key).with("month", day.month()).with("day", day.day());
    if let Some(year) = year {
        // As a string: a number would get digit grouping.
        words = words.with("year", year.to_string());
    }
    words.to_string()
}

fn kept(texts: &[String]) -> Vec<String> {
    texts.iter().map(|t| clean(t)).filter(|t| !t.is_empty()).collect()
}
