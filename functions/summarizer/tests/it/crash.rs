//! Death at every step boundary, then redelivery: the same final state.

use bson::Document;
use matome_ai::AiConfig;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::OutboundJob;
use matome_store::collection::encode;
use matome_store::entities::{AiUsage, OutboxEntry, Session, Summary};
use matome_testing::crash::{Boundaries, once_at};
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::summarizer::{Summarizer, closed_session, only};

/// Everything the summarizer writes, without what differs between any two runs.
async fn state(tenant: &TestTenant) -> Vec<Document> {
    let documents = [
        encode(&only::<Session>(tenant).await),
        encode(&only::<Summary>(tenant).await),
        encode(&only::<OutboxEntry>(tenant).await),
        encode(&only::<AiUsage>(tenant).await),
    ];
    documents.into_iter().map(|d| without_ids(d.expect("can be written"))).collect()
}

fn without_ids(mut document: Document) -> Document {
    for varies in [
        "_id",
        "tenantId",
        "channelId",
        "roomId",
        "sessionId",
        "summary",
        "participants",
        "citations",
        "purpose",
        "retryKey",
        "aiMetadata",
    ] {
        document.remove(varies);
    }
    document
}

async fn play(system: &TestSystem, tenant: &TestTenant, faults: Faults) -> usize {
    let job = closed_session(tenant).await;
    let summarizer = Summarizer::with(system, AiConfig::default(), faults);
    let mut deaths = 0;
    while !sqs::returned(&summarizer.take(std::slice::from_ref(&job)).await).is_empty() {
        deaths += 1;
        assert!(deaths < 3, "the job never gets through");
    }
    let jobs = summarizer.sent.sent::<OutboundJob>();
    assert!(!jobs.is_empty() && jobs.iter().all(|j| j.outbox_id == jobs[0].outbox_id));
    deaths
}

#[tokio::test]
async fn a_crash_at_any_step_boundary_leads_to_the_same_final_state() {
    let system = TestSystem::start().await;
    let boundaries = Boundaries::default();
    let calm = system.tenant(Placement::Shared).await;
    assert_eq!(play(&system, &calm, boundaries.watch()).await, 0);
    let expected = state(&calm).await;
    let all = boundaries.all();
    assert!(all.len() >= 8, "the job comes by the boundaries: {all:?}");
    for (boundary, time) in all {
        let tenant = system.tenant(Placement::Shared).await;
        assert_eq!(play(&system, &tenant, once_at(boundary, time)).await, 1, "dies at {boundary}");
        assert_eq!(state(&tenant).await, expected, "died at {boundary}");
    }
}
