//! `events/scheduler/every-minute.json`, which `cargo lambda invoke` takes, is what EventBridge sends.

use serde::de::IgnoredAny;
use serde_json::Value;

#[test]
fn the_sample_is_a_scheduled_event_and_can_be_read() {
    let sample = include_str!("../../../../events/scheduler/every-minute.json");
    let event: Value = serde_json::from_str(sample).unwrap();
    assert_eq!((&event["source"], &event["detail-type"]), (&"aws.events".into(), &"Scheduled Event".into()));
    serde_json::from_str::<IgnoredAny>(sample).unwrap();
}
