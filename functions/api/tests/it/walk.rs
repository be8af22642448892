//! A walk over every operation there is: who may not is refused, learns nothing, and changes nothing. The
//! requests come from the routes' own declarations, so that a new route is walked over by being there.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, doc};
use http::StatusCode;
use matome_api::auth::api_key::ApiKeyToken;
use matome_api::guard::{Access, States};
use matome_api_testing::call::Reply;
use matome_api_testing::world::{Person, World};
use matome_domain::access::{Overrides, Permission, PermissionSet, Role, Scopes};
use matome_domain::placement::Placement;
use matome_store::entities::{Account, ApiKey, LoginSession, Member, Organization, Room, RoomMember};
use matome_testing::{TestTenant, fixtures};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::operations::{Operation, assert_nothing_changed, everything, operations};

/// What anybody may call. Each checks what it is given itself, or has nothing to hide.
const PUBLIC: [&str; 14] = [
    "acceptInvitation",
    "forgotPassword",
    "getDocs",
    "getKeys",
    "getOpenApi",
    "logIn",
    "logInWithLine",
    "logInWithProvider",
    "logInWithSecondFactor",
    "refreshTokens",
    "register",
    "resendVerification",
    "resetPassword",
    "verifyEmail",
];

/// A tenant with a room, in a world.
struct Scene {
    world: World,
    tenant: TestTenant,
    room: Room,
}

impl Scene {
    async fn start() -> Self {
        let world = World::start().await;
        // The limits of a larger plan: the walk is long.
        let tenant = world.system.tenant(Placement::CollectionSet).await;
        let room = fixtures::room(&tenant, "C1");
        tenant.store.collection::<Room>().insert(&room).await.unwrap();
        Self { world, tenant, room }
    }

    fn path(&self, operation: &Operation) -> String {
        operation.path(&self.tenant, self.room.id)
    }

    async fn send(&self, operation: &Operation, token: &str) -> Reply {
        operation.call(&self.world, &self.path(operation)).with_token(token).send().await
    }

    async fn organization(&self) -> Organization {
        let organizations = self.world.system.store.platform_collection::<Organization>();
        organizations.find_one(self.of_tenant()).await.unwrap().unwrap()
    }

    fn of_tenant(&self) -> bson::Document {
        doc! { "tenantId": self.tenant.id.as_str() }
    }

    async fn set_status(&self, status: &str) {
        let organizations = self.world.system.store.platform_collection::<Organization>();
        let set = doc! { "$set": { "status": status } };
        organizations.update_one(self.of_tenant(), set).await.unwrap();
    }
}

fn refused(operation: &Operation, who: &str, reply: &Reply, status: u16, code: &str) {
    let got = (reply.status.as_u16(), reply.code());
    assert_eq!(got, (status, code), "{} by {who}: {}", operation.id(), reply.body);
    let media_type = reply.header("content-type");
    assert_eq!(media_type, Some("application/problem+json"), "{} by {who}", operation.id());
}

/// A refusal for lack of a permission, which it names.
fn denied(operation: &Operation, who: &str, reply: &Reply, permission: Permission) {
    refused(operation, who, reply, 403, "permission_denied");
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&permission.to_string()), "{} by {who}: {detail}", operation.id());
}

fn without_request_id(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("requestId").expect("a problem names its request");
    body
}

fn set(permission: Permission) -> PermissionSet {
    [permission].into_iter().collect()
}

#[test]
fn only_these_operations_are_for_everybody() {
    let is_public = |operation: &&Operation| operation.rule.access == Access::Public;
    let mut public: Vec<String> =
        operations().iter().filter(is_public).map(|operation| operation.id().to_owned()).collect();
    let mut expected = PUBLIC.map(str::to_owned);
    public.sort();
    expected.sort();
    assert_eq!(public, expected, "is it public by intention? Then it belongs into walk.rs as well");
}

#[test]
fn what_is_in_an_organization_or_a_room_has_it_in_its_path() {
    for operation in operations() {
        let names: Vec<&str> = operation.rule.path_names().collect();
        let is_of_tenant = operation.permission().is_some();
        assert_eq!(
            names.first() == Some(&"organizationId") && is_of_tenant,
            is_of_tenant,
            "{}",
            operation.id()
        );
        assert!(!operation.is_of_room() || names.contains(&"roomId"), "{}", operation.id());
        let is_below = operation.rule.path.starts_with("/organizations/{");
        assert!(
            !is_below || is_of_tenant || matches!(operation.rule.access, Access::Platform(_)),
            "{} is below an organization and does not ask for a permission in it",
            operation.id()
        );
    }
}

