//! A million messages of a thousand tenants, as the recorder and the summarizer leave them, put in fast:
//! whole tenants at once, and the indexes of messages made when all are there. Validators look at every
//! document. The same in every run.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bson::oid::ObjectId;
use bson::{DateTime, RawDocumentBuf, doc};
use futures::{StreamExt, TryStreamExt, stream};
use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::limits::Limits;
use matome_domain::placement::Placement;
use matome_domain::summary::{Level, Sentiment};
use matome_domain::tier::Tier;
use matome_store::Entity;
use matome_store::entities::{
    AiAnalysis, AuditEntry, Message, NewOrganization, Organization, OrganizationStatus, Room, RoomMember,
    Session, SessionStatus, StoredQuarterHour, Summary, User,
};
use matome_store::id::derived;
use matome_store::time::date;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};
use mongodb::Database;
use mongodb::options::WriteConcern;
use serde::Serialize;

use super::texts::{self, Text};
use crate::dwell::mix;

pub(super) const TENANTS: usize = 1_000;
pub(super) const MESSAGES: usize = 1_000_000;
/// Messages of a session.
const SESSION: usize = 50;
/// Messages of a room, in the mean.
const ROOM: usize = 250;
/// People who talk in a room.
const PEOPLE: usize = 5;
/// Changes that the audit knows of.
const AUDITED: usize = 500;
/// All of it was said in so many days.
const DAYS: u64 = 150;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Documents of one insert.
const BATCH: usize = 5_000;
/// Tenants put in at once.
const AT_ONCE: usize = 3;

/// Messages of each tenant: a few have much, most have little.
pub(super) fn sizes() -> Vec<usize> {
    let large: Vec<usize> = [vec![50_000], vec![20_000; 4], vec![10_000; 10]].concat();
    let (rest, tenants) = (MESSAGES - large.iter().sum::<usize>(), TENANTS - large.len());
    let small = (0..tenants).map(|nth| rest / tenants + usize::from(nth < rest % tenants));
    large.into_iter().chain(small).collect()
}

/// Puts everything in; the tenants in the order of [`sizes`].
pub(super) async fn fill(system: &TestSystem) -> anyhow::Result<Vec<Arc<TestTenant>>> {
    let platform = system.store.platform();
    let prefix = platform.name().strip_suffix("_platform").context("the platform's database is named so")?;
    let shared = platform.client().database(&format!("{prefix}_shared"));
    let tenants: Vec<Arc<TestTenant>> =
        (0..TENANTS).map(|nth| tenant(system, nth)).collect::<Result<_, _>>()?;
    tenants[0].store.ensure_collections().await?;
    // Building an index of what is there takes a fraction of keeping it up to date a million times.
    shared.run_command(doc! { "dropIndexes": Message::COLLECTION, "index": "*" }).await?;
    put::<Organization>(&platform, tenants.iter().map(|tenant| organization(tenant))).await?;
    let texts = Arc::new(texts::all());
    let filling = tenants.iter().cloned().zip(sizes()).enumerate().map(|(nth, (tenant, size))| {
        let (shared, texts) = (shared.clone(), Arc::clone(&texts));
        tokio::spawn(async move { of_tenant(&shared, &tenant, nth, size, &texts).await })
    });
    let filled = stream::iter(filling).buffer_unordered(AT_ONCE);
    filled.map(|joined| joined?).try_collect::<()>().await?;
    tenants[0].store.ensure_collections().await?;
    // So that what is measured does not share the disk with what was written.
    platform.client().database("admin").run_command(doc! { "fsync": 1 }).await?;
    Ok(tenants)
}

fn tenant(system: &TestSystem, nth: usize) -> anyhow::Result<Arc<TestTenant>> {
    let id = TenantId::new(derived(&["bench", &nth.to_string()]).to_hex())?;
    Ok(Arc::new(TestTenant {
        channel: ChannelId::new(format!("20{nth:08}"))?,
        bot_user_id: format!("U{nth:032x}"),
        secret: String::new(),
        store: system.store.tenant(&id, Placement::Shared),
        id,
    }))
}

fn organization(tenant: &TestTenant) -> Organization {
    let id = ObjectId::parse_str(tenant.id.as_str()).expect("derived ids are ObjectIds");
    let new = NewOrganization {
        id,
        owner_id: id,
        name: "A shop".to_owned(),
        // With room for all the requests of the bench.
        tier: Tier::Enterprise,
        limits: Limits::default(),
        placement: Placement::Shared,
    };
    Organization {
        timezone: "Asia/Tokyo".to_owned(),
        status: OrganizationStatus::Active,
        ..new.provisioning(date(BEGIN))
    }
}

