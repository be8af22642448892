//! Which fields are fetched for a view.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use bson::{Document, doc};

use super::Exposed;

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
    projection.extend(view_fields::<E>().iter().map(|name| (stored(name), 1.into())));
    projection
}
