//! An API key may do what its maker may by now.

use bson::doc;
use matome_api_testing::call::Reply;
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use matome_store::Id;
use matome_store::entities::Account;
use matome_testing::TestTenant;
use serde_json::{Value, json};

use crate::talk::{Talk, each, hex, told};

/// A key that somebody makes: its path and its text.
async fn key(world: &World, tenant: &TestTenant, maker: &Person, scopes: &[&str]) -> (String, String) {
    let body = json!({ "name": "k", "scopes": scopes });
    let made = world.post(of(tenant, "/api-keys")).by(maker).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    (made.header("location").unwrap().to_owned(), made.body["key"].as_str().unwrap().to_owned())
}

/// An admin who is a member.
async fn admin(world: &World, tenant: &TestTenant) -> (Person, Id) {
    let person = world.person().await;
    let member = world.join(tenant, &person, Role::Admin, Default::default()).await;
    (person, member)
}

async fn change(world: &World, tenant: &TestTenant, owner: &Person, member: Id, patch: Value) {
    world
        .patch(of(tenant, &format!("/members/{}", member.to_hex())))
        .by(owner)
        .json(&patch)
        .send()
        .await
        .ok();
}

async fn list(world: &World, tenant: &TestTenant, what: &str, key: &str) -> Reply {
    world.get(of(tenant, what)).with_token(key).send().await
}

#[tokio::test]
async fn a_demoted_makers_key_may_do_what_they_still_may() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let (maker, member) = admin(&world, &tenant).await;
    let (_, key) = key(&world, &tenant, &maker, &["rooms:read", "rooms:create", "channels:read"]).await;
    let make = async || {
        world.post(of(&tenant, "/rooms")).with_token(&key).json(&json!({ "name": "x" })).send().await
    };
    assert_eq!(make().await.status, 201);
    change(&world, &tenant, &owner, member, json!({ "role": "viewer" })).await;
    assert_eq!(told(&make().await), (403, "permission_denied"));
    assert_eq!(list(&world, &tenant, "/channels", &key).await.status, 200);
    change(&world, &tenant, &owner, member, json!({ "role": "admin" })).await;
    assert_eq!(make().await.status, 201);
}

#[tokio::test]
async fn the_key_of_who_is_suspended_or_removed_is_refused_until_somebody_takes_it_over() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let (maker, member) = admin(&world, &tenant).await;
    let (path, text) = key(&world, &tenant, &maker, &["rooms:read"]).await;
    let refused = async |text: &str| {
        let reply = list(&world, &tenant, "/rooms", text).await;
        assert_eq!(told(&reply), (403, "key_maker_gone"), "{}", reply.body);
    };
    change(&world, &tenant, &owner, member, json!({ "status": "suspended" })).await;
    refused(&text).await;
    change(&world, &tenant, &owner, member, json!({ "status": "active" })).await;
    assert_eq!(list(&world, &tenant, "/rooms", &text).await.status, 200);
    let one = of(&tenant, &format!("/members/{}", member.to_hex()));
    assert_eq!(world.delete(&one).by(&owner).send().await.status, 204);
    refused(&text).await;

    // Who has its scopes takes it over.
    let rotate = || world.post(format!("{path}/rotate")).json(&json!({ "graceMinutes": 60 }));
    let manager = world.member(&tenant, Role::Manager).await;
    assert_eq!(told(&rotate().by(&manager).send().await), (403, "permission_denied"));
    let rotated = rotate().by(&owner).send().await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    assert_eq!(rotated.body["apiKey"]["createdBy"], owner.account.to_hex());
    assert_eq!(list(&world, &tenant, "/rooms", rotated.body["key"].as_str().unwrap()).await.status, 200);
    refused(&text).await;
}

#[tokio::test]
async fn the_key_of_a_closed_account_is_refused() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (maker, _) = admin(&world, &tenant).await;
    let (_, text) = key(&world, &tenant, &maker, &["rooms:read"]).await;
    set_account(&world, &maker, doc! { "$set": { "status": "suspended" } }).await;
    assert_eq!(told(&list(&world, &tenant, "/rooms", &text).await), (403, "key_maker_gone"));
}

#[tokio::test]
async fn the_key_of_who_runs_the_platform_holds_as_long_as_they_do() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let operator = world.super_admin().await;
    let talk = Talk::private(&tenant, "Cpriv").await;
    let (_, text) = key(&world, &tenant, &operator, &["rooms:read", "messages:read"]).await;
    let rooms = list(&world, &tenant, "/rooms", &text).await.ok();
    assert!(each(&rooms, "id").contains(&hex(talk.room.id).as_str()), "they see every room");
    set_account(&world, &operator, doc! { "$unset": { "platformRole": "" } }).await;
    assert_eq!(told(&list(&world, &tenant, "/rooms", &text).await), (403, "key_maker_gone"));
}

async fn set_account(world: &World, person: &Person, update: bson::Document) {
    let accounts = world.system.store.platform_collection::<Account>();
    let changed = accounts.update_one(doc! { "_id": person.account }, update).await.unwrap();
    assert_eq!(changed.modified_count, 1);
}

#[tokio::test]
async fn a_key_sees_of_private_rooms_what_its_maker_sees() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let (maker, member) = admin(&world, &tenant).await;
    let scopes = ["rooms:read", "messages:read", "summaries:read"];
    let (_, text) = key(&world, &tenant, &maker, &scopes).await;
    let (private, public) = (Talk::private(&tenant, "Cpriv").await, Talk::closed(&tenant, "Cpub").await);
    let seen = async || {
        let rooms = list(&world, &tenant, "/rooms", &text).await.ok();
        let messages = list(&world, &tenant, "/messages", &text).await.ok();
        let has = |list: &Value, field| each(list, field).contains(&hex(private.room.id).as_str());
        let public = hex(public.room.id);
        assert!(each(&rooms, "id").contains(&public.as_str()), "what is not private is seen as ever");
        let timeline = list(&world, &tenant, &private.room("/timeline"), &text).await;
        (has(&rooms, "id"), has(&messages, "roomId"), timeline.status.as_u16())
    };
    assert_eq!(seen().await, (true, true, 200), "an admin supervises");
    change(&world, &tenant, &owner, member, json!({ "role": "agent" })).await;
    assert_eq!(seen().await, (false, false, 404));

    let flags = json!({
        "canSendMessage": true, "canViewHistory": true, "canExportData": true, "canManageSettings": true,
    });
    let staff = json!({ "roomId": hex(private.room.id), "accountId": maker.account, "permissions": flags });
    let members = of(&tenant, &private.room("/members"));
    let added = world.post(&members).by(&owner).json(&staff).send().await;
    let added = format!("{members}/{}", added.ok()["id"].as_str().unwrap());
    assert_eq!(seen().await, (true, true, 200));
    // Their flags give the key nothing that it was not made for.
    let rename = world.patch(of(&tenant, &private.room(""))).with_token(&text).json(&json!({ "name": "x" }));
    assert_eq!(told(&rename.send().await), (403, "permission_denied"));
    let blind = json!({ "permissions": { "canViewHistory": false } });
    world.patch(&added).by(&owner).json(&blind).send().await.ok();
    assert_eq!(seen().await, (true, false, 403));
}
