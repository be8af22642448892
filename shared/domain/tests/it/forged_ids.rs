//! Ids that could lead elsewhere are refused by every type of id and in every field of every queue's
//! messages, and the error says which field it was.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use matome_domain::ids::{ChannelId, ConversationId, DocumentId, TenantId};
use matome_domain::queue::{
    Inbound, MediaJob, OutboundJob, QueueMessage, QueueVisitor, SummaryJob, TenantJob, visit_queue_messages,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Dots, separators, escapes, look-alikes, characters that are not seen.
const FORGED: [&str; 22] = [
    "",
    ".",
    "..",
    "../t2",
    "t1/t2",
    "t1\\t2",
    "t1.t2",
    "$where",
    "t1\0",
    "\0",
    "%2e%2e",
    "t1%2Ft2",
    "t1#t2",
    " t1",
    "t1\n",
    "t1\u{200b}",
    "t\u{0456}",
    "\u{ff54}1",
    "t\u{0301}",
    "\u{202e}1t",
    "t1*",
    "t1?",
];

fn refuses<T: FromStr<Err: Display> + DeserializeOwned>(field: &str, value: &str) {
    let told = |error: String| assert!(error.starts_with(&format!("{field}: ")), "{value:?}: {error}");
    told(value.parse::<T>().map(|_| ()).unwrap_err().to_string());
    told(serde_json::from_value::<T>(json!(value)).map(|_| ()).unwrap_err().to_string());
}

fn all_refuse(value: &str) {
    refuses::<TenantId>("tenantId", value);
    refuses::<ChannelId>("channelId", value);
    refuses::<ConversationId>("conversationId", value);
    refuses::<DocumentId>("id", value);
}

#[test]
fn ids_that_could_lead_elsewhere_are_refused_by_every_type() {
    for forged in FORGED.into_iter().chain([&*"x".repeat(65)]) {
        all_refuse(forged);
    }
}

proptest! {
    #[test]
    fn one_character_out_of_place_is_enough(
        before in "[A-Za-z0-9-]{0,10}", wrong in "[^A-Za-z0-9_-]", after in "[A-Za-z0-9-]{0,10}",
    ) {
        all_refuse(&format!("{before}{wrong}{after}"));
    }

    #[test]
    fn what_is_taken_comes_back_as_it_was(id in "[A-Za-z0-9-]{1,24}") {
        prop_assume!(!["platform", "shared", "sets"].contains(&&*id.to_ascii_lowercase()));
        prop_assert_eq!(TenantId::new(&*id).unwrap().to_string(), id.clone());
        prop_assert_eq!(serde_json::to_value(DocumentId::new(&*id).unwrap()).unwrap(), json!(id));
    }
}

/// A message of each kind, field by field.
fn messages() -> BTreeMap<&'static str, Vec<Value>> {
    let event = json!({
        "kind": "event", "tenantId": "t1", "channelId": "c1", "conversationId": "U1", "eventId": "e1",
        "receivedAt": 0, "event": {},
    });
    let close = json!({
        "kind": "close", "tenantId": "t1", "channelId": "c1", "conversationId": "U1", "sessionId": "5e",
        "trigger": "manual", "closedBy": "a1",
    });
    let open = json!({
        "kind": "open", "tenantId": "t1", "channelId": "c1", "conversationId": "U1", "wishId": "11",
    });
    BTreeMap::from([
        (Inbound::QUEUE, vec![event, close, open]),
        (MediaJob::QUEUE, vec![json!({ "tenantId": "t1", "messageId": "3e" })]),
        (SummaryJob::QUEUE, vec![json!({ "tenantId": "t1", "sessionId": "5e", "revision": 1 })]),
        (OutboundJob::QUEUE, vec![json!({ "tenantId": "t1", "conversationId": "U1", "outboxId": "0b" })]),
        (TenantJob::QUEUE, vec![json!({ "tenantId": "t1", "operationId": "09" })]),
    ])
}

struct Forge(BTreeMap<&'static str, Vec<Value>>);

impl QueueVisitor for Forge {
    fn visit<M: QueueMessage>(&mut self) {
        let samples = self.0.remove(M::QUEUE);
        for sample in samples.unwrap_or_else(|| panic!("there is no sample of {}", M::QUEUE)) {
            let whole = serde_json::from_value::<M>(sample.clone()).expect("the sample is read");
            // What is checked below is all that the message has.
            let again = serde_json::to_value(whole).unwrap();
            assert_eq!(again, sample, "{}", M::QUEUE);
            // LINE's event id is no part of any name: it is hashed, and told apart by SQS.
            let is_id = |k: &str| (k.ends_with("Id") && k != "eventId") || k == "closedBy";
            let ids = again.as_object().unwrap().keys().filter(|k| is_id(k));
            for field in ids {
                for forged in FORGED {
                    let mut message = sample.clone();
                    message[field] = json!(forged);
                    let text = message.to_string();
                    let Err(error) = serde_json::from_str::<M>(&text) else {
                        panic!("{}: {field} may be {forged:?}", M::QUEUE);
                    };
                    let named = if ["tenantId", "channelId", "conversationId"].contains(&field.as_str()) {
                        field
                    } else {
                        "id"
                    };
                    assert!(error.to_string().starts_with(&format!("{named}: ")), "{}: {error}", M::QUEUE);
                }
            }
        }
    }
}

#[test]
fn no_queue_message_carries_a_forged_id() {
    let mut forge = Forge(messages());
    visit_queue_messages(&mut forge);
    assert!(forge.0.is_empty(), "samples of no message: {:?}", forge.0.keys());
}

#[test]
fn every_kind_of_inbound_message_is_among_the_samples() {
    let messages = messages();
    let kinds = messages[Inbound::QUEUE].iter().map(|sample| {
        // A new kind fails to compile until it is here, and fails the test until it is among the samples.
        match serde_json::from_value::<Inbound>(sample.clone()).unwrap() {
            Inbound::Event(_) => 0,
            Inbound::Close(_) => 1,
            Inbound::Open(_) => 2,
        }
    });
    assert_eq!(kinds.collect::<Vec<_>>(), [0, 1, 2]);
}
