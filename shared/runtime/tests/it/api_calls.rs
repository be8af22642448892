use std::sync::Arc;

use futures::future::join_all;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_domain::month::Month;
use matome_runtime::api_calls::{ApiCalls, Counted};
use matome_runtime::clock::ManualClock;
use matome_runtime::ephemeral::Ephemeral;

use crate::services;

/// 2026-11-20T09:00:00Z.
const NOW: Timestamp = Timestamp(1_795_165_200_000);
/// 2026-12-01T00:00:00Z.
const NEXT_MONTH: Timestamp = Timestamp(1_796_083_200_000);

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

#[tokio::test]
async fn calls_at_once_are_counted_exactly_and_refused_from_the_limit_on() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let (clock, other) = (Arc::new(ManualClock::at(NOW)), Arc::new(ManualClock::at(NOW)));
    let real = ApiCalls::new(Ephemeral::from_client(aws.dynamodb(), table), clock.clone());
    // What stands in for it elsewhere is to do the same.
    for (calls, clock) in [(real, clock), (ApiCalls::in_memory(other.clone()), other)] {
        let (ours, theirs) = (tenant("ours"), tenant("theirs"));
        let counted = join_all((0..20).map(|_| calls.count(&ours, Some(15)))).await;
        let mut counted: Vec<Counted> = counted.into_iter().map(Result::unwrap).collect();
        counted.sort_by_key(|c| c.used);
        assert_eq!(counted.iter().map(|c| c.used).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
        assert_eq!(counted.iter().filter(|c| c.is_allowed()).count(), 15);
        assert!(counted[..15].iter().all(Counted::is_allowed));
        assert_eq!(
            (counted[0].remaining(), counted[14].remaining(), counted[19].remaining()),
            (Some(14), Some(0), Some(0))
        );
        assert_eq!(counted[0].resets_at, NEXT_MONTH);

        let other = calls.count(&theirs, None).await.unwrap();
        assert_eq!((other.used, other.remaining(), other.is_allowed()), (1, None, true));
        assert!(!calls.count(&theirs, Some(0)).await.unwrap().is_allowed());

        // A month later counting begins anew, and the old count is still there to be read.
        let november = Month::of(clock.now());
        clock.set(NEXT_MONTH);
        assert_eq!(calls.count(&ours, Some(15)).await.unwrap().used, 1);
        let all = [tenant("nobody"), theirs, ours];
        assert_eq!(calls.used(&all, &november).await.unwrap(), [0, 2, 20]);
        assert_eq!(calls.used(&all, &Month::of(NEXT_MONTH)).await.unwrap(), [0, 0, 1]);
    }
}

#[tokio::test]
async fn counts_of_more_tenants_than_fit_into_a_request_are_read_and_expire_after_their_month() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let calls =
        ApiCalls::new(Ephemeral::from_client(aws.dynamodb(), table.clone()), Arc::new(ManualClock::at(NOW)));
    let tenants: Vec<TenantId> = (0..130).map(|n| tenant(&format!("t{n}"))).collect();
    for tenant in tenants.iter().step_by(10) {
        calls.count(tenant, None).await.unwrap();
    }
    let used = calls.used(&tenants, &Month::of(NOW)).await.unwrap();
    assert_eq!(used, (0..130).map(|n| u64::from(n % 10 == 0)).collect::<Vec<_>>());
    assert_eq!(calls.used(&[], &Month::of(NOW)).await.unwrap(), [0_u64; 0]);

    let items = aws.dynamodb().scan().table_name(&table).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 13);
    let days_40 = 40 * 24 * 60 * 60;
    for item in items {
        assert_eq!(item["expiresAt"].as_n().unwrap(), &(NEXT_MONTH.0 / 1_000 + days_40).to_string());
        assert!(item["pk"].as_s().unwrap().ends_with("#APICALLS#2026-11"));
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_an_error_not_a_zero() {
    let aws = services::aws().await;
    let calls = ApiCalls::new(
        Ephemeral::from_client(aws.dynamodb(), services::name()),
        Arc::new(ManualClock::at(NOW)),
    );
    assert_eq!(
        calls.count(&tenant("t"), None).await.unwrap_err().to_string(),
        "API calls could not be counted"
    );
    let error = calls.used(&[tenant("t")], &Month::of(NOW)).await.unwrap_err();
    assert_eq!(error.to_string(), "API calls could not be read");
}
