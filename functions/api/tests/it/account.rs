//! One's own account, and all accounts for who runs the platform, over HTTP.

use bson::doc;
use matome_api_testing::sign_in::{EMAIL, PASSWORD};
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::{Overrides, Role};
use matome_store::entities::{Account, LoginSession, Member, SecurityPolicy};
use serde_json::{Value, json};

/// The person behind tokens.
fn person(tokens: &Value) -> Person {
    let id = |name: &str| tokens[name].as_str().expect("an id").parse().expect("an id");
    let token = tokens["accessToken"].as_str().expect("a token").to_owned();
    Person { account: id("accountId"), session: id("sessionId"), token }
}

#[tokio::test]
async fn an_account_is_changed_and_colleagues_see_its_new_name() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let somebody = world.member(&tenant, Role::Agent).await;
    let shown = world.get("/v1/account").by(&somebody).send().await;
    let etag = shown.header("etag").unwrap().to_owned();
    let before = shown.ok();
    assert!(before["email"].as_str().is_some() && before.get("passwordHash").is_none());
    let patch = async |body: Value| world.patch("/v1/account").by(&somebody).json(&body).send().await;
    let after = patch(json!({
        "name": "New Name", "avatarUrl": "https://a.example/p.png", "timezone": "Asia/Tokyo", "language": "ja",
        "phoneNumber": "+81 3 0000 0000", "notificationPreferences": { "email": { "reports": true } },
    }));
    let after = after.await.ok();
    assert_eq!((&after["name"], &after["timezone"]), (&json!("New Name"), &json!("Asia/Tokyo")));
    let told = &after["notificationPreferences"];
    assert_eq!((&told["email"]["reports"], &told["email"]["newMessage"]), (&json!(true), &json!(true)));
    let members = world.system.store.of_tenant::<Member>(&tenant.id);
    let member = members.find_one(doc! { "accountId": somebody.account }).await.unwrap().unwrap();
    assert_eq!(member.name.as_deref(), Some("New Name"));
    assert_eq!(member.avatar_url.as_deref(), Some("https://a.example/p.png"));
    patch(json!({ "avatarUrl": null })).await.ok();
    let member = members.find_one(doc! { "accountId": somebody.account }).await.unwrap().unwrap();
    assert_eq!(member.avatar_url, None);

    let late = world.patch("/v1/account").by(&somebody).header("if-match", &etag);
    assert_eq!(late.json(&json!({ "name": "Late" })).send().await.code(), "version_mismatch");
    for (body, field) in [
        (json!({ "timezone": "Nowhere/AtAll" }), "timezone"),
        (json!({ "avatarUrl": "javascript:alert(1)" }), "avatarUrl"),
        (json!({ "language": "xx" }), "language"),
        (json!({ "email": "other@example.com" }), "email"),
        (json!({ "platformRole": "super_admin" }), "platformRole"),
        (json!({ "name": null }), "name"),
    ] {
        let refused = patch(body).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!(field)));
    }
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_others_are_logged_out() {
    let world = World::start().await;
    let (there, here) = (world.logged_in().await, world.log_in(PASSWORD).await.ok());
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        world.post("/v1/account/password").by(&person(&here)).json(&body).send().await
    };
    assert_eq!(change("wrong horse battery", "a new long password").await.code(), "login_failed");
    let weak = change(PASSWORD, "short").await;
    assert_eq!((weak.status.as_u16(), &weak.body["errors"][0]["field"]), (422, &json!("newPassword")));
    assert_eq!(change(PASSWORD, "a new long password").await.status, 204);
    assert_eq!((world.own(&here).await, world.own(&there).await), (200, 401));
    assert_eq!(world.log_in(PASSWORD).await.status, 401);
    assert_eq!(world.log_in("a new long password").await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_not_set_up_by_an_access_token_alone() {
    let world = World::start().await;
    let here = person(&world.logged_in().await);
    let begin = async |body: Value| world.post("/v1/account/totp").by(&here).json(&body).send().await;
    assert_eq!(begin(json!({})).await.code(), "login_failed");
    assert_eq!(begin(json!({ "password": "wrong horse battery" })).await.code(), "login_failed");
    assert!(begin(json!({ "password": PASSWORD })).await.ok()["secret"].is_string());
}

#[tokio::test]
async fn a_second_factor_is_given_up_against_password_and_code() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    let here = person(&tokens);
    let early = world.post("/v1/account/totp/confirm").by(&here).json(&json!({ "code": "000000" }));
    assert_eq!(early.send().await.code(), "conflict");
    let (factor, recovery) = world.factor(&tokens).await;
    let again = world.post("/v1/account/totp").by(&here).json(&json!({ "password": PASSWORD }));
    assert_eq!(again.send().await.code(), "conflict");
    let code = world.code(&factor);
    let renewed = world.post("/v1/account/recovery-codes").by(&here).json(&json!({ "code": code }));
    let renewed = renewed.send().await.ok()["recoveryCodes"].clone();
    assert_eq!(renewed.as_array().map(Vec::len), Some(10));
    assert_ne!(renewed[0], recovery[0]);
    let disable = async |body: Value| world.delete("/v1/account/totp").by(&here).json(&body).send().await;
    world.later(30);
    let code = world.code(&factor);
    assert_eq!(disable(json!({ "code": code })).await.status, 401);
    assert_eq!(disable(json!({ "password": "wrong horse battery", "code": code })).await.status, 401);
    assert_eq!(disable(json!({ "password": PASSWORD, "recoveryCode": recovery[0] })).await.status, 401);
    assert_eq!(disable(json!({ "password": PASSWORD })).await.status, 422);
    assert_eq!(disable(json!({ "password": PASSWORD, "code": code })).await.status, 204);
    // Who set it up was shown by it; who gave it up is not any more.
    let sessions = world.system.store.platform_collection::<LoginSession>();
    let session = sessions.find_one(doc! { "_id": here.session }).await.unwrap().unwrap();
    assert_eq!((session.amr, session.revoked_at), (vec!["pwd".to_owned()], None));
    assert!(world.log_in(PASSWORD).await.ok()["accessToken"].is_string());
}

