//! What is due is queued, in every placement, and nothing else is touched.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::{CloseTrigger, Inbound, MediaJob, OutboundJob, QueueMessage, SummaryJob};
use matome_runtime::queue::{Recorded, Refuse};
use matome_scheduler::handler::Swept;
use matome_store::entities::{Organization, Purpose, SessionStatus};
use matome_testing::fixtures;
use matome_testing::tenant::BEGIN;

use crate::stage::{documents, household, insert, marked, queued, scheduler, system};

const EVERYWHERE: [Placement; 5] = [
    Placement::Shared,
    Placement::Shared,
    Placement::CollectionSet,
    Placement::CollectionSet,
    Placement::Dedicated,
];

#[tokio::test]
async fn exactly_what_is_due_is_queued_for_tenants_in_every_placement() {
    let system = system().await;
    let mut households = Vec::new();
    for placement in EVERYWHERE {
        households.push(household(&system, placement).await);
    }
    let mut before = Vec::new();
    for household in &households {
        before.push(documents(&household.tenant).await);
    }
    let (context, recording) = scheduler(&system, Faults::none());
    let swept = matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(swept, Swept { expired: 10, summaries: 5, outbound: 10, media: 10, operations: 0 });

    let mut due: Vec<_> = households.iter().flat_map(|h| h.due.clone()).collect();
    due.sort();
    assert_eq!(queued(&recording), due);
    assert_eq!(recording.entries().len(), due.len(), "each once");
    for (household, before) in households.iter().zip(before) {
        assert_eq!(documents(&household.tenant).await, marked(before, &household.due));
    }
}

#[tokio::test]
async fn a_job_says_whose_it_is() {
    let system = system().await;
    let household = household(&system, Placement::Shared).await;
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    for inbound in recording.sent::<Inbound>() {
        let Inbound::Close(close) = inbound else { panic!("the scheduler makes no events") };
        assert_eq!(
            (close.tenant_id, close.channel_id),
            (household.tenant.id.clone(), household.tenant.channel.clone())
        );
        assert!(close.conversation_id.as_str().starts_with("Croom"));
        assert_eq!(close.trigger, CloseTrigger::TimeLimit);
    }
    assert!(
        recording.sent::<SummaryJob>().iter().all(|j| j.revision == 7 && j.tenant_id == household.tenant.id)
    );
    let conversations = recording.sent::<OutboundJob>().into_iter().map(|j| j.conversation_id.to_string());
    assert!(conversations.eq(["Croom", "Croom"].map(str::to_owned)));
}

#[tokio::test]
async fn what_was_queued_is_left_alone_until_it_is_due_again() {
    let system = system().await;
    let household = household(&system, Placement::Shared).await;
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    recording.clear();
    let swept = matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(swept, Swept { expired: 2, ..Swept::default() }, "still open, still asked for");
    // Half an hour later everything that nobody finished is due again.
    system.clock.advance(Duration::from_secs(1_801));
    recording.clear();
    matome_scheduler::handle(&context).await.unwrap();
    let again = queued(&recording);
    assert!(household.due.iter().all(|d| again.contains(d)));
}

#[tokio::test]
async fn a_session_asked_to_close_again_is_one_message_to_sqs() {
    let system = system().await;
    household(&system, Placement::Shared).await;
    let (context, recording) = scheduler(&system, Faults::none());
    for _ in 0..4 {
        matome_scheduler::handle(&context).await.unwrap();
    }
    assert_eq!(recording.sent::<Inbound>().len(), 8);
    assert_eq!(recording.distinct::<Inbound>().len(), 2);
}