#[tokio::test]
async fn without_credentials_that_hold_nothing_is_answered() {
    let scene = Scene::start().await;
    let world = &scene.world;
    let tokens = bad_tokens(&scene).await;
    let before = everything(world).await;
    let private = |operation: &Operation| operation.rule.access != Access::Public;
    for operation in operations().into_iter().filter(private) {
        let path = scene.path(&operation);
        let reply = operation.call(world, &path).send().await;
        refused(&operation, "nobody", &reply, 401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{}", operation.id());
        for (who, token) in &tokens {
            let reply = operation.call(world, &path).with_token(token).send().await;
            refused(&operation, who, &reply, 401, "unauthenticated");
            assert_eq!(reply.body["detail"], Value::Null, "why is not said: {}", operation.id());
        }
        let basic = operation.call(world, &path).header("authorization", "Basic c29tZTpib2R5").send().await;
        refused(&operation, "Basic", &basic, 401, "unauthenticated");
        let owner = world.member(&scene.tenant, Role::Owner).await;
        let twice = format!("Bearer {}", owner.token);
        let call = operation.call(world, &path).header("authorization", &twice);
        let reply = call.header("authorization", &twice).send().await;
        refused(&operation, "somebody who says it twice", &reply, 401, "unauthenticated");
        forget(world, &owner).await;
    }
    assert_nothing_changed(world, &before).await;
}

/// Takes back that somebody came, so that what is left can be compared.
async fn forget(world: &World, person: &Person) {
    let store = &world.system.store;
    store.platform_collection::<Account>().delete_one(doc! { "_id": person.account }).await.unwrap();
    store.platform_collection::<LoginSession>().delete_one(doc! { "_id": person.session }).await.unwrap();
    let members = store.platform().collection::<Member>("members");
    members.delete_many(doc! { "accountId": person.account }).await.unwrap();
}

/// Tokens and keys that do not hold (or do not hold any more), of an owner of the tenant.
async fn bad_tokens(scene: &Scene) -> Vec<(&'static str, String)> {
    let Scene { world, tenant, .. } = scene;
    let store = &world.system.store;
    let now = Bson::from(bson::DateTime::from(world.now()));
    let owner = async || world.member(tenant, Role::Owner).await;
    let (ended, closed, forged) = (owner().await, owner().await, owner().await);
    let sessions = store.platform_collection::<LoginSession>();
    let end = doc! { "$set": { "revokedAt": now.clone() } };
    sessions.update_one(doc! { "_id": ended.session }, end).await.unwrap();
    let close = doc! { "$set": { "status": "suspended" } };
    let accounts = store.platform_collection::<Account>();
    accounts.update_one(doc! { "_id": closed.account }, close).await.unwrap();
    let (head, signature) = forged.token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{other}{}", &signature[1..]);
    let scopes = Scopes::new(Scopes::all()).unwrap();
    let (revoked, expired) = (world.api_key(tenant, scopes).await, world.api_key(tenant, scopes).await);
    for (key, field) in [(&revoked, "revokedAt"), (&expired, "expiresAt")] {
        let prefix = ApiKeyToken::parse(key).unwrap().prefix().to_owned();
        let set = doc! { "$set": { field: now.clone() } };
        let keys = store.of_tenant::<ApiKey>(&tenant.id);
        assert!(keys.update(doc! { "prefix": prefix }, set).await.unwrap());
    }
    let unknown = ApiKeyToken::generate(&*world.system.random).text().expose_secret().to_owned();
    // The prefix of a key that there is, the secret of another one.
    let known = world.api_key(tenant, scopes).await;
    let at = known.rfind('_').unwrap();
    let crossed = format!("{}{}", &known[..at], &unknown[unknown.rfind('_').unwrap()..]);
    vec![
        ("garbage", "garbage".to_owned()),
        ("a forged token", forged),
        ("an ended session", ended.token),
        ("a closed account", closed.token),
        ("an unknown key", unknown),
        ("a key with another one's secret", crossed),
        ("a revoked key", revoked),
        ("an expired key", expired),
    ]
}

#[tokio::test]
async fn who_is_of_another_tenant_learns_nothing_and_changes_nothing() {
    let scene = Scene::start().await;
    let world = &scene.world;
    let other = world.tenant().await;
    let stranger = world.member(&other, Role::Owner).await;
    let nobodys = world.person().await;
    let key = world.api_key(&other, Scopes::new(Scopes::all()).unwrap()).await;
    let nowhere = TestTenant {
        id: matome_domain::ids::TenantId::new(ObjectId::from(world.id()).to_hex()).unwrap(),
        channel: scene.tenant.channel.clone(),
        secret: String::new(),
        bot_user_id: String::new(),
        store: other.store.clone(),
    };
    let left = world.member(&scene.tenant, Role::Owner).await;
    let leave = doc! { "$set": { "deletedAt": bson::DateTime::from(world.now()) } };
    let members = world.system.store.of_tenant::<Member>(&scene.tenant.id);
    assert!(members.update(doc! { "accountId": left.account }, leave).await.unwrap());
    let before = everything(world).await;
    for operation in operations().iter().filter(|operation| operation.permission().is_some()) {
        for (who, token) in [
            ("another tenant's owner", &stranger.token),
            ("a member of nothing", &nobodys.token),
            ("another tenant's key", &key),
            ("somebody who left", &left.token),
        ] {
            let reply = scene.send(operation, token).await;
            refused(operation, who, &reply, 404, "not_found");
            let unknown = operation.call(world, &operation.path(&nowhere, scene.room.id));
            let unknown = unknown.with_token(token).send().await;
            let (got, expected) = (without_request_id(reply.body), without_request_id(unknown.body));
            assert_eq!(got, expected, "{}: as if it were not there", operation.id());
            let names = |headers: &http::HeaderMap| headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&reply.headers), names(&unknown.headers), "{}", operation.id());
        }
    }
    assert_nothing_changed(world, &before).await;
}

