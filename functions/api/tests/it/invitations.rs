//! Asking people in.

use bson::doc;
use futures::future::join_all;
use matome_api_testing::world::{CONSOLE, World, of, secret_part};
use matome_domain::access::Role;
use matome_store::entities::{Invitation, Member};
use serde_json::{Value, json};

use crate::members::limit_agents;

/// The tokens in the mails that were sent since the last time, by address.
fn tokens(world: &World) -> Vec<(String, String)> {
    let begin = format!("{CONSOLE}/invitation#token=");
    let token = |mail: matome_api::auth::mail::Written| {
        let rest = mail.text.split(&begin).nth(1).expect("a link");
        (mail.to.clone(), rest.split_whitespace().next().expect("a token").to_owned())
    };
    world.mails.take().into_iter().map(token).collect()
}

fn acceptance(token: &str) -> Value {
    json!({ "token": token, "name": "Bun Example", "password": "a horse that is correct" })
}

#[tokio::test]
async fn who_is_asked_in_becomes_a_member_once() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let stranger = world.member(&other, Role::Owner).await;
    let agent = world.member(&tenant, Role::Agent).await;
    let body = json!({ "email": "Bun@Example.com", "role": "agent", "title": "Support" });
    let made = world.post(of(&tenant, "/invitations")).by(&admin).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.header("location").unwrap().to_owned();
    assert_eq!((&made.body["email"], &made.body["status"]), (&json!("bun@example.com"), &json!("pending")));
    assert_eq!(made.body["expiresAt"], "2026-11-27T09:00:00.000Z");
    let (to, first) = tokens(&world).remove(0);
    assert_eq!(to, "bun@example.com");
    // The token is in the mail and nowhere else.
    let stored = world.system.store.of_tenant::<Invitation>(&tenant.id).find_one(doc! {}).await.unwrap();
    let stored = serde_json::to_string(&stored).unwrap();
    let secret = secret_part(&first);
    assert!(!stored.contains(secret) && !made.body.to_string().contains(secret));

    assert_eq!(world.post(of(&tenant, "/invitations")).by(&admin).json(&body).send().await.status, 409);
    assert_eq!(world.post(of(&tenant, "/invitations")).by(&agent).json(&body).send().await.status, 403);
    assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);
    assert_eq!(world.post(format!("{path}/resend")).by(&stranger).send().await.status, 404);

    assert_eq!(world.post(format!("{path}/resend")).by(&admin).send().await.status, 200);
    let (_, second) = tokens(&world).remove(0);
    let accept = "/v1/auth/invitations/accept";
    assert_eq!(world.post(accept).json(&acceptance(&first)).send().await.code(), "login_failed");
    let joined = world.post(accept).json(&acceptance(&second)).send().await.ok();
    assert_eq!((&joined["organizationId"], &joined["role"]), (&json!(tenant.id.as_str()), &json!("agent")));
    assert_eq!(world.post(accept).json(&acceptance(&second)).send().await.code(), "login_failed");

    let members = world.get(of(&tenant, "/members?email=bun@example.com")).by(&admin).send().await.ok();
    assert_eq!(members["items"][0]["title"], "Support");
    // The organization is told who came in.
    let trail = world.get(of(&tenant, "/audit?operation=acceptInvitation")).by(&admin).send().await.ok();
    // Both of one millisecond: the place in the chain tells which was first.
    let mut told = trail["items"].as_array().unwrap().clone();
    told.sort_by_key(|entry| entry["seq"].as_i64());
    let [begun, ended] = told.as_slice() else { panic!("{trail}") };
    assert_eq!((&begun["phase"], &ended["begunId"]), (&json!("begun"), &begun["id"]));
    assert_eq!(ended["target"], json!({ "kind": "member", "id": members["items"][0]["id"] }));
    assert_eq!((&ended["after"]["role"], &ended["before"]), (&json!("agent"), &Value::Null));
    assert_eq!(world.get(&path).by(&admin).send().await.ok()["status"], "accepted");
    assert_eq!(world.delete(&path).by(&admin).send().await.status, 409);
    assert_eq!(world.post(of(&tenant, "/invitations")).by(&admin).json(&body).send().await.status, 409);
}