#[tokio::test]
async fn more_than_a_page_is_queued_oldest_first() {
    let system = system().await;
    let tenant = system.tenant(Placement::Shared).await;
    let mut wanted = Vec::new();
    for n in 0..250_i64 {
        let room = fixtures::room(&tenant, &format!("Croom{n}"));
        let session = fixtures::session(
            &room,
            1,
            SessionStatus::Active,
            BEGIN.plus(Duration::from_secs(n.unsigned_abs())),
        );
        insert(&tenant.store, &session).await;
        let mut entry = fixtures::entry(&room, Purpose::Welcome, None, format!("key {n}"));
        entry.updated_at = bson::DateTime::from_millis(BEGIN.0 + n);
        insert(&tenant.store, &entry).await;
        wanted.push((session.id.to_hex(), entry.id.to_hex()));
    }
    let (context, recording) = scheduler(&system, Faults::none());
    let swept = matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(swept, Swept { expired: 250, outbound: 250, ..Swept::default() });
    let closed = recording.sent::<Inbound>().into_iter().map(|i| match i {
        Inbound::Close(close) => close.session_id.to_string(),
        Inbound::Event(event) => event.event_id,
        Inbound::Open(open) => open.wish_id.to_string(),
    });
    let sent = recording.sent::<OutboundJob>().into_iter().map(|j| j.outbox_id.to_string());
    assert_eq!(closed.zip(sent).collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn a_place_that_fails_does_not_keep_the_others_from_being_swept() {
    let system = system().await;
    let mut households = Vec::new();
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        households.push(household(&system, placement).await);
    }
    let (context, recording) = scheduler(&system, Faults::none());
    recording.refuse([Refuse::Request]);
    let error = matome_scheduler::handle(&context).await.unwrap_err();
    assert_eq!(error.to_string(), "1 of 3 places could not be swept");
    assert!(!recording.entries().is_empty());
    matome_scheduler::handle(&context).await.unwrap();
    let mut due: Vec<_> = households.iter().flat_map(|h| h.due.clone()).collect();
    due.sort();
    assert_eq!(queued(&recording), due);
}

#[tokio::test]
async fn nothing_due_is_nothing_queued() {
    let system = system().await;
    system.tenant(Placement::Shared).await;
    let (context, recording) = scheduler(&system, Faults::none());
    assert_eq!(matome_scheduler::handle(&context).await.unwrap(), Swept::default());
    assert_eq!(recording.requests(), 0);
}

#[tokio::test]
async fn a_document_with_an_id_that_is_none_is_passed_over() {
    let system = system().await;
    let household = household(&system, Placement::Shared).await;
    let room = fixtures::room(&household.tenant, "Cother");
    let mut entry = fixtures::entry(&room, Purpose::Welcome, None, "odd".to_owned());
    entry.conversation_id = "../etc".to_owned();
    insert(&household.tenant.store, &entry).await;
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(queued(&recording), household.due);
}

#[tokio::test]
async fn an_organization_without_a_placement_is_a_shared_one() {
    let system = system().await;
    let household = household(&system, Placement::Shared).await;
    let organizations = system.store.platform_collection::<Organization>();
    let unset = doc! { "$unset": { "placement": "" } };
    organizations.update_one(doc! { "tenantId": household.tenant.id.as_str() }, unset).await.unwrap();
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(queued(&recording), household.due);
}

#[tokio::test]
async fn a_tenants_own_queue_is_used_for_closing() {
    let system = system().await;
    let (pooled, own) =
        (household(&system, Placement::Shared).await, household(&system, Placement::Dedicated).await);
    let tenants = system.tenants();
    let channel = tenants.directory().channel(&own.tenant.channel).await.unwrap().unwrap();
    let mut channel = (*channel).clone();
    channel.inbound_queue_url = Some("their-own".to_owned());
    channel.version += 1;
    tenants.directory().put_channel(&channel).await.unwrap();
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    let entries = recording.entries();
    let closes = entries.iter().filter(|e| e.queue == Inbound::QUEUE);
    let mut seen = 0;
    for close in closes {
        let theirs = close.body.contains(own.tenant.id.as_str());
        assert!(theirs || close.body.contains(pooled.tenant.id.as_str()));
        assert_eq!(close.url, if theirs { "their-own" } else { Inbound::QUEUE });
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[tokio::test]
async fn what_is_redriven_goes_to_a_tenants_own_queues() {
    let system = system().await;
    let pooled = household(&system, Placement::Shared).await;
    let own = household(&system, Placement::Dedicated).await;
    let directory = system.directory();
    let mut record = directory.newest_tenant(&own.tenant.id).await.unwrap().unwrap();
    record.inbound_queue_url = Some("m-tenant-t-inbound.fifo".to_owned());
    record.version += 1;
    directory.put_tenant(&record).await.unwrap();
    let (context, recording) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    let entries = recording.entries();
    let redriven = entries.iter().filter(|e| e.queue != Inbound::QUEUE);
    let (theirs, others): (Vec<_>, Vec<_>) = redriven.partition(|e| e.body.contains(own.tenant.id.as_str()));
    let urls = |entries: &[&Recorded]| entries.iter().map(|e| e.url.clone()).collect::<BTreeSet<_>>();
    let queues = [SummaryJob::QUEUE, OutboundJob::QUEUE, MediaJob::QUEUE];
    assert_eq!(urls(&theirs), queues.map(|queue| format!("m-tenant-t-{queue}")).into());
    assert!(others.iter().all(|e| e.body.contains(pooled.tenant.id.as_str())));
    assert_eq!(urls(&others), queues.map(str::to_owned).into());
}
