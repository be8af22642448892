//! An organization and its default room.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::ids::TenantId;
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_store::create_organization::{default_room, default_room_id};
use matome_store::entities::{NewOrganization, Organization, OrganizationStatus, Plan, Presence, Room};
use matome_store::id::derived;
use matome_store::{Store, TenantStore};

use crate::store;

const NOW: DateTime = DateTime::from_millis(1_795_165_200_000);

fn organization(tier: Tier) -> Organization {
    let new = NewOrganization {
        id: derived(&["organization", tier.as_str()]),
        owner_id: ObjectId::from_bytes([7; 12]),
        name: "A shop".to_owned(),
        tier,
        limits: Terms::of(tier).limits,
        placement: tier.placement(),
    };
    new.provisioning(NOW)
}

async fn place(store: &Store, organization: &Organization) -> TenantStore {
    store.ensure_platform().await.expect("the platform's collections can be made");
    let id = TenantId::new(organization.tenant_id.as_str()).expect("a valid id");
    let tenant = store.tenant(&id, organization.placement);
    tenant.ensure_collections().await.expect("collections can be made");
    tenant
}

async fn stored(store: &Store, organization: &Organization) -> Option<Organization> {
    let organizations = store.platform_collection::<Organization>();
    organizations.find_one(doc! { "_id": organization.id }).await.expect("read")
}

#[tokio::test]
async fn an_organization_arrives_with_its_default_room_in_every_placement() {
    let store = store().await;
    for tier in Tier::ALL {
        let organization = organization(tier);
        let tenant = place(&store, &organization).await;
        assert!(store.create_organization(&organization).await.expect("created"));
        assert_eq!(stored(&store, &organization).await.as_ref(), Some(&organization));
        let rooms = tenant.collection::<Room>().find(doc! {}, doc! {}, 0).await.expect("read");
        assert_eq!(rooms, [default_room(&organization.tenant_id, NOW)]);
        assert_eq!((rooms[0].name.as_deref(), rooms[0].presence), (Some("General"), Presence::Absent));
    }
}

#[tokio::test]
async fn creating_it_again_changes_nothing_and_brings_a_missing_room_back() {
    let store = store().await;
    let first = organization(Tier::Free);
    let tenant = place(&store, &first).await;
    let (a, b) = tokio::join!(store.create_organization(&first), store.create_organization(&first));
    assert_eq!([a.expect("done"), b.expect("done")].into_iter().filter(|created| *created).count(), 1);
    let renamed = Organization { name: "Renamed".to_owned(), ..first.clone() };
    assert!(!store.create_organization(&renamed).await.expect("left alone"));
    assert_eq!(stored(&store, &first).await, Some(first));
    assert_eq!(tenant.collection::<Room>().count(doc! {}).await.expect("counted"), 1);
}

#[tokio::test]
async fn without_the_room_there_is_no_organization() {
    let store = store().await;
    let organization = organization(Tier::Free);
    let tenant = place(&store, &organization).await;
    // Somebody else's document has the room's place: the unique index refuses the room.
    let in_the_way = Room { id: ObjectId::from_bytes([8; 12]), ..default_room(&organization.tenant_id, NOW) };
    tenant.collection::<Room>().insert(&in_the_way).await.expect("stored");
    let error = store.create_organization(&organization).await.expect_err("the room cannot be made");
    assert!(error.is_duplicate(), "{error}");
    assert_eq!(stored(&store, &organization).await, None);
}

#[tokio::test]
async fn with_the_data_in_another_cluster_it_is_two_steps_that_can_be_done_again() {
    let store = store().await;
    let organization = organization(Tier::Enterprise);
    let tenant = place(&store, &organization).await;
    let steps = async || {
        let room = tenant.create_default_room(NOW).await.expect("written");
        (room, store.create_organization_only(&organization).await.expect("written"))
    };
    assert_eq!(steps().await, (true, true));
    assert_eq!(steps().await, (false, false));
    let room = tenant.collection::<Room>().get(default_room_id(&organization.tenant_id)).await;
    assert!(room.expect("read").is_some());
    assert_eq!(stored(&store, &organization).await, Some(organization));
}

#[tokio::test]
async fn an_organization_written_before_there_were_tiers_is_read() {
    let store = store().await;
    let id = derived(&["old"]);
    let old = doc! {
        "_id": id, "tenantId": id.to_hex(), "ownerId": id, "name": "Old", "type": "business",
        "settings": { "autoSummarize": true }, "limits": { "maxRooms": 5_i64, "maxStorageGB": 10.0 },
        "timezone": "Asia/Tokyo", "status": "inactive", "createdAt": NOW, "updatedAt": NOW, "__v": 0_i64,
    };
    let organizations = store.platform_collection::<Organization>();
    organizations.clone_with_type::<bson::Document>().insert_one(old).await.expect("stored");
    let read = organizations.find_one(doc! { "_id": id }).await.expect("read").expect("is there");
    assert_eq!(
        (read.status, read.tier, read.cell.as_str()),
        (OrganizationStatus::Suspended, Tier::Free, "main")
    );
    assert_eq!((read.limits.max_rooms, read.limits.max_agents), (Some(5), None));
    assert!(!read.business_hours.sunday.enabled);
}

#[tokio::test]
async fn a_plan_that_an_operator_changed_stays_as_it_is() {
    let store = store().await;
    assert_eq!(store.terms(Tier::Pro).await.expect("read"), Terms::of(Tier::Pro));
    store.ensure_plans(NOW).await.expect("written");
    let plans = store.platform_collection::<Plan>();
    let dearer = doc! { "$set": { "terms.trialDays": 3_i64, "terms.limits.maxRooms": 7_i64 } };
    plans.update_one(doc! { "_id": "pro" }, dearer).await.expect("changed");
    store.ensure_plans(NOW).await.expect("written");
    let terms = store.terms(Tier::Pro).await.expect("read");
    assert_eq!((terms.trial_days, terms.limits.max_rooms), (3, Some(7)));
    assert_eq!(plans.count_documents(doc! {}).await.expect("counted"), 4);
}
