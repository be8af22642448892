//! Two tenants with a channel each, over stand-ins that can be made to fail.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matome_domain::clock::Timestamp;
use matome_domain::fault::Faults;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, InboundEvent};
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::{ChannelRecord, Directory, MemoryTable, Status, secret_field};
use matome_runtime::keys::{DataKeys, MemoryKms};
use matome_runtime::queue::{Queues, Recording};
use matome_runtime::random::SystemRandom;
use matome_webhook::{Context, Request, Response, handle};
use serde_json::{Value, json};

/// A channel as LINE knows it.
#[derive(Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) id: &'static str,
    pub(crate) tenant: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) bot: &'static str,
}

pub(crate) const ONE: Channel = Channel {
    id: "1650000001",
    tenant: "tenant-one",
    secret: "8c570fa6dd201bb328f1c1eac23a96d8",
    bot: "U8e742f61d673b39c7fff3cecb7536ef0",
};

pub(crate) const TWO: Channel = Channel {
    id: "1650000002",
    tenant: "tenant-two",
    secret: "ffffffffdd201bb328f1c1eac23a96d8",
    bot: "Uffffffffd673b39c7fff3cecb7536ef0",
};

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) context: Context,
    pub(crate) queue: Recording,
    pub(crate) table: MemoryTable,
    pub(crate) kms: MemoryKms,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Faults::none()).await
    }

    /// With step boundaries at which it dies.
    pub(crate) async fn with(faults: Faults) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
        let (directory, table) = Directory::in_memory(clock.clone());
        let (keys, kms) = DataKeys::in_memory(clock.clone(), Arc::new(SystemRandom));
        let (queues, queue) = Queues::recording_with(faults);
        let context = Context { directory, keys, queues, clock: clock.clone() };
        for channel in [ONE, TWO] {
            register(&context.directory, &context.keys, channel, |_| ()).await;
        }
        Self { clock, context, queue, table, kms }
    }

    pub(crate) async fn send(&self, request: Request) -> Response {
        handle(request, &self.context).await.unwrap()
    }

    /// The events that are on the queue, repeats included.
    pub(crate) fn events(&self) -> Vec<InboundEvent> {
        self.queue.sent::<Inbound>().into_iter().map(event).collect()
    }
}

pub(crate) fn event(inbound: Inbound) -> InboundEvent {
    match inbound {
        Inbound::Event(event) => event,
        Inbound::Close(close) => panic!("the webhook closes no session: {close:?}"),
        Inbound::Open(open) => panic!("the webhook opens no session: {open:?}"),
    }
}

/// Writes the channel's directory entry, as the provisioner does; `change` can make it a special one.
pub(crate) async fn register(
    directory: &Directory,
    keys: &DataKeys,
    channel: Channel,
    change: impl FnOnce(&mut ChannelRecord),
) {
    let tenant_id = TenantId::new(channel.tenant).unwrap();
    let channel_id = ChannelId::new(channel.id).unwrap();
    let key = keys.generate(&tenant_id, 1).await.unwrap();
    let secret = keys.seal(&tenant_id, &key, &secret_field(&channel_id), channel.secret).await.unwrap();
    let mut record = ChannelRecord {
        channel_id,
        tenant_id,
        bot_user_id: channel.bot.to_owned(),
        secret,
        previous_secret: None,
        key,
        placement: Placement::Shared,
        cell: "main".to_owned(),
        status: Status::Active,
        inbound_queue_url: None,
        version: 1,
    };
    change(&mut record);
    directory.put_channel(&record).await.unwrap();
}

/// Written here a second time on purpose: a test must not ask the code under test for the right answer.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body))
}

/// A request as API Gateway would hand it over, body as text.
pub(crate) fn request(channel_id: &str, body: &str, signature: Option<&str>) -> Request {
    let headers = signature.map(|s| ("x-line-signature".to_owned(), s.to_owned()));
    Request {
        path_parameters: Some(HashMap::from([("channelId".to_owned(), channel_id.to_owned())])),
        raw_path: Some(format!("/line/{channel_id}")),
        headers: Some(headers.into_iter().collect()),
        body: Some(body.to_owned()),
        is_base64_encoded: false,
    }
}

/// A rightly signed request.
pub(crate) fn signed(channel: Channel, body: &str) -> Request {
    request(channel.id, body, Some(&sign(channel.secret, body.as_bytes())))
}

/// A webhook's body.
pub(crate) fn body(channel: Channel, events: &[Value]) -> String {
    json!({"destination": channel.bot, "events": events}).to_string()
}

/// A text message of somebody in a place, `source` such as `{"type":"user","userId":"U1"}`.
pub(crate) fn text(id: &str, source: Value, text: &str) -> Value {
    json!({
        "type": "message", "mode": "active", "timestamp": 1_700_000_000_000_i64, "webhookEventId": id,
        "deliveryContext": {"isRedelivery": false}, "replyToken": format!("token{id}"), "source": source,
        "message": {"id": id, "type": "text", "quoteToken": "q", "text": text},
    })
}

/// A text message in a 1:1 chat.
pub(crate) fn from_user(id: &str, user: &str) -> Value {
    text(id, json!({"type": "user", "userId": user}), "こんにちは")
}

/// The `code` of a refusal.
pub(crate) fn code(response: &Response) -> String {
    let problem: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(problem["status"], response.status_code);
    assert_eq!(response.headers["content-type"], "application/problem+json");
    problem["code"].as_str().unwrap().to_owned()
}
