use matome_domain::queue::SummaryJob;
use serde_json::{Value, json};

use super::*;

const FIFO: &str = "arn:aws:sqs:ap-northeast-1:1:matome-summaries.fifo";
const STANDARD: &str = "arn:aws:sqs:ap-northeast-1:1:matome-media";

fn job(n: u32) -> Value {
    json!({"tenantId": "t1", "sessionId": "s1", "revision": n})
}

/// Records `(message id, group, body)`.
fn event(arn: &str, records: &[(&str, &str, String)]) -> SqsEvent {
    let record = |(id, group, body): &(&str, &str, String)| {
        json!({
            "messageId": id, "receiptHandle": "r", "body": body, "eventSource": "aws:sqs", "eventSourceARN": arn,
            "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000"},
        })
    };
    serde_json::from_value(json!({"Records": records.iter().map(record).collect::<Vec<_>>()})).unwrap()
}

fn healthy(arn: &str, ids: &[(&str, &str)]) -> SqsEvent {
    event(arn, &ids.iter().map(|(id, group)| (*id, *group, job(1).to_string())).collect::<Vec<_>>())
}

fn returned(outcome: &BatchOutcome) -> Vec<String> {
    outcome.response().batch_item_failures.into_iter().map(|f| f.item_identifier).collect()
}

#[test]
fn a_healthy_batch_returns_nothing() {
    let batch = Batch::<SummaryJob>::read(healthy(FIFO, &[("1", "a"), ("2", "b")])).unwrap();
    assert_eq!(batch.deliveries.len(), 2);
    let first = &batch.deliveries[0];
    assert_eq!((first.message_id.as_str(), first.group.as_deref()), ("1", Some("a")));
    assert_eq!((first.receive_count, first.sent_at), (2, Some(Timestamp(1_700_000_000_000))));
    assert_eq!(first.message.revision, 1);
    assert!(returned(&batch.outcome).is_empty());
}

#[test]
fn on_fifo_a_failure_takes_the_later_ones_of_its_group_and_no_others() {
    let records = [("1", "a"), ("2", "b"), ("3", "a"), ("4", "b"), ("5", "a")];
    let mut outcome = Batch::<SummaryJob>::read(healthy(FIFO, &records)).unwrap().outcome;
    outcome.fail("3");
    assert_eq!(returned(&outcome), ["3", "5"]);
    assert!(outcome.is_returned("5") && !outcome.is_returned("1") && !outcome.is_returned("4"));
    assert_eq!(outcome.counts(), (5, 2));
}

#[test]
fn a_message_that_fails_alone_holds_nobody_back_unless_it_had_to_wait_itself() {
    let records = [("1", "a"), ("2", "a"), ("3", "a")];
    let mut outcome = Batch::<SummaryJob>::read(healthy(FIFO, &records)).unwrap().outcome;
    outcome.fail_alone("2");
    assert_eq!(returned(&outcome), ["2"]);
    outcome.fail("1");
    assert_eq!(returned(&outcome), ["1", "2", "3"]);
}

#[test]
fn on_a_standard_queue_a_failure_takes_only_itself() {
    let mut outcome =
        Batch::<SummaryJob>::read(healthy(STANDARD, &[("1", "a"), ("2", "a")])).unwrap().outcome;
    outcome.fail("1");
    assert_eq!(returned(&outcome), ["1"]);
}

