//! Finding accounts, members, keys and sessions.

use bson::{DateTime, Document, doc};
use matome_domain::ids::TenantId;
use matome_store::entities::{
    Account, ApiKey, Invitation, IpRule, LoginSession, Member, RevokedBecause, SecurityPolicy,
};
use matome_store::{Entity, Id, Time};

use crate::samples::{self, NOW, id};
use crate::world::World;

async fn world() -> World {
    let world = World::start().await;
    world.store.ensure_platform().await.expect("made");
    world
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("a valid id")
}

/// The sample of an entity, with other fields.
fn with<E: Entity>(fields: Document) -> Document {
    let all = samples::of_platform();
    let (_, mut document) = all.into_iter().find(|(name, _)| *name == E::COLLECTION).expect("there is one");
    document.extend(fields);
    document
}

async fn put<E: Entity>(world: &World, fields: Document) -> E {
    let document = with::<E>(fields);
    let stored = world.store.platform().collection::<Document>(E::COLLECTION).insert_one(&document).await;
    stored.expect("stored");
    bson::deserialize_from_document(document).expect("one")
}

async fn member(world: &World, number: u32, of: &str, fields: Document) -> Member {
    let mut all = doc! { "_id": id(40, number), "accountId": id(41, number), "tenantId": of };
    all.extend(fields);
    put::<Member>(world, all).await
}

#[tokio::test]
async fn agents_are_active_members_who_are_more_than_viewers() {
    let world = world().await;
    let members = [
        ("viewer", "active"),
        ("agent", "active"),
        ("manager", "active"),
        ("admin", "active"),
        ("owner", "active"),
        ("agent", "inactive"),
        ("agent", "pending"),
        ("owner", "suspended"),
    ];
    for (number, (role, status)) in (0..).zip(members) {
        member(&world, number, "t1", doc! { "role": role, "status": status }).await;
    }
    member(&world, 20, "t1", doc! { "role": "owner", "deletedAt": NOW }).await;
    member(&world, 21, "t10", doc! { "role": "owner" }).await;
    let counts = async |of: &str| {
        let of = tenant(of);
        (
            world.store.agents(&of).await.expect("counted"),
            world.store.active_owners(&of).await.expect("counted"),
        )
    };
    assert_eq!(counts("t1").await, (4, 1));
    assert_eq!(counts("t10").await, (1, 1));
    assert_eq!(counts("t2").await, (0, 0));
    let together = world.store.agents_of(&["t1", "t2", "t10"].map(tenant)).await.expect("counted");
    assert_eq!(together, [("t1".to_owned(), 4), ("t10".to_owned(), 1)].into());
    assert_eq!(world.store.agents_of(&[tenant("t10")]).await.expect("counted").len(), 1);
}

#[tokio::test]
async fn memberships_are_found_by_account_across_tenants_and_are_one_for_each() {
    let world = world().await;
    let account = id(41, 1);
    let first = member(&world, 1, "t1", doc! {}).await;
    member(&world, 2, "t1", doc! {}).await;
    let second = member(
        &world,
        3,
        "t2",
        doc! { "accountId": account, "joinedAt": DateTime::from_millis(NOW.timestamp_millis() + 1) },
    )
    .await;
    member(&world, 4, "t3", doc! { "accountId": account, "deletedAt": NOW }).await;
    let found = world.store.memberships(account.into()).await.expect("read");
    assert_eq!(found, [first.clone(), second]);
    let again = Member { id: id(40, 9).into(), ..first };
    let refused = world.store.of_tenant::<Member>(&tenant("t1")).insert(&again).await;
    assert!(refused.expect_err("is one already").is_duplicate());
}

#[tokio::test]
async fn accounts_are_found_by_address_in_any_case_and_by_identity() {
    let world = world().await;
    let account = put::<Account>(&world, doc! {}).await;
    let store = &world.store;
    let by_email = async |email: &str| store.account_by_email(email).await.expect("read");
    assert_eq!(by_email(" SomeOne@Example.com").await, Some(account.clone()));
    assert_eq!(by_email("nobody@example.com").await, None);
    let by_identity = async |issuer: &str, subject: &str| {
        store.account_by_identity(issuer, subject).await.expect("read").map(|account| account.id)
    };
    assert_eq!(by_identity("i", "s").await, Some(account.id));
    assert_eq!(by_identity("i", "another").await, None);
    // Each half is somebody's, and together they are nobody's.
    let identities = doc! { "identities": [
        { "provider": "a", "issuer": "a", "subject": "s", "linkedAt": NOW },
        { "provider": "b", "issuer": "b", "subject": "t", "linkedAt": NOW },
    ] };
    let mut other = doc! { "_id": id(30, 1), "email": "other@example.com" };
    other.extend(identities);
    put::<Account>(&world, other).await;
    assert_eq!(by_identity("a", "t").await, None);
    assert_eq!(by_identity("b", "t").await, Some(id(30, 1).into()));
    let taken = with::<Account>(doc! { "_id": id(30, 2), "email": "third@example.com" });
    let accounts = store.platform().collection::<Document>(Account::COLLECTION);
    accounts.insert_one(taken).await.expect_err("the identity is another's");
}

