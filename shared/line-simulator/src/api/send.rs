//! Reply, push, multicast, and the validation of what they carry.

use std::time::Duration;

use matome_domain::clock::Timestamp;
use matome_line::client::SentMessage;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::answer::Answer;
use crate::chat::{Author, ChatEntry, Sent};
use crate::id;
use crate::people::Place;
use crate::validate;
use crate::world::{AcceptedRequest, World};

/// A reply token lives a minute from its event.
const REPLY_TOKEN: Duration = Duration::from_secs(60);
/// A retry key is remembered for a day.
const RETRY_KEY: Duration = Duration::from_secs(24 * 3_600);
/// User ids of one multicast.
const MULTICAST: usize = 500;
/// What can be quoted, and so comes back with a quote token.
const QUOTABLE: [&str; 8] = ["text", "textV2", "sticker", "image", "video", "template", "flex", "imagemap"];

/// The body and its valid messages, or LINE's complaint.
fn messages(call: &Call<'_>) -> Result<(Value, Vec<Value>), Answer> {
    let body = call.json()?;
    let details = validate::messages(body.get("messages"));
    if !details.is_empty() {
        return Err(Answer::invalid(&validate::headline(&details), &details));
    }
    let messages = body.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok((body, messages))
}

pub(super) fn validate(call: &Call<'_>) -> Answer {
    match messages(call) {
        Ok(_) => Answer::ok(&json!({})),
        Err(answer) => answer,
    }
}

pub(super) fn reply(call: &Call<'_>) -> Answer {
    if call.header("x-line-retry-key").is_some() {
        return Answer::error(400, "The X-Line-Retry-Key header is not supported by this endpoint");
    }
    let (body, messages) = match messages(call) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let Some(token) = body.get("replyToken").and_then(Value::as_str) else {
        return Answer::property("replyToken", "May not be empty");
    };
    let now = call.simulator.now();
    let done = call.simulator.change(|w| {
        let known = w.reply_tokens.get_mut(token)?;
        if known.used || known.channel_id != call.channel_id || now > known.issued.plus(REPLY_TOKEN) {
            return None;
        }
        known.used = true;
        let place = known.place.clone();
        Some(deliver(w, call, now, &place, Sent::Reply, &messages))
    });
    match done {
        Some((sent, entries)) => {
            announce(call, entries);
            Answer::ok(&json!({ "sentMessages": sent }))
        }
        None => Answer::error(400, "Invalid reply token"),
    }
}

pub(super) fn push(call: &Call<'_>) -> Answer {
    once(call, |body, messages, now| {
        let to = body.get("to").and_then(Value::as_str).unwrap_or_default();
        if !is_id(to) {
            return Err(Answer::error(
                400,
                "The property, 'to', in the request body is invalid (line: -, column: -)",
            ));
        }
        let place = Place::of_id(to);
        call.simulator.change(|w| {
            let recipients =
                recipients(w, call, &place).ok_or_else(|| Answer::error(400, "Failed to send messages"))?;
            spend(w, call, recipients)?;
            if matches!(place, Place::User(_)) && recipients == 0 {
                // Blocked: accepted, and shown to nobody.
                return Ok((sent_messages(w, now, messages), Vec::new()));
            }
            Ok(deliver(w, call, now, &place, Sent::Push, messages))
        })
    })
}

pub(super) fn multicast(call: &Call<'_>) -> Answer {
    once(call, |body, messages, now| {
        let to = body.get("to").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if to.is_empty() || to.len() > MULTICAST {
            return Err(Answer::property("to", "Size must be between 1 and 500"));
        }
        let ids: Vec<_> = to.iter().filter_map(Value::as_str).collect();
        if ids.len() < to.len() || !ids.iter().all(|i| is_id(i) && i.starts_with('U')) {
            return Err(Answer::error(
                400,
                "The property, 'to', in the request body is invalid (line: -, column: -)",
            ));
        }
        call.simulator.change(|w| {
            let places: Vec<_> = ids.iter().map(|i| Place::of_id(i)).collect();
            let reached: Vec<_> = places.into_iter().filter(|p| recipients(w, call, p) == Some(1)).collect();
            spend(w, call, reached.len() as u64)?;
            let entries =
                reached.iter().flat_map(|p| deliver(w, call, now, p, Sent::Multicast, messages).1).collect();
            Ok((Vec::new(), entries))
        })
    })
}

type Done = Result<(Vec<SentMessage>, Vec<ChatEntry>), Answer>;

