//! What was done in a place: one document a version in its `migrations` collection.

use bson::{Bson, DateTime, doc};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::collection::encode;
use crate::error::StoreError;
use crate::migrations::place::Place;

/// A version in a place; there is none for one that was never begun, or was undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Version.
    #[serde(rename = "_id")]
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) state: State,
    /// Which of its changes is next.
    pub(super) change: u32,
    /// `_id` of the last document that this change is done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checkpoint: Option<Bson>,
    /// Documents changed so far.
    pub(super) documents: i64,
    /// The run that wrote this.
    pub(super) run: String,
    pub(super) started_at: DateTime,
    pub(super) updated_at: DateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Begun.
    Applying,
    /// Done.
    Applied,
    /// Being undone.
    Undoing,
}

pub(super) const COLLECTION: &str = "migrations";

/// What a place has, in order.
pub(super) async fn read(place: &Place) -> Result<Vec<Record>, StoreError> {
    let records = place.collection(COLLECTION).clone_with_type::<Record>();
    Ok(records.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect().await?)
}

impl Record {
    pub(super) async fn write(&self, place: &Place) -> Result<(), StoreError> {
        let records = place.collection(COLLECTION);
        records.replace_one(doc! { "_id": self.version }, encode(self)?).upsert(true).await?;
        Ok(())
    }

    pub(super) async fn remove(&self, place: &Place) -> Result<(), StoreError> {
        place.collection(COLLECTION).delete_one(doc! { "_id": self.version }).await?;
        Ok(())
    }
}
