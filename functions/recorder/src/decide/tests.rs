use std::time::Duration;

use matome_domain::ids::{ChannelId, ConversationId, TenantId};
use matome_domain::queue::{Inbound, InboundEvent};
use matome_domain::session::{SessionTriggers, SummarySchedule};
use matome_store::entities::{MediaStatus, Purpose, RoomMetadata, RoomSettings, RoomStatistics, RoomType};

use super::*;

const NOW: Timestamp = Timestamp(1_795_165_200_000);

fn key() -> RoomKey {
    RoomKey {
        tenant: TenantId::new("t1").unwrap(),
        channel: ChannelId::new("c1").unwrap(),
        conversation: ConversationId::new("U1").unwrap(),
    }
}

fn fact(event_id: &str, seconds: u64, kind: &str, fields: Value) -> Fact {
    let key = key();
    let mut event = json!({
        "type": kind, "mode": "active", "timestamp": NOW.plus(Duration::from_secs(seconds)).0,
        "source": { "type": "user", "userId": "U1" }, "webhookEventId": event_id, "replyToken": "r",
    });
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let inbound = InboundEvent {
        tenant_id: key.tenant,
        channel_id: key.channel,
        conversation_id: key.conversation,
        event_id: event_id.to_owned(),
        received_at: NOW,
        event,
    };
    Fact::translate(Inbound::Event(inbound), NOW)
}

fn text(id: &str, seconds: u64, text: &str) -> Fact {
    fact(id, seconds, "message", json!({ "message": { "type": "text", "id": id, "text": text } }))
}

fn batch(facts: &[Fact]) -> [RoomFacts; 1] {
    [RoomFacts { key: key(), facts: facts.to_vec() }]
}

fn terms(settings: &OrganizationSettings) -> Terms<'_> {
    static LEVELS: std::sync::LazyLock<Levels> = std::sync::LazyLock::new(Levels::default);
    Terms { settings, timezone: "Asia/Tokyo", levels: &LEVELS }
}

fn plan(state: RoomState, facts: &[Fact]) -> Plan {
    plan_at(&Levels::default(), state, facts)
}

fn plan_at(levels: &Levels, state: RoomState, facts: &[Fact]) -> Plan {
    let mut keys = || "retry-key".to_owned();
    decide(
        &batch(facts),
        State { rooms: vec![state], users: Vec::new() },
        Terms { levels, ..terms(&OrganizationSettings::default()) },
        &mut keys,
        NOW,
    )
    .unwrap()
}

fn room(settings: RoomSettings) -> Room {
    Room {
        id: key().room_id(),
        tenant_id: "t1".into(),
        channel_id: "c1".into(),
        conversation_id: "U1".into(),
        room_type: RoomType::Individual,
        line_room_id: None,
        line_group_id: None,
        line_user_id: Some("U1".into()),
        name: None,
        renamed: false,
        description: None,
        avatar: None,
        settings,
        metadata: RoomMetadata::default(),
        statistics: RoomStatistics {
            total_sessions: 0,
            total_messages: 0,
            total_images: 0,
            active_sessions: 0,
            last_activity_at: date(NOW),
        },
        usage: Vec::new(),
        over_limits: Vec::new(),
        status: "active".into(),
        archived_at: None,
        presence: matome_store::entities::Presence::Present,
        presence_at: date(NOW),
        mode: None,
        last_session_number: 0,
        waiting_summary_id: None,
        refresh_at: date(NOW.plus(Duration::from_secs(1))),
        deleted_at: None,
        deleted_by: None,
        created_at: date(NOW),
        updated_at: date(NOW),
        version: 0,
    }
}

#[test]
fn messages_are_taken_in_order_of_their_time_whatever_the_order_of_the_batch() {
    let facts = [text("2", 2, "/summary"), text("1", 1, "hello"), text("3", 3, "next")];
    let plan = plan(RoomState::default(), &facts);
    let session_of =
        |id: &str| plan.new_messages.iter().find(|m| m.line_message_id == id).map(|m| m.session_id).unwrap();
    assert_eq!(session_of("1"), session_of("2"));
    assert_ne!(session_of("2"), session_of("3"), "the command closed the session before");
    assert_eq!(plan.summary_jobs.len(), 1);
}

