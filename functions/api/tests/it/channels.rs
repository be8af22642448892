//! Connections to LINE.

use bson::{Document, doc};
use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_domain::queue::TenantJob;
use matome_store::entities::{Operation, Organization};
use matome_testing::fixtures;
use serde_json::json;

const SECRET: &str = "canarycanarycanarycanary00000000";

#[tokio::test]
async fn a_channel_is_connected_with_a_secret_that_nobody_can_read() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (admin, viewer) =
        (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Viewer).await);
    let stranger = world.member(&other, Role::Owner).await;
    let all = of(&tenant, "/channels");
    let body = json!({ "channelId": "1650000001", "secret": SECRET });
    assert_eq!(world.post(&all).by(&viewer).json(&body).send().await.status, 403);
    assert_eq!(world.post(&all).by(&stranger).json(&body).send().await.status, 404);
    for bad in [json!({ "channelId": "a/b", "secret": SECRET }), json!({ "channelId": "1", "secret": "a b" })]
    {
        let refused = world.post(&all).by(&admin).json(&bad).send().await;
        assert_eq!(refused.status, 422);
        assert!(!refused.body.to_string().contains("canary"));
    }
    let asked = world.post(&all).by(&admin).header("idempotency-key", "k").json(&body).send().await;
    assert_eq!((asked.status.as_u16(), &asked.body["kind"]), (202, &json!("connect_channel")));
    let jobs = world.queued.sent::<TenantJob>();
    assert_eq!(jobs.len(), 1);
    let operations = world.system.store.platform_collection::<Operation>();
    let operation = operations.find_one(doc! {}).await.unwrap().unwrap();
    let trail = world.get(of(&tenant, "/audit")).by(&admin).send().await.ok();
    let shown = world.get(of(&tenant, "/operations")).by(&admin).send().await.ok();
    let job = serde_json::to_string(&jobs).unwrap();
    for text in
        [asked.body.to_string(), operation.input.to_string(), trail.to_string(), shown.to_string(), job]
    {
        assert!(!text.contains("canary"), "{text}");
    }
    // The provisioner opens it.
    let sealed = matome_tenancy::operations::Request::from_document(&operation.input);
    let sealed: matome_tenancy::operations::ConnectChannel = sealed.unwrap();
    let field = matome_runtime::directory::secret_field(&sealed.channel_id);
    let opened = world.system.tenants().open(&world.system.keys(), &tenant.id, &field, &sealed.secret).await;
    assert_eq!(secrecy::ExposeSecret::expose_secret(&opened.unwrap()), SECRET);
}

#[tokio::test]
async fn a_channel_is_shown_and_changed_in_its_own_organization_alone() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (admin, viewer) =
        (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Viewer).await);
    let stranger = world.member(&other, Role::Owner).await;
    let channel = fixtures::channel(&tenant);
    let channels = world.system.store.platform_collection::<matome_store::entities::Channel>();
    channels.insert_one(&channel).await.unwrap();
    let path = of(&tenant, &format!("/channels/{}", channel.channel_id));
    let shown = world.get(&path).by(&viewer).send().await.ok();
    assert_eq!((&shown["name"], &shown["health"]["tokenState"]), (&json!("Shop"), &json!("unknown")));
    assert!(shown.get("channelSecret").is_none());
    let list = world.get(of(&tenant, "/channels")).by(&viewer).send().await.ok();
    assert_eq!(list["items"][0]["channelId"], channel.channel_id);
    let elsewhere = of(&other, &format!("/channels/{}", channel.channel_id));
    assert_eq!(world.get(&elsewhere).by(&stranger).send().await.status, 404);
    assert_eq!(world.get(of(&other, "/channels")).by(&stranger).send().await.ok()["items"], json!([]));
    let secret = json!({ "secret": SECRET });
    assert_eq!(
        world.post(format!("{elsewhere}/rotate-secret")).by(&stranger).json(&secret).send().await.status,
        404
    );

    let patch = json!({ "name": "Ginza", "features": { "broadcast": true } });
    assert_eq!(world.patch(&path).by(&viewer).json(&patch).send().await.status, 403);
    let changed = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await.ok();
    assert_eq!((&changed["name"], &changed["features"]["broadcast"]), (&json!("Ginza"), &json!(true)));
    let rotated = world.post(format!("{path}/rotate-secret")).by(&admin).json(&secret).send().await;
    assert_eq!((rotated.status.as_u16(), &rotated.body["kind"]), (202, &json!("rotate_channel_secret")));
}

