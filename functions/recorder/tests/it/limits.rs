//! What is beyond a limit is recorded like everything else, and flagged; months are counted apart.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Clock;
use matome_domain::limits::{Limit, Usage};
use matome_domain::month::Month;
use matome_domain::placement::Placement;
use matome_domain::queue::Inbound;
use matome_store::collection::encode;
use matome_store::entities::{LastUsage, Message, Organization, Room, UsageTotals};
use matome_store::time::date;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};

use crate::recorder::{Recorder, all, assert_counts_are_exact};

/// What the scheduler found, and wrote down for the others.
async fn measured(system: &TestSystem, tenant: &TestTenant, used: Usage) {
    let now = system.clock.now();
    let usage =
        LastUsage { month: Month::of(now), used, totals: UsageTotals::default(), measured_at: date(now) };
    let set = doc! { "$set": { "usage": encode(&usage).expect("can be written") } };
    let organizations = system.store.platform_collection::<Organization>();
    let tenant = doc! { "tenantId": tenant.id.as_str() };
    organizations.update_one(tenant, set).await.expect("can be written");
}

fn say(tenant: &TestTenant, user: &str, numbers: std::ops::Range<u64>) -> Vec<Inbound> {
    let talk = Talk { tenant, group: None, user };
    numbers.map(|n| talk.text(&format!("{user}-{n}"), BEGIN.plus(Duration::from_secs(n)), "hi")).collect()
}

async fn flags(tenant: &TestTenant) -> Vec<Vec<Limit>> {
    all::<Message>(tenant, "timestamp").await.into_iter().map(|m| m.over_limits).collect()
}

#[tokio::test]
async fn beyond_a_limit_everything_is_recorded_and_flagged_in_every_placement_without_a_round_trip_more() {
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(placement).await;
        let recorder = Recorder::start(&system);
        recorder.record(&say(&tenant, "Uaoi", 0..2)).await;
        let before = system.round_trips();
        recorder.record(&say(&tenant, "Uaoi", 2..4)).await;
        let within = system.round_trips() - before;
        // Limits of the test's organizations: 100 rooms, 10,000 messages.
        measured(&system, &tenant, Usage { messages: 10_001, rooms: 100, ..Usage::default() }).await;
        recorder.record(&say(&tenant, "Uaoi", 4..5)).await;
        assert_eq!(flags(&tenant).await, vec![vec![]; 5], "what is known is believed for a minute");

        system.clock.advance(Duration::from_secs(61));
        recorder.record(&say(&tenant, "Uaoi", 5..6)).await;
        let before = system.round_trips();
        recorder.record(&say(&tenant, "Uaoi", 6..8)).await;
        assert_eq!(system.round_trips() - before, within);
        recorder.record(&say(&tenant, "Ubun", 8..9)).await;
        let over = vec![Limit::MessagesPerMonth];
        assert_eq!(flags(&tenant).await, [vec![vec![]; 5], vec![over; 4]].concat(), "{placement:?}");
        let mut rooms: Vec<_> = all::<Room>(&tenant, "_id").await;
        rooms.sort_by_key(|room| room.conversation_id.clone());
        let of_rooms: Vec<_> = rooms.into_iter().map(|room| room.over_limits).collect();
        assert_eq!(of_rooms, [vec![], vec![Limit::Rooms]], "the room that was one too many");
        assert_counts_are_exact(&tenant).await;
    }
}

#[tokio::test]
async fn a_new_month_is_counted_apart_and_forgets_that_the_old_one_was_full() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let end = Month::of(BEGIN).end();
    system.clock.set(end.minus(Duration::from_secs(90)));
    measured(&system, &tenant, Usage { messages: 10_001, ..Usage::default() }).await;
    let recorder = Recorder::start(&system);
    let november = say(&tenant, "Uaoi", 0..3);
    recorder.record(&november).await;
    system.clock.set(end);
    // Redelivered in December, what was recorded in November stays November's.
    let mixed = [november, say(&tenant, "Uaoi", 3..5)].concat();
    recorder.record(&mixed).await;
    let rooms: Vec<Room> = all(&tenant, "_id").await;
    let counted: Vec<_> = rooms[0].usage.iter().map(|u| (u.month.as_str(), u.messages)).collect();
    assert_eq!(counted, [("2026-12", 2), ("2026-11", 3)]);
    let over = vec![Limit::MessagesPerMonth];
    assert_eq!(flags(&tenant).await, [vec![over; 3], vec![vec![]; 2]].concat());
    assert_counts_are_exact(&tenant).await;
}
