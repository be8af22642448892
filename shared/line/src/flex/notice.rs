//! Short messages around a summary.

use matome_domain::ids::DocumentId;
use matome_domain::language::Language;
use serde_json::{Value, json};

use super::component::{button, clean, column, flex_message, postback, quick_reply, text, text_message};
use super::{component, limits};
use crate::locale;
use crate::postback::{PostbackAction, Rating};
use crate::utf16;

/// The full account of a summary, as one to five text messages. What does not fit into five
/// (25,000 UTF-16 units) ends with "…".
#[must_use]
pub fn details_messages(session_number: u64, detailed: &str, language: Language) -> Vec<Value> {
    let detailed = clean(detailed);
    if detailed.is_empty() {
        return vec![text_message(&locale::text(language, "details-none").to_string())];
    }
    let title = locale::text(language, "details-title").with("number", session_number);
    let mut pieces = utf16::split(&format!("{title}\n\n{detailed}"), limits::TEXT);
    if pieces.len() > limits::MESSAGES {
        pieces.truncate(limits::MESSAGES);
        if let Some(last) = pieces.last_mut() {
            *last = format!(
                "{}{}",
                utf16::truncate(last, limits::TEXT - 1).trim_end_matches('…'),
                utf16::ELLIPSIS
            );
        }
    }
    pieces.iter().map(|p| text_message(p)).collect()
}

/// "The summary is ready", with a button whose tap brings a free reply token.
#[must_use]
pub fn summary_ready_message(summary_id: &DocumentId, room_name: Option<&str>, language: Language) -> Value {
    let room = room_name.map(clean).filter(|r| !r.is_empty()).map(|r| utf16::truncate(&r, 100));
    let words = match room {
        Some(room) => locale::text(language, "ready-room").with("room", room).to_string(),
        None => locale::text(language, "ready").to_string(),
    };
    let label = locale::text(language, "ready-label").to_string();
    let said = locale::text(language, "ready-said").to_string();
    let show = PostbackAction::ShowSummary { summary_id: summary_id.clone() };
    let bubble = json!({
        "type": "bubble",
        "size": "kilo",
        "body": column(vec![text(&words, "sm", component::INK)], "none"),
        "footer": column(vec![button("primary", postback(&show, &label, &said))], "none"),
    });
    flex_message(&words, bubble)
}

/// Thanks for a rating.
#[must_use]
pub fn thanks_for_rating(rating: Rating, language: Language) -> Value {
    text_message(&locale::text(language, "thanks").with("stars", rating.stars()).to_string())
}

/// Somebody asked for a summary where nothing was said.
#[must_use]
pub fn nothing_to_summarize(language: Language) -> Value {
    text_message(&locale::text(language, "nothing").to_string())
}

/// To somebody who added the account.
#[must_use]
pub fn welcome_user(language: Language) -> Value {
    welcome("welcome-user", language)
}

/// To a group or room that the account joined.
#[must_use]
pub fn welcome_group(language: Language) -> Value {
    welcome("welcome-group", language)
}

fn welcome(key: &'static str, language: Language) -> Value {
    let mut message = text_message(&locale::text(language, key).to_string());
    let label = locale::text(language, "summarize-label").to_string();
    let said = locale::text(language, "summarize-said").to_string();
    quick_reply(&mut message, &PostbackAction::Summarize, &label, &said);
    message
}
