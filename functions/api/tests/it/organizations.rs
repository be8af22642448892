//! Organizations: made, shown, changed, and what is done to them; owners and plans.

use bson::doc;
use futures::future::join_all;
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::{Role, Scopes};
use matome_domain::queue::TenantJob;
use matome_store::entities::{Operation, Organization, Owner};
use matome_testing::fixtures;
use serde_json::{Value, json};

async fn owner(world: &World, admin: &Person, email: &str) -> Value {
    let body = json!({ "email": email, "name": "Keiko Example" });
    let made = world.post("/v1/owners").by(admin).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body
}

#[tokio::test]
async fn owners_have_organizations_made_as_many_as_their_plan_allows() {
    let world = World::start().await;
    let admin = world.super_admin().await;
    let keiko = world.person_with(|account| account.email = "keiko@example.com".to_owned(), &[]).await;
    let body = json!({ "name": "Shop Inc.", "type": "retail", "timezone": "Asia/Tokyo" });
    let make = |person: &Person| world.post("/v1/organizations").by(person).json(&body).send();
    assert_eq!(make(&keiko).await.status, 403);
    owner(&world, &admin, "keiko@example.com").await;
    for (field, value) in [
        ("tier", json!("pro")),
        ("owner", json!({ "email": "a@b.co", "name": "A" })),
        ("dataRegion", json!("moon")),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refused = world.post("/v1/organizations").by(&keiko).json(&body).send().await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!(field)));
    }
    let made = make(&keiko).await;
    assert_eq!(made.status, 202, "{}", made.body);
    assert_eq!((&made.body["owner"], &made.body["operation"]["kind"]), (&json!("member"), &json!("create")));
    assert_eq!(world.queued.sent::<TenantJob>().len(), 1);
    let operation = format!("/v1/operations/{}", made.body["operation"]["id"].as_str().unwrap());
    assert_eq!(world.get(&operation).by(&keiko).send().await.ok()["state"], "queued");
    let nobody = world.person().await;
    assert_eq!(world.get(&operation).by(&nobody).send().await.status, 404);
    assert_eq!(world.post(format!("{operation}/abort")).by(&keiko).send().await.status, 403);
    // It is not there yet.
    let organization = format!("/v1/organizations/{}", made.body["organizationId"].as_str().unwrap());
    assert_eq!(world.get(&organization).by(&keiko).send().await.status, 404);

    // The free plan has three; however many ask at once, no more are made.
    let replies = join_all((0..8).map(|_| make(&keiko))).await;
    let taken = replies.iter().filter(|reply| reply.status == 202).count();
    assert!(taken <= 2, "{taken}");
    for refused in replies.iter().filter(|reply| reply.status != 202) {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "limit_reached"), "{}", refused.body);
    }
    let operations = world.system.store.platform_collection::<Operation>();
    let wanted = doc! { "abortRequested": { "$ne": true } };
    assert_eq!(operations.count_documents(wanted).await.unwrap(), 1 + taken as u64);

    // Who runs the platform says for whom; who has no account is asked in.
    let mut body = body.clone();
    assert_eq!(make(&admin).await.status, 422);
    body["owner"] = json!({ "email": "New@example.com", "name": "New" });
    let made = world.post("/v1/organizations").by(&admin).json(&body).send().await.ok();
    assert_eq!(made["owner"], "invited");
    assert_eq!(world.mails.take()[0].to, "new@example.com");
    let aborted = world.post(format!("{operation}/abort")).by(&admin).send().await;
    assert_eq!((aborted.status.as_u16(), &aborted.body["abortRequested"]), (202, &json!(true)));
    assert_eq!(world.post(format!("{operation}/retry")).by(&admin).send().await.status, 409);
    let all = world.get("/v1/operations?kind=create&limit=1").by(&admin).send().await.ok();
    assert!(all["nextCursor"].is_string());
}

