//! The webhook over real services: DynamoDB, KMS and an SQS FIFO queue of MiniStack.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use matome_domain::queue::{Inbound, InboundEvent};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};
use matome_webhook::{Context, handle};
use serde_json::json;

use crate::world::{ONE, TWO, body, event, from_user, register, signed, text};

struct Stack {
    aws: Aws,
    queue_url: String,
    context: Context,
}

impl Stack {
    /// A table, a key and a queue of its own.
    async fn new() -> Self {
        let endpoint = matome_local_stack::shared::aws_endpoint().await.unwrap();
        let name = format!("webhook-{}", SystemRandom.uuid());
        let mut vars = HashMap::from([
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", matome_local_stack::REGION.to_owned()),
            ("AWS_ENDPOINT_URL", endpoint),
            ("DIRECTORY_TABLE", name.clone()),
        ]);
        // Patient: two cores run many tests at once.
        let aws = Aws::from_env(&Env::from_map(vars.clone()), Patience::CONSUMER).unwrap();
        create_table(&aws, &name).await;
        let key = aws.kms().create_key().send().await.unwrap();
        vars.insert("KMS_KEY_ID", key.key_metadata.unwrap().key_id);
        let queue = aws.sqs().create_queue().queue_name(format!("{name}.fifo"));
        let queue = queue.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap();
        let queue_url = queue.queue_url.unwrap();
        vars.insert("INBOUND_QUEUE_URL", queue_url.clone());

        let mut context = Context::from_env(&Env::from_map(vars)).await.unwrap();
        // The function's own patience is LINE's two seconds; the machine that tests may be slower.
        let queues = matome_runtime::queue::Queues::new(&aws, Arc::new(SystemRandom));
        context.queues = queues.with_url::<Inbound>(&queue_url);
        for channel in [ONE, TWO] {
            register(&context.directory, &context.keys, channel, |_| ()).await;
        }
        Self { aws, queue_url, context }
    }

    /// Everything on the queue, in the order it comes.
    async fn drain(&self) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let page = self.aws.sqs().receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
            let page =
                page.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
            let Some(messages) = page.messages.filter(|m| !m.is_empty()) else { return all };
            for message in messages {
                let delete = self.aws.sqs().delete_message().queue_url(&self.queue_url);
                delete.receipt_handle(message.receipt_handle.clone().unwrap()).send().await.unwrap();
                all.push(message);
            }
        }
    }
}

async fn create_table(aws: &Aws, name: &str) {
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let attribute =
        AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
    let create = aws.dynamodb().create_table().table_name(name).key_schema(key);
    let create = create.attribute_definitions(attribute.build().unwrap());
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
}

fn read(messages: &[Message]) -> Vec<InboundEvent> {
    messages.iter().map(|m| event(serde_json::from_str(m.body.as_ref().unwrap()).unwrap())).collect()
}

#[tokio::test]
async fn events_reach_the_fifo_queue_in_order_and_a_redelivery_adds_nothing() {
    let stack = Stack::new().await;
    let sources = [json!({"type": "user", "userId": "U1"}), json!({"type": "group", "groupId": "C1"})];
    // What SQS refuses in a body and what JSON escapes: it must all come back as it was.
    let words = "สวัสดี 😀 \u{0}\u{1f}\u{7f}\u{fffe}\u{ffff} \"\\";
    let events: Vec<_> =
        (0..13).map(|n| text(&format!("01H{n:02}"), sources[n % 2].clone(), words)).collect();
    for _ in 0..2 {
        let answer = handle(signed(ONE, &body(ONE, &events)), &stack.context).await.unwrap();
        assert_eq!(answer.status_code, 200);
    }
    let messages = stack.drain().await;
    let queued = read(&messages);
    assert_eq!(queued.len(), 13);
    for (offset, conversation) in ["U1", "C1"].into_iter().enumerate() {
        let talk = messages.iter().zip(&queued).filter(|(_, e)| e.conversation_id.as_str() == conversation);
        let (groups, ids): (BTreeSet<_>, Vec<_>) = talk
            .map(|(m, e)| {
                let group =
                    m.attributes.as_ref().and_then(|a| a.get(&MessageSystemAttributeName::MessageGroupId));
                (group.cloned(), e.event_id.clone())
            })
            .unzip();
        assert_eq!(groups.len(), 1, "a conversation is in one group");
        let expected: Vec<_> = (0..13).skip(offset).step_by(2).map(|n| format!("01H{n:02}")).collect();
        assert_eq!(ids, expected);
    }
    assert!(queued.iter().all(|e| e.event["message"]["text"] == words));
}

#[tokio::test]
async fn a_queue_that_is_gone_is_503_and_a_forged_signature_is_401() {
    let stack = Stack::new().await;
    let body = body(TWO, &[from_user("01HA", "U1")]);
    let forged = signed(crate::world::Channel { secret: ONE.secret, ..TWO }, &body);
    assert_eq!(handle(forged, &stack.context).await.unwrap().status_code, 401);
    assert!(stack.drain().await.is_empty());

    stack.aws.sqs().delete_queue().queue_url(&stack.queue_url).send().await.unwrap();
    let answer = handle(signed(TWO, &body), &stack.context).await.unwrap();
    assert_eq!(answer.status_code, 503);
}
