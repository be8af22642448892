//! What was said, from the activity of sessions; of sessions that have none yet, from their messages.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::activity::{QuarterHour, Said, quarter_hours};
use serde::Deserialize;

use super::AnalyticsQuery;
use crate::entities::{Message, Session, StoredQuarterHour};
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::time::timestamp;

/// A quarter of an hour of a room.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) room: ObjectId,
    pub(super) quarter: QuarterHour,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    room_id: ObjectId,
    activity: Vec<StoredQuarterHour>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Uncounted {
    #[serde(rename = "_id")]
    id: ObjectId,
    room_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bare {
    session_id: ObjectId,
    timestamp: DateTime,
    user_id: Option<ObjectId>,
    message_type: String,
}

fn by_activity() -> Document {
    doc! { "tenantId": 1, "activity.from": 1 }
}

impl TenantStore {
    /// All quarter-hours in the days, in no order.
    pub(super) async fn talk(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
    ) -> Result<Vec<Talk>, StoreError> {
        let (counted, uncounted) =
            tokio::try_join!(self.counted(query, hidden), self.uncounted(query, hidden))?;
        let counted = counted.into_iter().flat_map(|session| {
            let quarters = session.activity.into_iter().map(QuarterHour::from);
            quarters.map(move |quarter| Talk { room: session.room_id, quarter })
        });
        let mut all: Vec<Talk> = counted.chain(uncounted).collect();
        all.retain(|talk| query.days.hold(talk.quarter.from));
        Ok(all)
    }

    async fn counted(&self, query: &AnalyticsQuery, hidden: &[ObjectId]) -> Result<Vec<Counted>, StoreError> {
        let within = doc! { "$gte": query.days.begin(), "$lt": query.days.end() };
        let mut filter = doc! { "activity": { "$elemMatch": { "from": within } } };
        filter.extend(query.rooms(hidden));
        let shown = vec![doc! { "$project": { "_id": 0, "roomId": 1, "activity": 1 } }];
        self.aggregate_by::<Session, _>(by_activity(), filter, shown).await
    }

    async fn uncounted(&self, query: &AnalyticsQuery, hidden: &[ObjectId]) -> Result<Vec<Talk>, StoreError> {
        let mut filter = doc! {
            // Of none at all; each of any has it.
            "activity.from": null,
            "startTime": { "$lt": query.days.end() }, "lastMessageAt": { "$gte": query.days.begin() },
        };
        filter.extend(query.rooms(hidden));
        let shown = vec![doc! { "$project": { "roomId": 1 } }, doc! { "$sort": { "_id": 1 } }];
        let sessions: Vec<Uncounted> = self.aggregate_by::<Session, _>(by_activity(), filter, shown).await?;
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let messages = self.bare_messages(sessions.iter().map(|session| session.id).collect()).await?;
        let of_session = |session: &Uncounted| {
            let from = messages.partition_point(|message| message.session_id < session.id);
            let to = messages.partition_point(|message| message.session_id <= session.id);
            let said = messages[from..to].iter().map(|message| Said {
                at: timestamp(message.timestamp),
                who: message.user_id,
                kind: &message.message_type,
            });
            let room = session.room_id;
            quarter_hours(said).into_iter().map(move |quarter| Talk { room, quarter })
        };
        Ok(sessions.iter().flat_map(of_session).collect())
    }

    /// By session, and in each by time: in the order of the index that holds all of it.
    async fn bare_messages(&self, sessions: Vec<ObjectId>) -> Result<Vec<Bare>, StoreError> {
        let filter = self.collection::<Message>().scoped(doc! { "sessionId": { "$in": sessions } });
        let shown: Document =
            doc! { "_id": 0, "sessionId": 1, "timestamp": 1, "userId": 1, "messageType": 1 };
        let messages = self.database.collection::<Bare>(&self.name::<Message>());
        let in_order = doc! { "sessionId": 1, "timestamp": 1, "_id": 1 };
        Ok(messages.find(filter).projection(shown).sort(in_order).await?.try_collect().await?)
    }
}
