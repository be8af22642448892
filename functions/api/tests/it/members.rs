//! Staff: who may make whom into what, and that limits hold however many ask at once.

use bson::doc;
use futures::future::join_all;
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::{Overrides, Role, Scopes};
use matome_store::entities::{Member, Organization};
use matome_testing::TestTenant;
use serde_json::json;

/// The plan allows so many who answer.
pub(crate) async fn limit_agents(world: &World, tenant: &TestTenant, most: i64) {
    let organizations = world.system.store.platform_collection::<Organization>();
    let set = doc! { "$set": { "limits.maxAgents": most } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, set).await.unwrap();
}

async fn path_of(world: &World, tenant: &TestTenant, person: &Person) -> String {
    let theirs = doc! { "accountId": person.account };
    let members = world.system.store.of_tenant::<Member>(&tenant.id);
    let member = members.find_one(theirs).await.unwrap().expect("a member");
    of(tenant, &format!("/members/{}", member.id))
}

#[tokio::test]
async fn members_are_listed_changed_removed_and_restored() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let agent = world.member(&tenant, Role::Agent).await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let stranger = world.member(&other, Role::Owner).await;
    let path = path_of(&world, &tenant, &agent).await;

    let agents = world.get(of(&tenant, "/members?role=agent")).by(&admin).send().await.ok();
    assert_eq!(agents["items"].as_array().unwrap().len(), 1);
    assert_eq!(agents["items"][0]["accountId"], agent.account.to_hex());
    assert_eq!(world.get(&path).by(&viewer).send().await.status, 403);
    assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);
    let elsewhere = path.replace(tenant.id.as_str(), other.id.as_str());
    assert_eq!(world.get(&elsewhere).by(&stranger).send().await.status, 404);

    let patch = json!({ "role": "manager", "permissions": { "canExportData": false }, "title": "Lead" });
    let changed = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await;
    assert_eq!(changed.header("etag"), Some("\"1\""));
    let changed = changed.ok();
    assert_eq!((&changed["role"], &changed["title"]), (&json!("manager"), &json!("Lead")));
    let late = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await;
    assert_eq!(late.code(), "version_mismatch");
    // One flag goes, the others stay; what is the same already makes no version.
    let patch = json!({ "permissions": { "canCreateRooms": false } });
    let changed = world.patch(&path).by(&admin).json(&patch).send().await.ok();
    assert_eq!(changed["permissions"], json!({ "canCreateRooms": false, "canExportData": false }));
    let same = world.patch(&path).by(&admin).json(&patch).send().await.ok();
    assert_eq!(same["version"], changed["version"]);

    let me = world.get(of(&tenant, "/members/me")).by(&agent).send().await.ok();
    assert_eq!(me["role"], "manager");
    let may = me["permissions"].as_array().unwrap();
    assert!(may.contains(&json!("rooms:read")) && !may.contains(&json!("rooms:create")));

    assert_eq!(world.delete(&path).by(&admin).send().await.status, 204);
    assert_eq!(world.get(of(&tenant, "/members/me")).by(&agent).send().await.status, 404);
    assert_eq!(world.get(&path).by(&admin).send().await.status, 404);
    let restored = world.post(format!("{path}/restore")).by(&admin).send().await.ok();
    assert_eq!(restored["role"], "manager");
    assert_eq!(world.get(of(&tenant, "/members/me")).by(&agent).send().await.status, 200);
    assert_eq!(world.post(format!("{path}/restore")).by(&admin).send().await.status, 404);
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_nor_changes_who_stands_above_them() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let no_export = Overrides { can_export_data: Some(false), ..Overrides::default() };
    let admin = world.member_with(&tenant, Role::Admin, no_export).await;
    let peer = world.member(&tenant, Role::Admin).await;
    let agent = world.member(&tenant, Role::Agent).await;
    let path = path_of(&world, &tenant, &agent).await;
    for patch in [
        json!({ "role": "admin" }),
        json!({ "role": "owner" }),
        json!({ "role": "manager" }),
        json!({ "permissions": { "allow": ["organizations:delete"] } }),
        json!({ "permissions": { "canExportData": true } }),
    ] {
        let reply = world.patch(&path).by(&admin).json(&patch).send().await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, "escalation"), "{patch}");
    }
    for above in [&owner, &peer] {
        let path = path_of(&world, &tenant, above).await;
        let reply = world.patch(&path).by(&admin).json(&json!({ "title": "x" })).send().await;
        assert_eq!(reply.code(), "escalation");
        assert_eq!(world.delete(&path).by(&admin).send().await.code(), "escalation");
    }
    // Not themselves either.
    let own = path_of(&world, &tenant, &admin).await;
    let reply = world.patch(&own).by(&admin).json(&json!({ "permissions": null })).send().await;
    assert_eq!(reply.code(), "escalation");
    let platform = json!({ "permissions": { "allow": ["owners:read"] } });
    assert_eq!(world.patch(&path).by(&owner).json(&platform).send().await.status, 422);
    assert_eq!(world.patch(&path).by(&owner).json(&json!({ "status": "pending" })).send().await.status, 422);
    let restricted = json!({ "role": "owner", "permissions": { "deny": ["rooms:read"] } });
    assert_eq!(world.patch(&path).by(&owner).json(&restricted).send().await.status, 422);
    assert_eq!(world.patch(&path).by(&agent).json(&json!({ "title": "x" })).send().await.status, 403);
    // A key reads members at most.
    let key = world.api_key(&tenant, Scopes::new(Scopes::all()).unwrap()).await;
    assert_eq!(world.get(&path).with_token(&key).send().await.status, 200);
    assert_eq!(world.delete(&path).with_token(&key).send().await.status, 403);
    let unchanged = world.get(&path).by(&owner).send().await.ok();
    assert_eq!((&unchanged["role"], &unchanged["version"]), (&json!("agent"), &json!(0)));
    let super_admin = world.super_admin().await;
    let made = world.patch(&path).by(&super_admin).json(&json!({ "role": "owner" })).send().await;
    assert_eq!(made.ok()["role"], "owner");
}

