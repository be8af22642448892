//! `events/summarizer/*.json`: what Lambda hands over, for `cargo lambda invoke` and for reading.

use aws_lambda_events::sqs::SqsEvent;
use matome_domain::queue::SummaryJob;
use matome_runtime::batch::Batch;

#[test]
fn the_sample_of_summaries_fifo_is_understood() {
    let event: SqsEvent = serde_json::from_str(include_str!("../../../../events/summarizer/summary.json"))
        .expect("an SQS event");
    let batch = Batch::<SummaryJob>::read(event).expect("message ids");
    assert_eq!(batch.deliveries[0].message.revision, 0);
}
