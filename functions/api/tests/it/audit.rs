//! The audit trail after all kinds of changes: whole, readable by filter, and broken where somebody touched it.

use bson::doc;
use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_store::entities::{AuditEntry, AuditTail, Organization};
use serde_json::{Value, json};

fn count(list: &Value) -> usize {
    list["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_was_done_is_told_and_what_is_removed_shows() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let owner = world.member(&tenant, Role::Owner).await;
    let manager = world.member(&tenant, Role::Manager).await;
    let stranger = world.member(&other, Role::Owner).await;
    let made = world.post(of(&tenant, "/rooms")).by(&manager).json(&json!({ "name": "Sales" })).send().await;
    let room = made.header("location").unwrap().to_owned();
    let room_id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(world.patch(&room).by(&manager).json(&json!({ "name": "Support" })).send().await.status, 200);
    let key = json!({ "name": "k", "scopes": ["rooms:read"] });
    assert_eq!(world.post(of(&tenant, "/api-keys")).by(&owner).json(&key).send().await.status, 201);
    let rule = json!({ "kind": "block", "network": "203.0.113.9" });
    assert_eq!(world.post(of(&tenant, "/ip-rules")).by(&owner).json(&rule).send().await.status, 201);
    let patch = json!({ "sessionIdleMinutes": 60 });
    assert_eq!(world.patch(of(&tenant, "/security-policy")).by(&owner).json(&patch).send().await.status, 200);
    // A refused one is told as well.
    assert_eq!(world.delete(of(&tenant, "/members/me")).by(&owner).send().await.status, 409);

    let trail = |query: &str| world.get(of(&tenant, &format!("/audit{query}"))).by(&owner).send();
    assert_eq!(count(&trail("").await.ok()), 12);
    assert_eq!(count(&trail(&format!("?actorId={}", manager.account)).await.ok()), 4);
    let of_room = trail(&format!("?targetId={room_id}&phase=ended&operation=updateRoom")).await.ok();
    let entry = &of_room["items"][0];
    assert_eq!((&entry["before"]["name"], &entry["after"]["name"]), (&json!("Sales"), &json!("Support")));
    assert_eq!((&entry["status"], &entry["ip"]), (&json!(200), &json!("192.0.2.1")));
    let of_request = trail(&format!("?requestId={}", entry["requestId"].as_str().unwrap())).await.ok();
    assert_eq!(count(&of_request), 2);
    assert_eq!(count(&trail("?targetKind=apiKey").await.ok()), 1);
    assert_eq!(count(&trail("?createdAt[from]=2026-11-21T00:00:00Z").await.ok()), 0);
    assert_eq!(
        count(&trail("?createdAt[from]=2026-11-20T00:00:00Z&createdAt[to]=2026-11-21T00:00:00Z").await.ok()),
        12
    );
    let one = entry["id"].as_str().unwrap();
    assert_eq!(trail(&format!("/{one}")).await.ok(), *entry);
    assert_eq!(world.get(of(&tenant, &format!("/audit/{one}"))).by(&stranger).send().await.status, 404);
    assert_eq!(world.get(of(&other, &format!("/audit/{one}"))).by(&stranger).send().await.status, 404);
    assert_eq!(world.get(of(&tenant, "/audit")).by(&manager).send().await.status, 403);
    for method in ["POST", "PATCH", "PUT", "DELETE"] {
        let path = of(&tenant, &format!("/audit/{one}"));
        assert_eq!(world.request(method, path).by(&owner).send().await.status, 405);
    }

    let verdict = trail("/verification").await.ok();
    assert_eq!((&verdict["intact"], &verdict["entries"]), (&json!(true), &json!(12)));
    assert_eq!(verdict["withoutEndCount"], 0);
    let tail = format!(
        "/verification?tailSeq={}&tailHash={}",
        verdict["tail"]["seq"],
        verdict["tail"]["hash"].as_str().unwrap()
    );
    assert_eq!(trail(&tail).await.ok()["tailKnown"], true);
    assert_eq!(trail("/verification?tailSeq=3").await.status, 400);

    // The newest is gone: only who remembers it can tell; its change has no end then.
    let name = tenant.store.name::<AuditEntry>();
    let entries = world
        .system
        .store
        .platform()
        .client()
        .database(&database(&world))
        .collection::<bson::Document>(&name);
    let own = |seq: i64| doc! { "tenantId": tenant.id.as_str(), "seq": seq };
    let last = entries.find_one_and_delete(own(12)).await.unwrap().unwrap();
    world.system.clock.advance(std::time::Duration::from_secs(120));
    let verdict = trail("/verification").await.ok();
    assert_eq!((&verdict["intact"], &verdict["withoutEndCount"]), (&json!(true), &json!(1)));
    assert_eq!(verdict["withoutEnd"][0]["operation"], "leaveOrganization");
    assert_eq!(trail(&tail).await.ok()["reason"], "tailRemoved");
    entries.insert_one(last).await.unwrap();
    assert_eq!(trail(&tail).await.ok()["intact"], true);
    // One in the middle is changed, then gone.
    let changed = doc! { "$set": { "actor.id": bson::oid::ObjectId::from_bytes([7; 12]) } };
    entries.update_one(own(5), changed).await.unwrap();
    let verdict = trail("/verification").await.ok();
    assert_eq!((&verdict["brokenAt"], &verdict["reason"]), (&json!(5), &json!("changed")));
    entries.delete_one(own(5)).await.unwrap();
    let verdict = trail("/verification").await.ok();
    assert_eq!((&verdict["brokenAt"], &verdict["reason"]), (&json!(6), &json!("removed")));
}

#[tokio::test]
async fn a_trail_goes_on_after_retention_took_all_of_it_and_no_end_is_missed() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let change = async || {
        let made =
            world.post(of(&tenant, "/rooms")).by(&owner).json(&json!({ "name": "Sales" })).send().await;
        assert_eq!(made.status, 201, "{}", made.body);
    };
    let ask =
        async |query: &str| world.get(of(&tenant, &format!("/audit{query}"))).by(&owner).send().await.ok();
    change().await;
    let end = ask("/verification").await["tail"].clone();
    let remembered =
        format!("/verification?tailSeq={}&tailHash={}", end["seq"], end["hash"].as_str().unwrap());
    let entries = tenant.store.collection::<AuditEntry>();
    let forget = async || {
        for entry in entries.find(doc! {}, doc! {}, 0).await.unwrap() {
            let raw = world.system.store.platform().client().database(&database(&world));
            let raw = raw.collection::<bson::Document>(&tenant.store.name::<AuditEntry>());
            raw.delete_one(doc! { "_id": entry.id }).await.unwrap();
        }
    };
    // As the scheduler does, some days before.
    let organizations = world.system.store.platform_collection::<Organization>();
    let own = doc! { "tenantId": tenant.id.as_str() };
    let organization = organizations.find_one(own.clone()).await.unwrap().unwrap();
    let last = entries.find_one(doc! { "seq": end["seq"].as_i64() }).await.unwrap().unwrap();
    let tail = AuditTail::of(&last.record);
    world.system.store.remember_audit_tail(organization.id, &tail).await.unwrap();
    forget().await;
    let gone = ask(&remembered).await;
    assert_eq!((&gone["intact"], &gone["reason"]), (&json!(false), &json!("tailRemoved")), "before its time");
    organizations.update_one(own, doc! { "$set": { "auditRetentionDays": 0 } }).await.unwrap();
    world.system.clock.advance(std::time::Duration::from_secs(1));
    let gone = ask(&remembered).await;
    assert_eq!((&gone["intact"], &gone["entries"]), (&json!(true), &json!(0)));
    change().await;
    let list = ask("").await;
    let items = list["items"].as_array().unwrap().iter();
    let mut places: Vec<i64> = items.map(|entry| entry["seq"].as_i64().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, [3, 4], "none is given twice");
    let after = ask(&remembered).await;
    assert_eq!((&after["intact"], &after["headGone"]), (&json!(true), &json!(true)), "{after}");
}

/// Where shared tenants live.
fn database(world: &World) -> String {
    world.system.store.platform().name().replace("_platform", "_shared")
}
