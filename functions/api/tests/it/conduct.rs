//! How the API behaves whatever is asked: one form of refusal, headers, origins, repeats, limits.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::doc;
use matome_api_testing::call::Reply;
use matome_api_testing::world::{CONSOLE, Person, World, of};
use matome_domain::access::{Role, Scopes};
use matome_store::entities::{AuditEntry, Organization, Room, SecurityPolicy};
use matome_testing::{TestTenant, fixtures};
use serde_json::json;

use crate::operations::{assert_nothing_changed, everything};

pub(crate) async fn scene() -> (World, TestTenant, Person) {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    (world, tenant, admin)
}

async fn count<E: matome_store::Entity>(tenant: &TestTenant) -> u64 {
    tenant.store.collection::<E>().count(doc! {}).await.unwrap()
}

pub(crate) fn is(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{}", reply.body);
}

#[tokio::test]
async fn every_answer_names_its_request_and_every_refusal_has_one_form() {
    let (world, tenant, admin) = scene().await;
    let rooms = of(&tenant, "/rooms");
    let raw =
        |text: &str| world.post(&rooms).by(&admin).header("content-type", "application/json").text(text);
    let deep = format!(r#"{{"name":"a","metadata":{{"customFields":{{"a":{}"#, "[".repeat(10_000));
    let large = json!({ "name": "x".repeat(300 * 1024) });
    let answers = [
        (200, "", world.get(&rooms).by(&admin).send().await),
        (200, "", world.get("/v1/openapi.json").send().await),
        (404, "not_found", world.get("/v1/nothing").send().await),
        (404, "not_found", world.get("/").send().await),
        (404, "not_found", world.get(of(&tenant, "/rooms/xyz")).by(&admin).send().await),
        (404, "not_found", world.get(of(&tenant, "/rooms/%FF%00")).by(&admin).send().await),
        (405, "method_not_allowed", world.put(&rooms).by(&admin).send().await),
        (401, "unauthenticated", world.get(&rooms).send().await),
        (413, "too_large", world.post(&rooms).by(&admin).json(&large).send().await),
        (415, "unsupported_media_type", world.post(&rooms).by(&admin).text("{}").send().await),
        (400, "malformed_request", raw("{").send().await),
        (400, "malformed_request", raw(r#"{"name":"a"} {}"#).send().await),
        (400, "malformed_request", raw(&deep).send().await),
        (422, "invalid_field", raw("[]").send().await),
        (422, "invalid_field", raw(r#"{"name":"a","name":"b"}"#).send().await),
        (400, "invalid_parameter", world.get(format!("{rooms}?nothing=1")).by(&admin).send().await),
        (400, "invalid_parameter", world.get(format!("{rooms}?limit=1&limit=2")).by(&admin).send().await),
    ];
    let mut requests = BTreeSet::new();
    for (status, code, reply) in &answers {
        is(reply, *status, code);
        let request = reply.header("x-request-id").expect("an id").to_owned();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{code}");
        }
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
        if *status >= 400 {
            assert_eq!(reply.header("content-type"), Some("application/problem+json"));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            assert_eq!(reply.body["requestId"], request.as_str());
            assert_eq!(
                (&reply.body["status"], &reply.body["type"]),
                (&json!(status), &json!(format!("/v1/docs#problem-{code}")))
            );
            assert!(reply.body["title"].as_str().is_some_and(|title| !title.is_empty()));
        }
        requests.insert(request);
    }
    assert_eq!(requests.len(), answers.len(), "each has an id of its own");
    assert_eq!(answers[6].2.header("allow"), Some("GET,HEAD,POST,OPTIONS"), "what the path has");
    assert_eq!(count::<Room>(&tenant).await, 0);
}

#[tokio::test]
async fn a_refused_body_names_the_field_and_never_says_what_was_in_it() {
    let (world, tenant, admin) = scene().await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": 4_111_111 }), "name"),
        (json!({ "name": "a", "canary": 1 }), "canary"),
        (json!({ "name": "a", "settings": { "privacy": "canary" } }), "settings.privacy"),
        (json!({ "name": "a", "metadata": { "tags": ["a", ""] } }), "metadata.tags[1]"),
        (
            json!({ "name": "a", "metadata": { "customFields": { "$where": "canary" } } }),
            "metadata.customFields",
        ),
        (
            json!({ "name": "a", "metadata": { "customFields": { "a.b": "canary" } } }),
            "metadata.customFields",
        ),
        (
            json!({ "name": "a", "metadata": { "customFields": { "a\0": "canary" } } }),
            "metadata.customFields",
        ),
    ] {
        let reply = world.post(of(&tenant, "/rooms")).by(&admin).json(&body).send().await;
        is(&reply, 422, "invalid_field");
        assert_eq!(reply.body["errors"][0]["field"], field, "{}", reply.body);
        let reason = reply.body["errors"][0]["reason"].as_str().unwrap();
        assert!(!reason.contains("canary") && !reason.contains("4111111"), "{reason}");
    }
}

#[tokio::test]
async fn text_that_looks_like_an_operator_is_text() {
    let (world, tenant, admin) = scene().await;
    for name in ["$name", "{\"$ne\":null}", "a\0b", "$$ROOT", "名前🙂", "a.b.c"] {
        let body = json!({ "name": name, "metadata": { "customFields": { "k": name } } });
        let made = world.post(of(&tenant, "/rooms")).by(&admin).json(&body).send().await;
        let location = made.header("location").unwrap().to_owned();
        let shown = world.get(&location).by(&admin).send().await.ok();
        assert_eq!((&shown["name"], &shown["metadata"]["customFields"]["k"]), (&json!(name), &json!(name)));
        let patch = json!({ "name": format!("{name}$") });
        let changed = world.patch(&location).by(&admin).json(&patch).send().await.ok();
        assert_eq!(changed["name"], format!("{name}$"));
    }
    for query in ["channelId[$ne]=x", "$where=1", "tag.$ne=1", "channelId=%00", "sort=$natural", "fields=$x"]
    {
        let reply = world.get(of(&tenant, &format!("/rooms?{query}"))).by(&admin).send().await;
        is(&reply, 400, "invalid_parameter");
    }
    let none = world.get(of(&tenant, "/rooms?channelId=%7B%22$ne%22:null%7D")).by(&admin).send().await.ok();
    assert_eq!(none["items"], json!([]), "compared, not run");
}

#[tokio::test]
async fn a_page_of_the_console_may_call_and_another_only_where_an_organization_says_so() {
    let (world, tenant, admin) = scene().await;
    let other = world.tenant().await;
    let shop = "https://shop.example";
    let now = world.now();
    let policy = SecurityPolicy {
        id: SecurityPolicy::id_of(&tenant.id).into(),
        tenant_id: tenant.id.to_string(),
        second_factor_required: false,
        session_idle_minutes: None,
        session_max_minutes: None,
        allowed_login_methods: Vec::new(),
        allowed_email_domains: Vec::new(),
        allowed_origins: vec![shop.to_owned()],
        created_at: now,
        updated_at: now,
        updated_by: None,
        version: 0,
    };
    world.system.store.of_tenant::<SecurityPolicy>(&tenant.id).insert(&policy).await.unwrap();
    let (own, others) = (of(&tenant, "/rooms"), of(&other, "/rooms"));
    for (path, origin, may) in [
        (&own, CONSOLE, true),
        (&others, CONSOLE, true),
        (&own, shop, true),
        (&others, shop, false),
        (&own, "https://elsewhere.example", false),
        (&own, "null", false),
        (&own, "https://console.example.elsewhere.example", false),
    ] {
        let expected = may.then_some(origin);
        let ask = world.request("OPTIONS", path.clone()).header("origin", origin);
        let asked = ask.header("access-control-request-method", "PATCH").send().await;
        assert_eq!(asked.status, 204);
        assert_eq!(asked.header("access-control-allow-origin"), expected, "{origin} {path}");
        assert_eq!(asked.header("access-control-allow-headers").is_some(), may);
        let methods = asked.header("access-control-allow-methods").unwrap_or_default();
        let named: BTreeSet<&str> = methods.split(", ").filter(|method| !method.is_empty()).collect();
        let all = matome_api::routes::all();
        let there: BTreeSet<&str> = all.iter().map(|route| route.rule().method.as_str()).collect();
        assert_eq!(named, if may { there } else { BTreeSet::new() });
        for reply in [
            world.get(path.clone()).by(&admin).header("origin", origin).send().await,
            world.get(path.clone()).header("origin", origin).send().await,
        ] {
            assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin} {path}");
            assert_eq!(reply.header("access-control-allow-credentials"), None, "no cookies");
            let vary: Vec<&str> =
                reply.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.contains(&"Origin"), "{vary:?}");
        }
    }
}

#[tokio::test]
async fn a_post_with_a_key_is_done_once() {
    let (world, tenant, admin) = scene().await;
    let colleague = world.member(&tenant, Role::Admin).await;
    let rooms = of(&tenant, "/rooms");
    let make = |who: &Person, key: &str, name: &str| {
        let call = world.post(&rooms).by(who).header("idempotency-key", key);
        call.json(&json!({ "name": name })).send()
    };
    let first = make(&admin, "k1", "Sales").await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None));
    let again = make(&admin, "k1", "Sales").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    is(&make(&admin, "k1", "Support").await, 422, "key_reused");
    // Another caller's key is another key, another key another request.
    assert_ne!(make(&colleague, "k1", "Sales").await.ok()["id"], first.body["id"]);
    assert_ne!(make(&admin, "k2", "Sales").await.ok()["id"], first.body["id"]);
    assert_eq!(count::<Room>(&tenant).await, 3);
    for wrong in ["", " ", "a\"b", &"k".repeat(256)] {
        is(&make(&admin, wrong, "Sales").await, 400, "malformed_request");
    }
    // A refusal is kept as well: the same request is as wrong as it was.
    is(&make(&admin, "k3", "").await, 422, "invalid_field");
    let refused = make(&admin, "k3", "").await;
    is(&refused, 422, "invalid_field");
    assert_eq!(refused.header("idempotency-replayed"), Some("true"));
    // Of two at once, the one that comes while the other is at work is told to come back.
    let known = || (world.ephemeral[1])();
    let before = known();
    let mut first = Box::pin(make(&admin, "k4", "Twins"));
    while known() == before {
        assert!(futures::poll!(&mut first).is_pending(), "the key is taken before the room is made");
        tokio::task::yield_now().await;
    }
    let second = make(&admin, "k4", "Twins").await;
    is(&second, 409, "request_in_progress");
    assert!(second.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().unwrap() > 0));
    let first = first.await;
    assert_eq!(first.status, 201);
    assert_eq!(make(&admin, "k4", "Twins").await.body, first.body);
    assert_eq!(count::<Room>(&tenant).await, 4);
}

