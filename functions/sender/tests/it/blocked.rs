//! Nobody talks where nobody listens.

use bson::doc;
use matome_line_simulator::Endpoint;
use matome_store::entities::{OutboxEntry, OutboxState, Purpose, Room, RoomMode};
use matome_store::value::to_bson;
use matome_testing::fixtures;

use crate::stage::Stage;

#[tokio::test]
async fn a_room_the_bot_is_not_in_is_not_called() {
    for stage in [Stage::chat().await, Stage::group(2).await] {
        let rooms = stage.tenant.store.collection::<Room>();
        rooms.update(doc! { "_id": stage.room.id }, doc! { "$set": { "presence": "absent" } }).await.unwrap();
        for token in [None, Some(stage.token())] {
            let after = stage.deliver(&stage.queue(stage.the_summary(), token).await).await;
            assert_eq!((after.state, after.error.as_deref()), (OutboxState::Blocked, Some("absent")));
        }
        assert_eq!(stage.all_calls(), 0);
    }
}

#[tokio::test]
async fn an_announcement_that_nobody_could_hear_waits_for_their_return() {
    let stage = Stage::chat().await;
    let rooms = stage.tenant.store.collection::<Room>();
    rooms.update(doc! { "_id": stage.room.id }, doc! { "$set": { "presence": "absent" } }).await.unwrap();
    let ready = Purpose::SummaryReady { summary_id: stage.summary.id };
    let after = stage.deliver(&stage.queue_answer(ready, stage.token()).await).await;
    assert_eq!(after.state, OutboxState::Blocked);
    assert_eq!(stage.room_now().await.waiting_summary_id, Some(stage.summary.id));
}

#[tokio::test]
async fn nothing_is_sent_into_a_conversation_that_another_application_has_and_the_summary_waits() {
    let at = matome_store::time::date(matome_testing::tenant::BEGIN);
    let mode = |standby: bool| to_bson(&RoomMode { standby, at }).unwrap();
    for (in_room, token) in [(true, false), (true, true), (false, false)] {
        let stage = Stage::chat().await;
        let rooms = stage.tenant.store.collection::<Room>();
        rooms.update(doc! { "_id": stage.room.id }, doc! { "$set": { "mode": mode(true) } }).await.unwrap();
        // To the room, or to the 1:1 chat of a recipient.
        let change = |entry: &mut OutboxEntry| entry.room_id = entry.room_id.filter(|_| in_room);
        let token = token.then(|| stage.token());
        let after = stage.deliver(&stage.queue_with(stage.the_summary(), token, change).await).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Blocked, Some("standby")));
        assert_eq!(stage.all_calls(), 0);
        assert_eq!(stage.room_now().await.waiting_summary_id, Some(stage.summary.id));

        rooms.update(doc! { "_id": stage.room.id }, doc! { "$set": { "mode": mode(false) } }).await.unwrap();
        let entry = stage.queue_answer(stage.the_summary(), stage.token()).await;
        assert_eq!(stage.deliver(&entry).await.state, OutboxState::Accepted);
    }
}

#[tokio::test]
async fn a_recipient_who_blocked_the_account_is_not_called() {
    let stage = Stage::group(2).await;
    let mut user = fixtures::user(&stage.tenant, &stage.user);
    user.status = matome_domain::person::PersonStatus::Inactive;
    stage.insert(&user).await;
    let entry = stage
        .queue_with(stage.the_summary(), None, |e| {
            e.room_id = None;
            e.conversation_id.clone_from(&stage.user);
        })
        .await;
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Blocked);
    assert_eq!(stage.all_calls(), 0);
}

#[tokio::test]
async fn whoever_wants_no_summaries_gets_those_they_ask_for_and_no_others() {
    for unwanted in ["line", "summary"] {
        let stage = Stage::chat().await;
        let mut user = fixtures::user(&stage.tenant, &stage.user);
        user.preferences.notifications.insert(unwanted, false);
        stage.insert(&user).await;
        let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Blocked, Some("declined")));
        assert_eq!(stage.all_calls(), 0);
        let asked = stage.queue(stage.the_summary(), Some(stage.token())).await;
        assert_eq!(stage.deliver(&asked).await.state, OutboxState::Accepted);
    }
}

#[tokio::test]
async fn a_channel_that_is_no_longer_the_tenants_ends_its_entries() {
    let stage = Stage::chat().await;
    let other = stage.system.tenant(matome_domain::placement::Placement::Shared).await;
    for channel in ["unknown", other.channel.as_str()] {
        let entry = stage.queue_with(stage.the_summary(), None, |e| e.channel_id = channel.to_owned()).await;
        let after = stage.deliver(&entry).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("no_channel")));
    }
    assert_eq!(stage.calls(Endpoint::Push), 0);
}
