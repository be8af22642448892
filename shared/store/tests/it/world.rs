//! Databases of one test's own, as the store sees them and as they are.

use std::collections::BTreeMap;

use bson::raw::RawDocumentBuf;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_store::entities::tenant_declarations;
use matome_store::{Store, TenantStore};
use mongodb::{Client, Database};

use crate::samples;

/// Every document of a tenant, to the byte.
pub(crate) type Contents = BTreeMap<(String, Vec<u8>), RawDocumentBuf>;

pub(crate) struct World {
    pub(crate) uri: String,
    pub(crate) prefix: String,
    pub(crate) store: Store,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        let uri = matome_local_stack::shared::mongodb_uri().await.expect("the shared MongoDB starts");
        Self::on(&uri).await
    }

    pub(crate) async fn on(uri: &str) -> Self {
        let prefix = Self::prefix();
        let store = Store::connect(uri, &prefix, 16).await.expect("the URI is valid");
        let client = Client::with_uri_str(uri).await.expect("the URI is valid");
        Self { uri: uri.to_owned(), prefix, store, client }
    }

    /// For databases nobody else has.
    pub(crate) fn prefix() -> String {
        format!("s{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
    }

    /// A tenant's handle, without making anything.
    pub(crate) fn place(&self, id: &str, placement: Placement) -> TenantStore {
        self.store.tenant(&TenantId::new(id).expect("a valid id"), placement)
    }

    /// A tenant's handle, with collections.
    pub(crate) async fn tenant(&self, id: &str, placement: Placement) -> TenantStore {
        let tenant = self.place(id, placement);
        tenant.ensure_collections().await.expect("collections can be made");
        tenant
    }

    /// The database a tenant's placement uses, past the store.
    pub(crate) fn database_of(&self, id: &TenantId, placement: Placement) -> Database {
        self.client.database(&placement.database(&self.prefix, id))
    }

    /// The shared database.
    pub(crate) fn database(&self, tenant: &TenantStore) -> Database {
        self.database_of(tenant.tenant_id(), Placement::Shared)
    }

    /// Puts `sets` documents into each collection of a tenant, and `messages` messages.
    pub(crate) async fn fill(&self, id: &str, placement: Placement, sets: u32, messages: u32) {
        let id = TenantId::new(id).expect("a valid id");
        let database = self.database_of(&id, placement);
        let mut by_collection: BTreeMap<&str, Vec<Document>> = BTreeMap::new();
        for (collection, mut document) in (0..sets).flat_map(|n| samples::of_tenant(id.as_str(), n)) {
            document.insert("_id", of_tenant(&document, &id));
            by_collection.entry(collection).or_default().push(document);
        }
        for number in sets..sets + messages {
            let message = samples::message(id.as_str(), number);
            let mut message = matome_store::collection::encode(&message).expect("can be written");
            message.insert("_id", of_tenant(&message, &id));
            by_collection.entry("messages").or_default().push(message);
        }
        for (collection, documents) in by_collection {
            let name = placement.collection(&id, collection);
            database.collection::<Document>(&name).insert_many(documents).await.expect("stored");
        }
    }

    /// Everything a tenant has in a placement.
    pub(crate) async fn contents(&self, id: &str, placement: Placement) -> Contents {
        let id = TenantId::new(id).expect("a valid id");
        let database = self.database_of(&id, placement);
        let mut contents = Contents::new();
        for declaration in tenant_declarations() {
            let name = placement.collection(&id, declaration.collection);
            let collection = database.collection::<RawDocumentBuf>(&name);
            let cursor = collection.find(doc! { "tenantId": id.as_str() }).await.expect("read");
            let documents: Vec<RawDocumentBuf> = cursor.try_collect().await.expect("read");
            for document in documents {
                let key = document.get("_id").expect("read").expect("every document has one");
                let key = format!("{key:?}").into_bytes();
                let before = contents.insert((declaration.collection.to_owned(), key), document);
                assert!(before.is_none(), "an id twice");
            }
        }
        contents
    }
}

/// Ids of different tenants differ, as derived ones do.
fn of_tenant(document: &Document, tenant: &TenantId) -> bson::oid::ObjectId {
    let id = document.get_object_id("_id").expect("samples have ObjectIds");
    matome_store::id::derived(&[tenant.as_str(), &id.to_hex()])
}

/// Stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(samples::NOW.timestamp_millis())
    }
}