#[tokio::test]
async fn that_an_operation_was_given_up_is_in_its_organizations_trail() {
    let world = World::start().await;
    let (tenant, admin) = (world.tenant().await, world.super_admin().await);
    let owner = world.member(&tenant, Role::Owner).await;
    let suspend = world.post(of(&tenant, "/suspension")).by(&admin).json(&json!({ "reason": "unpaid" }));
    let operation = suspend.send().await.body;
    let path = format!("/v1/operations/{}", operation["id"].as_str().unwrap());
    assert_eq!(world.post(format!("{path}/abort")).by(&admin).send().await.status, 202);
    let trail = of(&tenant, "/audit?operation=abortOperation");
    let told = world.get(trail).by(&owner).send().await.ok();
    let [entry] = told["items"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&entry["target"]["id"], &entry["status"]), (&operation["id"], &json!(202)));
    assert!(entry.get("ip").is_none(), "{entry}");
}

#[tokio::test]
async fn an_organization_is_shown_to_its_people_and_changed_by_its_administrators() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let stranger = world.member(&other, Role::Owner).await;
    let super_admin = world.super_admin().await;
    let path = of(&tenant, "");

    // Not by a list: whether somebody sees one depends on its policy, its IP rules and their role in it.
    assert_eq!(world.get("/v1/organizations").by(&viewer).send().await.status, 403);
    let own = world.get("/v1/account/organizations").by(&viewer).send().await.ok();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(own["items"][0]["organizationId"], tenant.id.as_str());
    let all = world.get("/v1/organizations").by(&super_admin).send().await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);

    let shown = world.get(&path).by(&viewer).send().await;
    let etag = shown.header("etag").unwrap().to_owned();
    assert_eq!(shown.ok()["name"], "Test organization");
    assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);
    let patch = json!({
        "name": "Shop", "timezone": "Asia/Bangkok", "metadata": { "industry": "Retail" },
        "settings": { "sessionTriggers": { "messageCount": 80 }, "aiSettings": { "temperature": 0.5 } },
    });
    assert_eq!(world.patch(&path).by(&viewer).json(&patch).send().await.status, 403);
    assert_eq!(world.patch(&path).by(&stranger).json(&patch).send().await.status, 404);
    let change = || world.patch(&path).by(&admin).header("if-match", &etag).json(&patch).send();
    let changed = change().await.ok();
    assert_eq!((&changed["name"], &changed["metadata"]["industry"]), (&json!("Shop"), &json!("Retail")));
    assert_eq!(changed["settings"]["aiSettings"]["temperature"], 0.5);
    assert_eq!(change().await.code(), "version_mismatch");
    let longer = world.patch(&path).by(&admin).json(&json!({ "auditRetentionDays": 91 })).send().await;
    assert_eq!(
        (longer.status.as_u16(), &longer.body["errors"][0]["field"]),
        (422, &json!("auditRetentionDays"))
    );
    assert_eq!(
        world.patch(&path).by(&admin).json(&json!({ "auditRetentionDays": 60 })).send().await.status,
        200
    );
    for secret in ["tier", "limits", "status", "ownerId", "placement"] {
        assert_eq!(world.patch(&path).by(&admin).json(&json!({ secret: "pro" })).send().await.status, 422);
    }

    let room = fixtures::room(&tenant, "C1");
    let hidden = matome_store::entities::Room {
        settings: matome_store::entities::RoomSettings {
            privacy: Some("private".to_owned()),
            ..matome_store::entities::RoomSettings::default()
        },
        ..fixtures::room(&tenant, "C2")
    };
    for room in [&room, &hidden] {
        tenant.store.collection().insert(room).await.unwrap();
    }
    let before = world.system.round_trips();
    let details = world.get(of(&tenant, "/details")).by(&admin).send().await.ok();
    let took = world.system.round_trips() - before;
    assert!(took <= 9, "{took} round trips");
    assert_eq!((&details["counts"]["rooms"], &details["counts"]["members"]), (&json!(2), &json!(2)));
    assert_eq!(details["rooms"][0]["roomType"], "group");
    assert_eq!(details["members"].as_array().unwrap().len(), 2);
    let seen = world.get(of(&tenant, "/details")).by(&viewer).send().await.ok();
    assert_eq!((seen.get("members"), &seen["counts"]["rooms"]), (None, &json!(1)));
    assert_eq!(world.get(of(&tenant, "/details")).by(&stranger).send().await.status, 404);

    let usage = world.get(of(&tenant, "/usage")).by(&admin).send().await.ok();
    assert_eq!((&usage["month"], usage["standings"].as_array().unwrap().len()), (&json!("2026-11"), 6));
    assert_eq!(world.get(of(&tenant, "/usage")).by(&viewer).send().await.status, 403);
    assert_eq!(world.get(of(&tenant, "/notices")).by(&admin).send().await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_day_of_the_week_and_a_setting_deep_down_are_changed_without_their_neighbours() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let path = of(&tenant, "");
    let patch = async |body: Value| world.patch(&path).by(&admin).json(&body).send().await;
    let late = json!({ "businessHours": { "monday": { "start": "10:30" }, "sunday": { "enabled": true } } });
    patch(late).await.ok();
    let hours = patch(json!({ "businessHours": { "tuesday": { "end": "20:00" } } })).await.ok();
    let hours = &hours["businessHours"];
    let day = |start: &str, end: &str| json!({ "start": start, "end": end, "enabled": true });
    assert_eq!((&hours["monday"], &hours["tuesday"]), (&day("10:30", "18:00"), &day("09:00", "20:00")));
    assert_eq!((&hours["sunday"], &hours["saturday"]), (&day("00:00", "23:59"), &day("09:00", "17:00")));
    for (wrong, field) in [
        (json!({ "businessHours": { "sundy": {} } }), "businessHours.sundy"),
        (json!({ "businessHours": { "sunday": { "from": "10:00" } } }), "businessHours.sunday.from"),
        (json!({ "businessHours": { "sunday": { "start": "24:00" } } }), "businessHours.sunday.start"),
        (
            json!({ "settings": { "aiSettings": { "escalation": { "confidenceThreshold": 1.5 } } } }),
            "settings.aiSettings.escalation.confidenceThreshold",
        ),
    ] {
        let refused = patch(wrong).await;
        let told = &refused.body["errors"][0]["field"];
        assert_eq!((refused.status.as_u16(), told), (422, &json!(field)), "{}", refused.body);
    }

    let ai = |ai: Value| json!({ "settings": { "aiSettings": ai } });
    let warm = ai(json!({ "personality": { "tone": "warm" }, "escalation": { "maxAttempts": 5 } }));
    let changed = patch(warm).await.ok();
    let shown = &changed["settings"]["aiSettings"];
    let expected = json!({ "tone": "warm", "style": "professional", "languagePreference": "th" });
    assert_eq!(shown["personality"], expected);
    let expected = json!({ "confidenceThreshold": 0.3, "maxAttempts": 5, "autoEscalate": true });
    assert_eq!(shown["escalation"], expected);
    let changed = patch(ai(json!({ "personality": null }))).await.ok();
    let shown = &changed["settings"]["aiSettings"];
    assert_eq!((shown.get("personality"), &shown["escalation"]), (None, &expected));
}

