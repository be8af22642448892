//! No route that changes something reads a whole collection to find it, as MongoDB itself counts: each is called on a
//! way through the API on which it succeeds.

use std::collections::BTreeSet;

use bson::doc;
use matome_api::routes;
use matome_api_testing::call::{Call, Reply};
use matome_api_testing::journeys::{Journey, Messenger, Stage, Traveller};
use matome_domain::access::Role;
use matome_store::entities::Organization;
use matome_testing::TestSystem;
use tokio::sync::Mutex;

use crate::scans::{read_whole_since, scans};

/// Looks at what MongoDB has read whole after each request.
struct Watch<'a> {
    stage: &'a Stage,
    walked: Mutex<BTreeSet<String>>,
    wrong: Mutex<Vec<String>>,
}

impl Messenger for Watch<'_> {
    async fn carry(&self, operation: &str, call: Call<'_>) -> Reply {
        let before = scans(&self.stage.world).await;
        let reply = call.send().await;
        let whole = read_whole_since(&before, &scans(&self.stage.world).await);
        self.wrong.lock().await.extend(whole.iter().map(|what| format!("{operation}: {what}")));
        self.walked.lock().await.insert(operation.to_owned());
        reply
    }
}

#[tokio::test]
async fn no_route_that_changes_something_reads_a_whole_collection() {
    let stage = Stage::over(TestSystem::start().await).await;
    let world = &stage.world;
    let tenant = world.tenant().await;
    let (owner, operator) = (world.member(&tenant, Role::Owner).await, world.super_admin().await);
    // With all that can be bought.
    let organizations = world.system.store.platform_collection::<Organization>();
    let largest = doc! { "$set": { "tier": "enterprise" }, "$unset": { "features": "" } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, largest).await.unwrap();
    let watch = Watch { stage: &stage, walked: Mutex::default(), wrong: Mutex::default() };
    for (number, journey) in (0..).zip(Journey::ALL) {
        let traveller = Traveller::new(&stage, &watch, &tenant, (&owner, &operator), number).await;
        journey.go(&traveller).await.unwrap_or_else(|error| panic!("{journey:?}: {error:#}"));
    }
    assert_eq!(watch.wrong.into_inner(), Vec::<String>::new());
    let walked = watch.walked.into_inner();
    let all = routes::all();
    let changing = all.iter().map(|route| route.rule()).filter(|rule| rule.changes());
    let left_out: Vec<&str> = changing.map(|rule| &*rule.id).filter(|id| !walked.contains(*id)).collect();
    assert!(left_out.is_empty(), "on no way through the API: {left_out:?}; add them to a journey");
}
