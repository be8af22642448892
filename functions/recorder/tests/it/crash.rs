//! Death at every step boundary, then redelivery: the same final state.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Bson, Document, doc};
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, MediaJob, OutboundJob, SummaryJob};
use matome_store::Entity;
use matome_store::collection::encode;
use matome_store::entities::{InboundEventRecord, Message, OutboxEntry, Room, RoomMember, Session, User};
use matome_testing::crash::{Boundaries, Names, once_at};
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};
use serde_json::json;

use crate::recorder::{NOWHERE, Recorder, all, assert_counts_are_exact};

fn script(tenant: &TestTenant) -> Vec<Inbound> {
    let at = |n: u64| BEGIN.plus(Duration::from_secs(n));
    let group = Talk { tenant, group: Some("Cgroup"), user: "Uaoi" };
    let other = Talk { tenant, group: Some("Cgroup"), user: "Ubun" };
    vec![
        group.event("join", at(0), "join", json!({})),
        group.text("1", at(1), "hello @bun"),
        other.image("2", at(2)),
        group.unsend("2", at(3)),
        group.edit("1", 1, at(4), "hello again"),
        other.text("3", at(5), "/summary"),
        group.text("4", at(6), "next"),
        group.event("pb", at(7), "postback", json!({ "postback": { "data": "m=summarize" } })),
        other.text("5", at(8), "สรุป"),
    ]
}

/// What the ids of a run stand for.
async fn names(tenant: &TestTenant) -> Names {
    let mut names = Names::default();
    for room in all::<Room>(tenant, "_id").await {
        names.give(room.id, room.conversation_id);
    }
    for user in all::<User>(tenant, "_id").await {
        names.give(user.id, user.line_user_id);
    }
    for session in all::<Session>(tenant, "_id").await {
        names.give(session.id, format!("session {}", session.session_number));
    }
    for message in all::<Message>(tenant, "_id").await {
        names.give(message.id, format!("message {}", message.line_message_id));
    }
    names
}

/// Everything that is stored, without what differs between any two runs.
async fn state(tenant: &TestTenant) -> Vec<Document> {
    async fn of<E: Entity>(tenant: &TestTenant, names: &Names, out: &mut Vec<Document>) {
        for entity in all::<E>(tenant, "_id").await {
            let mut document = encode(&entity).expect("can be written");
            for varies in ["_id", "tenantId", "channelId", "retryKey", "__v", "refreshAt", "revision"] {
                document.remove(varies);
            }
            document.insert("collection", E::COLLECTION);
            out.push(names.put_into(document));
        }
    }
    let (names, mut out) = (names(tenant).await, Vec::new());
    of::<Room>(tenant, &names, &mut out).await;
    of::<RoomMember>(tenant, &names, &mut out).await;
    of::<User>(tenant, &names, &mut out).await;
    of::<Session>(tenant, &names, &mut out).await;
    of::<Message>(tenant, &names, &mut out).await;
    of::<InboundEventRecord>(tenant, &names, &mut out).await;
    of::<OutboxEntry>(tenant, &names, &mut out).await;
    out.sort_by_key(|d| Bson::Document(d.clone()).to_string());
    out
}

/// Feeds the script until nothing is returned, with a new process after each death.
async fn play(system: &TestSystem, tenant: &TestTenant, faults: matome_domain::fault::Faults) -> [usize; 3] {
    let recorder = Recorder::with(system, faults, NOWHERE, NOWHERE);
    for batch in script(tenant).chunks(3) {
        let mut attempts = 0;
        while !sqs::returned(&recorder.take(batch).await).is_empty() {
            attempts += 1;
            assert!(attempts < 5, "the batch never gets through");
        }
    }
    // A job may be sent twice, but there is no other than in a calm run.
    let summaries: BTreeSet<_> =
        recorder.sent.sent::<SummaryJob>().into_iter().map(|j| j.session_id).collect();
    let media: BTreeSet<_> = recorder.sent.sent::<MediaJob>().into_iter().map(|j| j.message_id).collect();
    let outbound: BTreeSet<_> =
        recorder.sent.sent::<OutboundJob>().into_iter().map(|j| j.outbox_id).collect();
    [summaries.len(), media.len(), outbound.len()]
}

#[tokio::test]
async fn a_crash_at_any_step_boundary_leads_to_the_same_final_state() {
    let system = TestSystem::start().await;
    let boundaries = Boundaries::default();
    let calm = system.tenant(Placement::Shared).await;
    let jobs = play(&system, &calm, boundaries.watch()).await;
    let expected = state(&calm).await;
    assert_eq!(jobs[0], 2, "two sessions are to be summarized");
    assert_counts_are_exact(&calm).await;

    let all_boundaries = boundaries.all();
    assert!(all_boundaries.len() >= 30, "the script comes by the boundaries: {all_boundaries:?}");
    for (boundary, time) in all_boundaries {
        let tenant = system.tenant(Placement::Shared).await;
        let jobs_after = play(&system, &tenant, once_at(boundary, time)).await;
        assert_eq!(state(&tenant).await, expected, "died at {boundary}, time {time}");
        assert_eq!(jobs_after, jobs, "died at {boundary}, time {time}: what is set off");
        assert_counts_are_exact(&tenant).await;
    }
    let rooms = calm.store.collection::<Room>().count(doc! {}).await.expect("can be counted");
    assert_eq!(rooms, 1);
}
