//! Events that are not messages: each kind LINE documents is kept with what it says.

use std::time::Duration;

use bson::Document;
use matome_domain::placement::Placement;
use matome_store::entities::{InboundEventRecord, Message};
use matome_testing::TestSystem;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use serde_json::{Value, json};

use crate::recorder::{Recorder, all};

/// Kind, what LINE sends beside the envelope, and what is kept of it: details, action.
fn kinds() -> Vec<(&'static str, Value, Value, Value)> {
    let members = json!({ "members": [{ "type": "user", "userId": "Ubun" }] });
    let beacon = json!({ "hwid": "d41d8cd98f", "type": "enter", "dm": "1234567890abcdef", "since": "later" });
    let attached = json!({ "type": "attached", "botId": "U1", "scopes": ["message:send"] });
    let picked = json!({ "datetime": "2026-11-20T10:00" });
    let tapped = json!({ "type": "unknown", "data": "storeId=1", "params": picked });
    let postback = json!({ "data": "storeId=1", "params": picked });
    let details = |kind, part: &str, said: Value| (kind, json!({ part: said }), said, Value::Null);
    let bare = |kind| (kind, json!({}), Value::Null, Value::Null);
    vec![
        details("follow", "follow", json!({ "isUnblocked": true })),
        bare("unfollow"),
        bare("join"),
        bare("leave"),
        // Whoever came and left is in the memberships.
        ("memberJoined", json!({ "joined": members }), Value::Null, Value::Null),
        ("memberLeft", json!({ "left": members }), Value::Null, Value::Null),
        // What was unsent or written anew is in its message.
        ("unsend", json!({ "unsend": { "messageId": "1" } }), Value::Null, Value::Null),
        (
            "messageEdited",
            json!({ "message": { "type": "text", "id": "2", "text": "new" } }),
            Value::Null,
            Value::Null,
        ),
        ("postback", json!({ "postback": postback }), Value::Null, tapped),
        details("videoPlayComplete", "videoPlayComplete", json!({ "trackingId": "track-1" })),
        details("beacon", "beacon", beacon),
        (
            "accountLink",
            json!({ "link": { "result": "ok", "nonce": "secret" } }),
            json!({ "result": "ok" }),
            Value::Null,
        ),
        details("membership", "membership", json!({ "type": "joined", "membershipId": 3189 })),
        details("module", "module", attached),
        details("activated", "chatControl", json!({ "expireAt": 1_795_165_200_000_i64 })),
        bare("deactivated"),
        bare("botSuspended"),
        bare("botResumed"),
        details("delivery", "delivery", json!({ "data": "hashed-phone-number" })),
    ]
}

fn plain(document: Option<&Document>) -> Value {
    document.map_or(Value::Null, |d| bson::Bson::from(d.clone()).into_relaxed_extjson())
}

#[tokio::test]
async fn every_kind_of_event_is_recorded_with_what_it_says() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let mut batch = vec![talk.text("1", BEGIN, "to be unsent"), talk.text("2", BEGIN, "old")];
    let mut at = BEGIN;
    for (kind, said, ..) in kinds() {
        at = at.plus(Duration::from_secs(1));
        batch.push(talk.event(&format!("of {kind}"), at, kind, said));
    }
    recorder.record(&batch).await;
    let events: Vec<InboundEventRecord> = all(&tenant, "timestamp").await;
    assert_eq!(events.len(), kinds().len());
    for (event, (kind, _, details, action)) in events.iter().zip(kinds()) {
        assert_eq!(event.kind, kind);
        assert_eq!(plain(event.details.as_ref()), details, "{kind}");
        assert_eq!(plain(event.action.as_ref()), action, "{kind}");
        assert_eq!(event.raw, None, "{kind} is known");
        assert_eq!(event.expires_at.timestamp_millis() - BEGIN.0, 90 * 24 * 3_600_000, "{kind}");
    }
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 2, "no event is a message");
}

#[tokio::test]
async fn a_known_kind_in_an_unknown_shape_is_kept_whole_but_for_the_nonce() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let link = json!({ "link": { "outcome": "linked", "nonce": "secret" } });
    let unfit = json!({ "beacon": { "hwid": "h1", "type": "enter", "a\0b": 1 } });
    let batch =
        [talk.event("e1", BEGIN, "accountLink", link), talk.event("e2", BEGIN, "beacon", unfit.clone())];
    Recorder::start(&system).record(&batch).await;
    let events: Vec<InboundEventRecord> = all(&tenant, "webhookEventId").await;
    let raw = plain(events[0].raw.as_ref());
    assert_eq!((&raw["link"], &events[0].details), (&json!({ "outcome": "linked" }), &None));
    // Where BSON has no place for it, as text.
    let details = plain(events[1].details.as_ref());
    assert_eq!(details, json!({ "json": unfit["beacon"].to_string() }));
}
