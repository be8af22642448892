//! Isolation of tenants in MongoDB: every tenant against another one, for every entity and every pair of
//! placements. What is tried stands in [`attack`], once; the entities come from their one list, so that
//! a new one is covered as soon as `samples.rs` has a document of it, and fails here until then.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bson::{Bson, Document, doc};
use futures::future::{FutureExt, LocalBoxFuture, join_all};
use matome_domain::ids::TenantId;
use matome_domain::limits::Limits;
use matome_domain::month::Month;
use matome_domain::placement::Placement;
use matome_store::collection::encode;
use matome_store::entities::{EntityVisitor, tenant_declarations, visit_tenant_entities};
use matome_store::transaction::{LookUp, decode};
use matome_store::usage::CountedElsewhere;
use matome_store::{Entity, StoreError, TenantStore, Write};

use crate::world::{Contents, Still, World};
use crate::{PLACEMENTS, samples};

/// The one id begins like the other.
const TENANTS: [&str; 2] = ["t1", "t10"];

/// Stages that reach other collections, as they would be asked of one named `from`.
fn reaching_stages(from: &str) -> Vec<Document> {
    vec![
        doc! { "$lookup": { "from": from, "pipeline": [], "as": "x" } },
        doc! { "$unionWith": { "coll": from, "pipeline": [] } },
        doc! { "$graphLookup": {
            "from": from, "startWith": "$_id", "connectFromField": "_id", "connectToField": "_id", "as": "x",
        } },
        doc! { "$facet": { "x": [{ "$unionWith": from }] } },
        doc! { "$out": from },
        doc! { "$merge": { "into": from } },
        doc! { "$documents": [] },
    ]
}

/// Somebody who knows all ids of the other one.
struct Attack<'a> {
    /// Who asks.
    own: &'a TenantStore,
    /// Whose data are asked for.
    other: &'a TenantStore,
}

/// Everything that can be asked of one entity.
trait Attacked {
    /// Puts a sample into the tenant's collection.
    fn insert<'a>(&'a self, into: &'a TenantStore, sample: &'a Document) -> LocalBoxFuture<'a, ()>;

    /// Tries to read, count and change the other's documents, given one of them and one of one's own.
    fn attack<'a>(
        &'a self,
        by: &'a Attack<'a>,
        theirs: &'a Document,
        own: &'a Document,
    ) -> LocalBoxFuture<'a, ()>;
}

struct Of<E>(PhantomData<fn() -> E>);

impl<E: Entity> Attacked for Of<E> {
    fn insert<'a>(&'a self, into: &'a TenantStore, sample: &'a Document) -> LocalBoxFuture<'a, ()> {
        async move { into.collection::<E>().insert(&entity(sample)).await.expect("a sample can be stored") }
            .boxed_local()
    }

    fn attack<'a>(
        &'a self,
        by: &'a Attack<'a>,
        theirs: &'a Document,
        own: &'a Document,
    ) -> LocalBoxFuture<'a, ()> {
        async move {
            for filter in by.filters(theirs) {
                by.read::<E>(&filter).await;
                by.change::<E>(&filter).await;
            }
            by.give_away::<E>(theirs, own).await;
            by.look_beyond::<E>(theirs).await;
        }
        .boxed_local()
    }
}

/// Every entity of a tenant, by its collection.
fn entities() -> BTreeMap<&'static str, Box<dyn Attacked>> {
    struct All(BTreeMap<&'static str, Box<dyn Attacked>>);

    impl EntityVisitor for All {
        fn visit<E: Entity>(&mut self) {
            self.0.insert(E::COLLECTION, Box::new(Of::<E>(PhantomData)));
        }
    }

    let mut all = All(BTreeMap::new());
    visit_tenant_entities(&mut all);
    assert_eq!(all.0.len(), tenant_declarations().len());
    all.0
}

fn entity<E: Entity>(document: &Document) -> E {
    bson::deserialize_from_document(document.clone()).expect("a sample is one")
}

fn is_refused<T>(outcome: Result<T, StoreError>, what: &str) {
    match outcome {
        Err(StoreError::BeyondTenant { .. }) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what} was done"),
    }
}

