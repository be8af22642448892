//! Messages that cannot be recorded, among many that can.

use std::collections::BTreeSet;
use std::time::Duration;

use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, QueueMessage};
use matome_local_stack::shared::OwnMongod;
use matome_store::entities::Message;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, sqs};

use crate::recorder::{Recorder, all, assert_counts_are_exact};

#[tokio::test]
async fn one_percent_poison_leaves_all_healthy_messages_recorded_and_returns_only_itself() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let stranger = system.unregistered_tenant(Placement::Shared, |_| {}).await;
    let recorder = Recorder::start(&system);
    let message = |n: u32| {
        let at = BEGIN.plus(Duration::from_secs(n.into()));
        let tenant = if n % 100 == 42 { &stranger } else { &tenant };
        Talk { tenant, group: None, user: "Uaoi" }.text(&n.to_string(), at, "hi")
    };
    let events: Vec<Inbound> = (0..300).map(message).collect();
    let mut poison = Vec::new();
    for batch in events.chunks(10) {
        for position in sqs::returned(&recorder.take(batch).await) {
            poison.push(batch[position].clone());
        }
    }
    assert_eq!(poison.len(), 3);
    assert_eq!(recorder.hurried(), vec![("r2".to_owned(), 1); 3]);
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 297);

    // The operator finds out, registers the tenant, and redrives the dead-letter queue.
    system.register(&stranger, Placement::Shared).await;
    let recorder = Recorder::start(&system);
    for message in &poison {
        recorder.record(std::slice::from_ref(message)).await;
    }
    assert_eq!(all::<Message>(&stranger, "_id").await.len(), 3);
    assert_counts_are_exact(&stranger).await;
}

#[tokio::test]
async fn a_document_too_large_for_mongodb_does_not_take_its_group_with_it() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let at = |n: u64| BEGIN.plus(Duration::from_secs(n));
    let recorder = Recorder::start(&system);
    let batch = [
        talk.text("1", at(1), "before"),
        talk.text("2", at(2), &"x".repeat(17 * 1024 * 1024)),
        talk.text("3", at(3), "after"),
    ];
    let returned = sqs::returned(&recorder.take(&batch).await);
    assert_eq!(returned, BTreeSet::from([1]));
    assert_eq!(recorder.hurried(), [("r1".to_owned(), 1)]);
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 2);
    assert_counts_are_exact(&tenant).await;
}

#[tokio::test]
async fn a_body_that_is_no_event_goes_back_alone_and_even_those_behind_it_are_recorded() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let [first, second] = ["1", "2"].map(|id| talk.text(id, BEGIN, "hi"));
    let group = first.group_id().expect("FIFO");
    let text = |message: &Inbound| serde_json::to_string(message).expect("JSON");
    let bodies = [
        ("{ not json".to_owned(), group.clone()),
        (text(&first), group.clone()),
        (r#"{"kind":"event","tenantId":"a.b"}"#.to_owned(), group.clone()),
        (text(&second), group),
        (String::new(), "elsewhere".to_owned()),
    ];
    let recorder = Recorder::start(&system);
    let event = sqs::raw_batch(Inbound::QUEUE, bodies);
    let response = matome_recorder::handle(event, &recorder.context).await.expect("a well-formed batch");
    assert_eq!(sqs::returned(&response), BTreeSet::from([0, 2, 4]));
    assert_eq!(recorder.hurried(), ["r0", "r2", "r4"].map(|handle| (handle.to_owned(), 1)));
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 2);
    assert_counts_are_exact(&tenant).await;
}

#[tokio::test]
async fn poison_is_among_the_dead_letters_after_five_receives_in_half_a_minute() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let stranger = system.unregistered_tenant(Placement::Shared, |_| {}).await;
    let [healthy, poison] =
        [&tenant, &stranger].map(|tenant| Talk { tenant, group: None, user: "Uaoi" }.text("1", BEGIN, "hi"));
    let recorder = Recorder::start(&system);
    for receive_count in 1..=5 {
        let event = sqs::again(sqs::batch(&[healthy.clone(), poison.clone()]), receive_count);
        let response = matome_recorder::handle(event, &recorder.context).await.expect("a well-formed batch");
        assert_eq!(sqs::returned(&response), BTreeSet::from([1]));
    }
    assert_eq!(recorder.sent.hidden()[0].url, "test-inbound.fifo");
    assert_eq!(recorder.hurried(), [1, 2, 4, 8, 16].map(|seconds| ("r1".to_owned(), seconds)));
}

#[tokio::test]
async fn without_mongodb_healthy_messages_wait_as_long_as_the_queue_says() {
    let mongod = OwnMongod::start("recorder-poison").await.expect("a MongoDB of our own starts");
    let system = TestSystem::on(&mongod.uri()).await;
    let tenant = system.tenant(Placement::Shared).await;
    let stranger = system.unregistered_tenant(Placement::Shared, |_| {}).await;
    let at = |n: u64| BEGIN.plus(Duration::from_secs(n));
    let say = |tenant, n: u64| Talk { tenant, group: None, user: "Uaoi" }.text(&n.to_string(), at(n), "hi");
    let recorder = Recorder::start(&system);
    recorder.record(&[say(&tenant, 1)]).await;
    mongod.kill().await;
    let response = recorder.take(&[say(&tenant, 2), say(&stranger, 3), say(&tenant, 4)]).await;
    assert_eq!(sqs::returned(&response), BTreeSet::from([0, 1, 2]));
    assert_eq!(recorder.hurried(), [("r1".to_owned(), 1)], "the directory does not know the stranger");
}
