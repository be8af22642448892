//! Measures what a tenant uses.

use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::Timestamp;
use matome_domain::limits::{Levels, Limits, Usage};
use matome_domain::month::Month;

use crate::collection::encode;
use crate::entities::{AiUsage, Message, MonthlyUsage, Room, RoomMember, usage_id};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::time::date;

impl TenantStore {
    /// Sums up what the tenant uses and used in `month`, compares it with `limits`, and writes the
    /// month's [`MonthlyUsage`]. Messages are exact as of the reading, for this month and the one
    /// before; rooms, members and storage are those of now. Done again it writes the same.
    ///
    /// `apiCalls` and `agents` are taken from the document as others counted them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn measure_usage(
        &self,
        month: &Month,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<MonthlyUsage, StoreError> {
        let collection = self.collection::<MonthlyUsage>();
        let id = usage_id(&self.tenant, month);
        let rooms_in_use = self.collection::<Room>();
        let (messages, rooms, max_members, storage_bytes, ai_tokens, others) = tokio::try_join!(
            self.messages(month),
            rooms_in_use.count(doc! { "status": "active" }),
            self.max_members(),
            self.storage_bytes(),
            self.ai_tokens(month),
            self.counted_by_others(month),
        )?;
        let used = Usage { rooms, max_members, messages, storage_bytes, ..others };
        let levels = Levels::of(&used, limits);
        let set = doc! {
            "rooms": count(rooms), "maxMembers": count(max_members), "messages": count(messages),
            "storageBytes": count(storage_bytes), "aiTokens": ai_tokens,
            "levels": encode(&levels)?,
            "level": bson::serialize_to_bson(&levels.highest()).map_err(StoreError::Encode)?,
            "computedAt": date(now), "updatedAt": date(now),
        };
        let update = doc! {
            "$set": set,
            "$inc": { "__v": 1_i64 },
            "$setOnInsert": { "_id": id, "createdAt": date(now) },
        };
        // The filter's fields become the new document's.
        let written = collection.upsert(doc! { "month": month.as_str() }, update).await?;
        Ok(written)
    }

    /// Counted by the rooms that were written in, each in the recorder's transaction.
    async fn messages(&self, month: &Month) -> Result<u64, StoreError> {
        let of_month = doc! { "$filter": {
            "input": "$usage", "cond": { "$eq": ["$$this.month", month.as_str()] },
        } };
        let sum = doc! { "$sum": { "$sum": { "$map": { "input": of_month, "in": "$$this.messages" } } } };
        let rooms = doc! { "usage.month": month.as_str() };
        self.total::<Room>(rooms, vec![doc! { "$group": { "_id": null, "total": sum } }]).await
    }

    async fn max_members(&self) -> Result<u64, StoreError> {
        let stages = vec![
            doc! { "$group": { "_id": "$roomId", "members": { "$sum": 1_i64 } } },
            doc! { "$group": { "_id": null, "total": { "$max": "$members" } } },
        ];
        self.total::<RoomMember>(doc! { "status": "active" }, stages).await
    }

    async fn storage_bytes(&self) -> Result<u64, StoreError> {
        let sum = doc! { "$group": { "_id": null, "total": { "$sum": "$media.fileSize" } } };
        self.total::<Message>(doc! { "media.status": "stored" }, vec![sum]).await
    }

    async fn ai_tokens(&self, month: &Month) -> Result<i64, StoreError> {
        let found = self.collection::<AiUsage>().find_one(doc! { "month": month.as_str() }).await?;
        Ok(found.map_or(0, |usage| usage.tokens_used))
    }

    async fn counted_by_others(&self, month: &Month) -> Result<Usage, StoreError> {
        let usage = self.database.collection::<Document>(&self.name::<MonthlyUsage>());
        let filter = doc! { "tenantId": self.tenant.as_str(), "month": month.as_str() };
        let find = usage.find_one(filter).projection(doc! { "_id": 0, "agents": 1, "apiCalls": 1 });
        let why = |why| StoreError::Decode { collection: MonthlyUsage::COLLECTION.to_owned(), why };
        find.await?.map_or_else(|| Ok(Usage::default()), |d| bson::deserialize_from_document(d).map_err(why))
    }

    /// The `total` that `stages` make of the tenant's matching documents; 0 when there are none.
    async fn total<E: Entity>(&self, mut filter: Document, stages: Vec<Document>) -> Result<u64, StoreError> {
        filter.insert("tenantId", self.tenant.as_str());
        let mut pipeline = vec![doc! { "$match": filter }];
        pipeline.extend(stages);
        let collection = self.database.collection::<Document>(&self.name::<E>());
        let answer: Vec<Document> = collection.aggregate(pipeline).await?.try_collect().await?;
        let total = answer.first().and_then(|first| first.get("total"));
        let total = total.and_then(|total| match total {
            bson::Bson::Int32(n) => Some(i64::from(*n)),
            bson::Bson::Int64(n) => Some(*n),
            _ => None,
        });
        Ok(total.and_then(|n| u64::try_from(n).ok()).unwrap_or_default())
    }
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
