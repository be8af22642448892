//! That no list goes through a whole collection, asked of MongoDB itself.

use bson::{Bson, DateTime, Document, doc};
use futures::future::BoxFuture;
use matome_domain::placement::Placement;
use matome_store::entities::{
    AccountAuditEntry, Channel, Device, ExposedVisitor, LoginSession, Message, Room, RoomMember, User,
    visit_exposed_entities,
};
use matome_store::exposed::{Bound, Cursor, Exposed, Filter, FilterKind, PageQuery, Sort};
use matome_store::{Collection, Entity, Scope, TenantStore};

use crate::samples;
use crate::world::World;

/// The stages of a plan, from the last to the first.
fn stages(plan: &Document, found: &mut Vec<String>) {
    // The slot-based engine shows its own plan beside the one meant here.
    let plan = plan.get_document("queryPlan").unwrap_or(plan);
    found.extend(plan.get_str("stage").map(str::to_owned));
    let inputs = plan.get_array("inputStages").into_iter().flatten().filter_map(Bson::as_document);
    for input in inputs.chain(plan.get_document("inputStage")) {
        stages(input, found);
    }
}

fn asked(filter: &Filter) -> Document {
    let (bound, text) = match &filter.kind {
        FilterKind::Text => (Bound::Equal, "c".to_owned()),
        FilterKind::Words => (Bound::Equal, "picnic".to_owned()),
        FilterKind::Enum(values) => (Bound::Equal, values[0].clone()),
        FilterKind::Id => (Bound::Equal, samples::id(1, 0).to_hex()),
        FilterKind::Bool => (Bound::Equal, "true".to_owned()),
        FilterKind::Number => (Bound::Equal, "1".to_owned()),
        FilterKind::Time => (Bound::From, "2026-01-01T00:00:00Z".to_owned()),
    };
    let mut document = Document::new();
    filter.apply(bound, &text, &mut document).expect("such a value");
    document
}

/// Keys as they can stand in the sorted field.
fn key(sort: Sort) -> Bson {
    if sort.path == "displayName" { "m".into() } else { DateTime::from_millis(1_795_165_200_500).into() }
}

/// Lists that the API only gives out within something else.
fn within<E: Entity>() -> Document {
    let own = [Device::COLLECTION, LoginSession::COLLECTION, AccountAuditEntry::COLLECTION];
    if own.contains(&E::COLLECTION) {
        doc! { "accountId": samples::id(30, 0) }
    } else {
        Document::new()
    }
}

/// Walks over filters × sorts × directions × first and later pages; what is wrong with each.
async fn wrong<E: Exposed>(collection: Collection<E>) -> Vec<String> {
    let mut wrong = Vec::new();
    // Lists that are short by nature: sorting what was found is cheap.
    let large = E::SCOPE == Scope::Tenant && E::COLLECTION != RoomMember::COLLECTION;
    let declared = E::filters();
    let filters = std::iter::once(None).chain(declared.iter().map(Some));
    for filter in filters {
        let mut document = filter.map(asked).unwrap_or_default();
        document.extend(within::<E>());
        for sort in E::sorts() {
            for descending in [true, false] {
                let sort = Sort { descending, ..sort };
                let keys = [Some(key(sort)), sort.nullable.then_some(Bson::Null)];
                let after = keys.into_iter().flatten().map(|key| Some(Cursor { key, id: samples::id(9, 9) }));
                for after in std::iter::once(None).chain(after) {
                    for deleted in [false, true] {
                        let first = PageQuery::first(document.clone(), sort, 20);
                        let query = PageQuery { after: after.clone(), deleted, ..first };
                        let told = collection.explain_page(&query).await.expect("explained");
                        let plan =
                            told.get_document("queryPlanner").and_then(|p| p.get_document("winningPlan"));
                        let mut found = Vec::new();
                        stages(plan.expect("a plan"), &mut found);
                        let sorts = large && !filter.is_some_and(|filter| filter.few);
                        let bad = |stage: &String| stage == "COLLSCAN" || (sorts && stage == "SORT");
                        if found.is_empty() || found.iter().any(bad) {
                            let of = filter.map_or("everything", |filter| filter.name);
                            wrong.push(format!("{} of {of} by {sort}, {after:?}: {found:?}", E::COLLECTION));
                        }
                    }
                }
            }
        }
    }
    wrong
}

/// A look at each entity's list, as the API reaches it.
struct Walk<'w> {
    world: &'w World,
    tenant: &'w TenantStore,
    lists: Vec<BoxFuture<'w, Vec<String>>>,
}

impl ExposedVisitor for Walk<'_> {
    fn visit<E: Exposed>(&mut self) {
        let collection = match E::SCOPE {
            Scope::Tenant => self.tenant.collection::<E>(),
            Scope::TenantOnPlatform => self.world.store.of_tenant::<E>(self.tenant.tenant_id()),
            Scope::Platform => self.world.store.of_platform::<E>(),
        };
        self.lists.push(Box::pin(wrong(collection)));
    }
}

#[tokio::test]
async fn no_list_goes_through_a_collection_or_sorts_what_it_found() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    world.fill("t", Placement::Shared, 60, 240).await;
    world.fill("other", Placement::Shared, 20, 80).await;
    world.store.ensure_platform().await.expect("made");
    for (collection, document) in samples::of_platform() {
        let documents = world.store.platform().collection::<Document>(collection);
        documents.insert_one(document).await.expect("stored");
    }
    let mut walk = Walk { world: &world, tenant: &tenant, lists: Vec::new() };
    visit_exposed_entities(&mut walk);
    // The other ways to some of them.
    let hidden = [samples::id(1, 3)];
    walk.lists.push(Box::pin(wrong(tenant.collection::<Room>().hiding(&hidden))));
    walk.lists.push(Box::pin(wrong(tenant.collection::<Message>().hiding(&hidden))));
    walk.lists.push(Box::pin(wrong(world.store.of_tenant::<Channel>(tenant.tenant_id()))));
    let checked = futures::future::join_all(walk.lists).await;
    assert_eq!(checked.concat(), Vec::<String>::new());
}

#[tokio::test]
async fn the_test_above_would_show_a_scan() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    world.fill("t", Placement::Shared, 10, 0).await;
    let unindexed = Sort::ascending("statistics.totalMessages");
    let query = PageQuery::first(doc! {}, unindexed, 5);
    let told = tenant.collection::<User>().explain_page(&query).await.expect("explained");
    let mut found = Vec::new();
    stages(told.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap(), &mut found);
    assert!(found.iter().any(|stage| stage == "SORT"), "{found:?}");
}
