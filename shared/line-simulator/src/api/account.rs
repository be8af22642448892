//! The account itself: bot info, quota, webhook, loading animation, read marks.

use std::time::Duration;

use matome_domain::clock::Timestamp;
use serde_json::{Value, json};

use super::Call;
use super::answer::Answer;
use crate::webhook::Attempt;

const WEBHOOK_URL: usize = 500;
const TESTS_AN_HOUR: usize = 60;

fn channel(call: &Call<'_>) -> Option<crate::world::Channel> {
    call.simulator.channel(&call.channel_id).ok()
}

fn found(body: Option<Value>) -> Answer {
    body.map_or_else(|| Answer::error(404, "Not found"), |b| Answer::ok(&b))
}

pub(super) fn bot_info(call: &Call<'_>) -> Answer {
    found(channel(call).map(|c| {
        json!({
            "userId": c.bot_user_id, "basicId": c.basic_id, "displayName": c.name,
            "chatMode": "bot", "markAsReadMode": "manual",
        })
    }))
}

pub(super) fn quota(call: &Call<'_>) -> Answer {
    found(channel(call).map(|c| match c.quota {
        Some(value) => json!({"type": "limited", "value": value}),
        None => json!({"type": "none"}),
    }))
}

pub(super) fn quota_consumption(call: &Call<'_>) -> Answer {
    found(channel(call).map(|c| json!({"totalUsage": c.quota_used})))
}

pub(super) fn webhook(call: &Call<'_>) -> Answer {
    found(channel(call).and_then(|c| c.webhook_url).map(|url| json!({"endpoint": url, "active": true})))
}

/// https only, as LINE says; http to a loopback address, as a local stack needs.
pub(super) fn set_webhook(call: &Call<'_>) -> Answer {
    let body = match call.json() {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let endpoint = body.get("endpoint").and_then(Value::as_str).unwrap_or_default();
    if endpoint.encode_utf16().count() > WEBHOOK_URL {
        return Answer::property("endpoint", "Length must be between 0 and 500");
    }
    let is_allowed = url::Url::parse(endpoint).is_ok_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(url::Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(url::Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        _ => false,
    });
    if !is_allowed {
        return Answer::error(400, "Invalid webhook endpoint URL");
    }
    // The Host header stays as the test declared it: LINE has no such thing.
    match call.simulator.update_channel(&call.channel_id, |c| c.webhook_url = Some(endpoint.to_owned())) {
        Ok(()) => Answer::ok(&json!({})),
        Err(_) => Answer::error(404, "Not found"),
    }
}

pub(super) async fn test_webhook(call: &Call<'_>) -> Answer {
    let now = call.simulator.now();
    let hour_ago = now.minus(Duration::from_secs(3_600));
    let count = call.simulator.change(|w| {
        let tests = &mut w.channels.get_mut(&call.channel_id)?.tests;
        tests.retain(|at| *at > hour_ago);
        tests.push(now);
        Some(tests.len())
    });
    if count.is_none_or(|n| n > TESTS_AN_HOUR) {
        return Answer::rate_limited(None);
    }
    let (status, reason) = match call.simulator.probe(&call.channel_id).await {
        Err(_) => return Answer::error(404, "Not found"),
        Ok(Attempt::Answered { status: 200 }) => (200, "OK"),
        Ok(Attempt::Answered { status }) => (i32::from(status), "ERROR_STATUS_CODE"),
        Ok(Attempt::TimedOut) => (0, "REQUEST_TIMEOUT"),
        Ok(Attempt::Failed) => (0, "COULD_NOT_CONNECT"),
    };
    Answer::ok(&json!({
        "success": status == 200, "timestamp": iso(now), "statusCode": status,
        "reason": reason, "detail": if status > 0 { status.to_string() } else { reason.to_owned() },
    }))
}

fn iso(at: Timestamp) -> String {
    at.to_string()
}

/// 1:1 chats only, 5–60 s in steps of 5, 20 when not said.
pub(super) fn loading(call: &Call<'_>) -> Answer {
    let body = match call.json() {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let chat_id = body.get("chatId").and_then(Value::as_str).unwrap_or_default();
    let seconds = body.get("loadingSeconds").map_or(Some(20), Value::as_u64);
    let Some(seconds) = seconds.filter(|s| (5..=60).contains(s) && s.is_multiple_of(5)) else {
        return Answer::property("loadingSeconds", "must be between 5 and 60, in multiples of 5");
    };
    if !call.simulator.inspect(|w| w.people.contains_key(chat_id)) {
        return Answer::property("chatId", "invalid chat ID");
    }
    let shown =
        call.simulator.update_channel(&call.channel_id, |c| c.loading.push((chat_id.to_owned(), seconds)));
    if shown.is_ok() { Answer::json(202, &json!({})) } else { Answer::error(404, "Not found") }
}

pub(super) fn mark_as_read(call: &Call<'_>) -> Answer {
    let body = match call.json() {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let token = body.get("markAsReadToken").and_then(Value::as_str).unwrap_or_default();
    let marked = call.simulator.change(|w| {
        let message_id = w.read_tokens.get(token)?.clone();
        w.messages.get(&message_id).filter(|m| m.channel_id == call.channel_id)?;
        Some(w.channels.get_mut(&call.channel_id)?.read.insert(message_id))
    });
    if marked.is_some() {
        Answer::ok(&json!({}))
    } else {
        Answer::property("markAsReadToken", "invalid markAsReadToken")
    }
}