/// The highest role that does not bring it.
fn too_small(permission: Permission) -> Option<Role> {
    Role::ALL.iter().rev().copied().find(|role| !PermissionSet::of_role(*role).contains(permission))
}

#[tokio::test]
async fn who_lacks_the_permission_is_told_which_one_and_changes_nothing() {
    let scene = Scene::start().await;
    let Scene { world, tenant, .. } = &scene;
    let read_rooms: Permission = "rooms:read".parse().unwrap();
    for operation in operations() {
        let Some(permission) = operation.permission() else { continue };
        // Whoever does not see rooms is not to know of this one either.
        let hides = operation.is_of_room() && permission == read_rooms;
        let check = |who: &str, reply: &Reply| match hides {
            true => refused(&operation, who, reply, 404, "not_found"),
            false => denied(&operation, who, reply, permission),
        };
        let deny = Overrides { deny: set(permission), ..Overrides::default() };
        let owner = world.member_with(tenant, Role::Owner, deny).await;
        let small = match too_small(permission) {
            Some(role) => Some(world.member(tenant, role).await),
            None => None,
        };
        let scopes = Scopes::new(Scopes::all().difference(set(permission))).unwrap();
        let key = world.api_key(tenant, scopes).await;
        let before = everything(world).await;
        check("an owner who is denied it", &scene.send(&operation, &owner.token).await);
        if let Some(small) = small {
            check("too small a role", &scene.send(&operation, &small.token).await);
        }
        check("a key without the scope", &scene.send(&operation, &key).await);
        assert_nothing_changed(world, &before).await;
    }
}

