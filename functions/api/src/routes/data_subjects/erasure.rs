//! A person, forgotten: who they are, what they said and sent, and what was made of it. What was counted
//! stays.
//!
//! Who they are goes first, so that no summary that is written meanwhile names them. What they said goes page
//! by page: a page's messages become tombstones, as if they had been unsent, and in the same transaction the
//! summaries that rest on them are emptied and their sessions are due to be summarized anew. So whatever is
//! interrupted goes on with the next call, and what is done is found done. The bucket is emptied of their media
//! by the recorder, which the scheduler names every message to whose media are to be erased.
//!
//! What there is to be emptied says [`Kind`], as it does to the export.

use std::collections::BTreeSet;

use axum::extract::State;
use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::future::BoxFuture;
use matome_domain::person::PersonStatus;
use matome_runtime::blobs::BlobPrefix;
use matome_store::entities::{
    InboundEventRecord, Message, Room, RoomMember, Session, SessionStatus, Summary, User, UserPreferences,
    UserProfile,
};
use matome_store::id::document_id;
use matome_store::time::date;
use matome_store::transaction::{LookUp, decode};
use matome_store::value::{Id, to_bson};
use matome_store::{Entity, StoreError, TenantStore, Transaction, Write};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use strum::VariantArray;

use super::super::sessions;
use super::held::{Held, Kind};
use crate::context::App;
use crate::crud::PathIds;
use crate::guard::{Tenant, Trail};
use crate::http::{Ok200, Problem};

/// Messages of a transaction.
const PAGE: i64 = 200;
/// Transactions of a call: ten thousand messages, some seconds.
const PAGES: usize = 50;

/// What was erased by one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = erasure_example())]
pub(super) struct Erasure {
    /// Who.
    user_id: Id,
    /// Nothing is left; else repeat the call.
    complete: bool,
    /// Messages that this call made tombstones of.
    messages: usize,
    /// Sessions that are written up anew without them.
    sessions: usize,
}

fn erasure_example() -> Value {
    json!({ "userId": "671f0a2b9d3c4e5f60718294", "complete": true, "messages": 41, "sessions": 5 })
}

pub(super) async fn erase(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Ok200<Erasure>, Problem> {
    let user = tenant.store.collection::<User>().get(ids.get("userId")?).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    trail.target("user", user.id.to_hex());
    let now = date(app.clock.now());
    forget_who(&tenant, &user, now).await?;
    let blobs = app.blobs(&tenant.id).await?;
    let exports = BlobPrefix::exports(&tenant.id, &document_id(user.id));
    while !blobs.erase_under(&exports).await.map_err(Problem::unavailable)? {}
    let (mut messages, mut rewritten, mut complete) = (0, BTreeSet::new(), false);
    for _ in 0..PAGES {
        let page = forget_page(tenant.store.clone(), user.id, now).await?;
        if page.messages == 0 {
            complete = true;
            break;
        }
        messages += page.messages;
        rewritten.extend(page.due.iter().map(|session| session.id));
        sessions::queue(&app, &tenant, &page.due.iter().collect::<Vec<_>>()).await?;
    }
    let erasure = Erasure { user_id: user.id.into(), complete, messages, sessions: rewritten.len() };
    trail.after(&erasure);
    Ok(Ok200(erasure))
}

/// Who they are: the profile, and what is copied of it or says something of them elsewhere.
async fn forget_who(tenant: &Tenant, user: &User, now: DateTime) -> Result<(), Problem> {
    let store = &tenant.store;
    if user.status != PersonStatus::Erased {
        let profile = matome_store::collection::encode(&UserProfile::default())?;
        let preferences = matome_store::collection::encode(&UserPreferences::default())?;
        let mut set = doc! {
            "status": to_bson(&PersonStatus::Erased)?, "profile": profile, "preferences": preferences, "metadata.tags": [],
            "metadata.customFields": {}, "deletedAt": now, "updatedAt": now,
            // LINE is not asked who they are again.
            "refreshAt": DateTime::MAX,
        };
        set.extend(tenant.caller.id().map(|by| ("deletedBy".to_owned(), by.into())));
        let unset = unset(&[
            "displayName",
            "pictureUrl",
            "statusMessage",
            "email",
            "phoneNumber",
            "metadata.customerId",
        ]);
        let forget = doc! { "$set": set, "$unset": unset, "$inc": { "__v": 1_i64 } };
        store.collection::<User>().update(doc! { "_id": user.id }, forget).await?;
    }
    let held = Held::of(store, user.clone()).await?;
    for kind in Kind::VARIANTS {
        match kind {
            Kind::Chats => {
                let nameless = doc! {
                    "$set": {
                        "refreshAt": DateTime::MAX, "updatedAt": now,
                        "metadata.tags": [], "metadata.customFields": {},
                    },
                    "$unset": unset(&["name", "renamed", "avatar", "description"]),
                };
                update_each::<Room>(store, held.chats().await?, nameless).await?;
            }
            Kind::Memberships => {
                let banned = held.memberships.iter().filter(|member| member.banned_reason.is_some());
                let banned = banned.map(|member| member.id).collect();
                update_each::<RoomMember>(store, banned, doc! { "$unset": unset(&["bannedReason"]) }).await?;
            }
            // The stars are counted and stay.
            Kind::Ratings => {
                let nobodys = doc! {
                    "$unset": unset(&["feedback.ratedBy", "feedback.comment"]), "$inc": { "__v": 1_i64 },
                };
                update_each::<Summary>(store, held.ratings().await?, nobodys).await?;
            }
            // That there was one keeps it from being done twice.
            Kind::Events => {
                let there_is = |field: &str| doc! { field: { "$exists": true } };
                let telling = doc! { "$or": [there_is("raw"), there_is("action"), there_is("details")] };
                let silent = doc! { "$unset": unset(&["raw", "action", "details"]) };
                update_each::<InboundEventRecord>(store, held.events(telling).await?, silent).await?;
            }
            // Page by page, afterwards.
            Kind::Messages | Kind::Sessions | Kind::Summaries => {}
            // Hangs together by hashes, has nothing in it of what people are and said, and ends by itself.
            Kind::Audit => {}
        }
    }
    Ok(())
}

fn unset(fields: &[&str]) -> Document {
    fields.iter().map(|field| ((*field).to_owned(), "".into())).collect()
}

async fn update_each<E: Entity>(
    store: &TenantStore,
    ids: Vec<ObjectId>,
    update: Document,
) -> Result<(), Problem> {
    for id in ids {
        store.collection::<E>().update(doc! { "_id": id }, update.clone()).await?;
    }
    Ok(())
}

/// What was done of a page.
struct Page {
    messages: usize,
    /// Sessions to be summarized anew.
    due: Vec<Session>,
}

/// What they said: one page of it, all or nothing. No async closure, and boxed with what it needs: else the
/// compiler does not see that the future may be sent.
fn forget_page(
    store: TenantStore,
    user: ObjectId,
    now: DateTime,
) -> BoxFuture<'static, Result<Page, StoreError>> {
    fn step<F>(step: F) -> F
    where
        F: for<'t, 'b> FnMut(&'t mut Transaction<'b>) -> BoxFuture<'t, Result<Page, StoreError>>,
    {
        step
    }
    Box::pin(async move {
        let of = store.clone();
        store.transaction(step(move |transaction| forget_in(transaction, of.clone(), user, now))).await
    })
}