/// What of a tenant's is where.
struct Talk<'a> {
    tenant: &'a TestTenant,
    nth: usize,
    rooms: Vec<Room>,
    users: Vec<User>,
    texts: &'a [Text],
}

async fn of_tenant(
    shared: &Database,
    tenant: &TestTenant,
    nth: usize,
    size: usize,
    texts: &[Text],
) -> anyhow::Result<()> {
    let rooms = (size / ROOM).max(3);
    let users: Vec<User> = (0..rooms * PEOPLE / 2 + PEOPLE).map(|n| user(tenant, n)).collect();
    let rooms: Vec<Room> = (0..rooms).map(|n| room(tenant, n, size / rooms)).collect();
    let talk = Talk { tenant, nth, rooms, users, texts };
    let mut sessions: Vec<Session> = (0..size.div_ceil(SESSION)).map(|n| talk.session(n)).collect();
    let mut messages = Vec::with_capacity(BATCH);
    // A room's session of the last day is open still.
    let mut open = HashSet::new();
    for (n, session) in sessions.iter_mut().enumerate() {
        let of_session = n * SESSION..((n + 1) * SESSION).min(size);
        let before = messages.len();
        messages.extend(of_session.map(|number| talk.message(session, number)));
        if session.start_time.timestamp_millis() > BEGIN.0 - DAY.as_millis() as i64
            && open.insert(session.room_id)
        {
            session.status = SessionStatus::Active;
            (session.summary, session.ai_analysis, session.end_time) = (None, None, None);
        } else {
            session.activity = Some(StoredQuarterHour::of(&messages[before..]));
        }
        if messages.len() + SESSION > BATCH {
            put::<Message>(shared, messages.drain(..)).await?;
        }
    }
    put::<Message>(shared, messages).await?;
    let closed = sessions.iter().filter(|session| session.status == SessionStatus::Closed);
    put::<Summary>(shared, closed.map(|session| talk.summary(session))).await?;
    put::<Session>(shared, sessions).await?;
    put::<RoomMember>(shared, (0..talk.rooms.len()).flat_map(|room| talk.members(room))).await?;
    put::<AuditEntry>(shared, (0..AUDITED.min(size / 10)).map(|n| talk.audited(n))).await?;
    put::<User>(shared, talk.users).await?;
    put::<Room>(shared, talk.rooms).await
}

fn user(tenant: &TestTenant, n: usize) -> User {
    let mut user = fixtures::user(tenant, &format!("U{n:032x}"));
    user.display_name = Some(format!("田中 {n}"));
    user
}

fn room(tenant: &TestTenant, n: usize, messages: usize) -> Room {
    let mut room = fixtures::room(tenant, &format!("C{n:032x}"));
    room.name = Some(format!("新店オープン準備 {n}"));
    // One in ten is hidden from agents who are not in it.
    room.settings.privacy = (n % 10 == 9).then(|| "private".to_owned());
    room.statistics.total_messages = messages as i64;
    room.statistics.total_sessions = messages.div_ceil(SESSION) as i64;
    room.statistics.last_activity_at = DateTime::from_millis(BEGIN.0 - n as i64 * 60_000);
    room.created_at = DateTime::from_millis(BEGIN.0 - DAY.as_millis() as i64 * DAYS as i64 + n as i64);
    room
}

