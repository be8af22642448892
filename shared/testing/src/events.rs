//! LINE events as the webhook puts them on `inbound.fifo`, without a simulator.

use matome_domain::clock::Timestamp;
use matome_domain::ids::ConversationId;
use matome_domain::queue::{Inbound, InboundEvent};
use serde_json::{Value, json};

use crate::tenant::TestTenant;

/// Where an event happens and who causes it.
#[derive(Clone, Copy)]
pub struct Talk<'a> {
    /// Whose channel.
    pub tenant: &'a TestTenant,
    /// LINE's group id, or `None` for a 1:1 chat.
    pub group: Option<&'a str>,
    /// LINE's user id.
    pub user: &'a str,
}

impl Talk<'_> {
    /// An event of type `kind` with further fields.
    #[must_use]
    pub fn event(&self, event_id: &str, at: Timestamp, kind: &str, fields: Value) -> Inbound {
        let source = match self.group {
            Some(group) => json!({ "type": "group", "groupId": group, "userId": self.user }),
            None => json!({ "type": "user", "userId": self.user }),
        };
        let mut event = json!({
            "type": kind,
            "mode": "active",
            "timestamp": at.0,
            "source": source,
            "webhookEventId": event_id,
            "deliveryContext": { "isRedelivery": false },
            "replyToken": format!("token-{event_id}"),
        });
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        Inbound::Event(InboundEvent {
            tenant_id: self.tenant.id.clone(),
            channel_id: self.tenant.channel.clone(),
            conversation_id: ConversationId::new(self.group.unwrap_or(self.user)).expect("a LINE id"),
            event_id: event_id.to_owned(),
            received_at: at,
            event,
        })
    }

    /// A text message whose LINE id is `id`.
    #[must_use]
    pub fn text(&self, id: &str, at: Timestamp, text: &str) -> Inbound {
        let message = json!({ "type": "text", "id": id, "text": text, "quoteToken": format!("q{id}") });
        self.event(&format!("e{id}"), at, "message", json!({ "message": message }))
    }

    /// A picture held by LINE whose LINE id is `id`.
    #[must_use]
    pub fn image(&self, id: &str, at: Timestamp) -> Inbound {
        let message = json!({
            "type": "image", "id": id, "quoteToken": format!("q{id}"), "contentProvider": { "type": "line" },
        });
        self.event(&format!("e{id}"), at, "message", json!({ "message": message }))
    }

    /// The unsend of a message.
    #[must_use]
    pub fn unsend(&self, id: &str, at: Timestamp) -> Inbound {
        self.event(&format!("u{id}"), at, "unsend", json!({ "unsend": { "messageId": id } }))
    }

    /// The edit of a message, the `n`-th.
    #[must_use]
    pub fn edit(&self, id: &str, n: u32, at: Timestamp, text: &str) -> Inbound {
        let message = json!({ "type": "text", "id": id, "text": text });
        self.event(&format!("d{id}-{n}"), at, "messageEdited", json!({ "message": message }))
    }
}