/// Why the only session of a plan closed, and by whom.
fn closed(plan: &Plan) -> (CloseTrigger, Option<ObjectId>, bool) {
    assert_eq!((plan.sessions.len(), plan.summary_jobs.len()), (1, 1));
    let session: Session = bson::deserialize_from_document(plan.sessions[0].update.clone()).unwrap();
    (session.trigger.unwrap(), session.closed_by, session.reply_token.is_some())
}

#[test]
fn a_command_closes_by_hand_also_where_it_fills_the_session() {
    let settings = |message_count| {
        let triggers = SessionTriggers { message_count: Some(message_count), time_limit: None };
        OrganizationSettings { session_triggers: triggers, ..OrganizationSettings::default() }
    };
    let by_hand = (CloseTrigger::Manual, Some(key().user_id("U1")), true);
    for (limit, facts, expected) in [
        (3, [text("1", 1, "hello"), text("2", 2, "/summary")], by_hand),
        (2, [text("1", 1, "hello"), text("2", 2, "/summary")], by_hand),
        (2, [text("1", 1, "hello"), text("2", 2, "bye")], (CloseTrigger::MessageCount, None, true)),
    ] {
        let state = State { rooms: vec![RoomState::default()], users: Vec::new() };
        let mut keys = || "retry-key".to_owned();
        let plan = decide(&batch(&facts), state, terms(&settings(limit)), &mut keys, NOW).unwrap();
        assert_eq!(closed(&plan), expected, "{limit}");
        assert!(plan.outbox.is_empty());
    }
}

#[test]
fn a_command_closes_by_hand_also_where_the_time_is_up() {
    let day = 24 * 60 * 60;
    let mut settings = OrganizationSettings::default();
    for schedule in [None, Some(SummarySchedule::Daily)] {
        settings.summary_schedule = schedule;
        let state = State { rooms: vec![RoomState::default()], users: Vec::new() };
        let mut keys = || "retry-key".to_owned();
        let facts = [text("1", 1, "hello"), text("2", 2 + day, "/summary")];
        let plan = decide(&batch(&facts), state, terms(&settings), &mut keys, NOW).unwrap();
        assert_eq!(closed(&plan), (CloseTrigger::Manual, Some(key().user_id("U1")), true), "{schedule:?}");
        assert_eq!((plan.new_messages.len(), plan.events.len()), (1, 1), "the command opens nothing");
    }
}

#[test]
fn a_fact_twice_in_one_batch_is_one() {
    let plan = plan(RoomState::default(), &[text("1", 1, "a"), text("1", 1, "a")]);
    assert_eq!(plan.new_messages.len(), 1);
    assert_eq!(plan.repeated, [key()]);
}

#[test]
fn what_is_stored_already_changes_nothing() {
    let first = plan(RoomState::default(), &[text("1", 1, "a")]);
    let state = RoomState {
        room: Some(room(RoomSettings::default())),
        messages: first.new_messages.clone(),
        ..RoomState::default()
    };
    let again = plan(state, &[text("1", 1, "a")]);
    assert!(again.is_empty());
    assert_eq!(again.repeated, [key()]);
}

#[test]
fn a_room_that_does_not_close_by_itself_holds_any_number() {
    let settings = RoomSettings { auto_close: Some(false), ..RoomSettings::default() };
    let state = RoomState { room: Some(room(settings)), ..RoomState::default() };
    let facts: Vec<Fact> = (0..120).map(|n| text(&n.to_string(), n, "hi")).collect();
    let plan = plan(state, &facts);
    let sessions: std::collections::BTreeSet<_> = plan.new_messages.iter().map(|m| m.session_id).collect();
    assert_eq!((sessions.len(), plan.summary_jobs.len()), (1, 0));
}

