//! Decide: from what is stored and what happened, what is to be written. Pure.
//!
//! Facts of a room are taken in order of their time. One that is stored already changes nothing,
//! however often it comes, which makes every count exact. `talk` holds what is said, `people` who
//! is there, `answers` what is to be said back.

mod answers;
mod people;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::limits::{Levels, Limit};
use matome_domain::month::Month;
use matome_domain::queue::{CloseTrigger, MediaJob, SummaryJob};
use matome_domain::session::{OpenSession, SessionCursor, SessionLimits};
use matome_store::entities::{
    InboundEventRecord, Message, OrganizationSettings, OutboxEntry, Purpose, Room, RoomMember, Session,
    SummaryOrigin, User,
};
use matome_store::id::{document_id, object_id};
use matome_store::time::{date, timestamp};
use matome_store::{StoreError, Write};
use serde_json::{Value, json};

use crate::fact::{Fact, What};
use crate::message::kept_raw;
use crate::room_key::RoomKey;
use crate::state::{RoomFacts, RoomState, State};
use crate::tracked::Tracked;

/// How long an event that is not a message is remembered: longer than LINE keeps redelivering.
pub(crate) const EVENT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Names and pictures of a room that are unknown or too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The room, as whose member LINE is asked.
    pub key: RoomKey,
    /// People, as LINE calls them.
    pub users: Vec<(ObjectId, String)>,
    /// The room itself.
    pub room: bool,
}

/// What is to be written, and what is to be set off once it is.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The room.
    pub rooms: Vec<Write>,
    /// Sessions.
    pub sessions: Vec<Write>,
    /// Messages seen for the first time.
    pub new_messages: Vec<Message>,
    /// Messages that read differently now.
    pub messages: Vec<Write>,
    /// People.
    pub users: Vec<Write>,
    /// Their memberships.
    pub members: Vec<Write>,
    /// Events that are not messages.
    pub events: Vec<InboundEventRecord>,
    /// What is to be said.
    pub outbox: Vec<OutboxEntry>,
    /// What people think of summaries.
    pub ratings: Vec<Write>,
    /// Summaries to be written.
    pub summary_jobs: Vec<SummaryJob>,
    /// Media to be fetched or erased.
    pub media_jobs: Vec<MediaJob>,
    /// Rooms some fact of which was stored already: an earlier attempt may have died before it set
    /// off the rest.
    pub repeated: Vec<RoomKey>,
    /// Names and pictures to be fetched.
    pub stale: Vec<Stale>,
    /// Events and messages of kinds this code does not know.
    pub unknown_events: usize,
}

impl Plan {
    /// Nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
            && self.sessions.is_empty()
            && self.new_messages.is_empty()
            && self.messages.is_empty()
            && self.users.is_empty()
            && self.members.is_empty()
            && self.events.is_empty()
            && self.outbox.is_empty()
            && self.ratings.is_empty()
    }
}

/// What is agreed with the organization that the rooms are of.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How it wants to be served.
    pub settings: &'a OrganizationSettings,
    /// IANA name of the zone that its days begin in.
    pub timezone: &'a str,
    /// The limits that are known, see [`matome_store::entities::Organization::levels_at`].
    pub levels: &'a Levels,
}

impl Terms<'_> {
    /// The limits in force for a room; none at all when the room does not close by itself.
    fn limits(&self, room: Option<&Room>) -> SessionLimits {
        let room = room.map(|r| r.settings.clone()).unwrap_or_default();
        if room.auto_close == Some(false) {
            // A thousand years: past any session, within what a BSON date can hold.
            let time_limit = Duration::from_secs(1000 * 365 * 24 * 60 * 60);
            return SessionLimits { message_count: u32::MAX, time_limit, period: None };
        }
        SessionLimits::resolve(room.session_triggers, self.settings.session_triggers)
            .ending_with(self.settings.summary_schedule, self.timezone)
    }
}

