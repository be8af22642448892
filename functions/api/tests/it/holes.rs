//! Ways in that somebody tried: each was open once, or is worth a guard of its own.

use std::net::{IpAddr, Ipv4Addr};

use bson::doc;
use matome_api::auth::access_token::Amr;
use matome_api::auth::api_key::ApiKeyToken;
use matome_api_testing::call::Reply;
use matome_api_testing::world::{World, of};
use matome_domain::access::{PlatformRole, Role, Scopes};
use matome_store::entities::{Account, AuditEntry, Credentials};
use matome_testing::TestTenant;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

/// The first of up to `most` requests that was over a limit.
async fn first_refused(most: u32, mut send: impl AsyncFnMut(u32) -> Reply) -> Option<u32> {
    for number in 0..most {
        let reply = send(number).await;
        match reply.code() {
            "rate_limited" => {
                assert!(reply.header("retry-after").is_some());
                return Some(number);
            }
            _ => assert!(!reply.status.is_server_error(), "{}", reply.body),
        }
    }
    None
}

#[tokio::test]
async fn whoever_guesses_tokens_or_keys_is_slowed_down_by_address() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let path = of(&tenant, "/rooms");
    let guesses = first_refused(400, async |number| {
        let guess = match number % 2 {
            0 => ApiKeyToken::generate(&*world.system.random).text().expose_secret().to_owned(),
            _ => "eyJhbGciOiJFUzI1NiJ9.e30.c2ln".to_owned(),
        };
        world.get(&path).with_token(&guess).from(address(1)).send().await
    });
    assert_eq!(guesses.await, Some(300));
    let elsewhere = world.get(&path).with_token("garbage").from(address(2)).send().await;
    assert_eq!(elsewhere.code(), "unauthenticated");
    // Somebody else behind the same address does nothing wrong.
    let agent = world.member(&tenant, Role::Agent).await;
    assert_eq!(world.get(&path).by(&agent).from(address(1)).send().await.status, 200);
}

#[tokio::test]
async fn whoever_has_a_token_tries_no_more_secrets_than_others() {
    let world = World::start().await;
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(world.person().await);
    }
    let guess = json!({ "token": "mot_671f0a2b9d3c4e5f6071829d_secret", "password": "x" });
    let tries = first_refused(40, async |number| {
        let person = &people[number as usize % people.len()];
        world.post("/v1/auth/verify-email").by(person).from(address(1)).json(&guess).send().await
    });
    assert_eq!(tries.await, Some(30));
}

#[tokio::test]
async fn whoever_asks_for_what_is_not_theirs_is_slowed_down() {
    let world = World::start().await;
    let (own, other) = (world.tenant().await, world.tenant().await);
    let key = world.api_key(&own, Scopes::new(Scopes::all()).unwrap()).await;
    let path = of(&other, "/rooms");
    let probes = first_refused(700, async |_| world.get(&path).with_token(&key).send().await);
    assert_eq!(probes.await, Some(600));
    assert_eq!(
        world.get(of(&own, "/rooms")).with_token(&key).send().await.status,
        200,
        "their own quota is whole"
    );
}

#[tokio::test]
async fn the_platform_is_nobodys_by_a_password_alone() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let by_password = world
        .person_with(|account| account.platform_role = Some(PlatformRole::SuperAdmin), &[Amr::Pwd])
        .await;
    let nowhere = "/v1/organizations/0123456789abcdef01234567/rooms";
    for path in ["/v1/accounts", &of(&tenant, "/rooms"), nowhere] {
        let reply = world.get(path).by(&by_password).send().await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, "second_factor_required"), "{path}");
    }
    // They can set one up; and are whoever they are elsewhere.
    assert_eq!(world.get("/v1/account").by(&by_password).send().await.status, 200);
    world.join(&tenant, &by_password, Role::Viewer, Default::default()).await;
    assert_eq!(world.get(of(&tenant, "/rooms")).by(&by_password).send().await.status, 200);
    let made = world.post(of(&tenant, "/rooms")).by(&by_password).json(&json!({ "name": "x" })).send().await;
    assert_eq!((made.status.as_u16(), made.code()), (403, "permission_denied"));
    let both = world.super_admin().await;
    assert_eq!(world.get(of(&tenant, "/rooms")).by(&both).send().await.status, 200);
}