#[tokio::test]
async fn sessions_and_devices_are_seen_and_ended_one_by_one_or_all_others() {
    let world = World::start().await;
    world.register(EMAIL).await;
    let log_in = async |agent: &str| {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        world.post("/v1/auth/login").header("user-agent", agent).json(&body).send().await.ok()
    };
    let windows = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0";
    let (first, second) = (log_in(windows).await, log_in("Mozilla/5.0 (X11; Linux) Firefox/140.0").await);
    let third = log_in(windows).await;
    let stranger = world.person().await;
    let here = person(&third);
    let sessions = async || {
        let listed = world.get("/v1/account/sessions").by(&here).send().await.ok();
        listed["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    let mut expected =
        vec![first["sessionId"].clone(), second["sessionId"].clone(), third["sessionId"].clone()];
    let mut found = sessions().await;
    expected.sort_by_key(Value::to_string);
    found.sort_by_key(Value::to_string);
    assert_eq!(found, expected);
    let one = format!("/v1/account/sessions/{}", second["sessionId"].as_str().unwrap());
    assert_eq!(world.delete(&one).by(&stranger).send().await.status, 404);
    assert_eq!(world.own(&second).await, 200);
    assert_eq!(world.delete(&one).by(&here).send().await.status, 204);
    assert_eq!(world.delete(&one).by(&here).send().await.status, 404);
    assert_eq!((world.own(&second).await, world.refresh(&second).await.status.as_u16()), (401, 401));

    let devices = world.get("/v1/account/devices").by(&here).send().await.ok();
    let names: Vec<_> = devices["items"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect();
    assert!(names.contains(&json!("Firefox on Windows")) && names.len() == 2, "{names:?}");
    assert!(!devices.to_string().contains("fingerprint"));
    let device = devices["items"].as_array().unwrap().iter().find(|d| d["name"] == "Firefox on Linux");
    let device = format!("/v1/account/devices/{}", device.unwrap()["id"].as_str().unwrap());
    let name =
        async |by: &Person| world.patch(&device).by(by).json(&json!({ "name": "Laptop" })).send().await;
    assert_eq!(name(&stranger).await.status, 404);
    assert_eq!(name(&here).await.ok()["name"], "Laptop");
    let again = log_in("Mozilla/5.0 (X11; Linux) Firefox/140.0").await;
    assert_eq!(world.delete(&device).by(&stranger).send().await.status, 404);
    assert_eq!(world.delete(&device).by(&here).send().await.status, 204);
    assert_eq!((world.own(&again).await, world.own(&first).await), (401, 200));

    let ended = world.delete("/v1/account/sessions").by(&here).send().await.ok();
    assert_eq!(ended, json!({ "ended": 1 }));
    assert_eq!((world.own(&first).await, world.own(&third).await), (401, 200));
}

#[tokio::test]
async fn somebody_sees_where_they_are_a_member_and_what_they_may() {
    let world = World::start().await;
    let (one, other) = (world.tenant().await, world.tenant().await);
    let somebody = world.member(&one, Role::Viewer).await;
    world.member(&other, Role::Owner).await;
    let listed = async || world.get("/v1/account/organizations").by(&somebody).send().await.ok();
    let first = listed().await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(1));
    let item = &first["items"][0];
    assert_eq!((&item["organizationId"], &item["role"]), (&json!(one.id.as_str()), &json!("viewer")));
    let permissions = item["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("rooms:read")) && !permissions.contains(&json!("rooms:create")));
    world.join(&other, &somebody, Role::Admin, Overrides::default()).await;
    assert_eq!(listed().await["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn somebodys_trail_is_their_own_and_comes_in_pages() {
    let world = World::start().await;
    let here = person(&world.logged_in().await);
    for name in ["A", "B", "C"] {
        world.patch("/v1/account").by(&here).json(&json!({ "name": name })).send().await.ok();
    }
    let (mut path, mut seqs) = ("/v1/account/audit?limit=3".to_owned(), Vec::new());
    loop {
        let page = world.get(&path).by(&here).send().await.ok();
        seqs.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/account/audit?limit=3&cursor={next}");
    }
    let mut sorted = seqs.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=i64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>());
    // Registered, verified, logged in, and three changes: each began and ended.
    assert_eq!(seqs.len(), 12);
    let others = world.get("/v1/account/audit").by(&world.person().await).send().await.ok();
    assert_eq!(others["items"], json!([]));
}

#[tokio::test]
async fn accounts_are_for_who_runs_the_platform() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let path = format!("/v1/accounts/{}", owner.account);
    for (method, path) in [
        ("GET", "/v1/accounts".to_owned()),
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/restore")),
        ("DELETE", format!("{path}/sessions")),
        ("POST", format!("{path}/unlock")),
    ] {
        let body = json!({ "status": "suspended" });
        assert_eq!(world.request(method, &path).json(&body).send().await.status, 401, "{method} {path}");
        let refused = world.request(method, &path).by(&owner).json(&body).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "permission_denied"), "{method} {path}");
    }
    let admin = world.super_admin().await;
    let found = async |query: &str| {
        let listed = world.get(format!("/v1/accounts?{query}")).by(&admin).send().await.ok();
        listed["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(&format!("email={}@example.com", owner.account)).await, [json!(owner.account)]);
    assert_eq!(found("platformRole=super_admin").await, [json!(admin.account)]);
    assert_eq!(found("status=suspended").await, Vec::<Value>::new());
    assert_eq!(found("status=active").await.len(), 2);
    let shown = world.get(&path).by(&admin).send().await.ok();
    assert!(shown["email"].is_string() && !shown.to_string().contains("Hash"));

    // Suspended, open again, deleted, restored: sessions end, and do not come back.
    let may = async |person: &Person| world.get(of(&tenant, "/rooms")).by(person).send().await.status;
    assert_eq!(may(&owner).await, 200);
    let patch = async |body: Value| world.patch(&path).by(&admin).json(&body).send().await;
    assert_eq!(patch(json!({ "status": "suspended" })).await.ok()["status"], "suspended");
    assert_eq!(may(&owner).await, 401);
    patch(json!({ "status": "active" })).await.ok();
    assert_eq!(may(&owner).await, 401);
    assert_eq!(patch(json!({ "status": "pending" })).await.status, 422);
    assert_eq!(world.delete(&path).by(&admin).send().await.status, 204);
    assert_eq!(world.get(&path).by(&admin).send().await.status, 404);
    assert_eq!(found("deleted=true").await, [json!(owner.account)]);
    assert_eq!(world.post(format!("{path}/restore")).by(&admin).send().await.status, 200);
    assert_eq!(world.get(&path).by(&admin).send().await.status, 200);
}

#[tokio::test]
async fn nobody_changes_their_own_standing_and_the_last_one_stays() {
    let world = World::start().await;
    let (one, other) = (world.super_admin().await, world.super_admin().await);
    let path = |person: &Person| format!("/v1/accounts/{}", person.account);
    let strip = async |by: &Person, whom: &Person| {
        world.patch(path(whom)).by(by).json(&json!({ "platformRole": null })).send().await
    };
    assert_eq!(strip(&one, &one).await.code(), "conflict");
    assert_eq!(world.delete(path(&one)).by(&one).send().await.code(), "conflict");
    assert!(strip(&one, &other).await.ok().get("platformRole").is_none());
    assert_eq!(world.get("/v1/accounts").by(&other).send().await.status, 403);
    let given = world.patch(path(&other)).by(&one).json(&json!({ "platformRole": "super_admin" }));
    assert_eq!(given.send().await.ok()["platformRole"], "super_admin");
    assert_eq!(world.delete(path(&one)).by(&other).send().await.status, 204);
}

#[tokio::test]
async fn two_who_take_the_platform_from_each_other_at_once_leave_it_to_somebody() {
    for _ in 0..5 {
        let world = World::start().await;
        let (one, other) = (world.super_admin().await, world.super_admin().await);
        let strip = async |by: &Person, whom: &Person| {
            let path = format!("/v1/accounts/{}", whom.account);
            world.patch(path).by(by).json(&json!({ "platformRole": null })).send().await.status.as_u16()
        };
        let told = tokio::join!(strip(&one, &other), strip(&other, &one));
        let accounts = world.system.store.platform_collection::<Account>();
        let left = accounts.count_documents(doc! { "platformRole": "super_admin" }).await.unwrap();
        assert!(left > 0, "{told:?}");
    }
}

#[tokio::test]
async fn who_runs_the_platform_unlocks_and_logs_out_others() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    let admin = world.super_admin().await;
    for _ in 0..5 {
        world.log_in("wrong horse battery").await;
    }
    assert_eq!(world.log_in(PASSWORD).await.status, 401);
    let path = format!("/v1/accounts/{}", tokens["accountId"].as_str().unwrap());
    assert_eq!(world.post(format!("{path}/unlock")).by(&admin).send().await.status, 204);
    let again = world.log_in(PASSWORD).await.ok();
    let ended = world.delete(format!("{path}/sessions")).by(&admin).send().await.ok();
    assert_eq!(ended, json!({ "ended": 2 }));
    assert_eq!((world.own(&tokens).await, world.own(&again).await), (401, 401));
    let nobody = format!("/v1/accounts/{}/unlock", world.id());
    assert_eq!(world.post(nobody).by(&admin).send().await.status, 404);
}

#[tokio::test]
async fn what_who_runs_the_platform_did_to_an_account_is_told_to_its_owner_but_not_from_where() {
    let world = World::start().await;
    let (admin, person) = (world.super_admin().await, world.person().await);
    let path = format!("/v1/accounts/{}", person.account);
    let give = world.patch(&path).by(&admin).json(&json!({ "platformRole": "super_admin" }));
    assert_eq!(give.send().await.status, 200);
    // What does not happen is in the operator's trail alone.
    let stale =
        world.patch(&path).by(&admin).header("if-match", "\"77\"").json(&json!({ "platformRole": null }));
    assert_eq!(stale.send().await.status, 412);
    let told = world.get("/v1/account/audit").by(&person).send().await.ok();
    let [entry] = told["items"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&entry["operation"], &entry["phase"]), (&json!("updateAccount"), &json!("ended")));
    assert_eq!(entry["actor"]["id"], json!(admin.account));
    assert_eq!(entry["after"]["platformRole"], "super_admin");
    assert!(entry.get("ip").is_none() && entry.get("userAgent").is_none(), "{entry}");
    let own = world.get("/v1/account/audit").by(&admin).send().await.ok();
    let own = own["items"].as_array().unwrap();
    let mut statuses: Vec<_> = own.iter().filter_map(|entry| entry["status"].as_i64()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses, own.len()), (vec![200, 412], 4));

    let shown = world.get(format!("{path}/audit")).by(&admin).send().await.ok();
    assert_eq!(shown["items"].as_array().unwrap().len(), 1, "{shown}");
    let nobody = format!("/v1/accounts/{}/audit", world.id());
    assert_eq!(world.get(nobody).by(&admin).send().await.status, 404);
    let known = matome_domain::audit::Known::default();
    let verdict = world.system.store.verify_account_audit(person.account, known).await.unwrap();
    assert!(verdict.intact && verdict.entries == 1, "{verdict:?}");
}

