//! What tenants use is measured every hour, told once, and known to whoever serves them.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::fault::Faults;
use matome_domain::ids::TenantId;
use matome_domain::limits::{Level, Limit, Limits};
use matome_domain::month::Month;
use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_store::Store;
use matome_store::entities::{
    Member, MonthlyUsage, NewOrganization, Notice, Organization, OrganizationStatus, Owner,
};
use matome_store::id::derived;
use matome_testing::crash::{Boundaries, once_at};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};

use crate::stage::{insert, scheduler};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn organization(store: &Store, tenant: &TenantId) -> Organization {
    let organizations = store.platform_collection::<Organization>();
    organizations.find_one(doc! { "tenantId": tenant.as_str() }).await.unwrap().unwrap()
}

async fn set(store: &Store, tenant: &TenantId, set: bson::Document) {
    let organizations = store.platform_collection::<Organization>();
    organizations.update_one(doc! { "tenantId": tenant.as_str() }, doc! { "$set": set }).await.unwrap();
}

/// A room in which `messages` were recorded in the month of `at`.
async fn talked(tenant: &TestTenant, name: &str, at: Timestamp, messages: usize) {
    let mut room = fixtures::room(tenant, name);
    (0..messages).for_each(|_| room.count_message(&Month::of(at)));
    insert(&tenant.store, &room).await;
}

async fn member(store: &Store, tenant: &TenantId, role: &str, status: &str) {
    let id = |kind: &str| derived(&[kind, tenant.as_str(), role, status]);
    let member = doc! {
        "_id": id("member"), "tenantId": tenant.as_str(), "accountId": id("account"), "role": role,
        "status": status, "joinedAt": DateTime::MIN, "createdAt": DateTime::MIN, "updatedAt": DateTime::MIN,
        "__v": 0_i64,
    };
    let member: Member = bson::deserialize_from_document(member).unwrap();
    store.of_tenant::<Member>(tenant).insert(&member).await.unwrap();
}

async fn notices(tenant: &TestTenant) -> Vec<(String, Limit, Level)> {
    let notices = tenant.store.collection::<Notice>();
    let notices = notices.find(doc! {}, doc! { "month": 1, "limit": 1 }, 0).await.unwrap();
    notices.into_iter().map(|n| (n.month.to_string(), n.limit, n.level)).collect()
}

#[tokio::test]
async fn usage_is_measured_and_told_in_every_placement_and_remembered_with_organization_and_owner() {
    let system = TestSystem::start().await;
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let tenant = system.tenant(placement).await;
        let owner = doc! {
            "_id": ObjectId::parse_str(tenant.id.as_str()).unwrap(), "email": tenant.id.as_str(), "name": "Owner",
            "plan": "free", "createdAt": DateTime::MIN, "updatedAt": DateTime::MIN, "__v": 0_i64,
            "subscription": { "startDate": DateTime::MIN },
        };
        let owners = system.store.platform_collection::<Owner>();
        owners.clone_with_type::<bson::Document>().insert_one(owner).await.unwrap();
        let before = organization(&system.store, &tenant.id).await;
        set(
            &system.store,
            &tenant.id,
            doc! { "limits.maxMessagesPerMonth": 9, "limits.apiCallsPerMonth": 3 },
        )
        .await;
        talked(&tenant, "Cone", BEGIN, 4).await;
        talked(&tenant, "Ctwo", BEGIN, 6).await;
        let (context, _) = scheduler(&system, Faults::none());
        for (role, status) in
            [("viewer", "active"), ("agent", "active"), ("owner", "active"), ("agent", "inactive")]
        {
            member(&system.store, &tenant.id, role, status).await;
        }
        for _ in 0..3 {
            context.api_calls.count(&tenant.id, Some(3)).await.unwrap();
        }
        matome_scheduler::handle(&context).await.unwrap();

        let usage: MonthlyUsage = tenant.store.collection().find_one(doc! {}).await.unwrap().unwrap();
        assert_eq!(
            (usage.used.messages, usage.used.rooms, usage.used.api_calls, usage.used.agents),
            (10, 2, 3, 2),
            "{placement:?}"
        );
        let told = [
            ("2026-11".to_owned(), Limit::ApiCallsPerMonth, Level::Reached),
            ("2026-11".to_owned(), Limit::MessagesPerMonth, Level::Over),
        ];
        assert_eq!(notices(&tenant).await, told);
        let after = organization(&system.store, &tenant.id).await;
        let levels = after.levels_at(system.clock.now());
        assert_eq!((levels.messages_per_month, levels.api_calls_per_month), (Level::Over, Level::Reached));
        assert_eq!(
            (after.version, after.updated_at),
            (before.version, before.updated_at),
            "nobody's edit collides"
        );
        // What fixtures say of each room.
        let totals = after.usage.unwrap().totals;
        assert_eq!((totals.messages, totals.sessions), (6, 2));
        let owner = owners.find_one(doc! { "_id": before.owner_id }).await.unwrap().unwrap();
        assert_eq!((owner.usage.total_messages, owner.usage.total_sessions), (6, 2));
        assert_eq!(
            matome_scheduler::usage::measure(run(&context)).await.unwrap(),
            0,
            "not again within the hour"
        );
    }
}

