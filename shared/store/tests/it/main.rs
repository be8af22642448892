//! The store against a real MongoDB.

mod analytics;
mod audit;
mod carry;
mod declared;
mod exposed;
mod exposed_plans;
mod fence;
mod isolation;
mod members;
mod migrations;
mod mover;
mod of_tenant;
mod organization;
mod relocate;
mod relocate_load;
mod samples;
mod search;
mod timeline;
mod usage;
mod validators;
mod world;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_store::entities::{InboundEventRecord, PushLedger};
use matome_store::{Store, StoreError, TenantStore, Write};

const PLACEMENTS: [Placement; 3] = [Placement::Shared, Placement::CollectionSet, Placement::Dedicated];

async fn store() -> Store {
    let uri = matome_local_stack::shared::mongodb_uri().await.expect("the shared MongoDB starts");
    let prefix = format!("s{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    Store::connect(&uri, &prefix, 8).await.expect("the URI is valid")
}

async fn tenant(store: &Store, id: &str, placement: Placement) -> TenantStore {
    let tenant = store.tenant(&TenantId::new(id).expect("a valid id"), placement);
    tenant.ensure_collections().await.expect("collections can be made");
    tenant
}

fn event(tenant: &TenantStore, id: u8, webhook_event_id: &str) -> InboundEventRecord {
    let at = DateTime::from_millis(0);
    InboundEventRecord {
        id: ObjectId::from_bytes([id; 12]),
        tenant_id: tenant.tenant_id().to_string(),
        channel_id: "c".into(),
        webhook_event_id: webhook_event_id.into(),
        kind: "follow".into(),
        room_id: None,
        user_id: None,
        action: None,
        details: None,
        raw: None,
        timestamp: at,
        created_at: at,
        expires_at: DateTime::from_millis(i64::MAX / 2),
    }
}

#[tokio::test]
async fn a_tenant_sees_and_changes_its_own_documents_only() {
    let store = store().await;
    for placement in PLACEMENTS {
        let (ours, theirs) =
            (tenant(&store, "ours", placement).await, tenant(&store, "theirs", placement).await);
        let secret = event(&theirs, 1, "e1");
        theirs.collection::<InboundEventRecord>().insert(&secret).await.expect("stored");
        let collection = ours.collection::<InboundEventRecord>();
        assert_eq!(collection.get(secret.id).await.expect("read"), None);
        assert_eq!(collection.count(doc! {}).await.expect("counted"), 0);
        // A filter that names the other tenant is overruled, not obeyed.
        let forged = doc! { "tenantId": "theirs" };
        assert_eq!(collection.find(forged.clone(), doc! {}, 0).await.expect("read"), []);
        let set = doc! { "$set": { "type": "changed" } };
        assert!(!collection.update(forged, set.clone()).await.expect("no match"));
        let written = ours
            .transaction(async |t| {
                t.write::<InboundEventRecord>(vec![Write::update(secret.id, set.clone())]).await
            })
            .await;
        written.expect("matches nothing");
        let kept = theirs.collection::<InboundEventRecord>().get(secret.id).await.expect("read");
        assert_eq!(kept, Some(secret));
    }
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let store = store().await;
    let tenant = tenant(&store, "t", Placement::Shared).await;
    let outcome: Result<(), StoreError> = tenant
        .transaction(async |t| {
            t.insert(&[event(&tenant, 1, "e1")]).await?;
            Err(StoreError::Setting("stop".into()))
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Setting(_))));
    assert_eq!(tenant.collection::<InboundEventRecord>().count(doc! {}).await.expect("counted"), 0);
}

#[tokio::test]
async fn colliding_transactions_all_get_through_and_count_exactly() {
    let store = store().await;
    let tenant = tenant(&store, "t", Placement::Shared).await;
    let id = ObjectId::from_bytes([9; 12]);
    let count = async || {
        let step =
            doc! { "$inc": { "booked": 1_i64 }, "$setOnInsert": { "channelId": "c", "month": "2026-11" } };
        let write = || vec![Write { id: id.into(), update: step.clone(), upsert: true }];
        tenant.transaction(async |t| t.write::<PushLedger>(write()).await).await
    };
    let (a, b, c, d) = tokio::join!(count(), count(), count(), count());
    for outcome in [a, b, c, d] {
        outcome.expect("gets through");
    }
    let booked = tenant.collection::<PushLedger>().count(doc! { "booked": 4 }).await.expect("counted");
    assert_eq!(booked, 1);
}

#[tokio::test]
async fn a_duplicate_is_told_apart_and_its_values_stay_out_of_the_error() {
    let store = store().await;
    let tenant = tenant(&store, "t", Placement::Shared).await;
    let collection = tenant.collection::<InboundEventRecord>();
    collection.insert(&event(&tenant, 1, "canary-4711")).await.expect("stored");
    let error = collection.insert(&event(&tenant, 2, "canary-4711")).await.expect_err("is there already");
    assert!(error.is_duplicate());
    let mut shown = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(next) = source {
        shown.push_str(&next.to_string());
        source = next.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("write error"), "{shown}");
}

#[tokio::test]
async fn creating_collections_again_is_harmless() {
    let store = store().await;
    for placement in PLACEMENTS {
        tenant(&store, "t", placement).await;
        tenant(&store, "t", placement).await;
    }
    store.ensure_platform().await.expect("made");
    store.ensure_platform().await.expect("still there");
}
