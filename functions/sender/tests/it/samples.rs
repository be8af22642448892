//! `events/sender/*.json`, which `cargo lambda invoke` takes, are what they claim to be.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lambda_events::sqs::SqsEvent;
use matome_domain::queue::{OutboundJob, QueueMessage};
use matome_runtime::batch::Batch;

#[test]
fn every_sample_is_a_batch_of_the_queue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/sender");
    let mut read = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let event: SqsEvent = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let from_queue = |arn: &String| arn.ends_with(OutboundJob::QUEUE);
        assert!(event.records.iter().all(|r| r.event_source_arn.as_ref().is_some_and(from_queue)));
        let groups: Vec<_> = event.records.iter().map(|r| r.attributes["MessageGroupId"].clone()).collect();
        let batch = Batch::<OutboundJob>::read(event).unwrap();
        let expected: Vec<_> = batch.deliveries.iter().filter_map(|d| d.message.group_id()).collect();
        if !expected.is_empty() {
            assert_eq!(groups, expected);
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        read.insert(name, (batch.deliveries.len(), batch.outcome.unparsed()));
    }
    let wanted = [("two-conversations.json", (3, 0)), ("unreadable.json", (0, 1))];
    assert_eq!(read, wanted.map(|(name, counts)| (name.to_owned(), counts)).into());
}
