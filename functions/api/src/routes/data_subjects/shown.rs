//! What a person is shown of what is held of them. Where others are in it too, it is without them.

use bson::oid::ObjectId;
use bson::{Bson, Document};
use matome_store::entities::{AuditEntry, InboundEventRecord, Message, Session, Summary};
use matome_store::value::{Id, Time};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::media_links::MediaLinks;
use crate::crud::view;
use crate::http::Problem;

/// As in lists, with what only the person themselves is to see: LINE's own words for a kind of message that we do
/// not know, what was seen in a picture, and where the picture is.
pub(super) fn message(message: &Message, links: Option<&MediaLinks>) -> Result<Value, Problem> {
    let mut shown = value(&view(message)?)?;
    if let Some(raw) = &message.raw {
        shown["raw"] = plain(raw);
    }
    if let Some(seen) = message.media.as_ref().and_then(|media| media.analysis.as_ref()) {
        shown["media"]["analysis"] = json!({
            "description": seen.get_str("description").ok(),
            "analyzedAt": seen.get_datetime("analyzedAt").ok().copied().map(Time::from),
        });
    }
    if let Some(links) = links {
        shown["links"] = value(links)?;
    }
    Ok(shown)
}

/// The others who spoke there are not this person's data.
pub(super) fn session(session: &Session) -> Value {
    json!({
        "id": Id::from(session.id), "roomId": Id::from(session.room_id),
        "sessionNumber": session.session_number, "status": session.status,
        "startTime": Time::from(session.start_time), "lastMessageAt": Time::from(session.last_message_at),
    })
}

/// What a summary says about a person.
pub(super) fn about(summary: &Summary, user: ObjectId) -> Vec<Value> {
    let theirs = summary.participants.iter().filter(|participant| participant.user_id == Some(user));
    let shown = theirs.map(|participant| {
        json!({
            "id": Id::from(summary.id), "sessionId": Id::from(summary.session_id),
            "createdAt": Time::from(summary.created_at), "messageCount": participant.message_count,
            "sentiment": participant.sentiment, "keyPoints": participant.key_points,
        })
    });
    shown.collect()
}

/// What they thought of a summary.
pub(super) fn rating(summary: &Summary) -> Option<Value> {
    let feedback = summary.feedback.as_ref()?;
    Some(json!({
        "summaryId": Id::from(summary.id), "rating": feedback.rating, "comment": feedback.comment,
        "ratedAt": feedback.rated_at.map(Time::from),
    }))
}

/// An event that was no message.
pub(super) fn event(event: &InboundEventRecord) -> Value {
    json!({
        "id": Id::from(event.id), "type": event.kind, "roomId": event.room_id.map(Id::from),
        "timestamp": Time::from(event.timestamp), "expiresAt": Time::from(event.expires_at),
        "action": event.action.as_ref().map(plain), "details": event.details.as_ref().map(plain),
        "raw": event.raw.as_ref().map(plain),
    })
}

/// What staff did and when; not who of them and from where, which is theirs (CJEU, C-579/21).
pub(super) fn audit_entry(entry: &AuditEntry) -> Value {
    let record = &entry.record;
    json!({
        "id": entry.id, "operation": record.operation, "phase": record.phase, "status": record.status,
        "target": record.target, "before": record.before, "after": record.after,
        "createdAt": record.created_at, "expiresAt": record.expires_at,
    })
}

pub(super) fn value(of: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(Problem::internal)
}

fn plain(document: &Document) -> Value {
    Bson::from(document.clone()).into_relaxed_extjson()
}