#[test]
fn every_closed_session_is_handed_on_and_that_of_a_room_without_ai_too() {
    let settings = RoomSettings { ai_enabled: Some(false), ..RoomSettings::default() };
    let state = RoomState { room: Some(room(settings)), ..RoomState::default() };
    let plan = plan(state, &[text("1", 1, "hello"), text("2", 2, "/summary")]);
    assert_eq!(plan.summary_jobs.len(), 1);
    let sessions = format!("{:?}", plan.sessions);
    assert!(sessions.contains("summarizing"), "{sessions}");
}

#[test]
fn a_summary_the_quota_kept_back_goes_out_with_the_next_free_token() {
    let waiting = bson::oid::ObjectId::from_bytes([7; 12]);
    let state = RoomState {
        room: Some(Room { waiting_summary_id: Some(waiting), ..room(RoomSettings::default()) }),
        ..RoomState::default()
    };
    let plan = plan(state, &[text("1", 0, "hello")]);
    assert_eq!(plan.outbox[0].purpose, Purpose::SummaryReady { summary_id: waiting });
    assert_eq!(plan.outbox[0].reply_token.as_ref().map(|t| t.token.as_str()), Some("r"));
    let update = &plan.rooms[0].update;
    assert!(update.get_document("$unset").unwrap().contains_key("waitingSummaryId"));
}

#[test]
fn a_stale_token_answers_nothing() {
    let mut keys = || "retry-key".to_owned();
    let facts = [text("1", 0, "/summary")];
    let later = NOW.plus(Duration::from_secs(56));
    let settings = OrganizationSettings::default();
    let state = State { rooms: vec![RoomState::default()], users: Vec::new() };
    let plan = decide(&batch(&facts), state, terms(&settings), &mut keys, later).unwrap();
    assert!(plan.outbox.is_empty());
    assert_eq!(plan.events.len(), 1, "it is done all the same");
}

#[test]
fn standby_offers_no_token() {
    let fact = fact(
        "1",
        0,
        "message",
        json!({ "mode": "standby", "message": { "type": "text", "id": "1", "text": "/summary" } }),
    );
    assert!(plan(RoomState::default(), &[fact]).outbox.is_empty());
}

const SUMMARY: &str = "0123456789abcdef01234567";

fn tap(id: &str, data: &str) -> Fact {
    fact(id, 0, "postback", json!({ "postback": { "data": data } }))
}

/// A room from which a summary of `room_id` is rated.
fn rating(channel_id: &str, room_id: ObjectId) -> RoomState {
    let id = object_id(&matome_domain::ids::DocumentId::new(SUMMARY).unwrap()).unwrap();
    let summary = SummaryOrigin { id, room_id, channel_id: channel_id.to_owned() };
    RoomState { summaries: vec![summary], ..RoomState::default() }
}

#[test]
fn a_room_is_in_the_mode_of_its_newest_event() {
    let said = |id: &str, second, mode: &str| {
        let message = json!({ "type": "text", "id": id, "text": "hello" });
        fact(id, second, "message", json!({ "mode": mode, "message": message }))
    };
    let mode = |facts: &[Fact]| {
        let plan =
            plan(RoomState { room: Some(room(RoomSettings::default())), ..RoomState::default() }, facts);
        let set = plan.rooms[0].update.get_document("$set").unwrap().clone();
        set.get_document("mode").unwrap().get_bool("standby").unwrap()
    };
    assert!(!mode(&[said("1", 1, "active")]));
    assert!(mode(&[said("1", 1, "active"), said("2", 2, "standby")]));
    assert!(mode(&[said("2", 2, "standby"), said("1", 1, "active")]), "an older one that comes late");
    assert!(!mode(&[said("1", 1, "standby"), said("2", 2, "active")]));
    assert!(mode(&[said("1", 1, "what LINE has not invented yet")]));
}

