//! When sessions open and close, and what that sets off.

use std::time::Duration;

use matome_domain::placement::Placement;
use matome_domain::queue::{CloseSession, CloseTrigger, Inbound, OpenSession, OutboundJob, SummaryJob};
use matome_domain::session::{SessionLimits, SessionTriggers, SummarySchedule};
use matome_store::entities::{OrganizationSettings, OutboxEntry, Purpose, Session, SessionStatus};
use matome_store::id::document_id;
use matome_testing::TestSystem;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use serde_json::json;

use crate::recorder::{Recorder, all, assert_counts_are_exact};

fn at(seconds: u64) -> matome_domain::clock::Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn the_fiftieth_message_closes_the_session_and_its_summary_is_wanted() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let events: Vec<_> = (0..51).map(|n| talk.text(&n.to_string(), at(n), "hi")).collect();
    for batch in events.chunks(10) {
        recorder.record(batch).await;
    }
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].status, SessionStatus::Summarizing);
    assert_eq!(sessions[0].trigger, Some(CloseTrigger::MessageCount));
    assert_eq!(sessions[0].statistics.message_count, 50);
    assert_eq!(sessions[0].statistics.duration, Some(49_000));
    let token = sessions[0].reply_token.as_ref().map(|t| t.token.as_str());
    assert_eq!(token, Some("token-e49"), "the event that closed it can carry the summary for free");
    assert_eq!(sessions[1].status, SessionStatus::Active);
    let jobs = recorder.sent.distinct::<SummaryJob>();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].session_id, document_id(sessions[0].id));
    assert_counts_are_exact(&tenant).await;
}

#[tokio::test]
async fn the_command_closes_in_three_languages_and_names_who_asked() {
    for command in ["/summary", "สรุป", "まとめ"] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let talk = Talk { tenant: &tenant, group: Some("Cgroup"), user: "Uaoi" };
        let recorder = Recorder::start(&system);
        recorder.record(&[talk.text("1", at(0), "hello"), talk.text("2", at(1), command)]).await;
        let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].trigger, Some(CloseTrigger::Manual), "{command}");
        assert_eq!(sessions[0].closed_by, Some(sessions[0].participants[0]));
        assert_eq!(recorder.sent.distinct::<SummaryJob>().len(), 1);
    }
}

#[tokio::test]
async fn the_command_with_nothing_open_is_answered_once_and_opens_nothing() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let command = talk.text("1", at(0), "/summary");
    recorder.record(std::slice::from_ref(&command)).await;
    recorder.record(&[command]).await;
    assert_eq!(all::<Session>(&tenant, "_id").await, []);
    let outbox: Vec<OutboxEntry> = all(&tenant, "_id").await;
    assert_eq!(outbox.iter().map(|e| &e.purpose).collect::<Vec<_>>(), [&Purpose::NothingToSummarize]);
    let jobs = recorder.sent.sent::<OutboundJob>();
    assert!(jobs.iter().all(|j| j.outbox_id == document_id(outbox[0].id)), "{jobs:?}");
}

#[tokio::test]
async fn time_closes_a_session_by_the_next_message_or_by_the_scheduler() {
    let system = TestSystem::start().await;
    let hour = SessionTriggers { message_count: None, time_limit: Some(3_600_000) };
    let tenant = system.tenant_with(Placement::Shared, |s| s.session_triggers = hour).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.text("1", at(0), "one")]).await;
    recorder.record(&[talk.text("2", at(3600), "two")]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions[0].trigger, Some(CloseTrigger::TimeLimit));
    assert_eq!(sessions[1].status, SessionStatus::Active);

    let Inbound::Event(event) = talk.text("x", at(0), "") else { unreachable!("it is an event") };
    let close = Inbound::Close(CloseSession {
        tenant_id: event.tenant_id,
        channel_id: event.channel_id,
        conversation_id: event.conversation_id,
        session_id: document_id(sessions[1].id),
        trigger: CloseTrigger::TimeLimit,
        closed_by: None,
    });
    system.clock.set(at(7199));
    recorder.record(std::slice::from_ref(&close)).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions[1].status, SessionStatus::Active, "an hour has not passed");
    system.clock.set(at(7200));
    recorder.record(&[close]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions[1].trigger, Some(CloseTrigger::TimeLimit));
    assert_eq!(sessions[1].status, SessionStatus::Summarizing);
}

#[tokio::test]
async fn a_session_ends_with_the_day_where_summaries_are_scheduled_daily() {
    let system = TestSystem::start().await;
    let daily = |s: &mut OrganizationSettings| s.summary_schedule = Some(SummarySchedule::Daily);
    let tenant = system.tenant_with(Placement::Shared, daily).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.text("1", at(0), "one")]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    let midnight =
        SessionLimits::default().ending_with(Some(SummarySchedule::Daily), "Asia/Tokyo").closes_at(at(0));
    assert_eq!(sessions[0].closes_at, matome_store::time::date(midnight));
    assert!(midnight < at(24 * 3600), "before the time limit");
    recorder.record(&[talk.text("2", midnight, "the next day")]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!((sessions[0].trigger, sessions.len()), (Some(CloseTrigger::Schedule), 2));
}