/// What the refusals above are worth: the same requests pass by somebody who has the permission and
/// nothing else.
#[tokio::test]
async fn who_has_the_permission_and_no_other_is_let_in() {
    let scene = Scene::start().await;
    let Scene { world, tenant, room } = &scene;
    let organization = scene.organization().await;
    let organizations = world.system.store.platform_collection::<Organization>();
    let see_rooms: PermissionSet = set("rooms:read".parse().unwrap());
    for operation in operations() {
        let Some(permission) = operation.permission() else { continue };
        if permission.is_platform() {
            continue;
        }
        let allow = set(permission).union(see_rooms);
        let overrides = Overrides { allow, ..Overrides::default() };
        let viewer = world.member_with(tenant, Role::Viewer, overrides).await;
        let mut callers = vec![viewer.token];
        if Scopes::may_hold(permission) {
            callers.push(world.api_key(tenant, Scopes::new(allow).unwrap()).await);
        }
        for token in callers {
            let reply = scene.send(&operation, &token).await;
            let detail = reply.body["detail"].as_str().unwrap_or_default();
            let is_denied = reply.code() == "permission_denied" && detail.contains(&permission.to_string());
            assert!(reply.status != 401 && !is_denied, "{}: {}", operation.id(), reply.body);
            assert!(!reply.status.is_server_error(), "{}: {}", operation.id(), reply.body);
            // As it was, for the next one.
            organizations.replace_one(scene.of_tenant(), &organization).await.unwrap();
            let rooms = tenant.store.collection::<Room>();
            let back =
                doc! { "$unset": { "deletedAt": "", "deletedBy": "" }, "$set": { "status": "active" } };
            rooms.update(doc! { "_id": room.id }, back).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_private_room_is_not_there_for_staff_who_are_not_in_it() {
    let scene = Scene::start().await;
    let Scene { world, tenant, room } = &scene;
    let agent = world.member(tenant, Role::Agent).await;
    let rooms = tenant.store.collection::<Room>();
    let private = doc! { "$set": { "settings.privacy": "private" } };
    assert!(rooms.update(doc! { "_id": room.id }, private).await.unwrap());
    let before = everything(world).await;
    for operation in operations().iter().filter(|operation| operation.is_of_room()) {
        let reply = scene.send(operation, &agent.token).await;
        refused(operation, "an agent outside", &reply, 404, "not_found");
        let nowhere = operation.path(tenant, world.id().into());
        let unknown = operation.call(world, &nowhere).by(&agent).send().await;
        assert_eq!(without_request_id(reply.body), without_request_id(unknown.body), "{}", operation.id());
    }
    assert_nothing_changed(world, &before).await;
    let members = tenant.store.collection::<RoomMember>();
    let staff = RoomMember { user_id: agent.account.into(), ..fixtures::member(room, "U1") };
    members.insert(&staff).await.unwrap();
    let path = matome_api_testing::world::of(tenant, &format!("/rooms/{}", room.id.to_hex()));
    assert_eq!(world.get(path).by(&agent).send().await.status, StatusCode::OK, "now they are in it");
}

#[tokio::test]
async fn what_is_the_platforms_is_not_for_tenants_and_what_is_somebodys_own_not_for_keys() {
    let scene = Scene::start().await;
    let Scene { world, tenant, .. } = &scene;
    let owner = world.member(tenant, Role::Owner).await;
    let key = world.api_key(tenant, Scopes::new(Scopes::all()).unwrap()).await;
    let before = everything(world).await;
    for operation in operations() {
        match operation.rule.access {
            Access::Platform(permission) => {
                denied(
                    &operation,
                    "a tenant's owner",
                    &scene.send(&operation, &owner.token).await,
                    permission,
                );
                let reply = scene.send(&operation, &key).await;
                refused(&operation, "a key", &reply, 403, "permission_denied");
            }
            Access::Account => {
                let reply = scene.send(&operation, &key).await;
                refused(&operation, "a key", &reply, 403, "permission_denied");
            }
            Access::Public | Access::Tenant(_) | Access::Room(_) => {}
        }
    }
    assert_nothing_changed(world, &before).await;
}

#[tokio::test]
async fn a_suspended_organization_can_be_read_and_not_changed() {
    let scene = Scene::start().await;
    let Scene { world, tenant, .. } = &scene;
    let owner = world.member(tenant, Role::Owner).await;
    scene.set_status("suspended").await;
    let before = everything(world).await;
    let of_tenant = |operation: &Operation| operation.permission().is_some_and(|p| !p.is_platform());
    // What may be changed while suspended has tests of its own.
    let is_open = |operation: &Operation| operation.rule.changes() && operation.rule.states != States::Served;
    for operation in operations().into_iter().filter(|o| of_tenant(o) && !is_open(o)) {
        let reply = scene.send(&operation, &owner.token).await;
        if operation.rule.changes() {
            refused(&operation, "an owner", &reply, 403, "not_served");
        } else {
            assert_ne!(reply.status, StatusCode::FORBIDDEN, "{}: {}", operation.id(), reply.body);
            assert!(!reply.status.is_server_error(), "{}: {}", operation.id(), reply.body);
        }
    }
    assert_nothing_changed(world, &before).await;
    scene.set_status("offboarded").await;
    for operation in operations().into_iter().filter(of_tenant) {
        refused(&operation, "an owner", &scene.send(&operation, &owner.token).await, 404, "not_found");
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_refused_everywhere() {
    let scene = Scene::start().await;
    let Scene { world, tenant, .. } = &scene;
    let owner = world.member(tenant, Role::Owner).await;
    world.system.clock.advance(Duration::from_secs(11 * 60));
    for operation in operations().iter().filter(|operation| operation.rule.access != Access::Public) {
        let reply = scene.send(operation, &owner.token).await;
        refused(operation, "a token of eleven minutes ago", &reply, 401, "unauthenticated");
    }
}
