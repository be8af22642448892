//! Profiles, groups, member counts.

use serde_json::{Value, json};

use super::Call;
use super::answer::Answer;
use crate::world::{Group, Person, World};

fn found(body: Option<Value>) -> Answer {
    body.map_or_else(|| Answer::error(404, "Not found"), |b| Answer::ok(&b))
}

fn member(person: &Person) -> Value {
    let mut profile = json!({"userId": person.user_id, "displayName": person.display_name});
    if let Some(url) = &person.picture_url {
        profile["pictureUrl"] = json!(url);
    }
    profile
}

/// A group or room that the caller's bot is in.
fn joined<'a>(world: &'a World, call: &Call<'_>) -> Option<&'a Group> {
    let group = world.groups.get(call.segment(3))?;
    let is_of_kind = group.group_id.starts_with('R') == (call.segment(2) == "room");
    (is_of_kind && group.channels.contains(&call.channel_id)).then_some(group)
}

/// 404 for strangers and for those who have blocked the account.
pub(super) fn profile(call: &Call<'_>) -> Answer {
    found(call.simulator.inspect(|w| {
        let person = w.people.get(call.segment(3))?;
        if w.channels.get(&call.channel_id)?.blocked_by.contains(&person.user_id) {
            return None;
        }
        let mut profile = member(person);
        if let Some(language) = &person.language {
            profile["language"] = json!(language);
        }
        Some(profile)
    }))
}

/// Works for non-friends and for those who have blocked the account.
pub(super) fn member_profile(call: &Call<'_>) -> Answer {
    found(call.simulator.inspect(|w| {
        let user_id = joined(w, call)?.members.iter().find(|m| *m == call.segment(5))?;
        Some(member(w.people.get(user_id)?))
    }))
}

pub(super) fn group_summary(call: &Call<'_>) -> Answer {
    found(call.simulator.inspect(|w| {
        let group = joined(w, call)?;
        let mut summary = json!({"groupId": group.group_id, "groupName": group.name});
        if let Some(url) = &group.picture_url {
            summary["pictureUrl"] = json!(url);
        }
        Some(summary)
    }))
}

/// The bot itself is not counted.
pub(super) fn member_count(call: &Call<'_>) -> Answer {
    found(call.simulator.inspect(|w| Some(json!({"count": joined(w, call)?.members.len()}))))
}

/// Member lists need a verified or premium account; simulated accounts are neither.
pub(super) fn member_ids() -> Answer {
    Answer::error(403, "Access to this API is not available for your account")
}
