//! The messages Matome sends, in three languages and within LINE's limits, as the JSON objects
//! that go into `messages` of a reply or push.

mod component;
pub mod limits;
mod notice;
mod summary;

use matome_domain::clock::Timestamp;
use matome_domain::ids::DocumentId;

pub use notice::{
    details_messages, nothing_to_summarize, summary_ready_message, thanks_for_rating, welcome_group,
    welcome_user,
};
pub use summary::summary_message;

/// What a summary message shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryView {
    /// The summary.
    pub summary_id: DocumentId,
    /// Which session of the room, from 1.
    pub session_number: u64,
    /// The room's name, if it has one.
    pub room_name: Option<String>,
    /// One or two sentences.
    pub brief: String,
    /// Key points.
    pub bullets: Vec<String>,
    /// Things someone is to do.
    pub action_items: Vec<ActionItemView>,
    /// What was decided.
    pub decisions: Vec<String>,
    /// What was asked and not answered.
    pub open_questions: Vec<String>,
    /// Messages in the session.
    pub message_count: u64,
    /// People who wrote.
    pub participant_count: u64,
    /// The session's first message.
    pub started_at: Timestamp,
    /// The session's last message.
    pub ended_at: Timestamp,
    /// Minutes east of UTC in which times are shown.
    pub utc_offset_minutes: i32,
    /// Who wrote it: [`BUILTIN`] or a provider's name.
    pub written_by: String,
}

/// [`SummaryView::written_by`] of the built-in summarizer, as in `Provenance::provider`.
pub const BUILTIN: &str = "builtin";

/// A thing someone is to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionItemView {
    /// What.
    pub item: String,
    /// By whom, if it was said.
    pub assigned_to: Option<String>,
    /// Until when, if it was said: `YYYY-MM-DD`; another form is shown as it is.
    pub deadline: Option<String>,
}

#[cfg(test)]
mod tests;
