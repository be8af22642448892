//! `events/recorder/*.json`: what Lambda hands over, for `cargo lambda invoke` and for reading.

use aws_lambda_events::sqs::SqsEvent;
use matome_domain::queue::{Inbound, MediaJob};
use matome_recorder::fact::{Fact, What};
use matome_runtime::batch::Batch;
use matome_testing::tenant::BEGIN;

#[test]
fn the_sample_of_inbound_fifo_is_understood() {
    let event: SqsEvent =
        serde_json::from_str(include_str!("../../../../events/recorder/inbound.json")).expect("an SQS event");
    let batch = Batch::<Inbound>::read(event).expect("message ids");
    let facts: Vec<Fact> = batch.deliveries.into_iter().map(|d| Fact::translate(d.message, BEGIN)).collect();
    let names: Vec<_> = facts.iter().map(|f| f.type_name.as_str()).collect();
    assert_eq!(names, ["follow", "message", "message", "unsend", "message"]);
    assert!(matches!(&facts[4].what, What::Said(_, Some(_))), "the last one is a command");
}

#[test]
fn the_sample_of_media_is_understood() {
    let event: SqsEvent =
        serde_json::from_str(include_str!("../../../../events/recorder/media.json")).expect("an SQS event");
    assert_eq!(Batch::<MediaJob>::read(event).expect("message ids").deliveries.len(), 1);
}
