//! Rooms, sessions, summaries and outbox entries as the other functions leave them, for tests of
//! what comes after.

use std::time::Duration;

use bson::{DateTime, doc};
use matome_domain::clock::Timestamp;
use matome_domain::ids::ConversationId;
use matome_domain::person::{PersonStatus, RoomMemberStatus};
use matome_domain::queue::OutboundJob;
use matome_domain::summary::Sentiment;
use matome_store::entities::{
    AiMetadata, Channel, ChannelFeatures, ChannelHealth, ChannelStatistics, ChannelStatus, Connection,
    LineConnection, NewOutboxEntry, OutboxEntry, Presence, Purpose, ReplyToken, Room, RoomMember,
    RoomMemberKind, RoomMemberStatistics, RoomMetadata, RoomPermissions, RoomSettings, RoomStatistics,
    RoomType, Session, SessionStatistics, SessionStatus, StoredActionItem, Summary, SummaryAnalysis,
    SummaryContent, SummaryStatus, User, UserMetadata, UserPreferences, UserProfile, UserStatistics,
};
use matome_store::id::{derived, document_id};
use matome_store::time::date;

use crate::tenant::{BEGIN, TestTenant};

/// The tenant's channel as the provisioner leaves it. Its secret is not sealed but a word: those who
/// need it take it from the directory.
#[must_use]
pub fn channel(tenant: &TestTenant) -> Channel {
    let now = date(BEGIN);
    Channel {
        id: derived(&["channel", tenant.channel.as_str()]),
        tenant_id: tenant.id.to_string(),
        owner_id: derived(&["owner", tenant.id.as_str()]),
        channel_id: tenant.channel.to_string(),
        connection: Connection::Line(LineConnection {
            bot_user_id: tenant.bot_user_id.clone(),
            basic_id: None,
            premium_id: None,
            chat_mode: None,
            mark_as_read_mode: None,
            channel_secret: Some("sealed".to_owned()),
            channel_access_token: None,
            webhook_url: "https://example.com".to_owned(),
            webhook_verified: true,
            verified_at: Some(now),
        }),
        name: "Shop".to_owned(),
        picture_url: None,
        description: None,
        features: ChannelFeatures::default(),
        statistics: ChannelStatistics::default(),
        health: ChannelHealth::default(),
        status: ChannelStatus::Active,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

/// LINE's ids start with `U`, `C` or `R`.
fn room_type(conversation: &str) -> RoomType {
    match conversation.as_bytes().first() {
        Some(b'C') => RoomType::Group,
        Some(b'R') => RoomType::MultiPerson,
        _ => RoomType::Individual,
    }
}

/// A room of the tenant's channel, with the id the recorder gives it.
#[must_use]
pub fn room(tenant: &TestTenant, conversation: &str) -> Room {
    let now = date(BEGIN);
    let kind = room_type(conversation);
    let id = |of| (kind == of).then(|| conversation.to_owned());
    Room {
        id: derived(&["room", tenant.id.as_str(), tenant.channel.as_str(), conversation]),
        tenant_id: tenant.id.to_string(),
        channel_id: tenant.channel.to_string(),
        conversation_id: conversation.to_owned(),
        room_type: kind,
        line_room_id: id(RoomType::MultiPerson),
        line_group_id: id(RoomType::Group),
        line_user_id: id(RoomType::Individual),
        name: Some("Picnic".to_owned()),
        renamed: false,
        description: None,
        avatar: None,
        settings: RoomSettings::default(),
        metadata: RoomMetadata::default(),
        statistics: RoomStatistics {
            total_sessions: 1,
            total_messages: 3,
            total_images: 0,
            active_sessions: 0,
            last_activity_at: now,
        },
        usage: Vec::new(),
        over_limits: Vec::new(),
        status: "active".to_owned(),
        archived_at: None,
        presence: Presence::Present,
        presence_at: now,
        mode: None,
        last_session_number: 1,
        waiting_summary_id: None,
        refresh_at: DateTime::MAX,
        deleted_at: None,
        deleted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

/// Somebody in a room.
#[must_use]
pub fn member(room: &Room, line_user_id: &str) -> RoomMember {
    let now = date(BEGIN);
    let user_id = derived(&["user", &room.tenant_id, line_user_id]);
    RoomMember {
        id: derived(&["member", &room.id.to_hex(), &user_id.to_hex()]),
        tenant_id: room.tenant_id.clone(),
        room_id: room.id,
        user_id,
        kind: RoomMemberKind::User,
        role: "member".to_owned(),
        joined_at: now,
        left_at: None,
        last_active_at: now,
        permissions: RoomPermissions::default(),
        statistics: RoomMemberStatistics::default(),
        status: RoomMemberStatus::Active,
        status_at: now,
        banned_at: None,
        banned_reason: None,
        deleted_at: None,
        deleted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

/// A person, with the id the recorder gives them.
#[must_use]
pub fn user(tenant: &TestTenant, line_user_id: &str) -> User {
    let now = date(BEGIN);
    User {
        id: derived(&["user", tenant.id.as_str(), line_user_id]),
        tenant_id: tenant.id.to_string(),
        line_user_id: line_user_id.to_owned(),
        display_name: None,
        picture_url: None,
        status_message: None,
        email: None,
        phone_number: None,
        profile: UserProfile::default(),
        preferences: UserPreferences::default(),
        statistics: UserStatistics {
            total_messages: 0,
            total_sessions: 0,
            total_rooms: 0,
            last_active_at: now,
        },
        metadata: UserMetadata { source: "line".to_owned(), ..UserMetadata::default() },
        status: PersonStatus::Active,
        refresh_at: DateTime::MAX,
        deleted_at: None,
        deleted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

/// A session of a room, opened at `opened_at` for an hour.
#[must_use]
pub fn session(room: &Room, number: i64, status: SessionStatus, opened_at: Timestamp) -> Session {
    let at = date(opened_at);
    Session {
        id: derived(&["session", &room.id.to_hex(), &number.to_string()]),
        tenant_id: room.tenant_id.clone(),
        room_id: room.id,
        channel_id: room.channel_id.clone(),
        conversation_id: room.conversation_id.clone(),
        session_number: number,
        participants: Vec::new(),
        status,
        trigger: None,
        opened_at: at,
        closes_at: date(opened_at.plus(Duration::from_secs(60 * 60))),
        start_time: at,
        last_message_at: at,
        end_time: (status != SessionStatus::Active).then_some(at),
        statistics: SessionStatistics {
            message_count: 3,
            image_count: 0,
            participant_count: 2,
            duration: None,
        },
        summary: None,
        revision: 0,
        summary_wish: None,
        ai_analysis: None,
        activity: None,
        metadata: doc! { "platform": "line" },
        closed_by: None,
        reply_token: None,
        created_at: at,
        updated_at: at,
        version: 0,
    }
}

/// A completed summary of a session, in English.
#[must_use]
pub fn summary(session: &Session) -> Summary {
    let now = date(BEGIN);
    Summary {
        id: derived(&["summary", &session.id.to_hex()]),
        tenant_id: session.tenant_id.clone(),
        session_id: session.id,
        room_id: session.room_id,
        channel_id: session.channel_id.clone(),
        revision: session.revision,
        generated_by: "system".to_owned(),
        triggered_by: None,
        content: SummaryContent {
            brief: "A picnic on Saturday.".to_owned(),
            detailed: "Aoi proposed a picnic. Bun brings tea.".to_owned(),
            bullet_points: vec!["Meet at ten".to_owned()],
            action_items: vec![StoredActionItem {
                item: "Bring tea".to_owned(),
                assigned_to: Some("Bun".to_owned()),
                priority: matome_domain::summary::Level::Medium,
                deadline: None,
            }],
            decisions: vec!["Saturday it is".to_owned()],
            open_questions: Vec::new(),
        },
        analysis: SummaryAnalysis { sentiment: Sentiment::default(), ..SummaryAnalysis::default() },
        participants: Vec::new(),
        citations: Vec::new(),
        ai_metadata: AiMetadata {
            provider: "builtin".to_owned(),
            model: "builtin".to_owned(),
            fallback_reason: None,
            tokens_used: 0,
            input_tokens: 0,
            output_tokens: 0,
            processing_time: 1,
            cost: None,
            requests: 0,
        },
        language: "en".to_owned(),
        visibility: "room".to_owned(),
        feedback: None,
        search: Vec::new(),
        status: SummaryStatus::Completed,
        exports: Vec::new(),
        scheduled_for: None,
        completed_at: Some(now),
        deleted_at: None,
        deleted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

/// A queued entry for a room: what the summarizer leaves when a session is summarized. Another retry
/// key makes another entry.
#[must_use]
pub fn entry(
    room: &Room,
    purpose: Purpose,
    reply_token: Option<ReplyToken>,
    retry_key: String,
) -> OutboxEntry {
    let new = NewOutboxEntry {
        id: derived(&["outbox", &room.tenant_id, &retry_key]),
        tenant_id: room.tenant_id.clone(),
        channel_id: room.channel_id.clone(),
        conversation_id: room.conversation_id.clone(),
        room_id: Some(room.id),
        purpose,
        reply_token,
        reply_only: false,
        retry_key,
    };
    new.queued(date(BEGIN))
}

/// The job that names an entry.
///
/// # Panics
/// When the conversation's id is none.
#[must_use]
pub fn outbound_job(tenant: &TestTenant, entry: &OutboxEntry) -> OutboundJob {
    OutboundJob {
        tenant_id: tenant.id.clone(),
        conversation_id: ConversationId::new(entry.conversation_id.clone()).expect("a LINE id"),
        outbox_id: document_id(entry.id),
    }
}
