use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::{Clock, Timestamp};
use matome_runtime::clock::ManualClock;
use matome_runtime::leases::Leases;
use matome_runtime::random::SystemRandom;

use crate::services;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_lease_has_one_holder_until_it_is_given_back_or_runs_out() {
    let aws = services::aws().await;
    let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
    let leases = Leases::from_client(
        aws.dynamodb(),
        services::table(&aws).await,
        clock.clone(),
        Arc::new(SystemRandom),
    );

    let first = leases.take("sweep", MINUTE).await.unwrap().unwrap();
    assert_eq!(first.until, clock.now().plus(MINUTE));
    assert_eq!(leases.take("sweep", MINUTE).await.unwrap(), None);
    assert!(leases.take("other", MINUTE).await.unwrap().is_some());

    leases.give_back(first).await.unwrap();
    let second = leases.take("sweep", MINUTE).await.unwrap().unwrap();
    clock.advance(MINUTE);
    let third = leases.take("sweep", MINUTE).await.unwrap().unwrap();

    // The second comes back late and must not take it from the third.
    leases.give_back(second).await.unwrap();
    assert_eq!(leases.take("sweep", MINUTE).await.unwrap(), None);
    leases.give_back(third).await.unwrap();
}