#[test]
fn taps_are_typed_and_forged_data_is_only_noted() {
    let facts = [
        tap("1", &format!("m=details&s={SUMMARY}")),
        tap("2", &format!("m=rate&s={SUMMARY}&r=4")),
        tap("3", "m=rate&s=../../x&r=9"),
    ];
    let plan = plan(rating("c1", key().room_id()), &facts);
    let actions: Vec<_> =
        plan.events.iter().map(|e| e.action.as_ref().unwrap().get_str("type").unwrap()).collect();
    assert_eq!(actions, ["showDetails", "rateSummary", "unknown"]);
    assert_eq!(plan.outbox.len(), 2);
    assert_eq!(plan.ratings.len(), 1);
    let set = plan.ratings[0].update.get_document("$set").unwrap();
    let feedback = bson::doc! { "rating": 4, "ratedAt": date(NOW), "ratedBy": key().user_id("U1") };
    assert_eq!(set.get_document("feedback").unwrap(), &feedback, "as a whole, in place of what was there");
}

#[test]
fn a_rating_is_taken_in_the_summarys_own_room_and_from_those_it_is_delivered_to() {
    let elsewhere = RoomKey { conversation: ConversationId::new("C1").unwrap(), ..key() }.room_id();
    let rates = |state: RoomState, settings: &OrganizationSettings| {
        let mut keys = || "retry-key".to_owned();
        let state = State { rooms: vec![state], users: Vec::new() };
        let facts = [tap("1", &format!("m=rate&s={SUMMARY}&r=1"))];
        let plan = decide(&batch(&facts), state, terms(settings), &mut keys, NOW).unwrap();
        assert_eq!(plan.events.len(), 1, "noted in any case");
        assert_eq!(plan.outbox.len(), plan.ratings.len(), "thanks are for what was taken");
        !plan.ratings.is_empty()
    };
    let mut settings = OrganizationSettings::default();
    assert!(rates(rating("c1", key().room_id()), &settings));
    assert!(!rates(rating("c1", elsewhere), &settings), "another room's");
    assert!(!rates(RoomState::default(), &settings), "nobody's");
    settings.delivery.recipients = vec!["U1".to_owned()];
    assert!(!rates(rating("c1", elsewhere), &settings), "nothing is delivered to them");
    settings.delivery.target = matome_store::entities::DeliveryTarget::Recipients;
    assert!(rates(rating("c1", elsewhere), &settings));
    assert!(!rates(rating("c2", elsewhere), &settings), "another channel's");
    settings.delivery.recipients = vec!["U2".to_owned()];
    assert!(!rates(rating("c1", elsewhere), &settings));
}

#[test]
fn pictures_held_elsewhere_are_not_fetched() {
    let provider = json!({ "type": "external", "originalContentUrl": "https://example.com/a.jpg" });
    let message = json!({ "message": { "type": "image", "id": "1", "contentProvider": provider } });
    let plan = plan(RoomState::default(), &[fact("1", 0, "message", message)]);
    assert!(plan.media_jobs.is_empty());
    let media = plan.new_messages[0].media.as_ref().unwrap();
    assert_eq!(media.status, MediaStatus::External);
    assert_eq!(media.original_url.as_deref(), Some("https://example.com/a.jpg"));
}

#[test]
fn events_about_the_account_make_no_room() {
    let fact = fact("1", 0, "botSuspended", json!({ "source": null }));
    let plan = plan(RoomState::default(), &[fact]);
    assert!(plan.rooms.is_empty() && plan.users.is_empty());
    assert_eq!(plan.events[0].kind, "botSuspended");
}

#[test]
fn a_person_in_two_rooms_of_a_batch_is_counted_once_for_each_message_and_fetched_once() {
    let other = RoomKey { conversation: ConversationId::new("C1").unwrap(), ..key() };
    let rooms = [
        RoomFacts { key: key(), facts: vec![text("1", 1, "hi"), text("2", 2, "hi")] },
        RoomFacts { key: other, facts: vec![text("3", 3, "hi")] },
    ];
    let state = State { rooms: vec![RoomState::default(); 2], users: Vec::new() };
    let mut keys = || "retry-key".to_owned();
    let plan = decide(&rooms, state, terms(&OrganizationSettings::default()), &mut keys, NOW).unwrap();
    assert_eq!((plan.users.len(), plan.members.len(), plan.rooms.len()), (1, 2, 2));
    let statistics = plan.users[0].update.get_document("statistics").unwrap();
    assert_eq!(statistics.get_i64("totalMessages").unwrap(), 3);
    assert_eq!(statistics.get_i64("totalRooms").unwrap(), 2);
    assert_eq!(plan.stale.iter().map(|s| s.users.len()).sum::<usize>(), 1);
}

