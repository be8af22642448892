use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::{DocumentId, TenantId};
use matome_domain::rate::{Class, Quota, Work};
use matome_domain::tier::Tier;
use matome_runtime::clock::ManualClock;
use matome_runtime::ephemeral::Ephemeral;
use matome_runtime::rate_limit::{RateLimits, Who, Window};

use crate::services;

/// 2026-11-20T09:00:00Z.
const NOW: Timestamp = Timestamp(1_795_165_200_000);
const SECOND: Duration = Duration::from_secs(1);

fn account(id: &str) -> Who {
    Who::Account(DocumentId::new(id).unwrap())
}

fn window(tenant: &str, work: impl Into<Work>, who: Who, limit: u32) -> Window {
    Window::in_tenant(TenantId::new(tenant).unwrap(), Tier::Free, work, who)
        .with_quota(Quota::new(limit, Duration::from_secs(60)))
}

/// The real table and the one in memory, each with a clock; both are to do the same.
async fn both() -> [(RateLimits, Arc<ManualClock>); 2] {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let (clock, other) = (Arc::new(ManualClock::at(NOW)), Arc::new(ManualClock::at(NOW)));
    [
        (RateLimits::new(Ephemeral::from_client(aws.dynamodb(), table), clock.clone()), clock),
        (RateLimits::in_memory(other.clone()), other),
    ]
}