#[tokio::test]
async fn staff_open_and_close_a_session_by_hand_each_once() {
    use matome_store::entities::Room;
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let Inbound::Event(event) = talk.text("x", at(0), "") else { unreachable!("it is an event") };
    let id = |n: u8| document_id(bson::oid::ObjectId::from_bytes([n; 12]));
    let open = |n: u8| {
        Inbound::Open(OpenSession {
            tenant_id: event.tenant_id.clone(),
            channel_id: event.channel_id.clone(),
            conversation_id: event.conversation_id.clone(),
            wish_id: id(n),
        })
    };
    recorder.record(&[open(1)]).await;
    assert_eq!(all::<Session>(&tenant, "_id").await, [], "nobody was ever heard of there");

    recorder.record(&[talk.event("f", at(0), "follow", json!({}))]).await;
    recorder.record(&[open(2)]).await;
    recorder.record(&[open(2), open(3)]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions.len(), 1, "one is open");
    assert_eq!((sessions[0].status, sessions[0].statistics.message_count), (SessionStatus::Active, 0));
    assert_eq!(sessions[0].closes_at.timestamp_millis() - BEGIN.0, 24 * 3_600_000);
    recorder.record(&[talk.text("1", at(1), "hello")]).await;

    let close = Inbound::Close(CloseSession {
        tenant_id: event.tenant_id.clone(),
        channel_id: event.channel_id.clone(),
        conversation_id: event.conversation_id.clone(),
        session_id: document_id(sessions[0].id),
        trigger: CloseTrigger::Manual,
        closed_by: Some(id(9)),
    });
    recorder.record(&[close.clone(), close]).await;
    recorder.record(&[open(2)]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions.len(), 1, "a wish is fulfilled once");
    assert_eq!(
        (sessions[0].status, sessions[0].trigger),
        (SessionStatus::Summarizing, Some(CloseTrigger::Manual))
    );
    assert_eq!(sessions[0].closed_by.map(document_id), Some(id(9)));
    assert_eq!(sessions[0].statistics.message_count, 1);
    let rooms: Vec<Room> = all(&tenant, "_id").await;
    assert_eq!((rooms[0].statistics.total_sessions, rooms[0].statistics.active_sessions), (1, 0));
    assert_counts_are_exact(&tenant).await;
}

#[tokio::test]
async fn a_full_session_is_handed_on_without_automatic_summaries_too() {
    let system = TestSystem::start().await;
    let tenant = system
        .tenant_with(Placement::Shared, |s| {
            s.auto_summarize = false;
            s.session_triggers.message_count = Some(2);
        })
        .await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.text("1", at(0), "one"), talk.text("2", at(1), "two")]).await;
    let sessions: Vec<Session> = all(&tenant, "sessionNumber").await;
    assert_eq!(sessions[0].status, SessionStatus::Summarizing);
    assert_eq!(recorder.sent.distinct::<SummaryJob>().len(), 1);
}

#[tokio::test]
async fn people_come_and_go_and_late_news_of_it_changes_nothing() {
    use matome_domain::person::RoomMemberStatus;
    use matome_store::entities::{Presence, Room, RoomMember};
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: Some("Cgroup"), user: "Uaoi" };
    let members = |kind: &str| json!({ kind: { "members": [{ "type": "user", "userId": "Ubun" }] } });
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.event("a", at(5), "memberLeft", members("left"))]).await;
    recorder.record(&[talk.event("b", at(1), "memberJoined", members("joined"))]).await;
    recorder.record(&[talk.event("c", at(9), "leave", json!({}))]).await;
    recorder.record(&[talk.event("d", at(0), "join", json!({}))]).await;
    let people: Vec<RoomMember> = all(&tenant, "_id").await;
    assert!(people.iter().any(|m| m.status == RoomMemberStatus::Inactive && m.left_at.is_some()));
    let rooms: Vec<Room> = all(&tenant, "_id").await;
    assert_eq!(rooms[0].presence, Presence::Absent);
}

#[tokio::test]
async fn events_of_unknown_kinds_are_kept_raw_and_harm_nobody() {
    use matome_store::entities::{InboundEventRecord, Message};
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let strange = talk.event("s", at(1), "teleported", json!({ "to": { "planet": "Mars" } }));
    let hologram = json!({ "message": { "type": "hologram", "id": "h1", "layers": 3 } });
    let batch = [
        talk.text("1", at(0), "before"),
        strange,
        talk.event("h", at(2), "message", hologram),
        talk.text("2", at(3), "after"),
    ];
    recorder.record(&batch).await;
    let events: Vec<InboundEventRecord> = all(&tenant, "_id").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, "teleported");
    let raw = events[0].raw.as_ref().expect("kept raw");
    assert_eq!(raw.get_document("to").and_then(|d| d.get_str("planet")).ok(), Some("Mars"));
    assert_eq!(events[0].expires_at.timestamp_millis() - BEGIN.0, 90 * 24 * 3_600_000);
    let messages: Vec<Message> = all(&tenant, "timestamp").await;
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1].message_type, "hologram");
    assert_eq!(messages[1].raw.as_ref().and_then(|r| r.get_i64("layers").ok()), Some(3));
    assert_counts_are_exact(&tenant).await;
}
