//! The end of an audit trail is remembered before retention takes it.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_scheduler::handle;
use matome_store::audit::{NewAuditEntry, append_audit};
use matome_store::entities::{ActorKind, AuditActor, AuditPhase, Organization};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};

use crate::stage::scheduler;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Far beyond the machine's own clock, by which MongoDB removes what has expired.
const LATE: Timestamp = Timestamp(2 * BEGIN.0);

async fn written(tenant: &TestTenant, request: &str, kept_days: u32) {
    let entry = NewAuditEntry {
        phase: AuditPhase::Ended,
        operation: "rooms.update".to_owned(),
        begun_id: None,
        actor: AuditActor { kind: ActorKind::System, id: None },
        ip: None,
        user_agent: None,
        request_id: request.to_owned(),
        target: None,
        path: Default::default(),
        status: Some(200),
        before: None,
        after: None,
        created_at: LATE.into(),
        expires_at: LATE.plus(DAY * kept_days).into(),
    };
    append_audit(&tenant.store, None, entry).await.unwrap();
}

async fn organization(system: &TestSystem, tenant: &TestTenant) -> Organization {
    let organizations = system.store.platform_collection::<Organization>();
    organizations.find_one(doc! { "tenantId": tenant.id.as_str() }).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_end_is_remembered_in_the_week_before_it_goes_in_every_placement() {
    let system = TestSystem::start().await;
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let tenant = system.tenant(placement).await;
        written(&tenant, "first", 5).await;
        written(&tenant, "last", 30).await;
        system.clock.set(LATE);
        let before = organization(&system, &tenant).await;
        let sweep = async || {
            let organizations = system.store.platform_collection::<Organization>();
            let due = doc! { "$unset": { "usageDueAt": "" } };
            organizations.update_many(doc! {}, due).await.unwrap();
            handle(&scheduler(&system, Faults::none()).0).await.unwrap();
            organization(&system, &tenant).await
        };
        // An older one that goes is not the end.
        assert_eq!(sweep().await.audit_tail, None, "{placement:?}");
        system.clock.set(LATE.plus(DAY * 24));
        let after = sweep().await;
        assert_eq!(after.audit_tail.map(|tail| tail.seq), Some(2), "{placement:?}");
        assert_eq!((after.version, after.updated_at), (before.version, before.updated_at));
    }
}
