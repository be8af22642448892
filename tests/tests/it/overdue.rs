//! Sessions that nobody closes: the scheduler does, and the summary is pushed, if the quota has room.

use bson::doc;
use matome_domain::queue::CloseTrigger;
use matome_domain::session::SessionTriggers;
use matome_line_simulator::{Endpoint, Place};
use matome_store::entities::{OrganizationSettings, OutboxKind, OutboxState, Purpose, Room, Session};
use serde_json::json;

use crate::stage::{Business, Group, Stage, eventually};

/// A session is over as soon as it began.
fn short_sessions() -> OrganizationSettings {
    let session_triggers = SessionTriggers { time_limit: Some(1), message_count: None };
    OrganizationSettings { session_triggers, ..OrganizationSettings::default() }
}

/// Something is said, and then nobody says anything.
async fn talk(business: &Business<'_>) -> Group {
    let group = business.group("g", &[("Emma", "en"), ("Aoi", "ja")]);
    business.say(&group.place, &group.users[0], "Please book the hall for Friday by noon.").await;
    eventually("a session", async || {
        let sessions = business.all::<Session>(doc! { "conversationId": group.place.id() }).await;
        (!sessions.is_empty()).then_some(())
    })
    .await;
    group
}

/// What the event rule does every minute.
async fn a_minute_passes(stage: &Stage) {
    stage.root.invoke(&stage.function("scheduler"), &json!({"detail-type": "Scheduled Event"})).await;
}

#[tokio::test]
async fn a_session_whose_time_is_up_is_closed_by_the_scheduler_and_its_summary_is_pushed() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, short_sessions()).await;
    let group = talk(&business).await;
    a_minute_passes(&stage).await;
    let session = business.summarized(&group.place).await;
    assert_eq!(session.trigger, Some(CloseTrigger::TimeLimit));
    let sent = business.outbox(OutboxState::Accepted, |p| matches!(p, Purpose::Summary { .. })).await;
    // One for each member of the group, as LINE counts.
    assert_eq!((sent.sent_as, sent.cost), (Some(OutboxKind::Push), 2));
    assert_eq!(stage.line.channel(&business.channel.channel_id).unwrap().quota_used, 2);
}

#[tokio::test]
async fn when_the_quota_is_spent_the_summary_is_offered_with_the_next_free_token_and_shown_on_a_tap() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, short_sessions()).await;
    let channel = &business.channel.channel_id;
    stage.line.update_channel(channel, |c| (c.quota, c.quota_used) = (Some(200), 199)).unwrap();
    let group = talk(&business).await;
    a_minute_passes(&stage).await;
    let refused = business.outbox(OutboxState::QuotaRefused, |p| matches!(p, Purpose::Summary { .. })).await;
    assert_eq!(refused.error.as_deref(), Some("quota_spent"));
    let Purpose::Summary { summary_id } = refused.purpose else { unreachable!("it was asked for") };
    let room = eventually("a room with a waiting summary", async || {
        let rooms = business.all::<Room>(doc! {}).await;
        rooms.into_iter().find(|room| room.waiting_summary_id.is_some())
    });
    assert_eq!(room.await.waiting_summary_id, Some(summary_id));
    assert_eq!(paid(&stage, &group.place), 0);

    business.say(&group.place, &group.users[1], "次の話です").await;
    business.outbox(OutboxState::Accepted, |p| *p == Purpose::SummaryReady { summary_id }).await;
    let show = format!("m=show&s={}", summary_id.to_hex());
    business.heard(&group.place, |message| message.to_string().contains(&show)).await;
    business.tap(&group.place, &group.users[1], &show).await;
    let shown = business.outbox(OutboxState::Accepted, |p| *p == Purpose::Summary { summary_id }).await;
    assert_eq!(shown.sent_as, Some(OutboxKind::Reply));
    let details = format!("m=details&s={}", summary_id.to_hex());
    business.heard(&group.place, |message| message.to_string().contains(&details)).await;
    assert_eq!(paid(&stage, &group.place), 0);
    assert_eq!(stage.line.channel(channel).unwrap().quota_used, 199);
}

fn paid(stage: &Stage, place: &Place) -> usize {
    let to_place = |call: &&matome_line_simulator::ApiCall| {
        call.endpoint == Endpoint::Push && call.body.as_ref().is_some_and(|body| body["to"] == place.id())
    };
    stage.line.inspect(|world| world.calls.iter().filter(to_place).count())
}
