//! Edits and unsends, in order and out of it.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, MediaJob, SummaryJob};
use matome_store::entities::{Media, MediaStatus, Message, MessageStatus, Session, SessionStatus};
use matome_testing::TestSystem;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;

use crate::recorder::{Recorder, all, assert_counts_are_exact};

fn at(seconds: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

fn permutations(events: &[Inbound]) -> Vec<Vec<Inbound>> {
    match events {
        [] => vec![Vec::new()],
        _ => (0..events.len())
            .flat_map(|i| {
                let mut rest = events.to_vec();
                let first = rest.remove(i);
                permutations(&rest).into_iter().map(move |mut p| {
                    p.insert(0, first.clone());
                    p
                })
            })
            .collect(),
    }
}

#[tokio::test]
async fn an_unsend_leaves_a_tombstone_whatever_comes_first() {
    let system = TestSystem::start().await;
    for order in 0..2 {
        let tenant = system.tenant(Placement::Shared).await;
        let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
        let mut events =
            vec![talk.text("1", at(0), "my secret #tag https://example.com"), talk.unsend("1", at(5))];
        events.rotate_left(order);
        let recorder = Recorder::start(&system);
        for event in &events {
            recorder.record(std::slice::from_ref(event)).await;
        }
        let messages: Vec<Message> = all(&tenant, "_id").await;
        assert_eq!(messages.len(), 1);
        let tombstone = &messages[0];
        assert_eq!(tombstone.status, MessageStatus::Deleted);
        assert_eq!(tombstone.message_type, "text");
        assert_eq!(tombstone.timestamp.timestamp_millis(), at(0).0);
        assert_eq!(tombstone.deleted_at.map(|d| d.timestamp_millis()), Some(at(5).0));
        let stored = matome_store::collection::encode(tombstone).expect("can be written").to_string();
        assert!(!stored.contains("secret") && !stored.contains("example.com"), "{stored}");
        assert!(!tombstone.placeholder);
        assert_counts_are_exact(&tenant).await;
    }
}

#[tokio::test]
async fn an_edited_message_keeps_its_history_whatever_order_it_comes_in() {
    let system = TestSystem::start().await;
    let mut histories = Vec::new();
    for order in 0..6 {
        let tenant = system.tenant(Placement::Shared).await;
        let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
        let events = [
            talk.text("1", at(0), "first"),
            talk.edit("1", 1, at(5), "second #b"),
            talk.edit("1", 2, at(9), "third #c"),
        ];
        let recorder = Recorder::start(&system);
        for event in &permutations(&events)[order] {
            recorder.record(std::slice::from_ref(event)).await;
            recorder.record(std::slice::from_ref(event)).await;
        }
        let messages: Vec<Message> = all(&tenant, "_id").await;
        assert_eq!(messages[0].content.as_deref(), Some("third #c"));
        assert_eq!(messages[0].metadata.hashtags, ["c"]);
        assert_eq!(messages[0].search, ["third"], "found by what it says now");
        assert_eq!(messages[0].timestamp.timestamp_millis(), at(0).0);
        let history: Vec<_> = messages[0].edit_history.iter().map(|e| e.content.clone()).collect();
        assert_eq!(history.len(), 2, "{history:?}");
        histories.push(history);
        assert_counts_are_exact(&tenant).await;
    }
    for history in &histories {
        assert_eq!(history, &["first", "second #b"], "{histories:?}");
    }
}

#[tokio::test]
async fn an_unsend_after_the_summary_has_it_written_anew() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.text("1", at(0), "one"), talk.text("2", at(1), "/summary")]).await;
    let words: Vec<_> = all::<Message>(&tenant, "timestamp").await.into_iter().map(|m| m.search).collect();
    assert_eq!(words, [vec!["one".to_owned()], Vec::new()], "a command is not found by its words");
    let sessions: Vec<Session> = all(&tenant, "_id").await;
    let done = doc! { "$set": { "status": "closed", "summary": sessions[0].id } };
    tenant.store.collection::<Session>().update(doc! { "_id": sessions[0].id }, done).await.expect("stored");
    recorder.sent.clear();
    recorder.record(&[talk.unsend("1", at(9))]).await;
    let sessions: Vec<Session> = all(&tenant, "_id").await;
    assert_eq!((sessions[0].status, sessions[0].revision), (SessionStatus::Summarizing, 1));
    let jobs: Vec<_> = recorder.sent.distinct::<SummaryJob>().iter().map(|j| j.revision).collect();
    assert_eq!(jobs, [1]);
}

#[tokio::test]
async fn what_was_counted_of_a_session_goes_when_a_message_comes_after_its_unsend() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.unsend("1", at(8)), talk.text("2", at(9), "/summary")]).await;
    let sessions: Vec<Session> = all(&tenant, "_id").await;
    let closed = doc! { "$set": { "status": "closed", "activity": [{ "from": matome_store::time::date(at(0)), "kinds": [] }] } };
    let store = tenant.store.collection::<Session>();
    // Closed without a summary.
    assert!(store.update(doc! { "_id": sessions[0].id }, closed).await.expect("stored"));
    recorder.sent.clear();
    recorder.record(&[talk.image("1", at(0))]).await;
    let sessions: Vec<Session> = all(&tenant, "_id").await;
    assert_eq!((sessions[0].status, &sessions[0].activity), (SessionStatus::Closed, &None));
    assert_eq!(recorder.sent.distinct::<SummaryJob>(), [], "one without a summary gets none by that");
    assert_eq!(sessions[0].start_time, matome_store::time::date(at(0)));
}

#[tokio::test]
async fn an_unsent_picture_is_to_be_erased_from_the_bucket() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.image("1", at(0))]).await;
    assert_eq!(recorder.sent.distinct::<MediaJob>().len(), 1, "to be fetched");
    recorder.sent.clear();
    recorder.record(&[talk.unsend("1", at(3))]).await;
    let messages: Vec<Message> = all(&tenant, "_id").await;
    let status = messages[0].media.as_ref().map(|m: &Media| m.status);
    assert_eq!(status, Some(MediaStatus::Erasing));
    assert_eq!(recorder.sent.distinct::<MediaJob>().len(), 1, "to be erased");
}
