//! MongoDB killed and restarted under load.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use matome_domain::placement::Placement;
use matome_domain::queue::Inbound;
use matome_local_stack::shared::OwnMongod;
use matome_store::entities::Message;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, sqs};

use crate::recorder::{Recorder, all, assert_counts_are_exact};

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_mongodb_is_killed_and_restarted_under_load() {
    let mut mongod = OwnMongod::start("recorder-kill").await.expect("a MongoDB of our own starts");
    let system = TestSystem::on(&mongod.uri()).await;
    let tenant = system.tenant(Placement::Shared).await;
    let recorder = Recorder::start(&system);
    let mut queue: VecDeque<Inbound> = (0..400_u32)
        .map(|n| {
            let talk = Talk { tenant: &tenant, group: None, user: ["Uaoi", "Ubun", "Uchai"][n as usize % 3] };
            talk.text(&n.to_string(), BEGIN.plus(Duration::from_secs(n.into())), "hi")
        })
        .collect();
    let mut acknowledged = BTreeSet::new();
    let mut failures = 0;
    let mut killed = false;
    let mut batches = 0;
    while !queue.is_empty() {
        let batch: Vec<Inbound> = queue.drain(..queue.len().min(10)).collect();
        batches += 1;
        let response = if batches == 15 {
            // In the middle of a batch.
            killed = true;
            let (response, ()) = tokio::join!(recorder.take(&batch), mongod.kill());
            mongod.restart().await.expect("it starts again on its data");
            response
        } else {
            recorder.take(&batch).await
        };
        let returned = sqs::returned(&response);
        failures += returned.len();
        assert!(failures < 400, "the recorder never recovers");
        for (position, message) in batch.into_iter().enumerate() {
            if returned.contains(&position) {
                queue.push_back(message);
            } else if let Inbound::Event(event) = message {
                acknowledged.insert(event.event_id);
            }
        }
    }
    assert!(killed);
    let stored: BTreeSet<String> =
        all::<Message>(&tenant, "_id").await.into_iter().filter_map(|m| m.webhook_event_id).collect();
    assert_eq!(stored, acknowledged);
    assert_eq!(stored.len(), 400);
    assert_counts_are_exact(&tenant).await;
}