const EMAIL: &str = "aoi.tanaka@example.com";
const THEIRS: &str = "what the victim chose";
const FOREIGN: &str = "what somebody else chose";

/// Registers the address; the link's token.
async fn register(world: &World, name: &str, password: &str) -> String {
    let body = json!({ "email": EMAIL, "name": name, "password": password });
    assert_eq!(world.post("/v1/auth/register").json(&body).send().await.status, 202);
    let mails = world.mails.take();
    let (_, token) = mails[0].text.split_once("#token=").expect("a link");
    token.split_whitespace().next().expect("a token").to_owned()
}

async fn logs_in(world: &World, password: &str) -> bool {
    let body = json!({ "email": EMAIL, "password": password });
    let reply = world.post("/v1/auth/login").json(&body).send().await;
    assert!(reply.status == 200 || reply.code() == "login_failed", "{}", reply.body);
    reply.status == 200
}

async fn verify(world: &World, token: &str, password: &str) -> Reply {
    world.post("/v1/auth/verify-email").json(&json!({ "token": token, "password": password })).send().await
}

async fn is_refused(world: &World, token: &str, password: &str) {
    let reply = verify(world, token, password).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (401, "login_failed"), "{}", reply.body);
}

#[tokio::test]
async fn whoever_registers_the_same_address_takes_no_link_and_gives_no_password() {
    for they_are_first in [true, false] {
        let world = World::start().await;
        let (mut own, mut foreign) = (String::new(), String::new());
        for round in [they_are_first, !they_are_first] {
            match round {
                true => own = register(&world, "The Victim", THEIRS).await,
                false => foreign = register(&world, "Somebody Else", FOREIGN).await,
            }
        }
        // The victim opens the other one's link too, with their own password; the other one has no link, but knows
        // a password.
        is_refused(&world, &foreign, THEIRS).await;
        is_refused(&world, &own, FOREIGN).await;
        assert!(!world.system.store.account_by_email(EMAIL).await.unwrap().unwrap().email_verified);
        assert_eq!(verify(&world, &own, THEIRS).await.status, 204, "first: {they_are_first}");
        assert!(logs_in(&world, THEIRS).await && !logs_in(&world, FOREIGN).await);
        let account = world.system.store.account_by_email(EMAIL).await.unwrap().unwrap();
        assert_eq!(account.name, "The Victim");
        // Nothing of the other one's is left.
        is_refused(&world, &foreign, FOREIGN).await;
        let credentials = world.system.store.platform_collection::<Credentials>();
        let stored = credentials.find_one(doc! {}).await.unwrap().unwrap();
        assert!(stored.registrations.is_empty() && stored.email_verification.is_none());
    }
}

#[tokio::test]
async fn another_link_that_somebody_else_asks_for_is_the_victims_by_their_password() {
    let world = World::start().await;
    let own = register(&world, "The Victim", THEIRS).await;
    register(&world, "Somebody Else", FOREIGN).await;
    let body = json!({ "email": EMAIL });
    assert_eq!(world.post("/v1/auth/verify-email/resend").json(&body).send().await.status, 202);
    let resent = world.mailed();
    is_refused(&world, &resent, "what nobody registered with").await;
    assert_eq!(verify(&world, &resent, THEIRS).await.status, 204);
    is_refused(&world, &own, THEIRS).await;
    assert!(logs_in(&world, THEIRS).await && !logs_in(&world, FOREIGN).await);
    let account = world.system.store.account_by_email(EMAIL).await.unwrap().unwrap();
    assert_eq!(account.name, "The Victim");
}