impl Attack<'_> {
    /// Whose documents were found: one's own only.
    fn check<E: Entity>(&self, found: impl IntoIterator<Item = E>, how: &Document) {
        for document in found {
            self.check_document(&encode(&document).expect("can be written"), E::COLLECTION, how);
        }
    }

    fn check_document(&self, found: &Document, collection: &str, how: &Document) {
        let whose = found.get_str("tenantId").expect("every document says whose it is");
        assert_eq!(whose, self.own.tenant_id().as_str(), "{collection} by {how}");
    }

    /// Filters that name the other's document, its tenant, or anybody's.
    fn filters(&self, theirs: &Document) -> Vec<Document> {
        let id = theirs.get("_id").expect("samples have ids").clone();
        let (own, other) = (self.own.tenant_id().as_str(), self.other.tenant_id().as_str());
        vec![
            doc! {},
            doc! { "_id": &id },
            doc! { "_id": { "$in": [&id] } },
            doc! { "_id": &id, "tenantId": other },
            doc! { "tenantId": other },
            doc! { "tenantId": { "$ne": own } },
            doc! { "tenantId": { "$in": [own, other] } },
            doc! { "$or": [{ "tenantId": other }, { "_id": &id }] },
            doc! { "$or": [{ "tenantId": other }, {}] },
            doc! { "$and": [{ "tenantId": other }] },
            doc! { "$nor": [{ "tenantId": own }] },
            doc! { "$expr": { "$eq": ["$tenantId", other] } },
            doc! { "$expr": true },
            doc! { "$where": "true" },
            doc! { "$where": format!("this.tenantId == '{other}'") },
            doc! { "$jsonSchema": { "properties": { "tenantId": { "enum": [other] } } } },
        ]
    }

    async fn read<E: Entity>(&self, filter: &Document) {
        let collection = self.own.collection::<E>();
        if let Some(id) = filter.get("_id").filter(|id| id.as_document().is_none()) {
            self.check(collection.get(id.clone()).await.expect("read"), filter);
        }
        self.check(collection.find_one(filter.clone()).await.expect("read"), filter);
        let found = collection.find(filter.clone(), doc! { "_id": 1 }, 0).await.expect("read");
        if filter.contains_key("$where") {
            self.check(found, filter);
            // Pipelines know no JavaScript, and counting is one.
            assert!(collection.count(filter.clone()).await.is_err());
            return;
        }
        let counted = collection.count(filter.clone()).await.expect("counted");
        assert_eq!(counted, found.len() as u64, "{} by {filter}", E::COLLECTION);
        if filter.is_empty() {
            assert!(counted >= 2, "one's own are there");
        }
        self.check(found, filter);
        let read = async |t: &mut matome_store::Transaction<'_>| {
            let one = match filter.get("_id").filter(|id| id.as_document().is_none()) {
                Some(id) => t.get::<E>(id.clone()).await?,
                None => None,
            };
            let look_up = vec![LookUp::of::<E>(self.own, filter.clone(), "found")];
            Ok((one, t.find_one::<E>(filter.clone()).await?, t.look_up(look_up).await?))
        };
        let (one, other, mut looked_up) = self.own.transaction(read).await.expect("read");
        self.check(one.into_iter().chain(other), filter);
        self.check(decode::<E>(&mut looked_up, "found").expect("decoded"), filter);
        // Made for the other's collection, asked by us.
        for store in [self.own, self.other] {
            let look_up = vec![LookUp::of::<E>(store, filter.clone(), "found")];
            let mut answer = self.own.look_up(look_up).await.expect("read");
            self.check(decode::<E>(&mut answer, "found").expect("decoded"), filter);
        }
    }

    /// What it matches is one's own; whether the other's stayed as it was is seen at the end.
    async fn change<E: Entity>(&self, filter: &Document) {
        let collection = self.own.collection::<E>();
        let set = || doc! { "$set": { "changedBy": self.own.tenant_id().as_str() } };
        collection.update(filter.clone(), set()).await.expect("asked");
        self.check(collection.find_and_update(filter.clone(), set()).await.expect("asked"), filter);
        // Where nothing matches it makes a document of the filter, which the server may well refuse.
        if let Ok(made) = collection.upsert(filter.clone(), set()).await {
            self.check([made], filter);
        }
        if let Some(id) = filter.get("_id").filter(|id| id.as_document().is_none()) {
            let write = || vec![Write::update(id.clone(), set())];
            self.own.transaction(async |t| t.write::<E>(write()).await).await.expect("matches nothing");
        }
    }

    /// Documents for the other tenant, new or one's own.
    async fn give_away<E: Entity>(&self, theirs: &Document, own: &Document) {
        let (name, other) = (E::COLLECTION, self.other.tenant_id().as_str());
        let (id, own_id) = (theirs.get("_id").expect("has one"), own.get("_id").expect("has one"));
        let mut fresh = theirs.clone();
        fresh.insert("_id", samples::id(99, 99));
        let collection = self.own.collection::<E>();
        for forged in [theirs, &fresh] {
            let forged: E = entity(forged);
            is_refused(collection.insert(&forged).await, &format!("{name}: an insert for another tenant"));
            let inserted =
                self.own.transaction(async |t| t.insert(std::slice::from_ref(&forged)).await).await;
            is_refused(inserted, &format!("{name}: an insert in a transaction for another tenant"));
            for id in [id, own_id] {
                let put = || Ok::<_, StoreError>(vec![Write::put(id.clone(), &forged)?]);
                let put = self.own.transaction(async |t| t.write::<E>(put()?).await).await;
                is_refused(put, &format!("{name}: a whole document for another tenant"));
            }
        }
        for update in [
            doc! { "$set": { "tenantId": other } },
            doc! { "$set": { "tenantId": { "$literal": other } } },
            doc! { "$setOnInsert": { "tenantId": other } },
            doc! { "$unset": { "tenantId": "" } },
            doc! { "$rename": { "changedBy": "tenantId" } },
            doc! { "$min": { "tenantId": "" } },
        ] {
            let what = format!("{name}: {update}");
            for id in [id, own_id] {
                let by_id = doc! { "_id": id };
                is_refused(collection.update(by_id.clone(), update.clone()).await, &what);
                is_refused(collection.find_and_update(by_id.clone(), update.clone()).await, &what);
                is_refused(collection.upsert(by_id, update.clone()).await, &what);
                for upsert in [false, true] {
                    let write = || vec![Write { id: id.clone(), update: update.clone(), upsert }];
                    let written = self.own.transaction(async |t| t.write::<E>(write()).await).await;
                    is_refused(written, &what);
                }
            }
        }
    }

    /// Through stages and joins.
    async fn look_beyond<E: Entity>(&self, theirs: &Document) {
        for stage in reaching_stages(&self.other.name::<E>()) {
            let what = format!("{}: {stage}", E::COLLECTION);
            let look_up = || vec![LookUp::of::<E>(self.own, doc! {}, "found").then(stage.clone())];
            is_refused(self.own.look_up(look_up()).await, &what);
            is_refused(self.own.transaction(async |t| t.look_up(look_up()).await).await, &what);
        }
        // One's own documents, made to name themselves and the other's.
        let named = doc! { "$addFields": { "named": ["$_id", theirs.get("_id").expect("has one")] } };
        for store in [self.own, self.other] {
            let look_up = LookUp::of::<E>(self.own, doc! {}, "found").then(named.clone());
            let look_up = vec![look_up.join::<E>(store, "named", "joined")];
            let mut answer = self.own.look_up(look_up).await.expect("read");
            let found = decode::<Document>(&mut answer, "found").expect("decoded");
            assert!(!found.is_empty(), "one's own are there");
            for mut found in found {
                let joined = decode::<Document>(&mut found, "joined").expect("decoded");
                // The other's collection, where it is another one, has nothing of one's own.
                let same = self.own.name::<E>() == store.name::<E>();
                assert!(!joined.is_empty() || !same, "{} joins nothing", E::COLLECTION);
                for joined in joined {
                    self.check_document(&joined, E::COLLECTION, &doc! { "joined": theirs });
                }
            }
        }
    }
}