#[test]
fn an_unknown_event_is_kept_raw_even_where_bson_has_no_place_for_it() {
    // Names of extended JSON would be taken for its values when the document is read.
    let extended =
        [json!({"$oid": "x"}), json!({"deep": [{"$date": "tomorrow"}]}), json!({"$numberInt": "5"})];
    let unfit = [json!(5), json!(null), json!({"a\0b": 1}), json!({"deep": {"a\0b": 1}})];
    for odd in extended.into_iter().chain(unfit) {
        let inbound = InboundEvent {
            tenant_id: key().tenant,
            channel_id: key().channel,
            conversation_id: key().conversation,
            event_id: "e1".into(),
            received_at: NOW,
            event: odd.clone(),
        };
        let plan = plan(RoomState::default(), &[Fact::translate(Inbound::Event(inbound), NOW)]);
        let raw = plan.events[0].raw.as_ref().unwrap();
        assert_eq!(raw.get_str("json").unwrap(), odd.to_string());
        assert!(raw.to_vec().is_ok());
    }
}

#[test]
fn events_and_messages_of_unknown_kinds_are_counted_each_once() {
    let hologram = |id: &str| {
        let message = json!({ "type": "hologram", "id": id, "layers": 3 });
        fact(&format!("e{id}"), 2, "message", json!({ "message": message }))
    };
    let strange = fact("s", 1, "teleported", json!({}));
    let shapeless = json!({ "message": { "type": "sticker", "id": "2" } });
    let facts = [strange, hologram("1"), fact("e2", 3, "message", shapeless), text("3", 4, "hi")];
    let first = plan(RoomState::default(), &facts);
    assert_eq!((first.new_messages.len(), first.unknown_events), (3, 3));

    let stored = RoomState {
        room: Some(written_room(&first)),
        messages: first.new_messages.clone(),
        events: first.events.iter().map(|e| e.id).collect(),
        ..RoomState::default()
    };
    assert_eq!(plan(stored, &facts).unknown_events, 0, "once");

    // Its unsend came first.
    let unsent =
        plan(RoomState::default(), &[fact("u", 9, "unsend", json!({ "unsend": { "messageId": "1" } }))]);
    let stored = RoomState {
        room: Some(written_room(&unsent)),
        messages: unsent.new_messages.clone(),
        ..RoomState::default()
    };
    assert_eq!(plan(stored, &[hologram("1")]).unknown_events, 1);
}

/// A new room as it is written.
fn written_room(plan: &Plan) -> Room {
    assert_eq!(plan.rooms.len(), 1);
    bson::deserialize_from_document(plan.rooms[0].update.clone()).unwrap()
}

#[test]
fn what_is_beyond_a_limit_is_recorded_as_ever_and_flagged() {
    use matome_domain::limits::Level;
    let facts = [text("1", 0, "a"), text("2", 1, "b")];
    let flags = |levels: &Levels| {
        let plan = plan_at(levels, RoomState::default(), &facts);
        assert_eq!((plan.new_messages.len(), plan.sessions.len()), (2, 1));
        let room = written_room(&plan);
        assert_eq!((room.usage.len(), room.usage[0].messages), (1, 2));
        (plan.new_messages.into_iter().map(|m| m.over_limits).collect::<Vec<_>>(), room.over_limits)
    };
    let (messages, rooms) = (Limit::MessagesPerMonth, Limit::Rooms);
    for (level, beyond) in
        [(Level::Ok, false), (Level::Notice, false), (Level::Reached, true), (Level::Over, true)]
    {
        let some = |limit| if beyond { vec![limit] } else { vec![] };
        let of_messages = Levels { messages_per_month: level, ..Levels::default() };
        assert_eq!(flags(&of_messages), (vec![some(messages); 2], vec![]), "{level:?}");
        let of_rooms = Levels { rooms: level, ..Levels::default() };
        assert_eq!(flags(&of_rooms), (vec![vec![]; 2], some(rooms)), "{level:?}");
        // The others do not concern what is recorded here.
        let others = Levels {
            members_per_room: level,
            storage: level,
            agents: level,
            api_calls_per_month: level,
            ..Levels::default()
        };
        assert_eq!(flags(&others), (vec![vec![]; 2], vec![]), "{level:?}");
    }
}