#[tokio::test]
async fn who_pays_sees_and_changes_their_own_record_and_nobody_elses() {
    let world = World::start().await;
    let admin = world.super_admin().await;
    let with = async |email: &str, verified: bool| {
        let change = |account: &mut matome_store::entities::Account| {
            (account.email, account.email_verified) = (email.to_owned(), verified);
        };
        world.person_with(change, &[]).await
    };
    let (keiko, aiko) = (with("keiko@example.com", true).await, with("aiko@example.com", false).await);
    let path = "/v1/account/owner";
    assert_eq!(world.get(path).by(&keiko).send().await.status, 404);
    let made = owner(&world, &admin, "keiko@example.com").await;
    owner(&world, &admin, "aiko@example.com").await;
    // Free: nothing is owed, so that a trial which comes later is one.
    assert_eq!(made["subscription"]["status"], "trial");
    let shown = world.get(path).by(&keiko).send().await.ok();
    assert_eq!((&shown["id"], &shown["plan"]), (&made["id"], &json!("free")));
    assert_eq!(world.get(path).by(&aiko).send().await.status, 404, "whose address that is nobody knows yet");

    let patch = async |body: Value| world.patch(path).by(&keiko).json(&body).send().await;
    let change =
        json!({ "name": "Keiko", "phoneNumber": "+81 3 0000 0000", "settings": { "language": "ja" } });
    let changed = patch(change).await.ok();
    assert_eq!((&changed["name"], &changed["settings"]["language"]), (&json!("Keiko"), &json!("ja")));
    assert_eq!(patch(json!({ "phoneNumber": null })).await.ok().get("phoneNumber"), None);
    for field in ["subscription", "limits", "plan", "email", "slug"] {
        let refused = patch(json!({ field: {} })).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!(field)));
    }
    let late =
        world.patch(path).by(&keiko).header("if-match", "\"0\"").json(&json!({ "name": "K" })).send().await;
    assert_eq!(late.code(), "version_mismatch");
    let trail = world.get("/v1/account/audit").by(&keiko).send().await.ok();
    let told =
        trail["items"].as_array().unwrap().iter().find(|entry| entry["after"]["name"] == "Keiko").unwrap();
    assert_eq!((&told["operation"], &told["target"]["kind"]), (&json!("updateOwnOwner"), &json!("owner")));
}

