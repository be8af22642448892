//! What somebody does whom only a link from a mail, or a password, makes known is put on record before it is done
//! as well.

use bson::doc;
use matome_api_testing::call::Reply;
use matome_api_testing::world::{CONSOLE, World, of};
use matome_domain::access::Role;
use matome_store::Entity as _;
use matome_store::entities::{Account, AccountAuditEntry, AuditPhase, Credentials, LoginSession, Member};
use serde_json::{Value, json};

use crate::conduct::break_audit;

const PASSWORD: &str = "a horse that is correct";

/// The token of the only mail that was sent.
fn token(world: &World, page: &str) -> String {
    let [mail] = &world.mails.take()[..] else { panic!("one mail") };
    let (_, rest) = mail.text.split_once(&format!("{CONSOLE}/{page}#token=")).expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

/// Makes accounts' trails refuse everything, or no more.
async fn break_account_audit(world: &World, broken: bool) {
    let validator = if broken {
        doc! { "accountId": "nobody" }
    } else {
        doc! {}
    };
    let change = doc! { "collMod": AccountAuditEntry::COLLECTION, "validator": validator };
    world.system.store.platform().run_command(change).await.expect("changed");
}

fn is_unavailable(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "unavailable"), "{}", reply.body);
}

/// Begun and ended, and nothing else of it.
async fn recorded(world: &World, operation: &str) {
    let entries = world.system.store.of_platform::<AccountAuditEntry>();
    let found = entries.find(doc! { "operation": operation }, doc! { "seq": 1 }, 0).await.expect("found");
    let phases: Vec<_> = found.iter().map(|entry| entry.record.phase).collect();
    assert_eq!(phases, [AuditPhase::Begun, AuditPhase::Ended], "{operation}");
    assert_eq!(found[1].record.begun_id, Some(found[0].id), "{operation}");
}

#[tokio::test]
async fn a_link_changes_nothing_of_an_account_that_cannot_be_recorded() {
    let world = World::start().await;
    let post =
        async |path: &str, body: Value| world.post(format!("/v1/auth/{path}")).json(&body).send().await;
    let somebody = json!({ "email": "bun@example.com", "name": "Bun", "password": PASSWORD });
    break_account_audit(&world, true).await;
    is_unavailable(&post("register", somebody.clone()).await);
    assert!(world.system.store.of_platform::<Account>().find_one(doc! {}).await.expect("found").is_none());
    break_account_audit(&world, false).await;
    assert_eq!(post("register", somebody).await.status, 202);
    recorded(&world, "register").await;
    let verify = json!({ "token": token(&world, "verify-email"), "password": PASSWORD });
    let credentials = world.system.store.of_platform::<Credentials>();
    let kept = async || credentials.find_one(doc! {}).await.expect("found").expect("one");

    break_account_audit(&world, true).await;
    let before = kept().await;
    is_unavailable(&post("verify-email", verify.clone()).await);
    assert!(kept().await == before, "nothing was changed");
    break_account_audit(&world, false).await;
    assert_eq!(post("verify-email", verify).await.status, 204);
    recorded(&world, "verifyEmail").await;

    assert_eq!(post("password/forgot", json!({ "email": "bun@example.com" })).await.status, 202);
    let reset = json!({ "token": token(&world, "reset-password"), "password": "another horse entirely" });
    break_account_audit(&world, true).await;
    let before = kept().await;
    is_unavailable(&post("password/reset", reset.clone()).await);
    assert!(kept().await == before, "nothing was changed");
    break_account_audit(&world, false).await;
    assert_eq!(post("password/reset", reset).await.status, 204);
    recorded(&world, "resetPassword").await;
}

#[tokio::test]
async fn nobody_joins_an_organization_that_cannot_record_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let body = json!({ "email": "bun@example.com", "role": "agent" });
    assert_eq!(world.post(of(&tenant, "/invitations")).by(&admin).json(&body).send().await.status, 201);
    let accept = json!({ "token": token(&world, "invitation"), "name": "Bun", "password": PASSWORD });
    let join = || world.post("/v1/auth/invitations/accept").json(&accept).send();
    let members = world.system.store.of_tenant::<Member>(&tenant.id);
    let before = members.count(doc! {}).await.expect("counted");

    break_audit(&tenant, &world, true).await;
    is_unavailable(&join().await);
    assert_eq!(members.count(doc! {}).await.expect("counted"), before);
    break_audit(&tenant, &world, false).await;
    assert_eq!(join().await.status, 200);
    assert_eq!(members.count(doc! {}).await.expect("counted"), before + 1);
}

#[tokio::test]
async fn nobody_is_signed_in_by_what_cannot_be_recorded() {
    let world = World::start().await;
    let post =
        async |path: &str, body: Value| world.post(format!("/v1/auth/{path}")).json(&body).send().await;
    let somebody = json!({ "email": "bun@example.com", "name": "Bun", "password": PASSWORD });
    assert_eq!(post("register", somebody).await.status, 202);
    let verify = json!({ "token": token(&world, "verify-email"), "password": PASSWORD });
    assert_eq!(post("verify-email", verify).await.status, 204);
    let log_in = json!({ "email": "bun@example.com", "password": PASSWORD });
    let sessions =
        async || world.system.store.of_platform::<LoginSession>().count(doc! {}).await.expect("counted");

    break_account_audit(&world, true).await;
    is_unavailable(&post("login", log_in.clone()).await);
    assert_eq!(sessions().await, 0);
    break_account_audit(&world, false).await;
    assert_eq!(post("login", log_in).await.status, 200);
    assert_eq!(sessions().await, 1);
    recorded(&world, "logIn").await;
}
