//! Measures what a tenant uses, and says so where it comes close to what it may use.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::limits::{Level, Levels, Limit, Limits, Usage};
use matome_domain::month::Month;
use serde::Deserialize;

use crate::audit_tail;
use crate::collection::encode;
use crate::entities::{
    AiUsage, AuditTail, LastUsage, Message, MonthlyUsage, Notice, Room, RoomMember, UsageTotals, usage_id,
};
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::time::date;
use crate::transaction::{LookUp, decode};

/// What is not counted from the tenant's own documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountedElsewhere {
    /// Staff who answer.
    pub agents: u64,
    /// API calls in the month.
    pub api_calls: u64,
}

/// What [`TenantStore::measure_usage`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The month's document, as it was written.
    pub usage: MonthlyUsage,
    /// Since the organization was made.
    pub totals: UsageTotals,
    /// Notices that were raised now, and by nobody before.
    pub raised: Vec<Notice>,
    /// What its channels brought.
    pub channels: Vec<ChannelCounts>,
    /// The end of the audit trail, if retention is about to take it.
    pub audit_tail: Option<AuditTail>,
}

impl Measurement {
    /// As the organization remembers it.
    #[must_use]
    pub fn last_usage(&self, now: Timestamp) -> LastUsage {
        LastUsage {
            month: self.usage.month.clone(),
            used: self.usage.used,
            totals: self.totals,
            measured_at: date(now),
        }
    }
}

/// What the tenant's collections say.
#[derive(Debug, Default)]
struct Found {
    rooms: Vec<Rooms>,
    members: Members,
    storage: Storage,
    ai: Ai,
    notices: Vec<Notice>,
    audit_tail: Option<AuditTail>,
}

/// What the rooms of one channel say of it; see [`crate::entities::ChannelStatistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelCounts {
    /// The channel.
    pub channel_id: String,
    /// People who have, or had, a chat of their own with it.
    pub total_users: i64,
    /// Of those, the ones it reaches.
    pub active_users: i64,
    /// Messages recorded.
    pub messages_received: i64,
}

/// The rooms of one channel.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rooms {
    #[serde(rename = "_id")]
    channel_id: String,
    chats: i64,
    chats_present: i64,
    active: i64,
    messages: i64,
    total_messages: i64,
    total_sessions: i64,
    /// Those flagged for their members.
    flagged: Vec<ObjectId>,
}

#[derive(Debug, Default, Deserialize)]
struct Members {
    max: i64,
    /// Rooms with more than the limit.
    over: Vec<ObjectId>,
}

#[derive(Debug, Default, Deserialize)]
struct Storage {
    files: i64,
    thumbnails: i64,
}

#[derive(Debug, Default, Deserialize)]
struct Ai {
    tokens: i64,
    #[serde(rename = "totalTokens")]
    total_tokens: i64,
    summaries: i64,
}