#[tokio::test]
async fn organizations_are_found_by_the_words_of_their_names() {
    let world = World::start().await;
    let (tenant, _other) = (world.tenant().await, world.tenant().await);
    let (owner, operator) = (world.member(&tenant, Role::Owner).await, world.super_admin().await);
    let rename = |name: &str| world.patch(of(&tenant, "")).by(&owner).json(&json!({ "name": name })).send();
    let find = async |q: &str| {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        world.get(format!("/v1/organizations?{query}")).by(&operator).send().await
    };
    let found = async |q: &str| find(q).await.ok()["items"].as_array().unwrap().len();
    assert_eq!(found("test").await, 2, "as they are made");
    rename("さくら珈琲店 Kyoto").await.ok();
    for q in ["珈琲", "さくら", "kyoto", "ＫＹＯＴＯ 珈琲店"] {
        assert_eq!(found(q).await, 1, "{q}");
    }
    assert_eq!(found("kyoto 紅茶").await, 0, "all words must be there");
    rename("ร้านกาแฟกรุงเทพ").await.ok();
    assert_eq!((found("กาแฟ").await, found("珈琲").await), (1, 0));
    assert_eq!(found("test").await, 1);
    let nothing = find("!?").await;
    assert_eq!((nothing.status.as_u16(), nothing.code()), (400, "invalid_parameter"));
}

