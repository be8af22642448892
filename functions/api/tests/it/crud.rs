//! What every entity's routes do, shown with rooms.

use bson::doc;
use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_store::entities::AuditEntry;
use serde_json::{Value, json};

#[tokio::test]
async fn a_room_is_made_changed_deleted_and_restored_and_the_audit_knows() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let made = world.post(of(&tenant, "/rooms")).by(&admin).json(&json!({ "name": "Sales" })).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (location, etag) =
        (made.header("location").unwrap().to_owned(), made.header("etag").unwrap().to_owned());
    let shown = world.get(&location).by(&admin).send().await;
    assert_eq!((shown.header("etag"), &shown.body), (Some(etag.as_str()), &made.body));

    let changed =
        world.patch(&location).by(&admin).header("if-match", &etag).json(&json!({ "name": "Support" }));
    assert_eq!(changed.send().await.ok()["name"], "Support");
    let late = world.patch(&location).by(&admin).header("if-match", &etag).json(&json!({ "name": "Other" }));
    let late = late.send().await;
    assert_eq!((late.status.as_u16(), late.code()), (412, "version_mismatch"));

    assert_eq!(world.delete(&location).by(&admin).send().await.status, 204);
    assert_eq!(world.get(&location).by(&admin).send().await.status, 404);
    let restored = world.post(format!("{location}/restore")).by(&admin).send().await.ok();
    assert_eq!(restored["name"], "Support");

    let entries = tenant.store.collection::<AuditEntry>();
    let entries = entries.find(doc! { "phase": "ended" }, doc! { "seq": 1 }, 0).await.unwrap();
    let told: Vec<_> = entries.iter().map(|e| (e.record.operation.as_str(), e.record.status)).collect();
    let expected = [
        ("createRoom", 201),
        ("updateRoom", 200),
        ("updateRoom", 412),
        ("deleteRoom", 204),
        ("restoreRoom", 200),
    ];
    assert_eq!(told, expected.map(|(operation, status)| (operation, Some(status))));
    let change = &entries[1].record;
    let name = |side: &Option<Value>| side.as_ref().map(|side| side["name"].clone());
    assert_eq!((name(&change.before), name(&change.after)), (Some(json!("Sales")), Some(json!("Support"))));
    assert_eq!(change.actor.id, Some(admin.account));
}
