//! What a tenant holds, and whether its counters say what a count of its documents says.

use std::collections::BTreeMap;

use bson::doc;
use matome_domain::month::Month;
use matome_store::entities::{Message, Room, RoomMember, Session, User};
use matome_store::time::timestamp;
use matome_store::{Entity, TenantStore};

/// All of a tenant's documents of one kind.
pub async fn all<E: Entity>(tenant: &TenantStore, sort: &str) -> Vec<E> {
    tenant.collection::<E>().find(doc! {}, doc! { sort: 1 }, 0).await.expect("can be read")
}

/// Checks every counter that the recorder keeps.
pub async fn assert_counts_are_exact(tenant: &TenantStore) {
    let messages: Vec<Message> = all(tenant, "timestamp").await;
    let sessions: Vec<Session> = all(tenant, "sessionNumber").await;
    for session in &sessions {
        let own: Vec<_> = messages.iter().filter(|m| m.session_id == session.id).collect();
        assert_eq!(session.statistics.message_count, as_count(own.len()), "messages of a session");
        let images = own.iter().filter(|m| m.message_type == "image").count();
        assert_eq!(session.statistics.image_count, as_count(images), "pictures of a session");
        assert_eq!(session.statistics.participant_count, as_count(session.participants.len()));
        assert_eq!(Some(session.start_time), own.iter().map(|m| m.timestamp).min());
    }
    for room in all::<Room>(tenant, "_id").await {
        let own: Vec<_> = sessions.iter().filter(|s| s.room_id == room.id).collect();
        let numbers: Vec<i64> = own.iter().map(|s| s.session_number).collect();
        assert_eq!(numbers, (1..=as_count(own.len())).collect::<Vec<_>>(), "session numbers have no gap");
        assert_eq!(room.statistics.total_sessions, as_count(own.len()));
        let in_room = messages.iter().filter(|m| m.room_id == room.id).count();
        assert_eq!(room.statistics.total_messages, as_count(in_room), "messages of a room");
        for usage in &room.usage {
            let recorded = |m: &&Message| Month::of(timestamp(m.created_at)) == usage.month;
            let in_month = messages.iter().filter(|m| m.room_id == room.id).filter(recorded).count();
            assert_eq!(usage.messages, as_count(in_month), "messages of a room in {}", usage.month);
        }
        assert_eq!(room.usage.is_empty(), in_room == 0, "what is recorded is counted in some month");
    }
    let mut by_user: BTreeMap<_, i64> = BTreeMap::new();
    for user in messages.iter().filter_map(|m| m.user_id) {
        *by_user.entry(user).or_default() += 1;
    }
    let members: Vec<RoomMember> = all(tenant, "_id").await;
    for user in all::<User>(tenant, "_id").await {
        let said = by_user.get(&user.id).copied().unwrap_or_default();
        assert_eq!(user.statistics.total_messages, said, "messages of a person");
        let own: Vec<_> = members.iter().filter(|m| m.user_id == user.id).collect();
        assert_eq!(own.iter().map(|m| m.statistics.messages_sent).sum::<i64>(), said);
        assert_eq!(user.statistics.total_rooms, as_count(own.len()));
    }
}

/// A number of documents as counters have it.
#[must_use]
pub fn as_count(n: usize) -> i64 {
    i64::try_from(n).expect("a test has fewer documents than that")
}
