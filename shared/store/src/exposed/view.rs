//! What is shown: which fields are fetched, and a document as its view.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};

use super::Exposed;
use crate::error::StoreError;

/// By entity: a schema takes longer to make than a page takes to find.
static FIELDS: LazyLock<RwLock<HashMap<TypeId, Arc<[String]>>>> = LazyLock::new(RwLock::default);

/// The names of a view's fields, as the API shows them: what `fields=` may name.
#[must_use]
pub fn view_fields<E: Exposed>() -> Arc<[String]> {
    let key = TypeId::of::<E>();
    if let Some(fields) = FIELDS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(fields);
    }
    let schema = schemars::schema_for!(E::View);
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let fields: Arc<[String]> = properties.into_iter().flat_map(|p| p.keys().cloned()).collect();
    FIELDS.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&fields));
    fields
}

/// The same as stored, for MongoDB.
#[must_use]
pub fn projection<E: Exposed>() -> Document {
    let stored = |name: &String| match name.as_str() {
        "id" => "_id".to_owned(),
        "version" => "__v".to_owned(),
        _ => name.clone(),
    };
    let mut projection = doc! { "_id": 1, "__v": 1 };
    projection.extend(E::ROOM.map(|field| (field.to_owned(), 1.into())));
    projection.extend(view_fields::<E>().iter().map(|name| (stored(name), 1.into())));
    projection
}

/// A document as the API shows it.
pub struct Shown<E: Exposed> {
    /// `_id`.
    pub id: Bson,
    /// `__v`, for ETag and If-Match; 0 when it has none yet.
    pub version: i64,
    /// The room it is in ([`Exposed::ROOM`]).
    pub room: Option<ObjectId>,
    /// The rest.
    pub view: E::View,
}

impl<E: Exposed> Clone for Shown<E> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), version: self.version, room: self.room, view: self.view.clone() }
    }
}

/// Tells what it is, not what it says.
impl<E: Exposed> std::fmt::Debug for Shown<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} at version {}", E::NAME, self.id, self.version)
    }
}

impl<E: Exposed> Shown<E> {
    pub(crate) fn of(document: Document) -> Result<Self, StoreError> {
        let id = document.get("_id").cloned().unwrap_or(Bson::Null);
        let version = version(&document);
        let room = E::ROOM.and_then(|field| document.get_object_id(field).ok());
        let fail = |why| StoreError::Decode { collection: E::COLLECTION.to_owned(), why };
        Ok(Self { id, version, room, view: bson::deserialize_from_document(document).map_err(fail)? })
    }
}

/// The version of a stored document.
pub(crate) fn version(document: &Document) -> i64 {
    match document.get("__v") {
        Some(Bson::Int64(version)) => *version,
        Some(Bson::Int32(version)) => i64::from(*version),
        _ => 0,
    }
}