#[tokio::test]
async fn an_invitation_gives_no_more_than_its_maker_has_and_can_be_taken_back() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (admin, owner) = (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Owner).await);
    let all = of(&tenant, "/invitations");
    for role in ["admin", "owner"] {
        let body = json!({ "email": "bun@example.com", "role": role });
        assert_eq!(world.post(&all).by(&admin).json(&body).send().await.code(), "escalation", "{role}");
    }
    assert!(world.mails.take().is_empty());
    let body = json!({ "email": "bun@example.com", "role": "owner" });
    let made = world.post(&all).by(&owner).json(&body).send().await;
    let path = made.header("location").unwrap().to_owned();
    // Nor does an administrator take an owner's back.
    assert_eq!(world.delete(&path).by(&admin).send().await.code(), "escalation");
    assert_eq!(world.delete(&path).by(&owner).send().await.status, 204);
    let (_, token) = tokens(&world).remove(0);
    let late = world.post("/v1/auth/invitations/accept").json(&acceptance(&token)).send().await;
    assert_eq!(late.code(), "login_failed");
    assert_eq!(world.post(format!("{path}/resend")).by(&owner).send().await.status, 409);
    // Another one may be made then; the policy's domains are heeded.
    assert_eq!(world.post(&all).by(&owner).json(&body).send().await.status, 201);
    let policy = json!({ "allowedEmailDomains": ["shop.example"] });
    let changed = world.patch(of(&tenant, "/security-policy")).by(&owner).json(&policy).send().await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let body = json!({ "email": "aoi@example.com", "role": "agent" });
    let refused = world.post(&all).by(&owner).json(&body).send().await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!("email")));
}

#[tokio::test]
async fn of_sixteen_who_accept_at_once_as_many_get_in_as_the_plan_allows() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    // Two, because each may have ten mails sent in a quarter of an hour.
    let owners = [world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Owner).await];
    let owner = &owners[0];
    limit_agents(&world, &tenant, 5).await;
    for number in 0..16 {
        let body = json!({ "email": format!("agent{number}@example.com"), "role": "agent" });
        let made = world.post(of(&tenant, "/invitations")).by(&owners[number % 2]).json(&body).send().await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    // Their accounts are there, so that only the memberships are made at once.
    let tokens = tokens(&world);
    let mut calls = Vec::new();
    for (email, token) in &tokens {
        let person = world.person_with(|account| account.email = email.clone(), &[]).await;
        let body = json!({ "token": token });
        calls.push(world.post("/v1/auth/invitations/accept").by(&person).json(&body).send());
    }
    let replies = join_all(calls).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 3, "besides the owners");
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "limit_reached"), "{}", refused.body);
    }
    assert_eq!(world.system.store.agents(&tenant.id).await.unwrap(), 5);
    // What was refused stays open.
    let open = world.system.store.of_tenant::<Invitation>(&tenant.id);
    assert_eq!(open.count(doc! { "status": "pending" }).await.unwrap(), 13);
    let members = world.system.store.of_tenant::<Member>(&tenant.id);
    assert_eq!(members.count(doc! {}).await.unwrap(), 5);
    let one_more = json!({ "email": "late@example.com", "role": "agent" });
    let refused = world.post(of(&tenant, "/invitations")).by(owner).json(&one_more).send().await;
    assert_eq!(refused.code(), "limit_reached");
    let viewer = json!({ "email": "late@example.com", "role": "viewer" });
    assert_eq!(world.post(of(&tenant, "/invitations")).by(owner).json(&viewer).send().await.status, 201);
}

#[tokio::test]
async fn an_invitation_is_over_when_who_sent_it_may_not_send_it_any_more() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let members = world.system.store.of_tenant::<Member>(&tenant.id);
    let accept =
        async |token: &str| world.post("/v1/auth/invitations/accept").json(&acceptance(token)).send().await;
    for (number, less) in [doc! { "role": "agent" }, doc! { "status": "suspended" }].into_iter().enumerate() {
        let admin = world.member(&tenant, Role::Admin).await;
        let body = json!({ "email": format!("bun{number}@example.com"), "role": "viewer" });
        let made = world.post(of(&tenant, "/invitations")).by(&admin).json(&body).send().await;
        let path = made.header("location").expect("made").to_owned();
        let (_, token) = tokens(&world).remove(0);
        let theirs = doc! { "accountId": admin.account };
        let member = members.find_one(theirs).await.unwrap().unwrap();
        members.update(doc! { "_id": member.id }, doc! { "$set": less }).await.unwrap();
        let refused = accept(&token).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (401, "login_failed"));
        // Whoever may send it again makes it good.
        assert_eq!(world.post(format!("{path}/resend")).by(&owner).send().await.status, 200);
        let (_, token) = tokens(&world).remove(0);
        assert_eq!(accept(&token).await.status, 200);
    }
}