fn forget_in<'t>(
    transaction: &'t mut Transaction<'_>,
    store: TenantStore,
    user: ObjectId,
    now: DateTime,
) -> BoxFuture<'t, Result<Page, StoreError>> {
    Box::pin(async move {
        let theirs = doc! { "userId": user, "status": { "$ne": "deleted" } };
        let look_up = LookUp::of::<Message>(&store, theirs, "messages").then(doc! { "$limit": PAGE });
        let mut answer = transaction.look_up(vec![look_up]).await?;
        let mut messages: Vec<Message> = decode(&mut answer, "messages")?;
        let ids: BTreeSet<ObjectId> = messages.iter().map(|message| message.session_id).collect();
        let ids: Vec<ObjectId> = ids.into_iter().collect();
        let of_sessions = doc! { "sessionId": { "$in": &ids } };
        let look_ups = vec![
            LookUp::of::<Session>(&store, doc! { "_id": { "$in": &ids } }, "sessions"),
            LookUp::of::<Summary>(&store, of_sessions, "summaries"),
        ];
        let mut answer = transaction.look_up(look_ups).await?;
        let mut due: Vec<Session> = decode(&mut answer, "sessions")?;
        let mut summaries: Vec<Summary> = decode(&mut answer, "summaries")?;
        due.retain(|session| match session.status {
            SessionStatus::Active => false,
            SessionStatus::Summarizing => true,
            SessionStatus::Closed => session.summary.is_some(),
        });
        let mut writes = Vec::with_capacity(messages.len());
        for message in &mut messages {
            message.make_tombstone(now, now);
            message.version += 1;
            writes.push(Write::put(message.id, message)?);
        }
        transaction.write::<Message>(writes).await?;
        let mut writes = Vec::with_capacity(summaries.len());
        for summary in &mut summaries {
            summary.clear(now);
            writes.push(Write::put(summary.id, summary)?);
        }
        transaction.write::<Summary>(writes).await?;
        let again = doc! {
            "$set": { "status": "summarizing", "updatedAt": now }, "$unset": { "aiAnalysis": "" },
            "$inc": { "revision": 1_i64, "__v": 1_i64 },
        };
        transaction
            .write::<Session>(due.iter().map(|session| Write::update(session.id, again.clone())).collect())
            .await?;
        due.iter_mut().for_each(|session| session.revision += 1);
        Ok(Page { messages: messages.len(), due })
    })
}