#[test]
fn a_message_whose_unsend_came_first_is_counted_once_and_unsending_does_not_uncount() {
    let unsend = |id: &str| fact(&format!("u{id}"), 9, "unsend", json!({ "unsend": { "messageId": id } }));
    let first = plan(RoomState::default(), &[unsend("1")]);
    assert_eq!(written_room(&first).usage[0].messages, 1);
    let stored = RoomState {
        room: Some(written_room(&first)),
        messages: first.new_messages.clone(),
        ..RoomState::default()
    };
    let late = plan(stored, &[text("1", 0, "a")]);
    let room = &late.rooms[0].update.get_document("$set").unwrap().get_array("usage").unwrap()[0];
    assert_eq!(room.as_document().unwrap().get_i64("messages").unwrap(), 1);
    let both = plan(RoomState::default(), &[text("1", 0, "a"), unsend("1")]);
    assert_eq!(written_room(&both).usage[0].messages, 1);
}

#[test]
fn a_room_and_a_person_that_staff_deleted_are_back_when_they_are_heard_from() {
    let by = bson::oid::ObjectId::from_bytes([9; 12]);
    let first = plan(RoomState::default(), &[text("1", 0, "a")]);
    let deleted = |mut document: bson::Document| {
        document.extend(bson::doc! { "deletedAt": date(NOW), "deletedBy": by });
        document
    };
    let room = bson::deserialize_from_document(deleted(first.rooms[0].update.clone())).unwrap();
    let user = bson::deserialize_from_document(deleted(first.users[0].update.clone())).unwrap();
    let member = bson::deserialize_from_document(deleted(first.members[0].update.clone())).unwrap();
    let state = State {
        rooms: vec![RoomState { room: Some(room), members: vec![member], ..RoomState::default() }],
        users: vec![user],
    };
    let mut keys = || "retry-key".to_owned();
    let settings = OrganizationSettings::default();
    let facts = [text("2", 1, "b")];
    let plan = decide(&batch(&facts), state, terms(&settings), &mut keys, NOW).unwrap();
    for (what, writes) in [("room", &plan.rooms), ("user", &plan.users), ("member", &plan.members)] {
        let [write] = writes.as_slice() else { panic!("one {what}") };
        let unset = write.update.get_document("$unset").unwrap();
        assert!(unset.contains_key("deletedAt") && unset.contains_key("deletedBy"), "{what}");
    }
}

#[test]
fn what_is_said_makes_no_new_version_of_what_staff_edit() {
    let first = plan(RoomState::default(), &[text("1", 0, "a")]);
    let read = |write: &Write| bson::deserialize_from_document(write.update.clone()).unwrap();
    let state = RoomState {
        room: Some(written_room(&first)),
        members: vec![bson::deserialize_from_document(first.members[0].update.clone()).unwrap()],
        sessions: vec![bson::deserialize_from_document(first.sessions[0].update.clone()).unwrap()],
        ..RoomState::default()
    };
    let users = vec![read(&first.users[0])];
    let mut keys = || "retry-key".to_owned();
    let facts = [text("2", 1, "b")];
    let settings = OrganizationSettings::default();
    let state = State { rooms: vec![state], users };
    let plan = decide(&batch(&facts), state, terms(&settings), &mut keys, NOW).unwrap();
    let counts = |writes: &[Write]| writes.iter().filter(|write| write.update.contains_key("$inc")).count();
    assert_eq!((plan.rooms.len(), plan.users.len(), plan.members.len(), plan.sessions.len()), (1, 1, 1, 1));
    assert_eq!(counts(&plan.rooms) + counts(&plan.users) + counts(&plan.members), 0);
    assert_eq!(counts(&plan.sessions), 1);
}
