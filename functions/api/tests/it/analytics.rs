//! Analytics and the usage report, as they are asked over HTTP.

use matome_api_testing::world::{Person, World, of};
use matome_domain::access::{Overrides, Role};
use serde_json::Value;

use crate::talk::{Talk, field, hex, told};

#[tokio::test]
async fn what_is_counted_is_what_the_caller_may_see() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let allowed = Overrides { can_view_analytics: Some(true), ..Overrides::default() };
    let trusted = world.member_with(&tenant, Role::Agent, allowed).await;
    let agent = world.member(&tenant, Role::Agent).await;
    let (public, private) = (Talk::closed(&tenant, "Cpub").await, Talk::private(&tenant, "Cpriv").await);
    let path =
        |query: &str| of(&tenant, &format!("/analytics?from=2026-11-20&to=2026-11-21&timezone=UTC{query}"));
    let count =
        async |who: &Person, query: &str| -> Value { world.get(path(query)).by(who).send().await.ok() };

    let all = count(&owner, "").await;
    assert_eq!((all["total"]["messages"].as_u64(), all["total"]["sessions"].as_u64()), (Some(6), Some(2)));
    assert_eq!(
        (all["parts"][0]["day"].as_str(), all["parts"].as_array().map(Vec::len)),
        (Some("2026-11-20"), Some(2))
    );
    assert_eq!(all["total"]["answers"]["count"], 4);
    let theirs = count(&trusted, "&by=room").await;
    assert_eq!(theirs["total"]["messages"], 3);
    assert_eq!(theirs["parts"][0]["roomId"], hex(public.room.id));
    assert_eq!(theirs["parts"].as_array().map(Vec::len), Some(1));
    let one = count(&owner, &format!("&roomId={}", hex(private.room.id))).await;
    assert_eq!(one["total"]["messages"], 3);
    let hidden = world.get(path(&format!("&roomId={}", hex(private.room.id)))).by(&trusted).send().await;
    assert_eq!(told(&hidden), (404, "not_found"));
    assert_eq!(told(&world.get(path("")).by(&agent).send().await), (403, "permission_denied"));

    for (query, name) in [
        ("from=2026-11-20", "to"),
        ("from=2026-11-20&to=2026-13-01", "to"),
        ("from=2026-11-20&to=2026-11-19", "to"),
        ("from=2026-11-20&to=2026-11-20&timezone=Mars/Base", "timezone"),
        ("from=2026-11-20&to=2026-11-20&by=week", "by"),
    ] {
        let reply = world.get(of(&tenant, &format!("/analytics?{query}"))).by(&owner).send().await;
        assert_eq!((told(&reply), field(&reply)), ((400, "invalid_parameter"), name), "{query}");
    }
}

#[tokio::test]
async fn the_usage_report_has_thirty_days() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    Talk::closed(&tenant, "Cgroup").await;
    let path = of(&tenant, "/usage/report");
    let report = world.get(&path).by(&manager).send().await.ok();
    let of_report = |name: &str| report[name].as_u64();
    assert_eq!(
        (of_report("messages"), of_report("conversations"), of_report("summaries")),
        (Some(3), Some(1), Some(1))
    );
    let days = report["days"].as_array().unwrap();
    assert_eq!((days.len(), days[29]["messages"].as_u64()), (30, Some(3)));
    assert_eq!(told(&world.get(&path).by(&agent).send().await), (403, "permission_denied"));
}