/// The one decision of the recorder, about rooms of one tenant. What is beyond a limit is recorded like everything
/// else, and flagged.
///
/// # Errors
/// [`StoreError::Encode`] when a document cannot be written as BSON.
pub fn decide(
    batch: &[RoomFacts],
    state: State,
    terms: Terms<'_>,
    retry_keys: &mut dyn FnMut() -> String,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    let mut plan = Plan::default();
    let mut users = Tracked::loaded(state.users, |u| u.id);
    for (RoomFacts { key, facts }, stored) in batch.iter().zip(state.rooms) {
        let mut facts: Vec<&Fact> = facts.iter().collect();
        facts.sort_by(|a, b| (a.at, &a.event_id).cmp(&(b.at, &b.event_id)));
        let mut desk = Desk::new(key, stored, &mut users, terms, retry_keys, now);
        for fact in facts {
            desk.take(fact);
        }
        desk.add_to(&mut plan)?;
    }
    plan.users = users.writes(&["statistics", "status", "deletedAt", "deletedBy", "updatedAt"], false)?;
    Ok(plan)
}

/// The room on the desk while its facts are gone through.
struct Desk<'a> {
    key: &'a RoomKey,
    terms: Terms<'a>,
    retry_keys: &'a mut dyn FnMut() -> String,
    now: Timestamp,
    month: Month,
    rooms: Tracked<Room>,
    sessions: Tracked<Session>,
    messages: Tracked<Message>,
    users: &'a mut Tracked<User>,
    members: Tracked<RoomMember>,
    cursor: SessionCursor,
    done: BTreeSet<ObjectId>,
    events: Vec<InboundEventRecord>,
    outbox: Vec<OutboxEntry>,
    summaries: Vec<SummaryOrigin>,
    ratings: Vec<Write>,
    media: BTreeSet<ObjectId>,
    summarize: BTreeSet<ObjectId>,
    repeated: bool,
    unknown_events: usize,
}

impl<'a> Desk<'a> {
    fn new(
        key: &'a RoomKey,
        state: RoomState,
        users: &'a mut Tracked<User>,
        terms: Terms<'a>,
        retry_keys: &'a mut dyn FnMut() -> String,
        now: Timestamp,
    ) -> Self {
        let limits = terms.limits(state.room.as_ref());
        let open = state.sessions.iter().find(|s| s.status == matome_store::entities::SessionStatus::Active);
        let open = open.map(|s| OpenSession {
            number: u64::try_from(s.session_number).unwrap_or_default(),
            opened_at: timestamp(s.opened_at),
            message_count: u32::try_from(s.statistics.message_count).unwrap_or(u32::MAX),
        });
        let last =
            state.room.as_ref().map_or(0, |r| u64::try_from(r.last_session_number).unwrap_or_default());
        Self {
            key,
            terms,
            retry_keys,
            now,
            month: Month::of(now),
            rooms: Tracked::loaded(state.room, |r| r.id),
            sessions: Tracked::loaded(state.sessions, |s| s.id),
            messages: Tracked::loaded(state.messages, |m| m.id),
            users,
            members: Tracked::loaded(state.members, |m| m.id),
            cursor: SessionCursor::new(limits, open, last),
            done: state.events,
            events: Vec::new(),
            outbox: Vec::new(),
            summaries: state.summaries,
            ratings: Vec::new(),
            media: BTreeSet::new(),
            summarize: BTreeSet::new(),
            repeated: false,
            unknown_events: 0,
        }
    }

    fn take(&mut self, fact: &Fact) {
        if let What::Close { session_id, trigger, by } = &fact.what {
            self.close_on_request(object_id(session_id), *trigger, by.as_ref().and_then(object_id));
            return;
        }
        let event = self.key.event_id(&fact.event_id);
        if self.done.contains(&event) {
            self.repeated = true;
            return;
        }
        match &fact.what {
            What::Said(message, command) => {
                if self.say(fact, message, *command) {
                    return;
                }
                // A command with nothing open: no message of any session, but done once all the same.
                self.note(fact, event, Some(bson::doc! { "type": "summarize" }), None);
                return;
            }
            What::Edited(message) => self.edit(fact, message),
            What::Unsent { message_id } => self.unsend(fact, message_id),
            What::Presence { present, greet } => self.presence(fact, *present, *greet),
            What::Joined(users) => self.came_or_left(fact, users, true),
            What::Left(users) => self.came_or_left(fact, users, false),
            What::Tapped(action, params) => {
                let mut recorded = self.tap(fact, action);
                if !params.is_empty() {
                    recorded.insert("params", kept_raw(&json!(params)));
                }
                self.note(fact, event, Some(recorded), None);
                return;
            }
            What::Open => self.open_on_request(),
            What::Noted => {}
            What::Unknown(raw) => {
                self.unknown_events += 1;
                self.note(fact, event, None, Some(raw));
                return;
            }
            What::Close { .. } => {}
        }
        self.note(fact, event, None, None);
    }