#[tokio::test]
async fn only_who_runs_the_platform_suspends_resumes_and_ends_an_organization() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (owner, stranger) =
        (world.member(&tenant, Role::Owner).await, world.member(&other, Role::Owner).await);
    let admin = world.super_admin().await;
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let asked = [
        ("/suspension", json!({ "reason": "unpaid" })),
        ("/resumption", json!({})),
        ("/offboarding", json!({ "reason": "over" })),
        ("/tier", json!({ "tier": "pro" })),
    ];
    for (path, body) in &asked {
        let path = of(&tenant, path);
        assert_eq!(world.post(&path).by(&owner).json(body).send().await.status, 403, "{path}");
        assert_eq!(world.post(&path).with_token(&key).json(body).send().await.status, 403, "{path}");
        assert_eq!(world.post(&path).by(&stranger).json(body).send().await.status, 404, "{path}");
    }
    let suspended = world.post(of(&tenant, "/suspension")).by(&admin).json(&asked[0].1).send().await;
    assert_eq!((suspended.status.as_u16(), &suspended.body["kind"]), (202, &json!("suspend")));
    assert_eq!(world.queued.sent::<TenantJob>().len(), 1);
    // One thing at a time.
    let busy = world.post(of(&tenant, "/tier")).by(&admin).json(&asked[3].1).send().await;
    assert_eq!((busy.status.as_u16(), busy.code()), (409, "conflict"));
    let operations = world.get(of(&tenant, "/operations")).by(&owner).send().await.ok();
    assert_eq!(operations["items"][0]["requestedBy"], admin.account.to_hex());
    let one = of(&tenant, &format!("/operations/{}", operations["items"][0]["id"].as_str().unwrap()));
    assert_eq!(world.get(&one).by(&owner).send().await.ok()["state"], "queued");
    assert_eq!(world.get(&one).by(&stranger).send().await.status, 404);
    let elsewhere = one.replace(tenant.id.as_str(), other.id.as_str());
    assert_eq!(world.get(&elsewhere).by(&stranger).send().await.status, 404);

    // An operation's id is of the moment it was asked for at.
    world.system.clock.advance(std::time::Duration::from_secs(1));
    // Suspended, it is read and not changed, but by who runs the platform.
    let done = doc! { "$set": { "state": "done" }, "$unset": { "open": "" } };
    world.system.store.platform_collection::<Operation>().update_one(doc! {}, done).await.unwrap();
    let status = doc! { "$set": { "status": "suspended" } };
    let organizations = world.system.store.platform_collection::<Organization>();
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, status).await.unwrap();
    let patch = world.patch(of(&tenant, "")).by(&owner).json(&json!({ "name": "x" })).send().await;
    assert_eq!(patch.code(), "not_served");
    assert_eq!(world.post(of(&tenant, "/resumption")).by(&admin).send().await.status, 202);
    // The organization's own people can read who did what to it.
    let trail = world.get(of(&tenant, "/audit?operation=suspendOrganization")).by(&owner).send().await.ok();
    assert_eq!(trail["items"][0]["actor"]["id"], admin.account.to_hex());
}

