//! What people sent besides text.

use serde_json::json;

use super::Call;
use super::answer::Answer;
use crate::world::{Preview, StoredContent};

enum State {
    Ready(StoredContent),
    Preparing,
    /// Preparing it failed.
    Unprepared,
    /// Taken back.
    Unsent,
    /// Never was, not this channel's, without content, or kept no longer.
    Unknown,
}

/// Looks, and brings a content that is being prepared one step nearer.
fn state(call: &Call<'_>) -> State {
    call.simulator.change(|w| {
        let Some(message) = w.messages.get_mut(call.segment(3)).filter(|m| m.channel_id == call.channel_id)
        else {
            return State::Unknown;
        };
        if message.unsent {
            return State::Unsent;
        }
        match &mut message.content {
            None => State::Unknown,
            Some(content) if content.expired => State::Unknown,
            Some(content) if content.unprepared => State::Unprepared,
            Some(content) if content.preparing > 0 => {
                content.preparing -= 1;
                State::Preparing
            }
            Some(content) => State::Ready(content.clone()),
        }
    })
}

pub(super) fn content(call: &Call<'_>) -> Answer {
    match state(call) {
        State::Ready(content) => Answer::bytes(&content.content_type, content.bytes),
        State::Preparing | State::Unprepared => Answer::empty(202),
        State::Unsent => Answer::error(410, "Gone"),
        State::Unknown => Answer::error(404, "Not found"),
    }
}

/// Documented for pictures and videos; with which status others are refused is not, so the simulator says
/// what LINE says to any wrong request.
pub(super) fn preview(call: &Call<'_>) -> Answer {
    match state(call) {
        State::Ready(content) => match content.preview {
            // LINE makes JPEG files; a picture that is its own preview may be of any kind.
            Preview::Picture(bytes) => Answer::bytes("image/jpeg", bytes),
            Preview::Missing => Answer::error(404, "Not found"),
            Preview::Never => Answer::error(400, "The message has no preview"),
        },
        State::Preparing | State::Unprepared => Answer::empty(202),
        State::Unsent => Answer::error(410, "Gone"),
        State::Unknown => Answer::error(404, "Not found"),
    }
}

pub(super) fn transcoding(call: &Call<'_>) -> Answer {
    match state(call) {
        State::Ready(_) => Answer::ok(&json!({"status": "succeeded"})),
        State::Preparing => Answer::ok(&json!({"status": "processing"})),
        State::Unprepared => Answer::ok(&json!({"status": "failed"})),
        State::Unsent => Answer::error(410, "Gone"),
        State::Unknown => Answer::error(404, "Not found"),
    }
}
