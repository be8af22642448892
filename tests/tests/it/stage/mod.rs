//! One deployed stack, IAM evaluation on, that the tests have one after the other; each brings its
//! own tenant, channel and people.
//!
//! `cargo xtask test` ends an old one before and this one after the run. A test that is run alone
//! starts it, or joins the one that runs, and leaves it to the next; `cargo xtask down` ends it.

mod business;
mod client;
mod copy;
mod deployed;
mod eventually;
mod operator;
mod root;
mod turn;

use matome_domain::clock::Clock as _;
use matome_domain::ids::{ChannelId, ConversationId};
use matome_domain::queue::{Inbound, InboundEvent, QueueMessage as _};
use matome_line_simulator::LineSimulator;
use matome_local_stack::Stack;
use matome_local_stack::shared::DEPLOYED;
use matome_runtime::aws::Aws;
use matome_runtime::clock::SystemClock;
use matome_store::Store;
use matome_store::entities::Room;
use serde_json::Value;

pub(crate) use self::business::{Business, Group};
pub(crate) use self::client::{Answer, Client};
pub(crate) use self::copy::Copy;
use self::deployed::Deployed;
pub(crate) use self::deployed::{SECOND, SENDER};
pub(crate) use self::eventually::eventually;
pub(crate) use self::operator::Operator;
pub(crate) use self::root::Root;
use self::turn::Turn;

/// The functions' own default.
const DATABASE_PREFIX: &str = "matome";

/// The stack, ours until dropped.
pub(crate) struct Stage {
    pub(crate) line: LineSimulator,
    pub(crate) stack: Stack,
    pub(crate) store: Store,
    pub(crate) root: Root,
    deployed: Deployed,
    // Last, so that the next test finds everything else gone.
    _turn: Turn,
}

impl Stage {
    /// Waits for our turn; deploys unless what runs is what would be deployed.
    pub(crate) async fn enter() -> Self {
        let turn = Turn::take().await;
        let (stack, line, deployed) = deployed::start_or_join().await;
        let store = Store::connect(stack.mongodb_uri(), DATABASE_PREFIX, 4).await.unwrap();
        let root = Root::new(&stack.ministack().endpoint());
        Self { line, stack, store, root, deployed, _turn: turn }
    }

    /// An output of the template.
    pub(crate) fn output(&self, name: &str) -> &str {
        &self.deployed.outputs[name]
    }

    /// The cluster of the cell [`SECOND`].
    pub(crate) async fn second(&self) -> Store {
        Store::connect(self.second_mongodb_uri(), DATABASE_PREFIX, 4).await.unwrap()
    }

    /// Its connection string.
    pub(crate) fn second_mongodb_uri(&self) -> &str {
        &self.deployed.second_mongodb_uri
    }

    /// AWS as the account's root.
    pub(crate) fn aws(&self) -> &Aws {
        &self.root.aws
    }

    /// A function's name in AWS.
    pub(crate) fn function(&self, name: &str) -> String {
        format!("{}-{name}", self.platform())
    }

    /// The deployed stack's name in CloudFormation.
    pub(crate) fn platform(&self) -> String {
        format!("matome-{DEPLOYED}")
    }

    /// Where the gateway answers, and the `Host` that leads there.
    pub(crate) fn gateway(&self) -> (String, String) {
        let ministack = self.stack.ministack();
        (ministack.endpoint(), ministack.host_header(self.output("ApiId")))
    }

    /// Where a channel's webhooks go, and the `Host` that leads there.
    pub(crate) fn webhook(&self, channel_id: &str) -> (String, String) {
        let (endpoint, host) = self.gateway();
        (format!("{endpoint}/line/{channel_id}"), host)
    }
}

impl Stage {
    /// Posts a body to a channel's webhook as anybody could; again where the gateway gave up on a
    /// cold start, as LINE does.
    pub(crate) async fn post(
        &self,
        channel_id: &str,
        signature: Option<String>,
        body: String,
    ) -> (u16, String) {
        let (url, host) = self.webhook(channel_id);
        let mut request = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
        request = request.header("Host", host).header("Content-Type", "application/json").body(body);
        if let Some(signature) = signature {
            request = request.header(matome_line_simulator::signature::HEADER, signature);
        }
        eventually("an answer of the webhook's own", async || {
            let answer = request.try_clone().unwrap().send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status < 500).then_some((status, text))
        })
        .await
    }
}

impl Stage {
    /// An event of a business's group as the webhook would queue it, and its FIFO group.
    pub(crate) fn inbound(business: &Business<'_>, event: &Value) -> (String, String) {
        let conversation = event["source"]["groupId"].as_str().unwrap();
        let message = Inbound::Event(InboundEvent {
            tenant_id: business.tenant.clone(),
            channel_id: ChannelId::new(business.channel.channel_id.as_str()).unwrap(),
            conversation_id: ConversationId::new(conversation).unwrap(),
            event_id: event["webhookEventId"].as_str().unwrap().to_owned(),
            received_at: SystemClock.now(),
            event: event.clone(),
        });
        (serde_json::to_string(&message).unwrap(), message.group_id().unwrap())
    }

    /// Puts anything on `inbound.fifo`.
    pub(crate) async fn queue_body(&self, body: &str, group: &str, deduplication: &str) {
        let send = self.aws().sqs().send_message().queue_url(self.output("InboundQueueUrl"));
        let send = send.message_body(body).message_group_id(group).message_deduplication_id(deduplication);
        send.send().await.unwrap();
    }
}

impl Business<'_> {
    /// The rooms that people talk in at LINE; every organization has one of its own besides.
    pub(crate) async fn rooms(&self) -> Vec<Room> {
        self.all(bson::doc! { "channelId": { "$ne": Room::NO_CHANNEL } }).await
    }
}