/// Samples for each collection. The first tenant has the ids that the documents of both refer to.
fn stored(tenant: usize) -> Vec<(&'static str, Document)> {
    let id = TENANTS[tenant];
    let mut documents: Vec<_> = (1..=2).flat_map(|number| samples::of_tenant(id, number)).collect();
    if tenant > 0 {
        for (_, document) in &mut documents {
            let other = document.get_object_id("_id").expect("samples have ObjectIds");
            document.insert("_id", matome_store::id::derived(&[id, &other.to_hex()]));
        }
    }
    documents
}

async fn matrix(placements: [Placement; 2]) {
    let world = World::start().await;
    let entities = entities();
    let mut stores = Vec::new();
    for (n, placement) in placements.into_iter().enumerate() {
        let store = world.tenant(TENANTS[n], placement).await;
        for (collection, sample) in &stored(n) {
            let entity = entities.get(collection).expect("samples are of the list's entities");
            entity.insert(&store, sample).await;
        }
        stores.push(store);
    }
    for (own, other) in [(0, 1), (1, 0)] {
        let before = world.contents(TENANTS[other], placements[other]).await;
        assert_eq!(before.len(), 2 * entities.len(), "samples.rs has a document of every entity");
        let attack = Attack { own: &stores[own], other: &stores[other] };
        let (theirs, owns) = (stored(other), stored(own));
        let first = |samples: &[(&'static str, Document)], collection: &str| {
            samples.iter().find(|(name, _)| *name == collection).map(|(_, d)| d.clone()).expect("has one")
        };
        let attacks = entities.iter().map(async |(collection, entity)| {
            entity.attack(&attack, &first(&theirs, collection), &first(&owns, collection)).await;
        });
        join_all(attacks).await;
        let after: Contents = world.contents(TENANTS[other], placements[other]).await;
        assert!(before == after, "{} changed something of {}", TENANTS[own], TENANTS[other]);
    }
    nothing_elsewhere(&world, placements).await;
}

/// Every document of every database belongs to the tenant that may have it there.
async fn nothing_elsewhere(world: &World, placements: [Placement; 2]) {
    let tenants = TENANTS.map(|id| TenantId::new(id).expect("valid"));
    for (at, placement) in placements.into_iter().enumerate() {
        let database = world.database_of(&tenants[at], placement);
        for declaration in tenant_declarations() {
            let name = placement.collection(&tenants[at], declaration.collection);
            let shared = placements == [Placement::Shared; 2];
            let may = if shared { &TENANTS[..] } else { &TENANTS[at..=at] };
            let strangers = doc! { "tenantId": { "$nin": may } };
            let strangers = database.collection::<Document>(&name).count_documents(strangers).await;
            assert_eq!(strangers.expect("counted"), 0, "{name}");
        }
    }
}

macro_rules! matrix {
    ($($name:ident: $own:ident, $other:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                matrix([Placement::$own, Placement::$other]).await;
            }
        )*

        #[test]
        fn every_pair_of_placements_is_in_the_matrix() {
            let pairs = [$([Placement::$own, Placement::$other]),*];
            for pair in PLACEMENTS.iter().flat_map(|own| PLACEMENTS.map(|other| [*own, other])) {
                assert!(pairs.contains(&pair), "{pair:?}");
            }
        }
    };
}