#[test]
fn a_poison_message_fails_itself_and_those_behind_it_are_not_worked_on() {
    let poisons = ["", "{", "[]", "null", "\u{0}", r#"{"tenantId":"../x","sessionId":"s1","revision":1}"#];
    for poison in poisons {
        let records = [
            ("1", "a", job(1).to_string()),
            ("2", "a", poison.to_owned()),
            ("3", "a", job(3).to_string()),
            ("4", "b", job(4).to_string()),
        ];
        let batch = Batch::<SummaryJob>::read(event(FIFO, &records)).unwrap();
        let healthy: Vec<_> = batch.deliveries.iter().map(|d| d.message_id.as_str()).collect();
        assert_eq!(healthy, ["1", "4"], "{poison}");
        assert_eq!(returned(&batch.outcome), ["2", "3"], "{poison}");
        assert_eq!(batch.outcome.unparsed(), 1);
    }
}

#[test]
fn where_order_does_not_matter_a_poison_message_holds_nobody_back() {
    let records = [
        ("1", "a", job(1).to_string()),
        ("2", "a", "{".to_owned()),
        ("3", "a", job(3).to_string()),
        ("4", "b", "".to_owned()),
    ];
    let mut batch = Batch::<SummaryJob>::read_unordered(event(FIFO, &records)).unwrap();
    assert_eq!(batch.deliveries.iter().map(|d| d.message_id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(returned(&batch.outcome), ["2", "4"]);
    assert_eq!(batch.outcome.unparsed(), 2);
    batch.outcome.fail("1");
    assert_eq!(returned(&batch.outcome), ["1", "2", "3", "4"]);
}

#[test]
fn on_its_last_delivery_a_poison_message_goes_alone_so_that_none_follows_it_to_the_dead_letters() {
    let records = || {
        let poison = ("2", "a", "{".to_owned());
        event(FIFO, &[("1", "a", job(1).to_string()), poison, ("3", "a", job(3).to_string())])
    };
    // The records say that this is the second delivery.
    let batch = Batch::<SummaryJob>::read_within(records(), 3).unwrap();
    assert_eq!(returned(&batch.outcome), ["2", "3"]);
    let mut batch = Batch::<SummaryJob>::read_within(records(), 2).unwrap();
    assert_eq!(batch.deliveries.iter().map(|d| d.message_id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(returned(&batch.outcome), ["2"]);
    batch.outcome.fail("1");
    assert_eq!(returned(&batch.outcome), ["1", "2"]);
}

#[test]
fn a_record_without_an_id_fails_the_invocation() {
    let event: SqsEvent = serde_json::from_value(json!({"Records": [{"body": job(1).to_string()}]})).unwrap();
    assert_eq!(Batch::<SummaryJob>::read(event).unwrap_err(), BatchError::NoMessageId { index: 0 });
}

#[test]
fn groups_keep_their_order_and_standard_messages_stand_alone() {
    let ids = |event| {
        let (groups, _) = Batch::<SummaryJob>::read(event).unwrap().into_groups();
        groups.into_iter().map(|g| g.into_iter().map(|d| d.message_id).collect()).collect::<Vec<Vec<_>>>()
    };
    let records = [("1", "a"), ("2", "b"), ("3", "a")];
    assert_eq!(ids(healthy(FIFO, &records)), [vec!["1", "3"], vec!["2"]]);
    assert_eq!(ids(healthy(STANDARD, &records)), [vec!["1"], vec!["2"], vec!["3"]]);
}

#[test]
fn whatever_fails_no_group_is_overtaken() {
    // Every subset of six messages in two groups: nothing after a returned one of its group is acknowledged.
    let records = [("1", "a"), ("2", "b"), ("3", "a"), ("4", "a"), ("5", "b"), ("6", "a")];
    for subset in 0_u32..64 {
        let mut outcome = Batch::<SummaryJob>::read(healthy(FIFO, &records)).unwrap().outcome;
        for (_, (id, _)) in records.iter().enumerate().filter(|(bit, _)| subset & (1 << bit) != 0) {
            outcome.fail(id);
        }
        for group in ["a", "b"] {
            let back = records.iter().filter(|(_, g)| *g == group).map(|(id, _)| outcome.is_returned(id));
            let back: Vec<bool> = back.collect();
            assert!(back.is_sorted(), "{subset:b} {group} {back:?}");
        }
        for (bit, (id, _)) in records.iter().enumerate() {
            assert!(subset & (1 << bit) == 0 || outcome.is_returned(id), "a failed one is always returned");
        }
    }
}

#[test]
fn poison_is_what_fails_by_itself_and_waits_for_nobody() {
    let bad = "{ not json".to_owned();
    let records = [
        ("1", "a", bad.clone()),
        ("2", "a", job(1).to_string()),
        ("3", "b", job(1).to_string()),
        ("4", "b", bad.clone()),
        ("5", "c", job(1).to_string()),
        ("6", "d", job(1).to_string()),
    ];
    let mut outcome = Batch::<SummaryJob>::read_unordered(event(FIFO, &records)).unwrap().outcome;
    outcome.fail("3");
    outcome.fail_alone("5");
    outcome.fail_as_poison("6");
    assert_eq!(returned(&outcome), ["1", "3", "4", "5", "6"]);
    let poison = |id: &str| Receipt {
        message_id: id.to_owned(),
        queue_arn: FIFO.to_owned(),
        handle: "r".to_owned(),
        receive_count: 2,
    };
    assert_eq!(outcome.poison(), [poison("1"), poison("6")]);
    let ordered = Batch::<SummaryJob>::read(event(FIFO, &[("1", "a", bad)])).unwrap().outcome;
    assert_eq!(ordered.poison(), []);
}