    /// Remembers an event that is not a message, so that it is done once.
    fn note(&mut self, fact: &Fact, id: ObjectId, action: Option<bson::Document>, raw: Option<&Value>) {
        self.done.insert(id);
        if fact.place.is_some() {
            self.room(fact);
        }
        self.heard_in_mode(fact);
        let user_id = fact.user.as_deref().filter(|_| fact.place.is_some()).map(|u| self.person(fact, u));
        self.events.push(InboundEventRecord {
            id,
            tenant_id: self.key.tenant.to_string(),
            channel_id: self.key.channel.to_string(),
            webhook_event_id: fact.event_id.clone(),
            kind: fact.type_name.clone(),
            room_id: fact.place.map(|_| self.key.room_id()),
            user_id,
            action,
            // What is not understood is kept whole.
            details: fact.details.as_ref().filter(|_| raw.is_none()).map(kept_raw),
            raw: raw.map(kept_raw),
            timestamp: date(fact.at),
            created_at: date(self.now),
            expires_at: date(self.now.plus(EVENT_RETENTION)),
        });
    }

    /// The limits that something new goes beyond, if it counts against `limit`.
    fn beyond(&self, limit: Limit) -> Vec<Limit> {
        if self.terms.levels.is_full(limit) { vec![limit] } else { Vec::new() }
    }

    fn add_to(mut self, plan: &mut Plan) -> Result<(), StoreError> {
        self.refresh_closing_time();
        plan.rooms.extend(self.rooms.writes(
            &[
                "statistics",
                "usage",
                "presence",
                "presenceAt",
                "mode",
                "lastSessionNumber",
                "waitingSummaryId",
                "deletedAt",
                "deletedBy",
                "updatedAt",
            ],
            false,
        )?);
        plan.sessions.extend(self.sessions.writes(talk::SESSION_FIELDS, false)?);
        plan.new_messages.extend(self.messages.new_documents());
        plan.messages.extend(self.messages.writes(talk::MESSAGE_FIELDS, true)?);
        plan.members.extend(self.members.writes(
            &[
                "statistics",
                "status",
                "statusAt",
                "leftAt",
                "lastActiveAt",
                "deletedAt",
                "deletedBy",
                "updatedAt",
            ],
            false,
        )?);
        let tenant = &self.key.tenant;
        let to_summarize = self.summarize.iter().filter_map(|id| self.sessions.get(*id));
        plan.summary_jobs.extend(to_summarize.map(|s| SummaryJob {
            tenant_id: tenant.clone(),
            session_id: document_id(s.id),
            revision: u32::try_from(s.revision).unwrap_or(u32::MAX),
        }));
        let media = self.media.iter();
        plan.media_jobs
            .extend(media.map(|id| MediaJob { tenant_id: tenant.clone(), message_id: document_id(*id) }));
        plan.stale.extend(self.stale(&plan.stale));
        plan.events.extend(self.events);
        plan.outbox.extend(self.outbox);
        plan.ratings.extend(self.ratings);
        plan.unknown_events += self.unknown_events;
        if self.repeated {
            plan.repeated.push(self.key.clone());
        }
        Ok(())
    }

    /// What is to be fetched for this room; whoever is fetched for another one already is not.
    fn stale(&self, already: &[Stale]) -> Option<Stale> {
        let now = date(self.now);
        let here = self.members.iter().filter_map(|m| self.users.get(m.user_id));
        let users: Vec<_> = here
            .filter(|u| u.refresh_at <= now)
            .filter(|u| !already.iter().any(|s| s.users.iter().any(|(id, _)| *id == u.id)))
            .map(|u| (u.id, u.line_user_id.clone()))
            .collect();
        let room = self.rooms.iter().any(|r| r.refresh_at <= now);
        (room || !users.is_empty()).then(|| Stale { key: self.key.clone(), users, room })
    }
}