#[tokio::test]
async fn the_last_owner_stays_even_when_two_go_at_once() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let path = path_of(&world, &tenant, &owner).await;
    for patch in [json!({ "role": "admin" }), json!({ "status": "suspended" })] {
        let reply = world.patch(&path).by(&owner).json(&patch).send().await;
        assert_eq!((reply.status.as_u16(), reply.code()), (409, "conflict"), "{patch}");
    }
    assert_eq!(world.delete(&path).by(&owner).send().await.status, 409);
    assert_eq!(world.delete(of(&tenant, "/members/me")).by(&owner).send().await.status, 409);
    let second = world.member(&tenant, Role::Owner).await;
    let leave = |person| world.delete(of(&tenant, "/members/me")).by(person).send();
    let (one, other) = tokio::join!(leave(&owner), leave(&second));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(world.system.store.active_owners(&tenant.id).await.unwrap(), 1);
}

#[tokio::test]
async fn of_sixteen_who_are_raised_at_once_as_many_get_in_as_the_plan_allows() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    limit_agents(&world, &tenant, 6).await;
    let mut paths = Vec::new();
    for _ in 0..16 {
        let viewer = world.member(&tenant, Role::Viewer).await;
        paths.push(path_of(&world, &tenant, &viewer).await);
    }
    let raise = |path: &String| world.patch(path.clone()).by(&owner).json(&json!({ "role": "agent" })).send();
    let replies = join_all(paths.iter().map(raise)).await;
    let raised = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(raised, 5, "the owner is the sixth");
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "limit_reached"), "{}", refused.body);
    }
    assert_eq!(world.system.store.agents(&tenant.id).await.unwrap(), 6);
    // One who goes makes room for one, also for who comes back.
    let (taken, waiting): (Vec<_>, Vec<_>) =
        paths.iter().zip(&replies).partition(|(_, reply)| reply.status == 200);
    let (gone, waiting) = (taken[0].0, waiting[0].0);
    assert_eq!(world.delete(gone).by(&owner).send().await.status, 204);
    assert_eq!(raise(waiting).await.status, 200);
    let back = world.post(format!("{gone}/restore")).by(&owner).send().await;
    assert_eq!((back.status.as_u16(), back.code()), (409, "limit_reached"));
}
