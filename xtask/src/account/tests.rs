use bson::Document;
use matome_api::auth::password::{Compared, compare};
use matome_domain::audit::Known;
use matome_domain::placement::Placement;
use matome_local_stack::shared;
use matome_store::audit::verify_audit;
use matome_store::entities::{AuditEntry, AuditPhase};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;

use super::*;

async fn store() -> Store {
    let prefix = format!("xtask_{}", SystemRandom.uuid().simple());
    Store::connect(&shared::mongodb_uri().await.unwrap(), &prefix, 2).await.unwrap()
}

fn ops() -> NewAccount {
    NewAccount {
        email: " Ops@Example.com".to_owned(),
        name: "Ops".to_owned(),
        language: "en".to_owned(),
        timezone: "UTC".to_owned(),
        super_admin: true,
        membership: None,
    }
}

#[test]
fn generated_passwords_differ_and_are_taken() {
    let (one, other) = (generate_password(), generate_password());
    assert_ne!(one.expose_secret(), other.expose_secret());
    assert_eq!(one.expose_secret().len(), LENGTH);
    rules::check(one.expose_secret(), "ops@example.com").unwrap();
}

#[tokio::test]
async fn the_first_super_admin_can_log_in_and_is_in_the_audit_trail() {
    let store = store().await;
    let secret = generate_password();
    let id = create(&store, &ops(), &secret).await.unwrap();
    let account = store.account_by_email("ops@example.com").await.unwrap().unwrap();
    assert!(account.is_active() && account.email_verified);
    assert_eq!((account.id, account.platform_role), (id, Some(PlatformRole::SuperAdmin)));
    let credentials = store.platform_collection::<Credentials>().find_one(doc! { "_id": id }).await;
    let hash = credentials.unwrap().unwrap().password_hash;
    let right = Compared::Right { needs_rehash: false };
    assert_eq!(compare(hash.as_deref(), &secret).await.unwrap(), right);
    let other = generate_password();
    assert!(change_password(&store, "ops@example.com", &other).await.unwrap());
    let credentials = store.platform_collection::<Credentials>().find_one(doc! { "_id": id }).await;
    let hash = credentials.unwrap().unwrap().password_hash;
    assert_eq!(compare(hash.as_deref(), &secret).await.unwrap(), Compared::Wrong);
    assert_eq!(compare(hash.as_deref(), &other).await.unwrap(), right);
    let verdict = store.verify_account_audit(id, Known::default()).await.unwrap();
    assert!(verdict.intact && verdict.entries == 4, "{verdict:?}");
    let again = create(&store, &ops(), &generate_password()).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    store.platform().drop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_written() {
    let store = store().await;
    let cases = [
        (NewAccount { email: "nobody".to_owned(), ..ops() }, generate_password(), "--email"),
        (ops(), SecretString::from("short"), "password"),
    ];
    for (new, secret, named) in cases {
        let refused = create(&store, &new, &secret).await.unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
    assert!(store.account_by_email(&ops().email).await.unwrap().is_none());
    store.platform().drop().await.unwrap();
}

#[tokio::test]
async fn an_account_comes_with_its_membership_or_not_at_all() {
    let store = store().await;
    store.ensure_platform().await.unwrap();
    let tenant = TenantId::new("65f0c0ffee0000000000beef").unwrap();
    let shop = store.tenant(&tenant, Placement::Shared);
    shop.ensure_collections().await.unwrap();
    let membership =
        Membership { store: shop.clone(), audit_retention_days: 30, audit_tail: None, role: Role::Manager };
    let new = NewAccount { super_admin: false, membership: Some(membership), ..ops() };
    let secret = generate_password();

    // The database refuses the last of the three documents.
    let members = store.platform().collection::<Document>(Member::COLLECTION);
    let unique = IndexOptions::builder().unique(true).build();
    members
        .create_index(IndexModel::builder().keys(doc! { "email": 1 }).options(unique).build())
        .await
        .unwrap();
    let obstacle = doc! { "email": "ops@example.com" };
    members.insert_one(&obstacle).bypass_document_validation(true).await.unwrap();
    create(&store, &new, &secret).await.unwrap_err();
    members.delete_one(obstacle).await.unwrap();
    let documents = async |collection: &str| {
        store.platform().collection::<Document>(collection).count_documents(doc! {}).await.unwrap()
    };
    for collection in [Account::COLLECTION, Credentials::COLLECTION, Member::COLLECTION] {
        assert_eq!(documents(collection).await, 0, "{collection}");
    }

    let id = create(&store, &new, &secret).await.unwrap();
    let member =
        store.of_tenant::<Member>(&tenant).find_one(doc! { "accountId": id }).await.unwrap().unwrap();
    assert_eq!((member.role, member.status), (Role::Manager, MemberStatus::Active));
    assert_eq!(member.email.as_deref(), Some("ops@example.com"));
    // The tenant knows of both attempts: what was begun and never ended was not done.
    let verdict = verify_audit(&shop, Known::default()).await.unwrap();
    assert!(verdict.intact && verdict.entries == 3, "{verdict:?}");
    let trail = shop.collection::<AuditEntry>().find(doc! {}, doc! { "seq": 1 }, 0).await.unwrap();
    let phases: Vec<_> = trail.iter().map(|entry| (entry.record.phase, entry.record.begun_id)).collect();
    assert_eq!(
        phases,
        [(AuditPhase::Begun, None), (AuditPhase::Begun, None), (AuditPhase::Ended, Some(trail[1].id))]
    );
    assert_eq!(trail[2].record.target.as_ref().unwrap().id, member.id.to_hex());
    let shared = store.platform().name().replace("_platform", "_shared");
    store.platform().client().database(&shared).drop().await.unwrap();
    store.platform().drop().await.unwrap();
}