#[tokio::test]
async fn a_channel_is_disconnected_also_while_suspended_and_nothing_else_is_done_to_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (owner, viewer) =
        (world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Viewer).await);
    let channel = fixtures::channel(&tenant);
    let channels = world.system.store.platform_collection::<matome_store::entities::Channel>();
    channels.insert_one(&channel).await.unwrap();
    let all = of(&tenant, "/channels");
    let one = format!("{all}/{}", channel.channel_id);
    let organizations = world.system.store.platform_collection::<Organization>();
    let set_to = async |status: &str| {
        let set = doc! { "$set": { "status": status } };
        organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, set).await.unwrap();
    };
    for status in ["provisioning", "offboarding", "failed"] {
        set_to(status).await;
        assert_eq!(world.delete(&one).by(&owner).send().await.code(), "not_served", "{status}");
    }
    set_to("suspended").await;
    let secret = json!({ "secret": SECRET });
    let new = json!({ "channelId": "1650000001", "secret": SECRET });
    for other in [
        world.post(format!("{one}/rotate-secret")).by(&owner).json(&secret),
        world.post(&all).by(&owner).json(&new),
        world.patch(&one).by(&owner).json(&json!({ "name": "Ginza" })),
    ] {
        assert_eq!(other.send().await.code(), "not_served");
    }
    assert_eq!(world.delete(&one).by(&viewer).send().await.code(), "permission_denied");
    let asked = world.delete(&one).by(&owner).send().await;
    assert_eq!((asked.status.as_u16(), &asked.body["kind"]), (202, &json!("disconnect_channel")));
    assert_eq!(world.queued.sent::<TenantJob>().len(), 1);
}

#[tokio::test]
async fn a_key_of_ones_own_is_rotated_on_demand_where_the_plan_has_it_or_who_runs_the_platform_asks() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (admin, viewer) =
        (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Viewer).await);
    let operator = world.super_admin().await;
    let path = of(&tenant, "/rotate-key");
    let operations = world.system.store.platform().collection::<Document>("tenant_operations");
    let refused = world.post(&path).by(&admin).send().await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &json!("feature_not_in_plan")));
    assert!(refused.body["detail"].as_str().unwrap().contains("ownKey"), "{}", refused.body);
    assert_eq!(operations.count_documents(doc! {}).await.unwrap(), 0);
    assert_eq!(world.post(&path).by(&operator).send().await.status, 202);
    operations.delete_many(doc! {}).await.unwrap();

    let organizations = world.system.store.platform_collection::<Organization>();
    let bought = doc! { "$set": { "features": { "ownKey": true } } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, bought).await.unwrap();
    assert_eq!(world.post(&path).by(&viewer).send().await.body["code"], "permission_denied");
    assert_eq!(world.post(&path).by(&admin).send().await.status, 202);
    assert_eq!(world.post(&path).by(&admin).send().await.status, 409, "one thing at a time");
}

#[tokio::test]
async fn a_channel_is_disconnected_by_whoever_may_in_its_own_organization_alone() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (admin, agent) = (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Agent).await);
    let stranger = world.member(&other, Role::Owner).await;
    let channel = fixtures::channel(&tenant);
    let channels = world.system.store.platform_collection::<matome_store::entities::Channel>();
    channels.insert_one(&channel).await.unwrap();
    let (path, elsewhere) = (format!("/channels/{}", channel.channel_id), "/channels/1650000099");
    assert_eq!(world.delete(of(&tenant, &path)).by(&agent).send().await.status, 403);
    assert_eq!(world.delete(of(&other, &path)).by(&stranger).send().await.status, 404);
    assert_eq!(world.delete(of(&tenant, elsewhere)).by(&admin).send().await.status, 404);
    let operations = world.system.store.platform_collection::<Operation>();
    assert_eq!(operations.count_documents(doc! {}).await.unwrap(), 0);

    let asked = world.delete(of(&tenant, &path)).by(&admin).send().await;
    assert_eq!((asked.status.as_u16(), &asked.body["kind"]), (202, &json!("disconnect_channel")));
    let operation = operations.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(operation.input, doc! { "channelId": channel.channel_id });
    assert_eq!(operation.tenant_id, tenant.id.as_str());
    let trail = world.get(of(&tenant, "/audit")).by(&admin).send().await.ok();
    assert!(trail.to_string().contains("disconnectChannel"), "{trail}");
}