/// Retry key, messages, then the send itself; what was taken is remembered under its key.
fn once(call: &Call<'_>, send: impl FnOnce(&Value, &[Value], Timestamp) -> Done) -> Answer {
    let now = call.simulator.now();
    let key = match call.header("x-line-retry-key").map(Uuid::parse_str) {
        None => None,
        Some(Ok(key)) => Some((call.channel_id.clone(), key.to_string())),
        Some(Err(_)) => return Answer::error(400, "The value of the X-Line-Retry-Key header is invalid"),
    };
    let (body, messages) = match messages(call) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    // Reserved before the send, so that of two calls at once only one is taken.
    if let Some(key) = &key
        && let Some(earlier) = reserve(call, key, now)
    {
        return Answer::json(
            409,
            &json!({"message": "The retry key is already accepted", "sentMessages": earlier.sent}),
        )
        .with("x-line-accepted-request-id", &earlier.request_id);
    }
    let done = send(&body, &messages, now);
    if let Some(key) = key {
        call.simulator.change(|w| match &done {
            Ok((sent, _)) => drop(w.retry_keys.entry(key).and_modify(|r| r.sent.clone_from(sent))),
            Err(_) => drop(w.retry_keys.remove(&key)),
        });
    }
    match done {
        Ok((sent, entries)) => {
            announce(call, entries);
            if sent.is_empty() {
                Answer::ok(&json!({}))
            } else {
                Answer::ok(&json!({ "sentMessages": sent }))
            }
        }
        Err(answer) => answer,
    }
}

/// The request that was taken under this key before, or `None` and the key is this request's.
fn reserve(call: &Call<'_>, key: &(String, String), now: Timestamp) -> Option<AcceptedRequest> {
    call.simulator.change(|w| {
        if let Some(earlier) = w.retry_keys.get(key).filter(|e| now < e.at.plus(RETRY_KEY)) {
            return Some(earlier.clone());
        }
        let request = AcceptedRequest { at: now, request_id: call.request_id.clone(), sent: Vec::new() };
        w.retry_keys.insert(key.clone(), request);
        None
    })
}

/// How many messages a push counts for: people reached. `None` = no such place for this bot.
fn recipients(w: &World, call: &Call<'_>, place: &Place) -> Option<u64> {
    match place {
        Place::User(id) => {
            w.people.get(id)?;
            Some(u64::from(!w.channels.get(&call.channel_id)?.blocked_by.contains(id)))
        }
        Place::Group(id) | Place::Room(id) => {
            let group = w.groups.get(id).filter(|g| g.channels.contains(&call.channel_id))?;
            Some(group.members.len() as u64)
        }
    }
}

fn spend(w: &mut World, call: &Call<'_>, recipients: u64) -> Result<(), Answer> {
    let Some(channel) = w.channels.get_mut(&call.channel_id) else {
        return Err(Answer::error(404, "Not found"));
    };
    if channel.quota.is_some_and(|limit| channel.quota_used + recipients > limit) {
        return Err(Answer::error(429, "You have reached your monthly limit."));
    }
    channel.quota_used += recipients;
    Ok(())
}

fn deliver(
    w: &mut World,
    call: &Call<'_>,
    now: Timestamp,
    place: &Place,
    sent: Sent,
    messages: &[Value],
) -> (Vec<SentMessage>, Vec<ChatEntry>) {
    let name = w.channels.get(&call.channel_id).map(|c| c.name.clone()).unwrap_or_default();
    let entries = messages
        .iter()
        .map(|m| w.record(now, &call.channel_id, place, Author::Bot { name: name.clone() }, sent, m.clone()))
        .collect();
    (sent_messages(w, now, messages), entries)
}

fn sent_messages(w: &mut World, now: Timestamp, messages: &[Value]) -> Vec<SentMessage> {
    messages
        .iter()
        .map(|m| SentMessage {
            id: id::message(now, w.next()),
            quote_token: m["type"].as_str().filter(|t| QUOTABLE.contains(t)).map(|_| id::token()),
        })
        .collect()
}

fn announce(call: &Call<'_>, entries: Vec<ChatEntry>) {
    for entry in entries {
        call.simulator.announce(entry);
    }
}

/// `U`, `C` or `R` and 32 hexadecimal digits.
fn is_id(id: &str) -> bool {
    id.len() == 33 && id.starts_with(['U', 'C', 'R']) && id[1..].bytes().all(|b| b.is_ascii_hexdigit())
}