matrix! {
    neither_of_two_shared_tenants_reaches_the_other: Shared, Shared;
    neither_a_shared_tenant_nor_a_set_reaches_the_other: Shared, CollectionSet;
    neither_a_shared_tenant_nor_a_dedicated_one_reaches_the_other: Shared, Dedicated;
    neither_a_set_nor_a_shared_tenant_reaches_the_other: CollectionSet, Shared;
    neither_of_two_sets_reaches_the_other: CollectionSet, CollectionSet;
    neither_a_set_nor_a_dedicated_tenant_reaches_the_other: CollectionSet, Dedicated;
    neither_a_dedicated_tenant_nor_a_shared_one_reaches_the_other: Dedicated, Shared;
    neither_a_dedicated_tenant_nor_a_set_reaches_the_other: Dedicated, CollectionSet;
    neither_of_two_dedicated_tenants_reaches_the_other: Dedicated, Dedicated;
}

#[tokio::test]
async fn what_one_tenant_has_changes_no_count_of_another() {
    let now = matome_domain::clock::Clock::now(&Still);
    let month = Month::of(now);
    for pair in PLACEMENTS.iter().flat_map(|own| PLACEMENTS.map(|other| [*own, other])) {
        let world = World::start().await;
        let (ours, theirs) =
            (world.tenant(TENANTS[0], pair[0]).await, world.tenant(TENANTS[1], pair[1]).await);
        let limits = Limits { max_rooms: Some(2), ..Limits::default() };
        let measure = async |store: &TenantStore| {
            let measured = store.measure_usage(&month, &limits, CountedElsewhere::default(), now).await;
            measured.expect("measured")
        };
        world.fill(TENANTS[0], pair[0], 2, 3).await;
        let before = measure(&ours).await;
        assert_eq!((before.usage.used.rooms, before.raised.len()), (2, 1), "{pair:?}");
        world.fill(TENANTS[1], pair[1], 5, 50).await;
        let other = measure(&theirs).await;
        assert_eq!((other.usage.used.rooms, other.raised.len()), (5, 1), "{pair:?}");
        let after = measure(&ours).await;
        assert_eq!((after.usage.used, after.totals), (before.usage.used, before.totals), "{pair:?}");
        assert_eq!(after.raised, [], "{pair:?}");
    }
}