#[tokio::test]
async fn a_registration_that_comes_late_changes_nothing_of_an_account_that_is_in_use() {
    let world = World::start().await;
    let late = register(&world, "Somebody Else", FOREIGN).await;
    let credentials = world.system.store.platform_collection::<Credentials>();
    let written = credentials.clone_with_type::<bson::Document>().find_one(doc! {}).await.unwrap().unwrap();
    let token = register(&world, "The Victim", THEIRS).await;
    assert_eq!(verify(&world, &token, THEIRS).await.status, 204);
    // As if the other registration had been about to be written while the address was verified.
    let set = doc! { "$set": { "registrations": written.get("registrations").unwrap() } };
    credentials.update_one(doc! {}, set).await.unwrap();
    is_refused(&world, &late, FOREIGN).await;
    assert!(logs_in(&world, THEIRS).await);
    assert!(!logs_in(&world, FOREIGN).await);
    let account = world.system.store.account_by_email(EMAIL).await.unwrap().unwrap();
    assert!(Account::is_active(&account));
}

/// What MongoDB or its driver would take for something of their own, or not hold.
fn poison() -> Vec<Value> {
    let mut deep = json!(1);
    for _ in 0..90 {
        deep = json!({ "a": deep });
    }
    vec![
        json!({ "$oid": "x" }),
        json!({ "a": { "$oid": "671f0a2b9d3c4e5f60718293" } }),
        json!({ "a": { "$date": { "$numberLong": "1" } } }),
        json!({ "a": [{ "$numberDecimal": "1" }] }),
        json!({ "a": { "$where": "1" } }),
        json!({ "$set": { "tenantId": "other" } }),
        json!({ "a.b": 1 }),
        json!({ "a\u{0}b": 1 }),
        json!({ "": 1 }),
        json!({ "a": u64::MAX }),
        json!({ "a": deep }),
        json!({ "a": "x".repeat(9_000) }),
    ]
}

#[tokio::test]
async fn free_fields_hold_nothing_that_the_database_takes_for_its_own() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    for (path, name) in [("/rooms", "name"), ("/users", "displayName")] {
        let fine = json!({ "a": { "b": [1, 1.5, null, "$x", "{\"$oid\":1}"] }, "é": -1, "__proto__": {}, "_id": "x" });
        let body = json!({ name: "x", "metadata": { "customFields": fine } });
        let made = world.post(of(&tenant, path)).by(&admin).json(&body).send().await;
        let location = made.header("location").unwrap_or_default().to_owned();
        assert_eq!(made.ok()["metadata"]["customFields"], fine, "{path}");
        for fields in poison() {
            let body = json!({ name: "x", "metadata": { "customFields": fields } });
            let made = world.post(of(&tenant, path)).by(&admin).json(&body).send().await;
            assert_eq!((made.status.as_u16(), made.code()), (422, "invalid_field"), "{path} {fields}");
            let patch = json!({ "metadata": { "customFields": fields } });
            let patched = world.patch(&location).by(&admin).json(&patch).send().await;
            assert_eq!((patched.status.as_u16(), patched.code()), (422, "invalid_field"), "{path} {fields}");
        }
        assert_eq!(world.get(&location).by(&admin).send().await.ok()["metadata"]["customFields"], fine);
        let listed = world.get(of(&tenant, path)).by(&admin).send().await.ok();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{path}");
    }
}

async fn audited(tenant: &TestTenant) -> String {
    let entries = tenant.store.collection::<AuditEntry>().find(doc! {}, doc! {}, 0).await.unwrap();
    serde_json::to_string(&entries).unwrap()
}

#[tokio::test]
async fn the_audit_says_that_a_person_was_changed_and_nothing_of_who_it_is() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let canary = "canary";
    let body = json!({
        "displayName": canary, "email": "canary@example.com", "phoneNumber": "canary-1",
        "profile": { "firstName": canary },
        "metadata": { "tags": ["vip"], "customerId": canary, "customFields": { "x": canary } },
    });
    let made = world.post(of(&tenant, "/users")).by(&admin).json(&body).send().await;
    let location = made.header("location").unwrap_or_default().to_owned();
    made.ok();
    let patch = json!({ "profile": { "lastName": canary }, "metadata": { "tags": ["late"] } });
    world.patch(&location).by(&admin).json(&patch).send().await.ok();
    assert_eq!(world.delete(&location).by(&admin).send().await.status, 204);
    let told = audited(&tenant).await;
    assert!(!told.contains(canary), "{told}");
    for word in ["createUser", "updateUser", "deleteUser", "vip", "late"] {
        assert!(told.contains(word), "{word}");
    }
}