#[tokio::test]
async fn a_quota_is_spent_grows_back_and_tells_when() {
    for (limits, clock) in both().await {
        let windows = [window("t", Class::Read, account("a"), 4)];
        let mut told = Vec::new();
        for _ in 0..5 {
            let taken = limits.take(&windows).await.unwrap();
            told.push((taken.is_allowed(), taken.limit().unwrap(), taken.retry_after()));
            clock.advance(SECOND);
        }
        let allowed = |r, t| (true, format!("\"read-caller\";r={r};t={t}"), None);
        assert_eq!(told[..4], [allowed(3, 15), allowed(2, 29), allowed(1, 43), allowed(0, 57)]);
        assert_eq!(told[4], (false, r#""read-caller";r=0;t=11"#.to_owned(), Some(11)));

        // Refused calls cost nothing; it is five seconds after the first one now.
        clock.advance(10 * SECOND);
        let taken = limits.take(&windows).await.unwrap();
        assert_eq!(
            (taken.is_allowed(), taken.limit().unwrap().as_str()),
            (true, r#""read-caller";r=0;t=60"#)
        );
        assert!(!limits.take(&windows).await.unwrap().is_allowed());
        clock.advance(60 * SECOND);
        let taken = limits.take(&windows).await.unwrap();
        assert_eq!(taken.limit().as_deref(), Some(r#""read-caller";r=3;t=15"#));
        assert_eq!(taken.policy().as_deref(), Some(r#""read-caller";q=4;w=60"#));
    }
}

#[tokio::test]
async fn calls_at_once_take_exactly_the_quota() {
    for (limits, clock) in both().await {
        let windows = [window("t", Class::Write, Who::Tenant, 7)];
        // From nothing, from a quota that is whole again, and from one that has partly grown back.
        for (pause, expected) in [(0, 7), (600, 7), (30, 3)] {
            clock.advance(pause * SECOND);
            let taken = join_all((0..20).map(|_| limits.take(&windows))).await;
            let taken: Vec<_> = taken.into_iter().map(Result::unwrap).collect();
            assert_eq!(taken.iter().filter(|t| t.is_allowed()).count(), expected, "after {pause} s");
            let mut remaining: Vec<_> =
                taken.iter().filter(|t| t.is_allowed()).map(|t| t.parts[0].standing.remaining).collect();
            remaining.sort_unstable();
            assert_eq!(remaining, (0..u32::try_from(expected).unwrap()).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_refused_caller_takes_nothing_from_its_tenant() {
    for (limits, _) in both().await {
        let windows =
            |id| [window("t", Class::Read, account(id), 2), window("t", Class::Read, Who::Tenant, 5)];
        for _ in 0..50 {
            limits.take(&windows("wild")).await.unwrap();
        }
        let taken = limits.take(&windows("calm")).await.unwrap();
        assert_eq!(
            taken.limit().as_deref(),
            Some(r#""read-caller";r=1;t=30, "read-tenant";r=2;t=36"#),
            "two of the wild one's calls and one of its own"
        );
        assert!(limits.take(&windows("calm")).await.unwrap().is_allowed());
        // The tenant's own quota refuses as well, and says so.
        assert!(limits.take(&windows("third")).await.unwrap().is_allowed());
        let taken = limits.take(&windows("third")).await.unwrap();
        assert_eq!((taken.is_allowed(), taken.parts.last().unwrap().name.as_str()), (false, "read-tenant"));
        assert_eq!(taken.retry_after(), Some(12));
    }
}

#[tokio::test]
async fn holders_classes_costly_routes_tenants_and_the_platform_have_quotas_of_their_own() {
    for (limits, _) in both().await {
        let one = Quota::new(1, Duration::from_secs(60));
        let address = |text: &str| Who::Address(text.parse().unwrap());
        let windows = [
            window("t", Class::Read, account("a"), 1),
            window("t1", Class::Read, account("a"), 1),
            window("t", Class::Search, account("a"), 1),
            window("t", Work::of(Class::Export, "exportUser".into()), account("a"), 1),
            window("t", Work::of(Class::Export, "eraseUser".into()), account("a"), 1),
            window("t", Class::Read, account("b"), 1),
            window("t", Class::Read, Who::ApiKey(DocumentId::new("a").unwrap()), 1),
            window("t", Class::Read, Who::Tenant, 1),
            Window::on_platform(Class::Read, account("a")).with_quota(one),
            Window::on_platform(Class::Auth, address("192.0.2.1")).with_quota(one),
            Window::on_platform(Class::Auth, address("192.0.2.2")).with_quota(one),
            Window::on_platform(Class::Auth, Who::Email([1; 32])).with_quota(one),
            Window::on_platform(Class::Auth, Who::Email([2; 32])).with_quota(one),
        ];
        assert!(limits.take(&windows).await.unwrap().is_allowed());
        for window in windows {
            assert!(!limits.take(std::slice::from_ref(&window)).await.unwrap().is_allowed(), "{window:?}");
        }
    }
}

#[tokio::test]
async fn items_expire_after_their_quota_is_whole_and_begin_with_whose_they_are() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let clock = Arc::new(ManualClock::at(NOW));
    let limits = RateLimits::new(Ephemeral::from_client(aws.dynamodb(), table.clone()), clock.clone());
    let windows = [
        window("t", Class::Read, Who::Tenant, 3),
        Window::on_platform(Class::Auth, Who::Address("192.0.2.1".parse().unwrap())),
    ];
    for _ in 0..3 {
        assert!(limits.take(&windows).await.unwrap().is_allowed());
    }
    let items = aws.dynamodb().scan().table_name(&table).send().await.unwrap().items.unwrap();
    let mut keys: Vec<_> = items.iter().map(|item| item["pk"].as_s().unwrap().as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["PLATFORM#RATE#auth#ip-192.0.2.1#300", "TENANT#t#RATE#read#all#60"]);
    for item in items {
        let [whole_at, expires_at] =
            ["wholeAt", "expiresAt"].map(|name| item[name].as_n().unwrap().parse::<i64>().unwrap());
        assert!(whole_at > clock.now().0 * 1_000_000);
        assert!(expires_at * 1_000_000_000 > whole_at, "an item outlives what it remembers");
    }
}

#[tokio::test]
async fn without_its_table_a_call_goes_on_uncounted_but_nobody_signs_in() {
    let aws = services::aws().await;
    let clock = Arc::new(ManualClock::at(NOW));
    let limits = RateLimits::new(Ephemeral::from_client(aws.dynamodb(), services::name()), clock);
    for class in [Class::Read, Class::Write, Class::Search, Class::Summarize, Class::Export] {
        let taken = limits.take(&[window("t", class, Who::Tenant, 1)]).await.unwrap();
        assert!(taken.is_allowed() && taken.parts.is_empty() && taken.limit().is_none());
    }
    let login = [Window::on_platform(Class::Auth, Who::Email([1; 32]))];
    let error = limits.take(&login).await.unwrap_err();
    assert_eq!(error.to_string(), "a call of class auth could not be counted");
}