fn run(context: &matome_scheduler::Context) -> matome_scheduler::handler::Run<'_> {
    matome_scheduler::handler::Run { context, now: context.clock.now() }
}

#[tokio::test]
async fn a_month_that_has_ended_is_measured_to_its_end_and_the_new_one_begins_at_nothing() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    set(&system.store, &tenant.id, doc! { "limits.maxMessagesPerMonth": 3 }).await;
    let end = Month::of(BEGIN).end();
    system.clock.set(end.minus(MINUTE));
    talked(&tenant, "Cone", system.clock.now(), 2).await;
    let (context, _) = scheduler(&system, Faults::none());
    matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(notices(&tenant).await, []);
    // In its last minute, after it was measured.
    talked(&tenant, "Ctwo", system.clock.now(), 2).await;
    system.clock.set(end.plus(HOUR));
    talked(&tenant, "Cthree", system.clock.now(), 1).await;
    matome_scheduler::handle(&context).await.unwrap();
    let usage = tenant.store.collection::<MonthlyUsage>();
    let usage = usage.find(doc! {}, doc! { "month": 1 }, 0).await.unwrap();
    let counted: Vec<_> = usage.iter().map(|u| (u.month.as_str(), u.used.messages, u.level)).collect();
    assert_eq!(counted, [("2026-11", 4, Level::Over), ("2026-12", 1, Level::Ok)]);
    assert_eq!(notices(&tenant).await, [("2026-11".to_owned(), Limit::MessagesPerMonth, Level::Over)]);
    let levels = organization(&system.store, &tenant.id).await.levels_at(system.clock.now());
    assert!(levels.may_use_ai());
}

#[tokio::test]
async fn a_death_while_measuring_changes_nothing_in_the_end() {
    let boundaries = Boundaries::default();
    let house = async || {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        set(&system.store, &tenant.id, doc! { "limits.maxMessagesPerMonth": 1 }).await;
        talked(&tenant, "Cone", BEGIN, 2).await;
        (system, tenant)
    };
    let (system, _) = house().await;
    let (context, _) = scheduler(&system, boundaries.watch());
    matome_scheduler::usage::measure(run(&context)).await.unwrap();
    let all = boundaries.all();
    assert_eq!(all.len(), 2);
    for (boundary, time) in all {
        let (system, tenant) = house().await;
        let (context, _) = scheduler(&system, once_at(boundary, time));
        matome_scheduler::usage::measure(run(&context)).await.unwrap_err();
        let (context, _) = scheduler(&system, Faults::none());
        matome_scheduler::usage::measure(run(&context)).await.unwrap();
        assert_eq!(notices(&tenant).await.len(), 1, "{boundary}");
        let usage: MonthlyUsage = tenant.store.collection().find_one(doc! {}).await.unwrap().unwrap();
        assert_eq!(usage.used.messages, 2);
        let organization = organization(&system.store, &tenant.id).await;
        assert_eq!(organization.usage.unwrap().used.messages, 2);
    }
}

#[tokio::test]
async fn one_that_cannot_be_measured_waits_and_keeps_nobody_from_being_measured() {
    let system = TestSystem::start().await;
    let (broken, nowhere, fine) = (
        system.tenant(Placement::Shared).await,
        system.tenant(Placement::Shared).await,
        system.tenant(Placement::Shared).await,
    );
    set(&system.store, &broken.id, doc! { "limits": { "maxRooms": "many" } }).await;
    set(&system.store, &nowhere.id, doc! { "cell": "nobody-set-it-up" }).await;
    let (context, _) = scheduler(&system, Faults::none());
    let measure = async || matome_scheduler::usage::measure(run(&context)).await;
    let error = measure().await.unwrap_err();
    assert_eq!(error.to_string(), "the usage of 2 of 3 tenants could not be measured");
    assert!(organization(&system.store, &fine.id).await.usage.is_some());
    assert_eq!(measure().await.unwrap(), 0, "left alone for a while");
    set(&system.store, &broken.id, doc! { "limits": {} }).await;
    set(&system.store, &nowhere.id, doc! { "cell": "main" }).await;
    system.clock.advance(10 * MINUTE);
    assert!(measure().await.unwrap() >= 2, "and then tried again");
}

