//! Keys of machines.

use std::time::Duration;

use bson::{Document, doc};
use matome_api_testing::world::{World, of, secret_part};
use matome_domain::access::{Overrides, Role, Scopes};
use matome_store::entities::{ApiKey, Organization};
use serde_json::json;

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_tag_is_kept() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let stranger = world.member(&other, Role::Owner).await;
    let body =
        json!({ "name": "Back office", "scopes": ["rooms:read"], "expiresAt": "2027-05-01T00:00:00Z" });
    let all = of(&tenant, "/api-keys");
    let make = || world.post(&all).by(&admin).header("idempotency-key", "one").json(&body).send();
    let made = make().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.header("location").unwrap().to_owned();
    let key = made.body["key"].as_str().unwrap().to_owned();
    let secret = secret_part(&key);
    // A repeat is answered as the first time, and makes no second one.
    let again = make().await;
    assert_eq!((again.header("idempotency-replayed"), &again.body["key"]), (Some("true"), &json!(key)));
    assert_eq!(world.system.store.of_tenant::<ApiKey>(&tenant.id).count(doc! {}).await.unwrap(), 1);

    let shown = world.get(&path).by(&admin).send().await.ok();
    assert_eq!((&shown["name"], &shown["scopes"]), (&json!("Back office"), &json!(["rooms:read"])));
    let documents = world.system.store.platform().collection::<Document>("api_keys");
    let stored = documents.find_one(doc! {}).await.unwrap().unwrap();
    let list = world.get(&all).by(&admin).send().await.ok();
    let trail = world.get(of(&tenant, "/audit")).by(&admin).send().await.ok();
    for text in [shown.to_string(), list.to_string(), trail.to_string(), stored.to_string()] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(shown.get("tag"), None);
    assert!(stored.get_str("tag").is_ok_and(|tag| tag.len() == 43));

    let rooms = || world.get(of(&tenant, "/rooms")).with_token(&key).send();
    assert_eq!(rooms().await.status, 200);
    assert_eq!(world.get(of(&tenant, "/users")).with_token(&key).send().await.status, 403);
    assert_eq!(world.get(of(&other, "/rooms")).with_token(&key).send().await.status, 404);
    let used = world.get(&path).by(&admin).send().await.ok();
    assert_eq!(
        (&used["lastUsedAt"], &used["lastUsedIp"], &used["version"]),
        (&json!("2026-11-20T09:00:00.000Z"), &json!("192.0.2.1"), &json!(0))
    );
    // Once a minute at most.
    world.system.clock.advance(Duration::from_secs(30));
    assert_eq!(rooms().await.status, 200);
    assert_eq!(world.get(&path).by(&admin).send().await.ok()["lastUsedAt"], used["lastUsedAt"]);
    world.system.clock.advance(Duration::from_secs(31));
    assert_eq!(rooms().await.status, 200);
    assert_eq!(world.get(&path).by(&admin).send().await.ok()["lastUsedAt"], "2026-11-20T09:01:01.000Z");

    assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);
    let elsewhere = path.replace(tenant.id.as_str(), other.id.as_str());
    assert_eq!(world.delete(&elsewhere).by(&stranger).send().await.status, 404);
    assert_eq!(world.delete(&path).by(&admin).send().await.status, 204);
    assert_eq!(rooms().await.status, 401);
    let revoked = world.get(&path).by(&admin).send().await.ok();
    assert_eq!(revoked["revokedBy"], admin.account.to_hex());
    assert_eq!(world.patch(&path).by(&admin).json(&json!({ "name": "x" })).send().await.status, 422);
}

