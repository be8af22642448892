//! From where an organization may be used.

use bson::doc;
use futures::future::join_all;
use matome_domain::access::Role;
use matome_store::entities::{IpRule, MAX_IP_RULES};
use serde_json::json;

use crate::world::{World, of};

#[tokio::test]
async fn rules_hold_at_once_and_nobody_shuts_themselves_out_unasked() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let manager = world.member(&tenant, Role::Manager).await;
    let stranger = world.member(&other, Role::Owner).await;
    let all = of(&tenant, "/ip-rules");
    let allow = |network: &str| json!({ "kind": "allow", "network": network });
    assert_eq!(world.post(&all).by(&manager).json(&allow("192.0.2.0/24")).send().await.status, 403);
    let lockout = world.post(&all).by(&admin).json(&allow("198.51.100.0/24")).send().await;
    assert_eq!((lockout.status.as_u16(), lockout.code()), (409, "conflict"));
    let block = json!({ "kind": "block", "network": "192.0.2.1" });
    assert_eq!(world.post(&all).by(&admin).json(&block).send().await.status, 409);
    assert_eq!(world.post(&all).by(&admin).json(&allow("192.0.2.1/99")).send().await.status, 422);

    let made = world.post(&all).by(&admin).json(&allow("192.0.2.0/24")).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let own = made.header("location").unwrap().to_owned();
    assert_eq!(world.post(&all).by(&admin).json(&allow("192.0.2.0/24")).send().await.status, 409);
    let elsewhere = "198.51.100.7".parse().unwrap();
    let from_elsewhere = || world.get(&all).by(&admin).from(elsewhere).send();
    assert_eq!(from_elsewhere().await.code(), "address_not_allowed");
    // The other one allows somebody; without one's own rule one would be out.
    let made = world.post(&all).by(&admin).json(&allow("198.51.100.0/24")).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(from_elsewhere().await.ok()["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.delete(&own).by(&admin).send().await.status, 409);
    let over = json!({ "expiresAt": "2026-11-20T08:00:00Z" });
    assert_eq!(world.patch(&own).by(&admin).json(&over).send().await.status, 409);
    assert_eq!(world.get(&own).by(&stranger).send().await.status, 404);
    let reason = json!({ "reason": "Office" });
    assert_eq!(world.patch(&own).by(&admin).json(&reason).send().await.ok()["reason"], "Office");
    assert_eq!(world.delete(format!("{own}?force=true")).by(&admin).send().await.status, 204);
    assert_eq!(world.get(&all).by(&admin).send().await.code(), "address_not_allowed");
    // Who runs the platform gets in to help.
    let super_admin = world.super_admin().await;
    assert_eq!(world.get(&all).by(&super_admin).send().await.status, 200);
}

#[tokio::test]
async fn of_sixteen_rules_at_once_none_is_more_than_are_read() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let rules = world.system.store.of_tenant::<IpRule>(&tenant.id);
    let network = |number: i64| format!("10.{}.{}.0/24", number / 256, number % 256);
    for number in 0..MAX_IP_RULES - 8 {
        let rule = IpRule {
            id: world.id(),
            tenant_id: tenant.id.to_string(),
            kind: matome_domain::access::network::RuleKind::Block,
            network: network(number).parse().unwrap(),
            reason: None,
            expires_at: None,
            created_by: None,
            created_at: world.now(),
            updated_at: world.now(),
            version: 0,
        };
        rules.insert(&rule).await.unwrap();
    }
    let make = |number: i64| {
        let body = json!({ "kind": "block", "network": network(1_000 + number) });
        world.post(of(&tenant, "/ip-rules")).by(&admin).json(&body).send()
    };
    let replies = join_all((0..16).map(make)).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert!(made <= 8, "{made}");
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "limit_reached"), "{}", refused.body);
    }
    let count = rules.count(doc! {}).await.unwrap();
    assert_eq!(count, u64::try_from(MAX_IP_RULES).unwrap() - 8 + made as u64);
}
