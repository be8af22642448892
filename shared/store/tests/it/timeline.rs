//! Timelines, participants, and catching up.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::placement::Placement;
use matome_store::TenantStore;
use matome_store::entities::Summary;
use matome_store::timeline::{Direction, Reading, TimelineOf};

use crate::analytics::{person, said, session, store_all};
use crate::samples::{self, id};
use crate::{PLACEMENTS, store, tenant};

/// All messages of a room, forwards and backwards, two at a time; the same both ways.
pub(crate) async fn walk(tenant: &TenantStore, room: ObjectId) -> Vec<ObjectId> {
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let mut direction = Some(Direction::Oldest);
    while let Some(next) = direction {
        let page = tenant.timeline(TimelineOf::Room(room), next, 2).await.expect("read");
        forwards.extend(page.entries.iter().map(|entry| entry.message.id));
        direction = page.after.map(Direction::After);
    }
    direction = Some(Direction::Newest);
    while let Some(next) = direction {
        let page = tenant.timeline(TimelineOf::Room(room), next, 2).await.expect("read");
        backwards.extend(page.entries.iter().rev().map(|entry| entry.message.id));
        direction = page.before.map(Direction::Before);
    }
    backwards.reverse();
    assert_eq!(forwards, backwards);
    forwards
}

#[tokio::test]
async fn a_timeline_is_walked_both_ways_with_senders_and_sessions() {
    let store = store().await;
    for placement in PLACEMENTS {
        let tenant = tenant(&store, "t", placement).await;
        // Three of one millisecond.
        let at = "2026-11-10T10:00:00Z";
        let mut messages: Vec<_> = (1..=3).map(|n| said(&tenant, n, at, 1, 1, Some(1))).collect();
        messages.sort_by_key(|message| message.id);
        messages.push(said(&tenant, 4, "2026-11-10T11:00:00Z", 2, 1, None));
        messages.push(said(&tenant, 5, "2026-11-10T12:00:00Z", 2, 1, Some(2)));
        let expected: Vec<ObjectId> = messages.iter().map(|message| message.id).collect();
        messages.push(said(&tenant, 6, at, 3, 2, Some(1)));
        store_all(&tenant, &messages).await;
        session(&tenant, 1, 1, at, doc! {}).await;
        let second = session(&tenant, 2, 1, "2026-11-10T11:00:00Z", doc! {}).await;
        person(&tenant, 1, "Aoi").await;
        assert_eq!(walk(&tenant, id(1, 1)).await, expected);
        let page = tenant.timeline(TimelineOf::Room(id(1, 1)), Direction::Newest, 50).await.expect("read");
        assert_eq!((page.before, page.after), (None, None));
        let opens: Vec<bool> = page.entries.iter().map(|entry| entry.opens.is_some()).collect();
        assert_eq!(opens, [true, false, false, true, false]);
        assert_eq!(page.sessions.len(), 2);
        let sender = page.entries[0].sender.clone().expect("is known");
        assert_eq!(
            (sender.name.as_deref(), sender.picture_url.as_deref()),
            (Some("Aoi"), Some("https://example.com/p"))
        );
        assert_eq!(page.entries[3].sender, None);
        assert_eq!(page.entries[4].sender.clone().expect("has an id").name, None, "LINE did not tell it yet");
        let of_session = TimelineOf::Session(second.id);
        let page = tenant.timeline(of_session, Direction::Oldest, 50).await.expect("read");
        assert_eq!(page.entries.len(), 2);
    }
}

#[tokio::test]
async fn participants_are_counted() {
    let store = store().await;
    let tenant = tenant(&store, "t", Placement::Shared).await;
    let at = |minute: u32| format!("2026-11-10T10:{minute:02}:00Z");
    let people = [Some(1), Some(2), Some(1), None, Some(1), Some(2)];
    let messages: Vec<_> =
        (0_u32..).zip(people).map(|(n, user)| said(&tenant, n, &at(n), 1, 1, user)).collect();
    store_all(&tenant, &messages).await;
    person(&tenant, 1, "Aoi").await;
    let participants = tenant.participants(messages[0].session_id).await.expect("read");
    let counts: Vec<_> = participants.iter().map(|p| (p.sender.as_ref().map(|s| s.id), p.messages)).collect();
    assert_eq!(counts, [(Some(id(3, 1)), 3), (Some(id(3, 2)), 2), (None, 1)]);
    assert_eq!(participants[0].sender.clone().expect("is known").name.as_deref(), Some("Aoi"));
    assert_eq!(
        (participants[0].first_at, participants[0].last_at),
        (messages[0].timestamp, messages[4].timestamp)
    );
}

#[tokio::test]
async fn who_comes_back_reads_summaries_and_what_has_none_yet() {
    let store = store().await;
    for placement in PLACEMENTS {
        let tenant = tenant(&store, "t", placement).await;
        let at = |hour: u32| format!("2026-11-10T{hour:02}:00:00Z");
        // Session 1 was read before; 2 is summarized; the summary of 3 is private; 4 is open.
        let messages: Vec<_> = (1..=8).map(|n| said(&tenant, n, &at(n), n.div_ceil(2), 1, Some(1))).collect();
        store_all(&tenant, &messages).await;
        for number in 1..=4 {
            let open = doc! { "status": "active" };
            let fields = if number == 4 {
                open
            } else {
                doc! {}
            };
            let session = session(&tenant, number, 1, &at(number), fields).await;
            let (_, summary) = samples::of_tenant("t", number)
                .into_iter()
                .find(|(name, _)| *name == "summaries")
                .expect("one");
            let mut summary: Summary = bson::deserialize_from_document(summary).expect("is one");
            summary.session_id = session.id;
            summary.visibility = if number == 3 { "private" } else { "room" }.to_owned();
            tenant.collection::<Summary>().insert(&summary).await.expect("stored");
        }
        let since = DateTime::parse_rfc3339_str(at(3)).expect("a time");
        let missed = tenant.catch_up(id(1, 1), since).await.expect("read");
        let to_read: Vec<_> = missed
            .to_read
            .iter()
            .map(|reading| match reading {
                Reading::Summarized { session, summary, messages } => {
                    assert_eq!(summary.session_id, session.id);
                    (session.session_number, true, *messages)
                }
                Reading::Messages { session, messages } => (session.session_number, false, *messages),
            })
            .collect();
        assert_eq!(to_read, [(2, true, 1), (3, false, 2), (4, false, 2)]);
        assert_eq!((missed.messages, missed.truncated), (5, false));
        let now = DateTime::parse_rfc3339_str(at(20)).expect("a time");
        assert_eq!(tenant.catch_up(id(1, 1), now).await.expect("read").to_read, []);
    }
}
