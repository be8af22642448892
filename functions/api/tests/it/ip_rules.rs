//! From where an organization may be used.

use std::time::Duration;

use bson::doc;
use futures::future::join_all;
use matome_api_testing::call::Reply;
use matome_api_testing::world::{World, of};
use matome_domain::access::{Role, Scopes};
use matome_store::entities::{IpRule, MAX_IP_RULES};
use serde_json::json;

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
    // Where somebody is, API Gateway says; what they say of it themselves is nothing.
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip", "cf-connecting-ip", "via"] {
        let claims = world.get(&all).by(&admin).from(elsewhere).header(header, "192.0.2.1").send().await;
        assert_eq!(claims.code(), "address_not_allowed", "{header}");
        let denies = world.get(&all).by(&admin).header(header, "198.51.100.7").send().await;
        assert_eq!(denies.status, 200, "{header}");
    }
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
async fn an_allow_list_that_runs_out_keeps_everybody_out_until_who_runs_the_platform_helps() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let operator = world.super_admin().await;
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let all = of(&tenant, "/ip-rules");
    // Beyond what can be written again: such a rule could never be listed.
    let never = json!({ "kind": "block", "network": "198.51.100.7/32", "expiresAt": "9999-12-31T23:59:59Z" });
    let refused = world.post(&all).by(&admin).json(&never).send().await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!("expiresAt")));
    assert_eq!(world.get(&all).by(&admin).send().await.ok()["items"], json!([]));
    let body = json!({ "kind": "allow", "network": "192.0.2.0/24", "expiresAt": "2026-11-20T09:05:00Z" });
    let refused = world.post(&all).by(&admin).json(&body).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "allow_list_ends"));
    let made = world.post(format!("{all}?force=true")).by(&admin).json(&body).send().await;
    let one = format!("{all}/{}", made.ok()["id"].as_str().unwrap());
    assert_eq!(world.get(&one).by(&admin).send().await.ok()["state"], "active");

    world.system.clock.advance(Duration::from_secs(5 * 60));
    for address in ["192.0.2.1", "198.51.100.7"] {
        for token in [&admin.token, &key] {
            let reply = world.get(&all).with_token(token).from(address.parse().unwrap()).send().await;
            assert_eq!((reply.status.as_u16(), reply.code()), (403, "allow_list_expired"), "{address}");
        }
    }
    let shown = world.get(&all).by(&operator).send().await.ok();
    assert_eq!(
        (&shown["items"][0]["state"], shown["items"].as_array().unwrap().len()),
        (&json!("expired"), 1)
    );
    let endless = json!({ "expiresAt": null });
    assert_eq!(world.patch(&one).by(&operator).json(&endless).send().await.ok()["state"], "active");
    assert_eq!(world.get(&all).by(&admin).send().await.status, 200);
    assert_eq!(world.get(&all).by(&admin).from("198.51.100.7".parse().unwrap()).send().await.status, 403);
}

#[tokio::test]
async fn an_allow_list_ends_only_if_somebody_says_so() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let all = of(&tenant, "/ip-rules");
    let make = async |kind: &str, network: &str, end: Option<&str>| {
        let body = json!({ "kind": kind, "network": network, "expiresAt": end });
        world.post(&all).by(&admin).json(&body).send().await
    };
    let path = |made: Reply| format!("{all}/{}", made.ok()["id"].as_str().unwrap());
    let lasting = path(make("allow", "192.0.2.0/24", None).await);
    let ending = path(make("allow", "192.0.2.0/28", Some("2026-11-21T09:00:00Z")).await);
    let end = json!({ "expiresAt": "2026-12-21T09:00:00Z" });
    for refused in [
        world.patch(&lasting).by(&admin).json(&end).send().await,
        world.delete(&lasting).by(&admin).send().await,
    ] {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "allow_list_ends"));
    }
    assert_eq!(world.delete(format!("{lasting}?force=true")).by(&admin).send().await.status, 204);
    // What does not concern the list is changed as ever.
    let reason = json!({ "reason": "Guests" });
    assert_eq!(world.patch(&ending).by(&admin).json(&reason).send().await.status, 200);
    let block = make("block", "198.51.100.0/24", Some("2026-11-21T09:00:00Z")).await;
    assert_eq!(block.status, 201, "{}", block.body);
    // Whoever takes the last one away wants everybody in.
    assert_eq!(world.delete(&ending).by(&admin).send().await.status, 204);
    assert_eq!(world.get(&all).by(&admin).from("203.0.113.1".parse().unwrap()).send().await.status, 200);
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
