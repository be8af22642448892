//! What an entry says, in the language of its reader; made when it is sent, so that what was
//! unsent or renamed meanwhile is not said.

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::ids::DocumentId;
use matome_domain::language::Language;
use matome_domain::zone::utc_offset_minutes;
use matome_line::flex::{
    ActionItemView, SummaryView, details_messages, nothing_to_summarize, summary_message,
    summary_ready_message, thanks_for_rating, welcome_group, welcome_user,
};
use matome_line::postback::Rating;
use matome_store::TenantStore;
use matome_store::entities::{
    Organization, OutboxEntry, Purpose, Room, RoomType, Session, Summary, SummaryStatus, User,
};
use matome_store::id::document_id;
use matome_store::time::timestamp;
use serde_json::Value;

use crate::error::SendError;
use crate::recipients::Kind;

/// What there is to say.
#[derive(Debug)]
pub(crate) enum Words {
    /// One to five messages.
    Messages(Vec<Value>),
    /// Nothing, for good; the code says why.
    Nothing(&'static str),
    /// The summary is being written anew.
    NotYet,
}

/// Writes the messages of `entry`.
pub(crate) async fn words(
    store: &TenantStore,
    organization: &Organization,
    entry: &OutboxEntry,
    room: Option<&Room>,
) -> Result<Words, SendError> {
    let summary_id = match &entry.purpose {
        Purpose::Summary { summary_id }
        | Purpose::Details { summary_id }
        | Purpose::SummaryReady { summary_id } => *summary_id,
        Purpose::NothingToSummarize => {
            return Ok(one(nothing_to_summarize(reader(store, organization, entry, room).await?)));
        }
        Purpose::RatingThanks { rating } => {
            let rating = u8::try_from(*rating).ok().and_then(Rating::new);
            let Some(rating) = rating else { return Ok(Words::Nothing("bad_rating")) };
            return Ok(one(thanks_for_rating(rating, reader(store, organization, entry, room).await?)));
        }
        Purpose::Welcome => {
            let language = reader(store, organization, entry, room).await?;
            let group = Kind::of(&entry.conversation_id) != Kind::User;
            return Ok(one(if group { welcome_group(language) } else { welcome_user(language) }));
        }
    };
    of_summary(store, organization, entry, room, summary_id).await
}

async fn of_summary(
    store: &TenantStore,
    organization: &Organization,
    entry: &OutboxEntry,
    room: Option<&Room>,
    id: ObjectId,
) -> Result<Words, SendError> {
    let summary = store.collection::<Summary>().get(id).await?;
    let summary = summary.filter(|s| may_be_shown(s, entry, organization));
    let Some(summary) = summary else { return Ok(Words::Nothing("not_found")) };
    let Some(session) = store.collection::<Session>().get(summary.session_id).await? else {
        return Ok(Words::Nothing("not_found"));
    };
    if summary.revision < session.revision || summary.status != SummaryStatus::Completed {
        return Ok(Words::NotYet);
    }
    let language = match Language::from_tag(&summary.language) {
        Some(language) => language,
        None => reader(store, organization, entry, room).await?,
    };
    let number = u64::try_from(session.session_number).unwrap_or_default();
    Ok(match entry.purpose {
        Purpose::Details { .. } => {
            Words::Messages(details_messages(number, &summary.content.detailed, language))
        }
        Purpose::SummaryReady { .. } => {
            let name = name_for(store, entry, room, &summary).await?;
            one(summary_ready_message(&document_id(id), name.as_deref(), language))
        }
        _ => {
            let name = name_for(store, entry, room, &summary).await?;
            let zone = &organization.timezone;
            one(summary_message(&view(document_id(id), number, name, &summary, &session, zone), language))
        }
    })
}

/// Another tenant's is not found in the first place.
fn may_be_shown(summary: &Summary, entry: &OutboxEntry, organization: &Organization) -> bool {
    let delivery = &organization.settings.delivery;
    summary.channel_id == entry.channel_id
        && delivery.is_for(summary.room_id, entry.room_id, &entry.conversation_id)
}

/// The talk's name, for readers to whom it is not their own 1:1 chat.
async fn name_for(
    store: &TenantStore,
    entry: &OutboxEntry,
    room: Option<&Room>,
    summary: &Summary,
) -> Result<Option<String>, SendError> {
    if entry.room_id == Some(summary.room_id) {
        return Ok(room.filter(|r| r.room_type != RoomType::Individual).and_then(|r| r.name.clone()));
    }
    Ok(store.collection::<Room>().get(summary.room_id).await?.and_then(|r| r.name))
}

/// The language of what is not a summary: the room's, the organization's, the person's own.
async fn reader(
    store: &TenantStore,
    organization: &Organization,
    entry: &OutboxEntry,
    room: Option<&Room>,
) -> Result<Language, SendError> {
    let room = room.and_then(|r| r.settings.summary_language.as_deref());
    let organization = organization.settings.ai_settings.summary_language.as_deref();
    if let Some(language) = room.or(organization).and_then(Language::from_tag) {
        return Ok(language);
    }
    if Kind::of(&entry.conversation_id) != Kind::User {
        return Ok(Language::default());
    }
    let user = store.collection::<User>().find_one(doc! { "lineUserId": &entry.conversation_id }).await?;
    let language = user.and_then(|u| u.profile.language);
    Ok(language.as_deref().and_then(Language::from_tag).unwrap_or_default())
}

fn one(message: Value) -> Words {
    Words::Messages(vec![message])
}

fn view(
    summary_id: DocumentId,
    session_number: u64,
    room_name: Option<String>,
    summary: &Summary,
    session: &Session,
    zone: &str,
) -> SummaryView {
    let content = &summary.content;
    let ended_at = timestamp(session.end_time.unwrap_or(session.last_message_at));
    SummaryView {
        summary_id,
        session_number,
        room_name,
        brief: content.brief.clone(),
        bullets: content.bullet_points.clone(),
        action_items: content
            .action_items
            .iter()
            .map(|a| ActionItemView {
                item: a.item.clone(),
                assigned_to: a.assigned_to.clone(),
                deadline: a.deadline.clone(),
            })
            .collect(),
        decisions: content.decisions.clone(),
        open_questions: content.open_questions.clone(),
        message_count: u64::try_from(session.statistics.message_count).unwrap_or_default(),
        participant_count: u64::try_from(session.statistics.participant_count).unwrap_or_default(),
        started_at: timestamp(session.start_time),
        ended_at,
        utc_offset_minutes: utc_offset_minutes(zone, ended_at),
        written_by: summary.ai_metadata.provider.clone(),
    }
}