/// Sets the tenant's policy.
async fn policy(
    world: &World,
    tenant: &matome_testing::TestTenant,
    change: impl FnOnce(&mut SecurityPolicy),
) {
    let mut policy = SecurityPolicy::initial(&tenant.id, world.now());
    change(&mut policy);
    world.system.store.of_tenant::<SecurityPolicy>(&tenant.id).insert(&policy).await.expect("stored");
}

#[tokio::test]
async fn an_organization_asks_for_a_second_factor_and_takes_the_session_that_set_one_up() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let tokens = world.logged_in().await;
    let here = person(&tokens);
    world.join(&tenant, &here, Role::Agent, Overrides::default()).await;
    let rooms = async |person: &Person| {
        let reply = world.get(of(&tenant, "/rooms")).by(person).send().await;
        (reply.status.as_u16(), reply.code().to_owned())
    };
    assert_eq!(rooms(&here).await.0, 200);
    policy(&world, &tenant, |policy| policy.second_factor_required = true).await;
    assert_eq!(rooms(&here).await, (403, "second_factor_required".to_owned()));
    // One's own account is open all the same: how else would one set it up.
    world.factor(&tokens).await;
    assert_eq!(rooms(&here).await.0, 200);
}

#[tokio::test]
async fn an_organization_says_how_its_members_log_in() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let somebody = world.member(&tenant, Role::Admin).await;
    world.join(&other, &somebody, Role::Admin, Overrides::default()).await;
    policy(&world, &tenant, |policy| policy.allowed_login_methods = vec!["line".to_owned()]).await;
    let refused = world.get(of(&tenant, "/rooms")).by(&somebody).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "login_not_allowed"));
    assert_eq!(world.get(of(&other, "/rooms")).by(&somebody).send().await.status, 200);
}