impl TenantStore {
    /// Sums up what the tenant uses and used in `month`, compares it with `limits`, writes the month's
    /// [`MonthlyUsage`], raises a [`Notice`] for each limit that came to a level it had not come to in
    /// that month, and flags rooms with too many members. Messages are exact as of the reading, for this
    /// month and the one before; rooms, members and storage are those of now. Done again it writes the same.
    ///
    /// Two round trips, whatever there is; more only where something is raised or flagged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn measure_usage(
        &self,
        month: &Month,
        limits: &Limits,
        elsewhere: CountedElsewhere,
        now: Timestamp,
    ) -> Result<Measurement, StoreError> {
        let found = self.usage_found(month, limits, now).await?;
        let CountedElsewhere { agents, api_calls } = elsewhere;
        let sum = |of: fn(&Rooms) -> i64| found.rooms.iter().map(of).sum::<i64>();
        let used = Usage {
            rooms: unsigned(sum(|rooms| rooms.active)),
            max_members: unsigned(found.members.max),
            messages: unsigned(sum(|rooms| rooms.messages)),
            storage_bytes: unsigned(found.storage.files.saturating_add(found.storage.thumbnails)),
            agents,
            api_calls,
        };
        let levels = Levels::of(&used, limits);
        let mut set = encode(&used)?;
        set.extend(doc! {
            "aiTokens": found.ai.tokens,
            "levels": encode(&levels)?,
            "level": levels.highest().as_str(),
            "computedAt": date(now), "updatedAt": date(now),
        });
        let update = doc! {
            "$set": set,
            "$inc": { "__v": 1_i64 },
            "$setOnInsert": { "_id": usage_id(&self.tenant, month), "createdAt": date(now) },
        };
        // The filter's fields become the new document's.
        let filter = doc! { "month": month.as_str() };
        let usage = self.collection::<MonthlyUsage>().upsert(filter, update).await?;
        self.flag_rooms(&found, now).await?;
        let raised = self.raise(month, &used, limits, &found.notices, now).await?;
        let totals = UsageTotals {
            messages: sum(|rooms| rooms.total_messages),
            sessions: sum(|rooms| rooms.total_sessions),
            summaries: found.ai.summaries,
            ai_tokens: found.ai.total_tokens,
        };
        let channels = found.rooms.iter().filter(|rooms| rooms.channel_id != Room::NO_CHANNEL);
        let channels = channels.map(Rooms::of_channel).collect();
        Ok(Measurement { usage, totals, raised, channels, audit_tail: found.audit_tail })
    }

    async fn usage_found(&self, month: &Month, limits: &Limits, now: Timestamp) -> Result<Found, StoreError> {
        let this_month = doc! { "month": month.as_str() };
        let look_ups = vec![
            LookUp::of::<Room>(self, doc! {}, "rooms").then(rooms(month)),
            LookUp::of::<RoomMember>(self, doc! { "status": "active", "deletedAt": null }, "members")
                .then(doc! { "$group": { "_id": "$roomId", "members": { "$sum": 1_i64 } } })
                .then(members(limits)),
            LookUp::of::<Message>(self, doc! { "media.status": "stored" }, "storage").then(doc! { "$group": {
                "_id": null,
                "files": { "$sum": "$media.fileSize" }, "thumbnails": { "$sum": "$media.thumbnailSize" },
            } }),
            LookUp::of::<AiUsage>(self, doc! {}, "ai").then(doc! { "$group": {
                "_id": null,
                "tokens": { "$sum": { "$cond": [{ "$eq": ["$month", month.as_str()] }, "$tokensUsed", 0_i64] } },
                "totalTokens": { "$sum": "$tokensUsed" }, "summaries": { "$sum": "$summaries" },
            } }),
            LookUp::of::<Notice>(self, this_month, "notices"),
            audit_tail::look_up(self, now, "auditTail"),
        ];
        let mut answer = self.look_up(look_ups).await?;
        // An empty collection has no group.
        Ok(Found {
            rooms: decode(&mut answer, "rooms")?,
            members: decode(&mut answer, "members")?.pop().unwrap_or_default(),
            storage: decode(&mut answer, "storage")?.pop().unwrap_or_default(),
            ai: decode(&mut answer, "ai")?.pop().unwrap_or_default(),
            notices: decode(&mut answer, "notices")?,
            audit_tail: decode(&mut answer, "auditTail")?.pop(),
        })
    }

    /// A limit that is beyond its limit is not said to come close to it any more: only what is higher
    /// than all that was raised in the month is news.
    async fn raise(
        &self,
        month: &Month,
        used: &Usage,
        limits: &Limits,
        before: &[Notice],
        now: Timestamp,
    ) -> Result<Vec<Notice>, StoreError> {
        let mut raised = Vec::new();
        for standing in used.beside(limits) {
            let (limit, level) = (standing.limit, standing.level);
            let told = before.iter().filter(|n| n.limit == limit).map(|n| n.level).max();
            let (Some(allowed), true) = (standing.allowed, level > told.unwrap_or(Level::Ok)) else {
                continue;
            };
            let notice = Notice {
                id: Notice::id_of(&self.tenant, month, limit, level),
                tenant_id: self.tenant.to_string(),
                month: month.clone(),
                limit,
                level,
                used: standing.used,
                allowed,
                created_at: date(now),
                updated_at: date(now),
                version: 0,
            };
            match self.collection::<Notice>().insert(&notice).await {
                Ok(()) => raised.push(notice),
                Err(error) if error.is_duplicate() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(raised)
    }

    /// Flags rooms that have too many members, and takes the flag from those that no longer do.
    async fn flag_rooms(&self, found: &Found, now: Timestamp) -> Result<(), StoreError> {
        let over: BTreeSet<_> = found.members.over.iter().copied().collect();
        let flagged: BTreeSet<_> = found.rooms.iter().flat_map(|rooms| &rooms.flagged).copied().collect();
        let rooms = self.database.collection::<Document>(&self.name::<Room>());
        for (operator, ids) in [("$addToSet", &over - &flagged), ("$pull", &flagged - &over)] {
            if ids.is_empty() {
                continue;
            }
            let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
            let filter = doc! { "tenantId": self.tenant.as_str(), "_id": { "$in": ids } };
            let update = doc! {
                operator: { "overLimits": Limit::MembersPerRoom.as_str() },
                "$set": { "updatedAt": date(now) }, "$inc": { "__v": 1_i64 },
            };
            rooms.update_many(filter, update).await?;
        }
        Ok(())
    }
}

impl Rooms {
    fn of_channel(&self) -> ChannelCounts {
        ChannelCounts {
            channel_id: self.channel_id.clone(),
            total_users: self.chats,
            active_users: self.chats_present,
            messages_received: self.total_messages,
        }
    }
}

fn rooms(month: &Month) -> Document {
    let of_month = doc! { "$filter": {
        "input": { "$ifNull": ["$usage", []] }, "cond": { "$eq": ["$$this.month", month.as_str()] },
    } };
    let messages = doc! { "$sum": { "$map": { "input": of_month, "in": "$$this.messages" } } };
    let flags = doc! { "$ifNull": ["$overLimits", []] };
    let flagged = doc! { "$in": [Limit::MembersPerRoom.as_str(), flags] };
    let chat = doc! { "$eq": ["$roomType", "individual"] };
    let present = doc! { "$and": [chat.clone(), { "$ne": ["$presence", "absent"] }] };
    let count = |condition: Document| doc! { "$sum": { "$cond": [condition, 1_i64, 0_i64] } };
    doc! { "$group": {
        "_id": "$channelId",
        "chats": count(chat), "chatsPresent": count(present),
        "active": count(doc! { "$eq": ["$status", "active"] }),
        // Counted by the recorder, room by room, in the transactions that recorded them.
        "messages": { "$sum": messages },
        "totalMessages": { "$sum": "$statistics.totalMessages" },
        "totalSessions": { "$sum": "$statistics.totalSessions" },
        "flagged": { "$push": { "$cond": [flagged, "$_id", "$$REMOVE"] } },
    } }
}

fn members(limits: &Limits) -> Document {
    let limit = limits.of(Limit::MembersPerRoom).and_then(|limit| i64::try_from(limit).ok());
    let over = doc! { "$gt": ["$members", limit.unwrap_or(i64::MAX)] };
    doc! { "$group": {
        "_id": null,
        "max": { "$max": "$members" },
        "over": { "$push": { "$cond": [over, "$_id", "$$REMOVE"] } },
    } }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