/// A thousand tenants of the shared placement that nobody has measured yet.
async fn thousand(system: &TestSystem) {
    system.tenant(Placement::Shared).await.store.ensure_collections().await.unwrap();
    let organizations: Vec<Organization> = (1..1_000_u32)
        .map(|n| {
            let mut id = [7; 12];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let new = NewOrganization {
                id: ObjectId::from_bytes(id),
                owner_id: ObjectId::from_bytes([8; 12]),
                name: "A shop".to_owned(),
                tier: Tier::Free,
                limits: Limits::default(),
                placement: Placement::Shared,
            };
            Organization { status: OrganizationStatus::Active, ..new.provisioning(DateTime::MIN) }
        })
        .collect();
    system.store.platform_collection::<Organization>().insert_many(organizations).await.unwrap();
}

#[tokio::test]
async fn a_thousand_tenants_cost_three_round_trips_each_spread_over_the_hour() {
    let system = TestSystem::start().await;
    thousand(&system).await;
    let (context, _) = scheduler(&system, Faults::none());
    let mut per_minute = Vec::new();
    for _ in 0..70 {
        let before = system.round_trips();
        let measured = matome_scheduler::usage::measure(run(&context)).await.unwrap();
        // The list (two pages from 101 tenants on), the agents, the owners, and three for each tenant.
        let cost = system.round_trips() - before;
        assert!(cost <= 4 + 3 * measured, "{cost} round trips for {measured} tenants");
        per_minute.push(measured);
        system.clock.advance(MINUTE);
    }
    // New ones are measured as soon as possible, a bounded number in a run.
    assert_eq!(per_minute[..5].iter().max(), Some(&200));
    let measured = system.store.platform_collection::<Organization>();
    assert_eq!(measured.count_documents(doc! { "usage": { "$exists": true } }).await.unwrap(), 1_000);
    // From then on each has its own second of the hour.
    let an_hour = &per_minute[10..];
    assert!(an_hour.iter().all(|n| (1..=40).contains(n)), "{an_hour:?}");
    assert_eq!(an_hour.iter().sum::<usize>(), 1_000, "{an_hour:?}");
}

#[tokio::test]
async fn what_each_channel_brought_is_written_with_it_and_nobodys_edit_collides() {
    use matome_store::entities::{Channel, Presence, RoomType};
    let system = TestSystem::start().await;
    for placement in [Placement::Shared, Placement::CollectionSet] {
        let (tenant, other) = (system.tenant(placement).await, system.tenant(placement).await);
        let channels = system.store.platform_collection::<Channel>();
        let second = format!("{}2", tenant.channel);
        let more = Channel {
            id: derived(&["channel", &second]),
            channel_id: second.clone(),
            ..fixtures::channel(&tenant)
        };
        channels.insert_many([fixtures::channel(&tenant), fixtures::channel(&other), more]).await.unwrap();
        let room = async |of: &TestTenant, name: &str, kind, channel: &str, presence, messages| {
            let mut room = fixtures::room(of, name);
            (room.room_type, room.channel_id, room.presence) = (kind, channel.to_owned(), presence);
            room.statistics.total_messages = messages;
            insert(&of.store, &room).await;
        };
        let first = tenant.channel.as_str();
        room(&tenant, "U1", RoomType::Individual, first, Presence::Present, 4).await;
        room(&tenant, "U2", RoomType::Individual, first, Presence::Absent, 3).await;
        room(&tenant, "C1", RoomType::Group, first, Presence::Present, 50).await;
        room(&tenant, "U3", RoomType::Individual, &second, Presence::Present, 2).await;
        // The other tenant says that it has a room of this tenant's channel.
        room(&other, "U4", RoomType::Individual, first, Presence::Present, 1_000).await;
        let (context, _) = scheduler(&system, Faults::none());
        matome_scheduler::usage::measure(run(&context)).await.unwrap();
        let counted = async |channel: &str| {
            let channel = channels.find_one(doc! { "channelId": channel }).await.unwrap().unwrap();
            let counts = &channel.statistics;
            assert_eq!(channel.version, 0);
            (counts.total_users, counts.active_users, counts.messages_received)
        };
        assert_eq!(counted(first).await, (2, 1, 57), "{placement:?}");
        assert_eq!(counted(&second).await, (1, 1, 2));
        assert_eq!(counted(other.channel.as_str()).await, (0, 0, 0));
    }
}
