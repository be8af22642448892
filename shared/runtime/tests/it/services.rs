//! Clients of the shared MiniStack, and resources of a test's own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};

/// Clients for the shared MiniStack.
pub(crate) async fn aws() -> Aws {
    let vars = HashMap::from([
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", matome_local_stack::REGION.to_owned()),
        ("AWS_ENDPOINT_URL", matome_local_stack::shared::aws_endpoint().await.unwrap()),
    ]);
    Aws::from_env(&Env::from_map(vars), Patience::CONSUMER).unwrap()
}

/// A name nobody else has.
pub(crate) fn name() -> String {
    format!("runtime-{}", SystemRandom.uuid())
}

/// A table with the string key `pk`.
pub(crate) async fn table(aws: &Aws) -> String {
    let name = name();
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let attribute =
        AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
    let create = aws.dynamodb().create_table().table_name(&name).key_schema(key);
    let create = create.attribute_definitions(attribute.build().unwrap());
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
    name
}

/// A queue's URL.
pub(crate) async fn queue(aws: &Aws, fifo: bool) -> String {
    let suffix = if fifo { ".fifo" } else { "" };
    let mut create = aws.sqs().create_queue().queue_name(format!("{}{suffix}", name()));
    if fifo {
        create = create.attributes(QueueAttributeName::FifoQueue, "true");
    }
    create.send().await.unwrap().queue_url.unwrap()
}
