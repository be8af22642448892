//! Who is in the room, and whether our messages reach it.

use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::limits::Limit;
use matome_domain::person::{PersonStatus, RoomMemberStatus};
use matome_store::entities::{
    Presence, Room, RoomMember, RoomMemberKind, RoomMemberStatistics, RoomMode, RoomPermissions,
    RoomSettings, RoomStatistics, RoomType, User, UserMetadata, UserStatistics,
};
use matome_store::time::date;

use super::{Desk, Fact, Purpose};

/// A date in the past: "fetch as soon as possible".
const NEVER: Timestamp = Timestamp(0);

impl Desk<'_> {
    /// The room, made on sight.
    pub(super) fn room(&mut self, fact: &Fact) -> &mut Room {
        let (key, now) = (self.key, date(self.now));
        let over_limits = self.beyond(Limit::Rooms);
        let kind = fact.place.unwrap_or(RoomType::Individual);
        let id = |of: RoomType| (kind == of).then(|| key.conversation.to_string());
        let (room, _) = self.rooms.change_or_insert(key.room_id(), || Room {
            id: key.room_id(),
            tenant_id: key.tenant.to_string(),
            channel_id: key.channel.to_string(),
            conversation_id: key.conversation.to_string(),
            room_type: kind,
            line_room_id: id(RoomType::MultiPerson),
            line_group_id: id(RoomType::Group),
            line_user_id: id(RoomType::Individual),
            name: None,
            renamed: false,
            description: None,
            avatar: None,
            settings: RoomSettings::default(),
            metadata: matome_store::entities::RoomMetadata::default(),
            statistics: RoomStatistics {
                total_sessions: 0,
                total_messages: 0,
                total_images: 0,
                active_sessions: 0,
                last_activity_at: date(fact.at),
            },
            usage: Vec::new(),
            over_limits,
            status: "active".to_owned(),
            archived_at: None,
            presence: Presence::Present,
            presence_at: date(NEVER),
            mode: None,
            last_session_number: 0,
            waiting_summary_id: None,
            refresh_at: date(NEVER),
            deleted_at: None,
            deleted_by: None,
            created_at: now,
            updated_at: now,
            version: 0,
        });
        room.updated_at = now;
        // Deleted by staff, and heard from again: it is there, and what is said in it has to be seen.
        (room.deleted_at, room.deleted_by) = (None, None);
        room
    }

    /// A person in this room, made on sight with the membership. Returns the user's id.
    pub(super) fn person(&mut self, fact: &Fact, line_user_id: &str) -> ObjectId {
        let (key, now, at) = (self.key, date(self.now), date(fact.at));
        let user_id = key.user_id(line_user_id);
        let (member, joined) = self.members.change_or_insert(key.member_id(user_id), || RoomMember {
            id: key.member_id(user_id),
            tenant_id: key.tenant.to_string(),
            room_id: key.room_id(),
            user_id,
            kind: RoomMemberKind::User,
            role: "member".to_owned(),
            joined_at: at,
            left_at: None,
            last_active_at: at,
            permissions: RoomPermissions::default(),
            statistics: RoomMemberStatistics::default(),
            status: RoomMemberStatus::Active,
            status_at: date(NEVER),
            banned_at: None,
            banned_reason: None,
            deleted_at: None,
            deleted_by: None,
            created_at: now,
            updated_at: now,
            version: 0,
        });
        member.last_active_at = member.last_active_at.max(at);
        member.updated_at = now;
        (member.deleted_at, member.deleted_by) = (None, None);
        let (user, _) = self.users.change_or_insert(user_id, || User {
            id: user_id,
            tenant_id: key.tenant.to_string(),
            line_user_id: line_user_id.to_owned(),
            display_name: None,
            picture_url: None,
            status_message: None,
            email: None,
            phone_number: None,
            profile: matome_store::entities::UserProfile::default(),
            preferences: matome_store::entities::UserPreferences::default(),
            statistics: UserStatistics {
                total_messages: 0,
                total_sessions: 0,
                total_rooms: 0,
                last_active_at: at,
            },
            metadata: UserMetadata { source: "line".to_owned(), ..UserMetadata::default() },
            status: PersonStatus::Active,
            refresh_at: date(NEVER),
            deleted_at: None,
            deleted_by: None,
            created_at: now,
            updated_at: now,
            version: 0,
        });
        user.statistics.last_active_at = user.statistics.last_active_at.max(at);
        user.statistics.total_rooms += i64::from(joined);
        user.updated_at = now;
        (user.deleted_at, user.deleted_by) = (None, None);
        user_id
    }

    /// Whether the channel may talk in the room, as LINE says with every event.
    pub(super) fn heard_in_mode(&mut self, fact: &Fact) {
        let (Some(standby), Some(_)) = (fact.standby, fact.place) else { return };
        let at = date(fact.at);
        let room = self.room(fact);
        if room.mode.is_none_or(|mode| mode.at <= at) {
            room.mode = Some(RoomMode { standby, at });
        }
    }

    /// Follow, unfollow, join, leave. An older event that comes late changes nothing.
    pub(super) fn presence(&mut self, fact: &Fact, present: bool, greet: bool) {
        if fact.place.is_none() {
            return;
        }
        let at = date(fact.at);
        let room = self.room(fact);
        if at < room.presence_at {
            return;
        }
        room.presence_at = at;
        room.presence = if present { Presence::Present } else { Presence::Absent };
        if fact.place == Some(RoomType::Individual)
            && let Some(line_user_id) = &fact.user
        {
            let user = self.person(fact, line_user_id);
            if let Some(user) = self.users.change(user) {
                user.status = if present { PersonStatus::Active } else { PersonStatus::Inactive };
            }
        }
        if greet {
            self.answer(fact, "welcome", Purpose::Welcome);
        }
    }

    /// People came to a group, or left it.
    pub(super) fn came_or_left(&mut self, fact: &Fact, users: &[String], came: bool) {
        if fact.place.is_none() {
            return;
        }
        self.room(fact);
        let at = date(fact.at);
        for line_user_id in users {
            let user = self.person(fact, line_user_id);
            let Some(member) = self.members.change(self.key.member_id(user)) else { continue };
            // A ban outlasts coming and going.
            if at < member.status_at || member.status == RoomMemberStatus::Banned {
                continue;
            }
            member.status_at = at;
            member.status = if came { RoomMemberStatus::Active } else { RoomMemberStatus::Inactive };
            member.left_at = (!came).then_some(at);
        }
    }
}
