//! Death at every step boundary, then redelivery: the same final state.

use bson::Document;
use matome_ai::AiConfig;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::OutboundJob;
use matome_store::collection::encode;
use matome_store::entities::{AiUsage, Message, OutboxEntry, Session, Summary, User};
use matome_testing::crash::{Boundaries, Names, once_at};
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::summarizer::{Summarizer, all, closed_session, only};

/// Everything the summarizer writes, without what differs between any two runs.
async fn state(tenant: &TestTenant) -> Vec<Document> {
    let (session, summary) = (only::<Session>(tenant).await, only::<Summary>(tenant).await);
    let mut names = Names::default();
    names.give(session.id, "the session");
    names.give(session.room_id, "the room");
    names.give(summary.id, "the summary");
    for user in all::<User>(tenant).await {
        names.give(user.id, user.line_user_id);
    }
    for message in all::<Message>(tenant).await {
        names.give(message.id, message.line_message_id);
    }
    let mut summary = encode(&summary).expect("can be written");
    let took = summary.get_document_mut("aiMetadata").expect("says who wrote it").remove("processingTime");
    assert!(took.is_some());
    let documents = [
        encode(&session).expect("can be written"),
        summary,
        encode(&only::<OutboxEntry>(tenant).await).expect("can be written"),
        encode(&only::<AiUsage>(tenant).await).expect("can be written"),
    ];
    let alike = |mut document: Document| {
        for varies in ["_id", "tenantId", "channelId", "retryKey"] {
            document.remove(varies);
        }
        names.put_into(document)
    };
    documents.into_iter().map(alike).collect()
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
