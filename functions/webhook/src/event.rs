//! A signed body becomes messages for the recorder. Pure.

use aws_lc_rs::digest;
use matome_domain::clock::Timestamp;
use matome_domain::ids::ConversationId;
use matome_domain::queue::{Inbound, InboundEvent};
use matome_runtime::directory::ChannelRecord;
use serde_json::Value;

use crate::json;
use crate::response::Problem;

/// The longest `webhookEventId` taken as it is (LINE's have 26 characters): with the channel's id
/// it must fit into SQS's 128 characters of a deduplication id.
const MAX_EVENT_ID: usize = 64;

/// The body's events, in its order, each for its conversation. The tenant is the directory's;
/// nothing in the payload can change it.
pub(crate) fn split(body: &[u8], channel: &ChannelRecord, now: Timestamp) -> Result<Vec<Inbound>, Problem> {
    let mut body = json::read(body).ok_or(Problem::NotJson)?;
    let field = |field, reason| Problem::Field { field, reason };
    let destination = body.get("destination").and_then(Value::as_str);
    let destination = destination.ok_or_else(|| field("destination", "must be a string"))?;
    if destination != channel.bot_user_id {
        // Signed with this channel's secret, so a wrong directory entry rather than a forgery;
        // taking it could file one bot's talks under another.
        return Err(field("destination", "is not this channel's bot"));
    }
    let Some(Value::Array(events)) = body.get_mut("events").map(Value::take) else {
        return Err(field("events", "must be an array"));
    };
    Ok(events.into_iter().map(|event| inbound(event, channel, now)).collect())
}

fn inbound(event: Value, channel: &ChannelRecord, received_at: Timestamp) -> Inbound {
    Inbound::Event(InboundEvent {
        tenant_id: channel.tenant_id.clone(),
        channel_id: channel.channel_id.clone(),
        conversation_id: conversation(&event, channel),
        event_id: event_id(&event),
        received_at,
        event,
    })
}

/// The group, the multi-person room or the user that `source` names; the bot itself for an event
/// without a source (account-wide ones) or with one that no id can be made of.
fn conversation(event: &Value, channel: &ChannelRecord) -> ConversationId {
    let source = &event["source"];
    let id = ["groupId", "roomId", "userId"].into_iter().find_map(|key| source[key].as_str());
    id.and_then(|id| ConversationId::new(id).ok())
        .or_else(|| ConversationId::new(channel.bot_user_id.clone()).ok())
        .unwrap_or_else(|| {
            ConversationId::new(channel.channel_id.as_str())
                .expect("a channel id has the characters of a conversation id and is shorter")
        })
}

/// `webhookEventId`, or a digest of the event where LINE left it out. `deliveryContext` is not part
/// of the digest: it says whether this is a redelivery, and a redelivery is the same event.
fn event_id(event: &Value) -> String {
    let usable = |id: &&str| {
        (1..=MAX_EVENT_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if let Some(id) = event["webhookEventId"].as_str().filter(usable) {
        return id.to_owned();
    }
    let mut event = event.clone();
    if let Value::Object(fields) = &mut event {
        fields.remove("deliveryContext");
    }
    // JSON gives the order of fields no meaning.
    event.sort_all_objects();
    let digest = digest::digest(&digest::SHA256, event.to_string().as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use matome_domain::ids::{ChannelId, TenantId};
    use matome_domain::placement::Placement;
    use matome_runtime::directory::Status;
    use matome_runtime::keys::{Sealed, WrappedKey};
    use serde_json::json;

    use super::*;

    fn channel() -> ChannelRecord {
        ChannelRecord {
            channel_id: ChannelId::new("165").unwrap(),
            tenant_id: TenantId::new("t1").unwrap(),
            bot_user_id: "Ubot".to_owned(),
            secret: Sealed::from(String::new()),
            previous_secret: None,
            key: WrappedKey { key_version: 1, wrapped_key: String::new() },
            placement: Placement::Shared,
            cell: "main".to_owned(),
            status: Status::Active,
            inbound_queue_url: None,
            version: 1,
        }
    }

    fn one(event: Value) -> InboundEvent {
        let body = json!({"destination": "Ubot", "events": [event]}).to_string();
        match split(body.as_bytes(), &channel(), Timestamp(5)).unwrap().pop() {
            Some(Inbound::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_conversation_is_the_group_the_room_or_the_user() {
        let of = |source: Value| one(json!({"source": source})).conversation_id.to_string();
        assert_eq!(of(json!({"type": "group", "groupId": "C1", "userId": "U1"})), "C1");
        assert_eq!(of(json!({"type": "room", "roomId": "R1", "userId": "U1"})), "R1");
        assert_eq!(of(json!({"type": "user", "userId": "U1"})), "U1");
        for none in
            [json!(null), json!({}), json!([]), json!("U1"), json!({"userId": 5}), json!({"groupId": "a#b"})]
        {
            assert_eq!(of(none), "Ubot");
        }
        // A group whose id is no id must not be filed under the person.
        assert_eq!(of(json!({"groupId": "C/1", "userId": "U1"})), "Ubot");
    }

    #[test]
    fn the_event_stays_as_it_came_and_the_tenant_is_the_directorys() {
        let event = json!({"type": "futureType", "tenantId": "t2", "x": {"deep": [1.5, null, "\u{0}"]}});
        let inbound = one(event.clone());
        assert_eq!(inbound.event, event);
        assert_eq!((inbound.tenant_id.as_str(), inbound.received_at), ("t1", Timestamp(5)));
    }

    #[test]
    fn an_event_that_is_no_object_does_not_fail_its_neighbours() {
        for odd in [json!(null), json!(5), json!("x"), json!([])] {
            let inbound = one(odd.clone());
            assert_eq!((inbound.event, inbound.conversation_id.as_str()), (odd, "Ubot"));
        }
    }

    #[test]
    fn an_event_without_an_id_has_the_same_one_when_it_is_delivered_again() {
        let first = json!({"type": "follow", "timestamp": 1, "deliveryContext": {"isRedelivery": false}});
        let again = json!({"timestamp": 1, "type": "follow", "deliveryContext": {"isRedelivery": true}});
        let other = json!({"type": "follow", "timestamp": 2});
        let id = one(first.clone()).event_id;
        assert_eq!(id.len(), 64);
        assert_eq!(one(again).event_id, id);
        assert_ne!(one(other).event_id, id);
        assert_eq!(one(json!({"webhookEventId": "01H8"})).event_id, "01H8");
        for unusable in [json!(""), json!(5), json!("x".repeat(65)), json!("a b"), json!("é")] {
            assert_eq!(one(json!({"webhookEventId": unusable})).event_id.len(), 64);
        }
    }

    #[test]
    fn a_signed_body_of_the_wrong_form_is_refused_with_the_fields_name() {
        let refused = |body: &str| split(body.as_bytes(), &channel(), Timestamp(0)).unwrap_err();
        for not_json in ["", "{", "\u{0}", "{\"destination\":\"Ubot\",\"events\":[]} x"] {
            assert_eq!(refused(not_json), Problem::NotJson);
        }
        for (body, name) in [
            ("[]", "destination"),
            ("5", "destination"),
            (r#"{"events":[]}"#, "destination"),
            (r#"{"destination":null,"events":[]}"#, "destination"),
            (r#"{"destination":"Uother","events":[]}"#, "destination"),
            (r#"{"destination":"Ubot"}"#, "events"),
            (r#"{"destination":"Ubot","events":{}}"#, "events"),
        ] {
            assert!(matches!(refused(body), Problem::Field { field, .. } if field == name), "{body}");
        }
    }
}
