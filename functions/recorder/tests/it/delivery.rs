//! Redelivery, disorder, concurrency: one message each, exact counts, order by time.

use std::time::Duration;

use matome_domain::placement::Placement;
use matome_domain::queue::Inbound;
use matome_runtime::random::SeededRandom;
use matome_store::entities::{Message, Room, Session, User};
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};

use crate::recorder::{Recorder, all, assert_counts_are_exact};

const GROUP: &str = "Cgroup";

fn script(tenant: &TestTenant) -> Vec<Inbound> {
    let mut events = Vec::new();
    for n in 0..120_u32 {
        let at = BEGIN.plus(Duration::from_secs(u64::from(n)));
        let user = ["Uaoi", "Ubun", "Uchai"][n as usize % 3];
        let group = (n % 4 != 0).then_some(GROUP);
        let talk = Talk { tenant, group, user };
        events.push(match n % 10 {
            7 => talk.image(&format!("{n}"), at),
            _ => talk.text(&format!("{n}"), at, &format!("message {n}")),
        });
    }
    events
}

fn shuffled(mut events: Vec<Inbound>, random: &SeededRandom) -> Vec<Inbound> {
    for i in (1..events.len()).rev() {
        events.swap(i, random.below(i + 1));
    }
    events
}

#[tokio::test]
async fn each_event_sent_one_to_five_times_and_shuffled_becomes_one_message_with_exact_counts() {
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(placement).await;
        let random = SeededRandom::new(7);
        let script = script(&tenant);
        let copies = script.iter().flat_map(|e| vec![e.clone(); 1 + random.below(5)]).collect();
        let recorder = Recorder::start(&system);
        for batch in shuffled(copies, &random).chunks(10) {
            recorder.record(batch).await;
        }
        // Long after SQS has forgotten the first delivery.
        system.clock.advance(Duration::from_secs(3600));
        let recorder = Recorder::start(&system);
        for batch in shuffled(script.clone(), &random).chunks(10) {
            recorder.record(batch).await;
        }
        let messages: Vec<Message> = all(&tenant, "timestamp").await;
        assert_eq!(messages.len(), script.len());
        assert_counts_are_exact(&tenant).await;
        assert_eq!(all::<Room>(&tenant, "_id").await.len(), 4, "the group and three 1:1 chats");
        assert_eq!(all::<User>(&tenant, "_id").await.len(), 3);
    }
}

#[tokio::test]
async fn a_room_reads_in_the_order_of_its_timestamps() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let at = |n: u64| BEGIN.plus(Duration::from_secs(n));
    let recorder = Recorder::start(&system);
    recorder.record(&[talk.text("3", at(3), "three"), talk.text("1", at(1), "one")]).await;
    recorder.record(&[talk.text("2", at(2), "two"), talk.text("0", at(0), "zero")]).await;
    let messages: Vec<Message> = all(&tenant, "timestamp").await;
    let texts: Vec<_> = messages.iter().filter_map(|m| m.content.as_deref()).collect();
    assert_eq!(texts, ["zero", "one", "two", "three"]);
    let sessions: Vec<Session> = all(&tenant, "_id").await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].start_time.timestamp_millis(), at(0).0);
    assert_eq!(sessions[0].last_message_at.timestamp_millis(), at(3).0);
}

#[tokio::test]
async fn two_recorders_at_once_in_one_room_count_every_message_once() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let events: Vec<Inbound> = script(&tenant).into_iter().take(60).collect();
    // SQS keeps a group with one consumer, until a visibility time-out makes it two.
    let (one, two) = (Recorder::start(&system), Recorder::start(&system));
    for batch in events.chunks(10) {
        let (a, b) = tokio::join!(one.take(batch), two.take(batch));
        for response in [a, b] {
            if !response.batch_item_failures.is_empty() {
                one.record(batch).await;
            }
        }
    }
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), events.len());
    assert_counts_are_exact(&tenant).await;
}

#[tokio::test]
async fn a_batch_costs_the_same_few_round_trips_however_large_it_is() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: Some(GROUP), user: "Uaoi" };
    let recorder = Recorder::start(&system);
    let mut next = 0_u32;
    let mut commands = Vec::new();
    for size in [1, 10, 40] {
        let batch: Vec<_> = (next..next + size)
            .map(|n| talk.text(&n.to_string(), BEGIN.plus(Duration::from_secs(n.into())), "hi"))
            .collect();
        next += size;
        let before = system.round_trips();
        recorder.record(&batch).await;
        commands.push(system.round_trips() - before);
    }
    // Read, insert, four updates, commit. The first time also the organization's settings, when the
    // names of group and person are to be asked for again, and the channel's health: once a minute.
    assert_eq!(commands, [11, 7, 7]);
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 51);
}

#[tokio::test]
async fn a_batch_of_ten_rooms_costs_no_more_round_trips_than_one_of_one() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let recorder = Recorder::start(&system);
    let users: Vec<String> = (0..10).map(|n| format!("Uperson{n}")).collect();
    let batch = |round: u64| -> Vec<Inbound> {
        let at = BEGIN.plus(Duration::from_secs(round));
        let say = |user: &String| {
            Talk { tenant: &tenant, group: None, user }.text(&format!("{user}-{round}"), at, "hi")
        };
        users.iter().map(say).collect()
    };
    // Rooms and people are made, and LINE is asked for their names.
    recorder.record(&batch(0)).await;
    let before = system.round_trips();
    recorder.record(&batch(1)).await;
    assert_eq!(system.round_trips() - before, 7);
    assert_eq!(all::<Room>(&tenant, "_id").await.len(), 10);
    assert_counts_are_exact(&tenant).await;
}