#[tokio::test]
async fn keys_and_invitations_are_found_by_what_their_holders_show() {
    let world = world().await;
    let key = put::<ApiKey>(&world, doc! { "prefix": "abc" }).await;
    assert_eq!(world.store.api_key_by_prefix("abc").await.expect("read"), Some(key.clone()));
    assert_eq!(world.store.api_key_by_prefix("ab").await.expect("read"), None);
    let (now, later) = (Time::from(NOW), Time::from_millis(NOW.timestamp_millis() + 1));
    assert!(key.is_live(now));
    assert!(!ApiKey { expires_at: Some(now), ..key.clone() }.is_live(now));
    assert!(ApiKey { expires_at: Some(later), ..key.clone() }.is_live(now));
    assert!(!ApiKey { revoked_at: Some(now), ..key }.is_live(now));

    let invitation = put::<Invitation>(&world, doc! { "tag": "tag" }).await;
    assert_eq!(world.store.invitation_by_tag("tag").await.expect("read"), Some(invitation.clone()));
    assert!(invitation.is_open(now) && !invitation.is_open(invitation.expires_at));
    // One open invitation for each address.
    let again = with::<Invitation>(doc! { "_id": id(32, 9), "tag": "another" });
    let invitations = world.store.platform().collection::<Document>(Invitation::COLLECTION);
    invitations.insert_one(&again).await.expect_err("one is open");
    let accepted = doc! { "$set": { "status": "accepted" } };
    invitations.update_one(doc! { "tag": "tag" }, accepted).await.expect("accepted");
    invitations.insert_one(again).await.expect("none is open any more");
}

#[tokio::test]
async fn revoking_ends_all_of_an_accounts_sessions_but_the_one_that_stays() {
    let world = world().await;
    let account: Id = id(30, 0).into();
    for number in 1..=3 {
        put::<LoginSession>(&world, doc! { "_id": id(37, number) }).await;
    }
    put::<LoginSession>(&world, doc! { "_id": id(37, 4), "accountId": id(30, 4) }).await;
    let (now, stays) = (Time::from(NOW), Id::from(id(37, 2)));
    let revoke = async |except| {
        let because = RevokedBecause::PasswordChanged;
        world.store.revoke_login_sessions(account, except, because, now).await.expect("revoked")
    };
    assert_eq!(revoke(Some(stays)).await, 2);
    let sessions = world.store.platform_collection::<LoginSession>();
    let get = async |number| {
        let found = sessions.find_one(doc! { "_id": id(37, number) }).await;
        found.expect("read").expect("there")
    };
    assert!(get(2).await.is_live(now) && get(4).await.is_live(now));
    let ended = get(1).await;
    assert!(!ended.is_live(now));
    assert_eq!(ended.revoked_because, Some(RevokedBecause::PasswordChanged));
    assert_eq!((revoke(None).await, revoke(None).await), (1, 0));
}

#[tokio::test]
async fn rules_and_policies_are_the_tenants_and_in_force() {
    let world = world().await;
    let of = tenant("t1");
    assert_eq!(world.store.security_policy(&of).await.expect("read"), None);
    let policy = SecurityPolicy { second_factor_required: true, ..SecurityPolicy::initial(&of, NOW.into()) };
    world.store.of_tenant::<SecurityPolicy>(&of).insert(&policy).await.expect("stored");
    assert_eq!(world.store.security_policy(&of).await.expect("read"), Some(policy));
    let rules =
        [("allow", "203.0.113.0/24", 1), ("block", "203.0.113.7/32", 1), ("allow", "192.0.2.0/24", 0)];
    for (number, (kind, network, lasts)) in (1..).zip(rules) {
        let expires = DateTime::from_millis(NOW.timestamp_millis() + lasts);
        let fields = doc! {
            "_id": id(35, number), "tenantId": "t1", "kind": kind, "network": network, "expiresAt": expires,
        };
        put::<IpRule>(&world, fields).await;
    }
    let rules = world.store.ip_rules(&of, NOW.into()).await.expect("read");
    let allows = ["203.0.113.8", "203.0.113.7", "192.0.2.1"].map(|ip| rules.check(ip.parse().ok()).is_ok());
    assert_eq!(allows, [true, false, false]);
    let none = world.store.ip_rules(&tenant("t10"), NOW.into()).await.expect("read");
    assert_eq!(none, Default::default());
}