#[test]
fn no_unique_index_spans_tenants() {
    for declaration in tenant_declarations() {
        for index in declaration.indexes.iter().filter(|index| index.unique) {
            let first = index.keys.iter().next();
            assert_eq!(first, Some((&"tenantId".to_owned(), &Bson::Int32(1))), "{}", declaration.collection);
        }
    }
}

mod names {
    //! Names of databases and collections, for ids that were made to meet.

    use proptest::prelude::*;

    use super::*;

    /// Ids made of what names are made of.
    fn tenant() -> impl Strategy<Value = TenantId> {
        let collections = tenant_declarations().into_iter().map(|d| d.collection);
        let mut parts: Vec<String> =
            collections.flat_map(|name| name.split('_').map(str::to_owned).collect::<Vec<_>>()).collect();
        parts.extend(["_", "-", "a", "A", "platform", "shared", "sets"].map(str::to_owned));
        prop::collection::vec(prop::sample::select(parts), 1..4)
            .prop_filter_map("an id", |parts| TenantId::new(parts.concat()).ok())
    }

    /// The second one often begins with the first one.
    fn pair() -> impl Strategy<Value = (TenantId, TenantId)> {
        let longer = |(a, more): (TenantId, String)| {
            TenantId::new(format!("{a}{more}")).ok().map(|longer| (a, longer))
        };
        let more = prop::sample::select(vec!["_ai", "_room", "-ai", "_push", "_inbound", "1"]);
        let begins = (tenant(), more.prop_map(str::to_owned)).prop_filter_map("an id", longer);
        prop_oneof![(tenant(), tenant()), begins]
    }

    /// Every collection a tenant may have, with its placement.
    fn places(tenant: &TenantId) -> BTreeMap<(String, String), Placement> {
        let collections: Vec<_> = tenant_declarations().into_iter().map(|d| d.collection).collect();
        let of = |placement: Placement| {
            // MongoDB takes databases that differ in case only for the same, and refuses the second.
            let database = placement.database("matome", tenant).to_ascii_lowercase();
            let name = move |collection| (database.clone(), placement.collection(tenant, collection));
            collections.iter().map(move |collection| (name(collection), placement))
        };
        PLACEMENTS.into_iter().flat_map(of).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn no_two_tenants_have_a_collection_in_common_but_the_shared_ones((a, b) in pair()) {
            prop_assume!(!a.as_str().eq_ignore_ascii_case(b.as_str()));
            let (mine, theirs) = (places(&a), places(&b));
            // Each placement of a tenant has names of its own.
            prop_assert_eq!(mine.len(), PLACEMENTS.len() * tenant_declarations().len());
            for (name, placement) in &mine {
                prop_assert_ne!(&name.0, "matome_platform");
                if let Some(other) = theirs.get(name) {
                    prop_assert_eq!((*placement, *other), (Placement::Shared, Placement::Shared), "{:?}", name);
                }
            }
        }
    }
}
