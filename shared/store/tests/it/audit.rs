//! The audit trail's chain, as the database has it.

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::future::join_all;
use matome_domain::audit::{Known, REDACTED, Reason, Tail, Verdict};
use matome_domain::clock::Timestamp;
use matome_domain::placement::Placement;
use matome_store::audit::{NewAuditEntry, append_audit, verify_audit};
use matome_store::entities::{ActorKind, AuditActor, AuditEntry, AuditPhase, AuditTail, AuditTarget};
use matome_store::{Id, TenantStore, Time};
use serde_json::json;

use crate::PLACEMENTS;
use crate::samples::{NOW, id};
use crate::world::World;

fn entry(number: u32) -> NewAuditEntry {
    let at = Time::from_millis(NOW.timestamp_millis() + i64::from(number));
    NewAuditEntry {
        phase: AuditPhase::Ended,
        operation: "rooms.update".to_owned(),
        begun_id: Some(id(1, number).into()),
        actor: AuditActor { kind: ActorKind::Account, id: Some(id(2, 0).into()) },
        ip: Some("203.0.113.7".to_owned()),
        user_agent: Some("a browser".to_owned()),
        request_id: format!("request-{number}"),
        target: Some(AuditTarget { kind: "room".to_owned(), id: id(3, 0).to_hex() }),
        path: json!({ "roomId": id(3, 0).to_hex() }).as_object().expect("an object").clone(),
        status: Some(200),
        // Everything that a request's JSON can have.
        before: Some(
            json!({ "name": "b", "a": [1, -1, 0.5, 5.0, 1e300, null, true, "ま"], "$set": { "$oid": "x" } }),
        ),
        after: Some(
            json!({ "b\0b": u64::MAX, "i": i64::MAX, "m": i64::MIN, "": {}, "secret": "canary", "e": [] }),
        ),
        created_at: at,
        // No TTL run comes in between.
        expires_at: Time::from_millis(NOW.timestamp_millis() * 2),
    }
}

async fn trail(world: &World, placement: Placement, length: u32) -> TenantStore {
    let tenant = world.tenant("t", placement).await;
    for number in 1..=length {
        append_audit(&tenant, None, entry(number)).await.expect("written");
    }
    tenant
}

fn documents(world: &World, tenant: &TenantStore, placement: Placement) -> mongodb::Collection<Document> {
    world.database_of(tenant.tenant_id(), placement).collection(&tenant.name::<AuditEntry>())
}

fn outcome(verdict: &Verdict) -> (Option<i64>, Option<Reason>) {
    (verdict.broken_at, verdict.reason)
}

#[tokio::test]
async fn entries_make_a_chain_in_every_placement_and_come_back_as_they_were_hashed() {
    let world = World::start().await;
    for placement in PLACEMENTS {
        let tenant = trail(&world, placement, 3).await;
        let verdict = verify_audit(&tenant, Known::default()).await.expect("read");
        assert!(verdict.intact, "{placement:?}: {verdict:?}");
        assert_eq!(verdict.entries, 3);
        let stored =
            tenant.collection::<AuditEntry>().find(doc! {}, doc! { "seq": 1 }, 0).await.expect("read");
        let after = stored[0].record.after.as_ref().expect("there");
        assert_eq!((&after["secret"], &after["i"]), (&json!(REDACTED), &json!(i64::MAX)));
        assert_eq!(stored[1].record.previous_hash, stored[0].record.hash);
        assert_eq!(stored[1].record.previous_at, Some(stored[0].record.created_at));
        // Ids and times are BSON's own, so that indexes and TTL work.
        let raw =
            documents(&world, &tenant, placement).find_one(doc! {}).await.expect("read").expect("there");
        assert!(raw.get_object_id("_id").is_ok() && raw.get_datetime("expiresAt").is_ok(), "{raw}");
        assert!(raw.get_document("actor").expect("there").get_object_id("id").is_ok());
        assert!(!raw.to_string().contains("canary"));
    }
}

#[tokio::test]
async fn many_writers_at_once_leave_one_intact_chain() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    let written = join_all((1..=64).map(|number| append_audit(&tenant, None, entry(number)))).await;
    let mut places: Vec<i64> = written.into_iter().map(|entry| entry.expect("written").record.seq).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=64).collect::<Vec<_>>());
    let verdict = verify_audit(&tenant, Known::default()).await.expect("read");
    assert!(verdict.intact && verdict.entries == 64, "{verdict:?}");
}

