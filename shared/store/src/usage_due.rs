//! Whose usage is to be measured, and what the platform remembers of it.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::limits::Limits;
use matome_domain::month::Month;
use matome_domain::placement::{HOME_CELL, Placement};
use serde::Deserialize;

use crate::collection::encode;
use crate::entities::{Channel, LastUsage, Organization, Owner};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;
use crate::time::date;
use crate::usage::ChannelCounts;
use crate::validators::acknowledged;

/// Organizations that have data to be measured. Others have none yet, or none any more.
const MEASURED: [&str; 3] = ["active", "moving", "suspended"];
/// Bytes in the megabyte of `owner.usage.storageUsedMB`.
const MEGABYTE: f64 = 1_000_000.0;

/// An organization, as far as it has to be known to be measured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueUsage {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The same as the tenant's.
    pub tenant_id: TenantId,
    /// Who pays.
    pub owner_id: ObjectId,
    /// Where its data lives.
    #[serde(default)]
    pub placement: Placement,
    /// In which cell.
    #[serde(default = "home")]
    pub cell: String,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// When its trial ends.
    #[serde(default)]
    pub trial_ends_at: Option<DateTime>,
    /// Since when it is served as on the free plan, because nobody paid.
    #[serde(default)]
    pub trial_ended_at: Option<DateTime>,
    /// Measured before.
    usage: Option<Measured>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Measured {
    month: Month,
}

fn home() -> String {
    HOME_CELL.to_owned()
}

impl DueUsage {
    /// The month it was last measured for.
    #[must_use]
    pub fn measured_month(&self) -> Option<&Month> {
        self.usage.as_ref().map(|usage| &usage.month)
    }
}

impl Store {
    /// Organizations whose usage is to be measured at `now`, those that wait longest first. One that
    /// cannot be read is told by its id: it does not keep the others from being measured.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn usage_due(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Result<DueUsage, ObjectId>>, StoreError> {
        let due = doc! {
            "status": { "$in": MEASURED.to_vec() },
            "$or": [{ "usageDueAt": null }, { "usageDueAt": { "$lte": date(now) } }],
        };
        let fields = doc! {
            "tenantId": 1, "ownerId": 1, "placement": 1, "cell": 1, "limits": 1, "usage.month": 1,
            "trialEndsAt": 1, "trialEndedAt": 1,
        };
        let organizations = self.platform().collection::<Document>(Organization::COLLECTION);
        let find = organizations.find(due).sort(doc! { "usageDueAt": 1 }).limit(limit).projection(fields);
        let found: Vec<Document> = find.await?.try_collect().await?;
        let read = |document: Document| {
            let id = document.get_object_id("_id").unwrap_or_default();
            bson::deserialize_from_document(document).map_err(|_| id)
        };
        Ok(found.into_iter().map(read).collect())
    }

    /// Remembers what was measured, and when to measure next.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn usage_measured(
        &self,
        organization: ObjectId,
        usage: &LastUsage,
        next: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_usage(organization, doc! { "usage": encode(usage)?, "usageDueAt": date(next) }).await
    }

    /// Writes what the organization's channels brought. Leaves `updatedAt` and `__v` alone: nobody's edit is to
    /// collide with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn channels_measured(
        &self,
        tenant: &TenantId,
        counts: &[ChannelCounts],
    ) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        let update = |channel: &ChannelCounts| {
            let set = doc! {
                "statistics.totalUsers": channel.total_users,
                "statistics.activeUsers": channel.active_users,
                "statistics.messagesReceived": channel.messages_received,
            };
            doc! { "q": { "channelId": &channel.channel_id, "tenantId": tenant.as_str() }, "u": { "$set": set } }
        };
        let command = doc! {
            "update": Channel::COLLECTION,
            "updates": counts.iter().map(update).collect::<Vec<_>>(),
            "writeConcern": { "w": "majority" },
        };
        let answer = self.platform().run_command(command).await?;
        acknowledged(&answer)?;
        StoreError::of_writes(Channel::COLLECTION, &answer)
    }

    /// What could not be measured now is to be measured at `next`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn usage_postponed(&self, organization: ObjectId, next: Timestamp) -> Result<(), StoreError> {
        self.set_usage(organization, doc! { "usageDueAt": date(next) }).await
    }

    async fn set_usage(&self, organization: ObjectId, set: Document) -> Result<(), StoreError> {
        let organizations = self.platform_collection::<Organization>();
        organizations.update_one(doc! { "_id": organization }, doc! { "$set": set }).await?;
        Ok(())
    }

    /// Sums up `owner.usage` over all organizations of these owners. Messages of organizations that were
    /// offboarded stay in it; what they stored does not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sum_up_owners(&self, owners: &[ObjectId]) -> Result<(), StoreError> {
        let stored = doc! { "$cond": [
            { "$in": ["$status", MEASURED.to_vec()] }, "$usage.storageBytes", 0_i64,
        ] };
        let pipeline = [
            doc! { "$match": { "ownerId": { "$in": owners } } },
            doc! { "$group": {
                "_id": "$ownerId",
                "totalMessages": { "$sum": "$usage.totals.messages" },
                "totalSessions": { "$sum": "$usage.totals.sessions" },
                "totalSummaries": { "$sum": "$usage.totals.summaries" },
                "aiTokensUsed": { "$sum": "$usage.totals.aiTokens" },
                "storage": { "$sum": stored },
            } },
            doc! { "$project": { "usage": {
                "totalMessages": "$totalMessages",
                "totalSessions": "$totalSessions",
                "totalSummaries": "$totalSummaries",
                "aiTokensUsed": "$aiTokensUsed",
                "storageUsedMB": { "$divide": ["$storage", MEGABYTE] },
            } } },
            doc! { "$merge": { "into": Owner::COLLECTION, "on": "_id", "whenMatched": "merge", "whenNotMatched": "discard" } },
        ];
        let organizations = self.platform().collection::<Document>(Organization::COLLECTION);
        organizations.aggregate(pipeline).await?;
        Ok(())
    }
}