/// Makes the tenant's audit refuse everything, or no more.
pub(crate) async fn break_audit(tenant: &TestTenant, world: &World, broken: bool) {
    let platform = world.system.store.platform();
    let database = platform.client().database(&platform.name().replace("_platform", "_shared"));
    let validator = if broken {
        doc! { "tenantId": "nobody" }
    } else {
        doc! {}
    };
    let name = tenant.store.name::<AuditEntry>();
    database.run_command(doc! { "collMod": name, "validator": validator }).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_audited_does_not_happen_and_can_be_tried_again() {
    let (world, tenant, admin) = scene().await;
    let kept = fixtures::room(&tenant, "C1");
    tenant.store.collection::<Room>().insert(&kept).await.unwrap();
    let room = of(&tenant, &format!("/rooms/{}", kept.id.to_hex()));
    break_audit(&tenant, &world, true).await;
    let before = everything(&world).await;
    let make = || {
        let call = world.post(of(&tenant, "/rooms")).by(&admin).header("idempotency-key", "k");
        call.json(&json!({ "name": "Sales" })).send()
    };
    for reply in [
        make().await,
        world.patch(&room).by(&admin).json(&json!({ "name": "Support" })).send().await,
        world.delete(&room).by(&admin).send().await,
    ] {
        is(&reply, 503, "unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    assert_nothing_changed(&world, &before).await;
    assert_eq!(world.get(&room).by(&admin).send().await.status, 200, "reading goes on");
    break_audit(&tenant, &world, false).await;
    let made = make().await;
    assert_eq!((made.status.as_u16(), made.header("idempotency-replayed")), (201, None));
}

#[tokio::test]
async fn an_entry_is_there_before_the_change_and_one_after_it_and_both_say_who_and_from_where() {
    let (world, tenant, admin) = scene().await;
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let body = json!({ "name": "Sales" });
    let made =
        world.post(of(&tenant, "/rooms")).by(&admin).json(&body).header("user-agent", "curl/8").send().await;
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(world.delete(&path).with_token(&key).send().await.status, 204);
    let entries = tenant.store.collection::<AuditEntry>();
    let entries = entries.find(doc! {}, doc! { "seq": 1 }, 0).await.unwrap();
    let told: Vec<(String, String, Option<i32>)> = entries
        .iter()
        .map(|entry| {
            let record = serde_json::to_value(&entry.record).unwrap();
            (
                record["phase"].as_str().unwrap().to_owned(),
                record["operation"].as_str().unwrap().to_owned(),
                entry.record.status,
            )
        })
        .collect();
    let expected = [
        ("begun", "createRoom", None),
        ("ended", "createRoom", Some(201)),
        ("begun", "deleteRoom", None),
        ("ended", "deleteRoom", Some(204)),
    ];
    assert_eq!(
        told,
        expected.map(|(phase, operation, status)| (phase.to_owned(), operation.to_owned(), status))
    );
    for entry in &entries {
        assert_eq!(entry.record.ip.as_deref(), Some("192.0.2.1"));
    }
    assert_eq!(entries[0].record.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(made.header("x-request-id"), Some(entries[0].record.request_id.as_str()));
    assert_eq!(entries[0].record.actor.id, Some(admin.account));
    let kind = serde_json::to_value(&entries[2].record.actor).unwrap()["kind"].clone();
    assert_eq!(kind, "apiKey");
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back_and_nobody_else_is_kept_out() {
    let (world, tenant, admin) = scene().await;
    let colleague = world.member(&tenant, Role::Admin).await;
    let rooms = of(&tenant, "/rooms");
    let first = world.get(&rooms).by(&admin).send().await;
    let policy = first.header("ratelimit-policy").unwrap();
    assert!(policy.contains("\"read-caller\";q=120;w=60"), "{policy}");
    assert!(first.header("ratelimit").unwrap().contains("\"read-caller\";r=119;"));
    for _ in 0..119 {
        assert_eq!(world.get(&rooms).by(&admin).send().await.status, 200);
    }
    let over = world.get(&rooms).by(&admin).send().await;
    is(&over, 429, "rate_limited");
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert!(over.header("ratelimit").unwrap().contains(";r=0;"), "{:?}", over.headers);
    // Another class and another caller have limits of their own.
    let made = world.post(&rooms).by(&admin).json(&json!({ "name": "Sales" })).send().await;
    assert_eq!(made.status, 201);
    assert_eq!(world.get(&rooms).by(&colleague).send().await.status, 200);
    world.system.clock.advance(Duration::from_secs(wait));
    assert_eq!(world.get(&rooms).by(&admin).send().await.status, 200);
}

#[tokio::test]
async fn a_costly_route_that_is_used_up_locks_no_other_one() {
    let (world, tenant, admin) = scene().await;
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let (search, analytics) =
        (of(&tenant, "/search?q=picnic"), of(&tenant, "/analytics?from=2026-11-01&to=2026-11-20"));
    for left in (0..20).rev() {
        let reply = world.get(&search).by(&admin).send().await;
        let (policy, limit) = (reply.header("ratelimit-policy").unwrap(), reply.header("ratelimit").unwrap());
        assert!(policy.starts_with("\"search-caller\";q=20;w=60, \"search-tenant\";q=40;w=60"));
        assert!(limit.starts_with(&format!("\"search-caller\";r={left};")), "{limit}");
        assert_eq!(reply.status, 200);
    }
    let over = world.get(&search).by(&admin).send().await;
    is(&over, 429, "rate_limited");
    assert_eq!(over.header("ratelimit"), Some("\"search-caller\";r=0;t=3"));
    assert_eq!(over.header("retry-after"), Some("3"), "twenty a minute");
    // Other costly routes and other callers have theirs whole.
    let other = world.get(&analytics).by(&admin).send().await;
    assert_eq!(other.status, 200);
    assert!(other.header("ratelimit").unwrap().starts_with("\"getAnalytics-caller\";r=19;"));
    let machine = world.get(&search).with_token(&key).send().await;
    assert_eq!(machine.status, 200);
    assert!(machine.header("ratelimit").unwrap().starts_with("\"search-caller\";r=19;"));
    // What is not costly is counted together, whichever route it is.
    for (path, left) in [("/rooms", 119), ("/users", 118)] {
        let reply = world.get(of(&tenant, path)).by(&admin).send().await;
        assert!(reply.header("ratelimit").unwrap().starts_with(&format!("\"read-caller\";r={left};")));
    }
    world.system.clock.advance(Duration::from_secs(3));
    assert_eq!(world.get(&search).by(&admin).send().await.status, 200);
}

#[tokio::test]
async fn strangers_are_counted_by_address() {
    let (world, tenant, _) = scene().await;
    let rooms = of(&tenant, "/rooms");
    let mut refused = 0;
    for _ in 0..400 {
        refused += u32::from(world.get(&rooms).send().await.status == 429);
    }
    assert_eq!(refused, 100, "300 in a minute");
    let elsewhere = std::net::IpAddr::from([192, 0, 2, 2]);
    assert_eq!(world.get(&rooms).from(elsewhere).send().await.status, 401);
    assert_eq!(world.get("/v1/openapi.json").send().await.status, 200, "what is public is not counted");
}

#[tokio::test]
async fn a_months_calls_are_counted_and_end() {
    let (world, tenant, admin) = scene().await;
    let organizations = world.system.store.platform_collection::<Organization>();
    let set = doc! { "$set": { "limits.apiCallsPerMonth": 2_i64 } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, set).await.unwrap();
    let rooms = of(&tenant, "/rooms");
    for left in ["1", "0"] {
        let reply = world.get(&rooms).by(&admin).send().await;
        assert_eq!((reply.status.as_u16(), reply.header("x-matome-calls-remaining")), (200, Some(left)));
    }
    let over = world.get(&rooms).by(&admin).send().await;
    is(&over, 429, "quota_exceeded");
    assert_eq!(over.header("x-matome-calls-remaining"), Some("0"));
    assert!(over.header("ratelimit").is_some() && over.header("ratelimit-policy").is_some());
    // 2026-11-20T09:00:00Z: the rest of November.
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert!((9 * 24 * 3_600..=11 * 24 * 3_600).contains(&wait), "{wait}");
    let other = world.tenant().await;
    let their_admin = world.member(&other, Role::Admin).await;
    assert_eq!(world.get(of(&other, "/rooms")).by(&their_admin).send().await.status, 200);
    // Who used them up can still be kept out, by people, and who runs the platform can give more.
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    is(&world.get(&rooms).with_token(&key).send().await, 429, "quota_exceeded");
    let keys = world.get(of(&tenant, "/api-keys")).by(&admin).send().await.ok();
    let path = of(&tenant, &format!("/api-keys/{}", keys["items"][0]["id"].as_str().unwrap()));
    assert_eq!(world.delete(path).by(&admin).send().await.status, 204);
    let operator = world.super_admin().await;
    let more = world.put(of(&tenant, "/limits")).by(&operator).json(&json!({ "maxRooms": 10 })).send().await;
    assert_eq!(more.status, 200, "{}", more.body);
}

#[tokio::test]
async fn who_calls_too_fast_does_not_use_up_everybodys_month() {
    let (world, tenant, admin) = scene().await;
    let organizations = world.system.store.platform_collection::<Organization>();
    let set = doc! { "$set": { "limits.apiCallsPerMonth": 1_000_i64 } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, set).await.unwrap();
    let rooms = of(&tenant, "/rooms");
    let mut served = 0;
    for _ in 0..150 {
        let reply = world.get(&rooms).by(&admin).send().await;
        served += u32::from(reply.status == 200);
        if reply.status != 200 {
            is(&reply, 429, "rate_limited");
        }
    }
    assert!((100..150).contains(&served), "{served}");
    world.later(60);
    let left = (1_000 - served - 1).to_string();
    let reply = world.get(&rooms).by(&admin).send().await;
    assert_eq!(reply.header("x-matome-calls-remaining"), Some(left.as_str()));
}

#[tokio::test]
async fn a_change_meant_for_another_version_is_not_made() {
    let (world, tenant, admin) = scene().await;
    let made = world.post(of(&tenant, "/rooms")).by(&admin).json(&json!({ "name": "Sales" })).send().await;
    let (path, etag) = (made.header("location").unwrap().to_owned(), made.header("etag").unwrap().to_owned());
    let rename = |version: &str, name: &str| {
        let call = world.patch(&path).by(&admin).header("if-match", version);
        call.json(&json!({ "name": name })).send()
    };
    for wrong in ["5", "W/\"0\"", "\"0\", \"1\""] {
        is(&rename(wrong, "x").await, 400, "malformed_request");
    }
    is(&rename("\"999\"", "x").await, 412, "version_mismatch");
    // Of two changes to one version one is made.
    let (one, two) = tokio::join!(rename(&etag, "one"), rename(&etag, "two"));
    let statuses: BTreeSet<u16> = [one.status.as_u16(), two.status.as_u16()].into();
    assert_eq!(statuses, BTreeSet::from([200, 412]));
    is(&world.delete(&path).by(&admin).header("if-match", &etag).send().await, 412, "version_mismatch");
    assert_eq!(rename("*", "any").await.ok()["name"], "any");
}

#[tokio::test]
async fn a_token_that_is_over_keeps_nobody_from_what_is_public() {
    let (world, ..) = scene().await;
    assert_eq!(world.get("/v1/openapi.json").with_token("over").send().await.status, 200);
    let body = json!({ "refreshToken": "mrt_none" });
    let reply = world.post("/v1/auth/refresh").with_token("over").json(&body).send().await;
    assert_ne!(reply.code(), "unauthenticated", "{}", reply.body);
}