#[tokio::test]
async fn an_entry_that_is_removed_or_changed_in_the_database_is_found() {
    let world = World::start().await;
    let tenant = trail(&world, Placement::Shared, 5).await;
    let documents = documents(&world, &tenant, Placement::Shared);
    let whole = verify_audit(&tenant, Known::default()).await.expect("read");
    let third = doc! { "tenantId": "t", "seq": 3 };
    let kept = documents.find_one(third.clone()).await.expect("read").expect("there");
    for change in [
        doc! { "after.i": 1 },
        doc! { "actor.id": ObjectId::from_bytes([0; 12]) },
        doc! { "ip": "192.0.2.1" },
        doc! { "createdAt": bson::DateTime::MIN },
        doc! { "status": 403 },
        doc! { "path.roomId": "another" },
    ] {
        documents.update_one(third.clone(), doc! { "$set": &change }).await.expect("changed");
        let verdict = verify_audit(&tenant, Known::default()).await.expect("read");
        assert_eq!(outcome(&verdict), (Some(3), Some(Reason::Changed)), "{change}");
        documents.replace_one(third.clone(), &kept).await.expect("put back");
    }
    // Retention may be changed, and is not what happened.
    let longer = doc! { "$set": { "expiresAt": bson::DateTime::MAX } };
    documents.update_many(doc! { "tenantId": "t" }, longer).await.expect("changed");
    assert_eq!(verify_audit(&tenant, Known::default()).await.expect("read"), whole);

    documents.delete_one(third).await.expect("deleted");
    let verdict = verify_audit(&tenant, Known::default()).await.expect("read");
    assert_eq!(outcome(&verdict), (Some(4), Some(Reason::Removed)));

    documents.delete_many(doc! { "tenantId": "t", "seq": { "$lte": 3 } }).await.expect("deleted");
    let kept_since = |number: i64| Known {
        kept_since: Some(Timestamp(NOW.timestamp_millis() + number)),
        ..Known::default()
    };
    let verdict = verify_audit(&tenant, kept_since(3)).await.expect("read");
    assert_eq!(outcome(&verdict), (Some(4), Some(Reason::HeadRemoved)));
    let verdict = verify_audit(&tenant, kept_since(4)).await.expect("read");
    assert!(verdict.intact && verdict.head_gone, "{verdict:?}");

    let Some(Tail { seq, hash }) = whole.tail else { panic!("there was an end") };
    documents.delete_one(doc! { "tenantId": "t", "seq": seq }).await.expect("deleted");
    let known = Known { tail: Some(Tail { seq, hash }), ..kept_since(4) };
    let verdict = verify_audit(&tenant, known).await.expect("read");
    assert_eq!(outcome(&verdict), (Some(5), Some(Reason::TailRemoved)));
}

#[tokio::test]
async fn a_trail_goes_on_after_all_of_it_has_expired() {
    let world = World::start().await;
    for placement in PLACEMENTS {
        let tenant = trail(&world, placement, 3).await;
        let last = tenant.collection::<AuditEntry>().find_one(doc! { "seq": 3 }).await.expect("read");
        let tail = AuditTail::of(&last.expect("there").record);
        documents(&world, &tenant, placement)
            .delete_many(doc! { "seq": { "$gt": 1 } })
            .await
            .expect("deleted");
        let next = append_audit(&tenant, Some(&tail), entry(9)).await.expect("written").record;
        assert_eq!((next.seq, next.previous_hash.as_str()), (4, tail.hash.as_str()));
        assert_eq!(next.previous_at, Some(tail.written_at.into()));
        // What is there is newer than what is remembered.
        assert_eq!(append_audit(&tenant, Some(&tail), entry(10)).await.expect("written").record.seq, 5);
        let kept_since = Some(Timestamp(NOW.timestamp_millis() + 9));
        let remembered = Some(Tail { seq: 3, hash: tail.hash.clone() });
        let known = Known { kept_since, tail: remembered, expiring: Some((&tail).into()) };
        let verdict = verify_audit(&tenant, known).await.expect("read");
        assert!(verdict.intact && verdict.tail_known, "{placement:?}: {verdict:?}");
    }
}

#[tokio::test]
async fn each_account_has_a_chain_of_its_own() {
    let world = World::start().await;
    world.store.ensure_platform().await.expect("made");
    let accounts: [Id; 2] = [id(1, 1).into(), id(1, 2).into()];
    for account in accounts {
        let both = (1..=2).map(|number| world.store.append_account_audit(account, entry(number)));
        join_all(both).await.into_iter().for_each(|written| drop(written.expect("written")));
    }
    let entries = world.store.platform().collection::<Document>("account_audit_entries");
    entries.delete_one(doc! { "accountId": accounts[0], "seq": 1 }).await.expect("deleted");
    let broken = world.store.verify_account_audit(accounts[0], Known::default()).await.expect("read");
    assert_eq!(outcome(&broken), (Some(2), Some(Reason::HeadRemoved)));
    let intact = world.store.verify_account_audit(accounts[1], Known::default()).await.expect("read");
    assert!(intact.intact && intact.entries == 2);
}

#[tokio::test]
async fn a_tenant_that_is_being_moved_takes_no_entry() {
    let world = World::start().await;
    let tenant = trail(&world, Placement::Shared, 1).await;
    tenant.fence().await.expect("fenced");
    let refused = append_audit(&tenant, None, entry(2)).await.expect_err("fenced");
    assert!(refused.is_fenced(), "{refused}");
}