#[tokio::test]
async fn an_organizations_session_lengths_hold_at_log_in_at_refresh_and_at_once() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let before = world.logged_in().await;
    world.join(&tenant, &person(&before), Role::Agent, Overrides::default()).await;
    policy(&world, &tenant, |policy| {
        policy.session_idle_minutes = Some(30);
        policy.session_max_minutes = Some(45);
    })
    .await;
    let short = world.log_in(PASSWORD).await.ok();
    let length = |tokens: &Value| {
        let ends: matome_store::Time = serde_json::from_value(tokens["sessionExpiresAt"].clone()).unwrap();
        (bson::DateTime::from(ends).timestamp_millis() - bson::DateTime::from(world.now()).timestamp_millis())
            / 60_000
    };
    assert_eq!(length(&short), 30);
    world.later(20 * 60);
    let next = world.refresh(&short).await.ok();
    assert_eq!(length(&next), 25, "no longer than 45 minutes in all");
    world.later(20 * 60);
    // Began before the policy did, with a month to go: it was not used for 30 minutes.
    assert_eq!(world.refresh(&before).await.code(), "login_failed");
    assert_eq!(world.refresh(&next).await.status, 200);
    world.later(6 * 60);
    assert_eq!(world.refresh(&next).await.status, 401);
    // An access token that still holds does not: the guard looks at the session.
    let old = person(&before);
    let token = world.token(old.account, old.session, &[]).await;
    assert_eq!(world.get(of(&tenant, "/rooms")).with_token(&token).send().await.status, 401);
}