impl Talk<'_> {
    /// Chance, the same in every run.
    fn chance(&self, what: &str, n: usize) -> usize {
        mix((self.nth as u64) << 40 ^ (n as u64) << 8 ^ what.len() as u64) as usize
    }

    /// Sessions go round the rooms, and are spread over all days.
    fn session(&self, n: usize) -> Session {
        let room = &self.rooms[n % self.rooms.len()];
        let from = BEGIN.0 - (DAY * DAYS as u32).as_millis() as i64;
        let opened =
            from + (self.chance("session", n) as u64 % (DAY * DAYS as u32).as_millis() as u64) as i64;
        let number = (n / self.rooms.len() + 1) as i64;
        let mut session = fixtures::session(room, number, SessionStatus::Closed, Timestamp(opened));
        session.statistics.message_count = SESSION as i64;
        session.participants = self.people(n % self.rooms.len()).map(|user| user.id).collect();
        session.statistics.participant_count = session.participants.len() as i64;
        session.last_message_at = DateTime::from_millis(opened + SESSION as i64 * 60_000);
        session.end_time = Some(session.last_message_at);
        session.summary = Some(derived(&["summary", &session.id.to_hex()]));
        let tones = [Sentiment::default(), Sentiment::Positive, Sentiment::Negative];
        session.ai_analysis = Some(AiAnalysis {
            sentiment: tones[self.chance("tone", n) % tones.len()],
            urgency: Level::Medium,
            category: Some("orders".to_owned()),
            topics: vec![format!("topic {}", self.chance("topic", n) % 40)],
        });
        session
    }

    fn summary(&self, session: &Session) -> Summary {
        let mut summary = fixtures::summary(session);
        let text = &self.texts[self.chance("summary", session.session_number as usize) % self.texts.len()];
        summary.content.detailed.clone_from(&text.content);
        summary.created_at = session.last_message_at;
        summary.completed_at = Some(session.last_message_at);
        summary.renew_search();
        summary
    }

    fn people(&self, room: usize) -> impl Iterator<Item = &User> {
        self.users.iter().cycle().skip(room * 2 % self.users.len()).take(PEOPLE)
    }

    fn members(&self, room: usize) -> impl Iterator<Item = RoomMember> {
        self.people(room).map(move |user| fixtures::member(&self.rooms[room], &user.line_user_id))
    }

    fn message(&self, session: &Session, number: usize) -> Message {
        let text = &self.texts[self.chance("text", number) % self.texts.len()];
        let author = session.participants[self.chance("author", number) % session.participants.len()];
        let at = session.start_time.timestamp_millis() + (number % SESSION) as i64 * 60_000;
        let at = DateTime::from_millis(at);
        let mut content = text.content.clone();
        let mut search = text.words.clone();
        // Some messages name an order that no other names.
        if number % 16 == 1 {
            let order = format!("a{}", 100_000 + number);
            content.push_str(&format!(" {}", order.to_uppercase()));
            search.push(order);
        }
        Message {
            id: derived(&["message", self.tenant.channel.as_str(), &number.to_string()]),
            tenant_id: session.tenant_id.clone(),
            channel_id: session.channel_id.clone(),
            session_id: session.id,
            room_id: session.room_id,
            user_id: Some(author),
            line_message_id: (500_000_000_000_000_000 + number).to_string(),
            webhook_event_id: Some(format!("01H{number:023}")),
            reply_token: None,
            message_type: if number % 12 == 5 { "sticker" } else { "text" }.to_owned(),
            content: Some(content),
            media: None,
            file_data: None,
            sticker_data: None,
            location_data: None,
            metadata: matome_store::entities::MessageMetadata::default(),
            raw: None,
            command: None,
            placeholder: false,
            edit_history: Vec::new(),
            edited_at: None,
            search,
            status: matome_store::entities::MessageStatus::Delivered,
            over_limits: Vec::new(),
            ai_processing: None,
            delivered_at: None,
            read_at: None,
            deleted_at: None,
            timestamp: at,
            created_at: at,
            updated_at: at,
            version: 0,
        }
    }

    fn audited(&self, n: usize) -> AuditEntry {
        let id = derived(&["audited", self.tenant.id.as_str(), &n.to_string()]);
        let room = &self.rooms[n % self.rooms.len()];
        let document = doc! {
            "_id": id, "tenantId": self.tenant.id.as_str(), "seq": n as i64 + 1, "previousHash": "", "hash": "00",
            "phase": "ended", "operation": "updateRoom", "actor": { "kind": "account", "id": room.id },
            "requestId": "r", "target": { "kind": "room", "id": room.id.to_hex() }, "status": 200,
            "before": { "name": "A room" }, "after": { "name": "Another" },
            "createdAt": DateTime::from_millis(BEGIN.0 - n as i64 * 60_000), "expiresAt": DateTime::from_millis(BEGIN.0 + 2 * DAYS as i64 * DAY.as_millis() as i64),
        };
        bson::deserialize_from_document(document).expect("is an entry")
    }
}

/// Whole documents, as the driver itself would write them.
pub(super) async fn put<E: Entity + Serialize>(
    database: &Database,
    documents: impl IntoIterator<Item = E>,
) -> anyhow::Result<()> {
    // Nothing of it has to survive a crash.
    let soon = WriteConcern::builder().w(mongodb::options::Acknowledgment::Nodes(1)).journal(false).build();
    let documents: Vec<RawDocumentBuf> = documents
        .into_iter()
        .map(|document| bson::serialize_to_raw_document_buf(&document))
        .collect::<Result<_, _>>()?;
    let collection = database.collection::<RawDocumentBuf>(E::COLLECTION);
    for batch in documents.chunks(BATCH) {
        collection.insert_many(batch).ordered(false).write_concern(soon.clone()).await?;
    }
    Ok(())
}