#[tokio::test]
async fn a_key_may_do_nothing_that_its_maker_may_not_and_can_only_be_made_less() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let no_settings = Overrides { can_export_data: Some(false), ..Overrides::default() };
    let admin = world.member_with(&tenant, Role::Admin, no_settings).await;
    let (owner, manager) =
        (world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Manager).await);
    let all = of(&tenant, "/api-keys");
    let body = |scopes: &[&str]| json!({ "name": "k", "scopes": scopes });
    assert_eq!(world.post(&all).by(&manager).json(&body(&["rooms:read"])).send().await.status, 403);
    let more = world.post(&all).by(&admin).json(&body(&["rooms:export"])).send().await;
    assert_eq!((more.status.as_u16(), more.code()), (403, "escalation"));
    for scopes in [&["apiKeys:create"][..], &["members:update"], &["owners:read"], &["rooms:fly"], &[]] {
        let refused = world.post(&all).by(&owner).json(&body(scopes)).send().await;
        assert_eq!(refused.status, 422, "{scopes:?} {}", refused.body);
    }
    for end in ["2026-11-20T08:59:59Z", "2027-12-01T00:00:00Z"] {
        let body = json!({ "name": "k", "scopes": ["rooms:read"], "expiresAt": end });
        assert_eq!(world.post(&all).by(&owner).json(&body).send().await.status, 422, "{end}");
    }
    let made = world.post(&all).by(&owner).json(&body(&["rooms:read", "rooms:export"])).send().await;
    let path = made.header("location").unwrap().to_owned();
    let wider = json!({ "scopes": ["rooms:read", "rooms:update"] });
    assert_eq!(world.patch(&path).by(&owner).json(&wider).send().await.status, 422);
    // Who rotates a key gets its text, and so its rights.
    let rotation = json!({ "graceMinutes": 60 });
    let rotate = format!("{path}/rotate");
    assert_eq!(world.post(&rotate).by(&admin).json(&rotation).send().await.code(), "escalation");
    let less = json!({ "scopes": ["rooms:read"], "expiresAt": "2027-01-01T00:00:00Z" });
    assert_eq!(world.patch(&path).by(&owner).json(&less).send().await.ok()["scopes"], json!(["rooms:read"]));
    let longer = json!({ "expiresAt": "2027-02-01T00:00:00Z" });
    assert_eq!(world.patch(&path).by(&owner).json(&longer).send().await.status, 422);

    let old = made.body["key"].as_str().unwrap().to_owned();
    let rotated = world.post(&rotate).by(&admin).json(&rotation).send().await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    let new = rotated.body["key"].as_str().unwrap().to_owned();
    assert_eq!(rotated.body["apiKey"]["expiresAt"], "2027-01-01T00:00:00.000Z");
    let replaced = world.get(&path).by(&owner).send().await.ok();
    assert_eq!(replaced["replacedBy"], rotated.body["apiKey"]["id"]);
    assert_eq!(world.post(&rotate).by(&owner).json(&rotation).send().await.status, 409);
    let rooms = |key: &str| world.get(of(&tenant, "/rooms")).with_token(key).send();
    assert_eq!((rooms(&old).await.status.as_u16(), rooms(&new).await.status.as_u16()), (200, 200));
    world.system.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!((rooms(&old).await.status.as_u16(), rooms(&new).await.status.as_u16()), (401, 200));
}

#[tokio::test]
async fn where_the_plan_has_no_access_by_key_none_is_made_or_rotated_and_none_is_taken() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let all = of(&tenant, "/api-keys");
    let body = json!({ "name": "k", "scopes": ["rooms:read"] });
    let make = || world.post(&all).by(&admin).json(&body).send();
    let made = make().await;
    let path = made.header("location").unwrap().to_owned();
    let key = made.ok()["key"].as_str().unwrap().to_owned();
    let platforms = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let has = async |api_access: bool| {
        let organizations = world.system.store.platform_collection::<Organization>();
        let update = doc! { "$set": { "features.apiAccess": api_access } };
        organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, update).await.unwrap();
    };
    has(false).await;
    let rotate = format!("{path}/rotate");
    let rotate = || world.post(&rotate).by(&admin).json(&json!({ "graceMinutes": 60 })).send();
    let rooms = |key: &str| world.get(of(&tenant, "/rooms")).with_token(key).send();
    for refused in [make().await, rotate().await, rooms(&key).await, rooms(&platforms).await] {
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "feature_not_in_plan"));
        assert!(refused.body["detail"].as_str().unwrap().contains("apiAccess"), "{}", refused.body);
    }
    // What is there is seen, and ended.
    assert_eq!(world.get(&all).by(&admin).send().await.ok()["items"].as_array().unwrap().len(), 2);
    has(true).await;
    assert_eq!(rooms(&key).await.status, 200, "it holds again with the next plan");
    has(false).await;
    assert_eq!(world.delete(&path).by(&admin).send().await.status, 204);
}