#[tokio::test]
async fn owners_and_plans_are_for_who_runs_the_platform() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (admin, staff) = (world.super_admin().await, world.member(&tenant, Role::Owner).await);
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    for path in ["/v1/owners", "/v1/operations"] {
        assert_eq!(world.get(path).by(&staff).send().await.status, 403, "{path}");
        assert_eq!(world.get(path).with_token(&key).send().await.status, 403, "{path}");
        assert_eq!(world.get(path).send().await.status, 401, "{path}");
    }
    let made = owner(&world, &admin, "Keiko@Example.com").await;
    assert_eq!(
        (&made["email"], &made["limits"]["maxOrganizations"]),
        (&json!("keiko@example.com"), &json!(3))
    );
    let path = format!("/v1/owners/{}", made["id"].as_str().unwrap());
    let again = json!({ "email": "keiko@example.com", "name": "K" });
    assert_eq!(world.post("/v1/owners").by(&admin).json(&again).send().await.status, 409);
    let patch = json!({ "name": "Keiko", "settings": { "language": "ja" } });
    let changed = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await.ok();
    assert_eq!((&changed["name"], &changed["settings"]["language"]), (&json!("Keiko"), &json!("ja")));
    let found = world.get("/v1/owners?email=keiko@example.com").by(&admin).send().await.ok();
    assert_eq!(found["items"][0]["id"], made["id"]);
    let pays = json!({
        "subscription": { "status": "suspended", "billingCycle": "monthly" },
        "limits": { "maxOrganizations": 7, "maxMembers": null },
    });
    assert_eq!(
        world.patch(&path).by(&staff).header("if-match", "\"1\"").json(&pays).send().await.status,
        403
    );
    let much = json!({ "limits": { "maxMembers": u64::MAX } });
    let refused = world.patch(&path).by(&admin).header("if-match", "\"1\"").json(&much).send().await;
    assert_eq!(
        (refused.code(), &refused.body["errors"][0]["field"]),
        ("invalid_field", &json!("limits.maxMembers"))
    );
    let changed = world.patch(&path).by(&admin).header("if-match", "\"1\"").json(&pays).send().await.ok();
    let subscription = &changed["subscription"];
    assert_eq!(
        (&subscription["status"], &subscription["billingCycle"]),
        (&json!("suspended"), &json!("monthly"))
    );
    assert_eq!(subscription["startDate"], made["subscription"]["startDate"]);
    assert_eq!(changed["limits"], json!({ "maxOrganizations": 7 }));

    let owners = world.system.store.platform_collection::<Owner>();
    let id = owners.find_one(doc! {}).await.unwrap().unwrap().id;
    let organizations = world.system.store.platform_collection::<Organization>();
    organizations.update_one(doc! {}, doc! { "$set": { "ownerId": id } }).await.unwrap();
    let theirs = world.get(format!("{path}/organizations")).by(&admin).send().await.ok();
    assert_eq!(theirs["items"][0]["id"], tenant.id.as_str());
    let nobodys = format!("/v1/owners/{}/organizations", world.id());
    assert_eq!(world.get(nobodys).by(&admin).send().await.status, 404);

    let plans = world.get("/v1/plans").by(&staff).send().await.ok();
    let tiers: Vec<_> = plans["items"].as_array().unwrap().iter().map(|plan| plan["id"].clone()).collect();
    assert_eq!(tiers, [json!("free"), json!("basic"), json!("pro"), json!("enterprise")]);
}

#[tokio::test]
async fn limits_that_were_agreed_on_are_set_by_who_runs_the_platform_alone_and_hold_at_once() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (admin, owner) = (world.super_admin().await, world.member(&tenant, Role::Owner).await);
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let path = of(&tenant, "/limits");
    let agreed = json!({ "maxRooms": 2_000, "maxStorageGB": 50.0 });
    assert_eq!(world.put(&path).by(&owner).json(&agreed).send().await.code(), "permission_denied");
    assert_eq!(world.put(&path).with_token(&key).json(&agreed).send().await.status, 403);
    for bad in [json!({ "maxRooms": -1 }), json!({ "maxStorageGB": -0.5 }), json!({ "maxRoom": 1 })] {
        assert_eq!(world.put(&path).by(&admin).json(&bad).send().await.status, 422, "{bad}");
    }
    // What the database could not hold, or JSON not tell.
    for field in ["maxRooms", "maxMembersPerRoom", "maxMessagesPerMonth", "maxAgents", "apiCallsPerMonth"] {
        for much in [1_u64 << 53, u64::MAX] {
            let refused = world.put(&path).by(&admin).json(&json!({ field: much })).send().await;
            assert_eq!(
                (refused.code(), &refused.body["errors"][0]["field"]),
                ("invalid_field", &json!(field))
            );
        }
    }
    let stale = world.put(&path).by(&admin).header("if-match", "\"9\"").json(&agreed).send().await;
    assert_eq!(stale.code(), "version_mismatch");

    let set = world.put(&path).by(&admin).json(&agreed).send().await.ok();
    assert_eq!(set["limits"], agreed);
    let usage = world.get(of(&tenant, "/usage")).by(&owner).send().await.ok();
    assert_eq!(usage["limits"], agreed, "what is left out is no limit");
    let trail = world.get(of(&tenant, "/audit")).by(&owner).send().await.ok();
    assert!(trail.to_string().contains("setLimits"), "{trail}");
}
