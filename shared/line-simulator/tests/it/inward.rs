//! Webhooks as LINE posts them.

use std::time::Duration;

use matome_line::events::{Callback, Event, EventKind, MessageContent};
use matome_line_simulator::signature;
use matome_line_simulator::{
    Act, Attempt, Deed, LineSimulator, Media, NewUser, Place, SimulatorConfig, SimulatorError,
};
use serde_json::{Value, json};

use crate::stage::{Hook, Stage, TestClock};

async fn hooked(statuses: &[u16]) -> (Stage, Hook) {
    let stage = Stage::new().await;
    let hook = Hook::start(statuses).await;
    stage.simulator.set_webhook(stage.id(), &hook.url, Some("api.execute-api.localhost")).unwrap();
    (stage, hook)
}

#[tokio::test]
async fn a_webhook_is_signed_and_carries_line_s_headers() {
    let (s, hook) = hooked(&[]).await;
    let said = s.simulator.say(s.id(), &s.group, &s.yui, "こんにちは @Somchai").await.unwrap();
    assert!(said.delivery.is_accepted());
    let (headers, body) = hook.requests().remove(0);
    assert_eq!(
        headers["x-line-signature"].to_str().unwrap(),
        signature::sign(s.channel.channel_secret.as_bytes(), &body)
    );
    assert_eq!(headers["host"], "api.execute-api.localhost");
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["user-agent"], "LineBotWebhook/2.0");
    let callback = Callback::parse(&body).unwrap();
    assert_eq!(callback.destination, s.channel.bot_user_id);
    assert_eq!(callback.events, std::slice::from_ref(&said.event));
    let event = Event::parse(callback.events[0].clone());
    assert_eq!(event.conversation_id(), Some(s.group.id()));
    assert_eq!(event.source.unwrap().user_id, Some(s.yui.clone()));
    assert_eq!(event.webhook_event_id.unwrap().len(), 26);
    assert_eq!(event.reply_token.as_deref(), Some(said.reply_token()));
    let EventKind::Message(message) = event.kind else { panic!("no message") };
    let MessageContent::Text(text) = message.content else { panic!("no text") };
    assert_eq!(text.mention_text(&text.mentionees[0]), Some("@Somchai"));
    assert_eq!(text.mentionees[0].user_id.as_deref(), Some(s.somchai.as_str()));
}

#[tokio::test]
async fn several_events_go_in_one_request_in_any_order() {
    let (s, hook) = hooked(&[]).await;
    let first = s.simulator.compose(s.id(), &Deed::text(&s.group, &s.yui, "1")).unwrap();
    s.clock.advance(Duration::from_secs(1));
    let second = s.simulator.compose(s.id(), &Deed::text(&s.yui_chat(), &s.yui, "2")).unwrap();
    s.simulator.post(s.id(), &[second.clone(), first.clone()]).await.unwrap();
    assert_eq!(Callback::parse(&hook.requests()[0].1).unwrap().events, [second, first]);
}

#[tokio::test]
async fn redelivery_repeats_the_event_with_its_id_until_it_is_accepted() {
    let (s, hook) = hooked(&[503, 500]).await;
    s.simulator.update_channel(s.id(), |c| c.redeliveries = 5).unwrap();
    let said = s.simulator.say(s.id(), &s.group, &s.yui, "hi").await.unwrap();
    let answered = |status| Attempt::Answered { status };
    assert_eq!(said.delivery.attempts, [answered(503), answered(500), answered(200)]);
    let events: Vec<_> = hook
        .requests()
        .iter()
        .map(|(_, b)| Event::parse(Callback::parse(b).unwrap().events.remove(0)))
        .collect();
    assert_eq!(events.iter().map(|e| e.is_redelivery).collect::<Vec<_>>(), [false, true, true]);
    assert!(events.iter().all(|e| e.webhook_event_id == events[0].webhook_event_id));
    assert!(events.iter().all(|e| e.timestamp == events[0].timestamp));
    s.simulator.redeliver(s.id(), &[said.event]).await.unwrap();
    assert_eq!(hook.requests().len(), 4, "and by hand");
}

#[tokio::test]
async fn without_redelivery_a_refused_event_is_lost() {
    let (s, hook) = hooked(&[503]).await;
    let said = s.simulator.say(s.id(), &s.group, &s.yui, "hi").await.unwrap();
    assert_eq!((said.delivery.is_accepted(), said.delivery.status()), (false, Some(503)));
    assert_eq!(hook.requests().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_in_time_has_failed() {
    let config = SimulatorConfig {
        webhook_timeout: Duration::from_millis(50),
        ..SimulatorConfig::new(TestClock::new())
    };
    let simulator = LineSimulator::start(config).await.unwrap();
    let channel = simulator.add_channel(Default::default()).channel_id;
    let user = simulator.add_user(NewUser::named("Yui"));
    let place = Place::User(user.clone());
    let hook = Hook::start(&[0]).await;
    simulator.set_webhook(&channel, &hook.url, None).unwrap();
    let said = simulator.say(&channel, &place, &user, "hi").await.unwrap();
    assert_eq!(said.delivery.attempts, [Attempt::TimedOut]);
}

#[tokio::test]
async fn people_who_hide_their_id_come_without_it_in_groups() {
    let s = Stage::new().await;
    let shy = s.simulator.add_user(NewUser { hides_user_id: true, ..NewUser::named("Shy") });
    let joined =
        Deed { place: s.group.clone(), user: None, act: Act::MemberJoined { user_ids: vec![shy.clone()] } };
    s.simulator.compose(s.id(), &joined).unwrap();
    let event = s.simulator.compose(s.id(), &Deed::text(&s.group, &shy, "hi")).unwrap();
    assert_eq!(event["source"], json!({"type": "group", "groupId": s.group.id()}));
}

#[tokio::test]
async fn every_act_becomes_an_event_that_is_understood() {
    let s = Stage::new().await;
    let media = || Media::new("image/png", [1]);
    let text = s.simulator.compose(s.id(), &Deed::text(&s.group, &s.yui, "first")).unwrap();
    let message_id = text["message"]["id"].as_str().unwrap().to_owned();
    let acts = [
        (Act::Text { text: "quoting".into(), quoted_message_id: Some(message_id.clone()) }, "message"),
        (
            Act::Image { media: media(), image_set: Some(json!({"id": "E", "index": 1, "total": 2})) },
            "message",
        ),
        (Act::Video { media: media(), duration: 5 }, "message"),
        (Act::Audio { media: media(), duration: 5 }, "message"),
        (Act::File { media: media(), file_name: "a.pdf".into() }, "message"),
        (Act::Location { title: "x".into(), address: "y".into(), latitude: 1.0, longitude: 2.0 }, "message"),
        (
            Act::Sticker { package_id: "1".into(), sticker_id: "2".into(), keywords: vec!["hi".into()] },
            "message",
        ),
        (Act::Edit { message_id: message_id.clone(), text: "edited @All".into() }, "messageEdited"),
        (Act::Unsend { message_id }, "unsend"),
        (Act::MemberJoined { user_ids: vec![s.yui.clone()] }, "memberJoined"),
        (Act::MemberLeft { user_ids: vec![s.somchai.clone()] }, "memberLeft"),
        (Act::tap("m=summarize"), "postback"),
        (Act::Beacon { hwid: "d41d8cd98f".into(), kind: "enter".into() }, "beacon"),
        (Act::Join, "join"),
        (Act::Leave, "leave"),
    ];
    for (act, name) in acts {
        let event = s.simulator.compose(s.id(), &Deed::new(&s.group, &s.yui, act)).unwrap();
        let parsed = Event::parse(event.clone());
        assert_eq!(parsed.kind.type_name(), name);
        assert!(!matches!(parsed.kind, EventKind::Unknown { .. }), "{event}");
        if let EventKind::Message(m) | EventKind::MessageEdited(m) = parsed.kind {
            assert!(!matches!(m.content, MessageContent::Unknown { .. }), "{event}");
        }
    }
}

#[tokio::test]
async fn what_line_has_not_invented_yet_can_be_sent_too() {
    let s = Stage::new().await;
    let fields = json!({"teleport": {"to": "the moon"}, "mode": "standby", "webhookEventId": null});
    let Value::Object(fields) = fields else { unreachable!() };
    let act = Act::Raw { event_type: "teleport".into(), fields };
    let event = s.simulator.compose(s.id(), &Deed::new(&s.yui_chat(), &s.yui, act)).unwrap();
    assert_eq!(event["teleport"]["to"], "the moon");
    assert_eq!(event["mode"], "standby");
    assert_eq!(event.get("webhookEventId"), None);
}

#[tokio::test]
async fn deeds_that_cannot_be_done_name_what_is_missing() {
    let s = Stage::new().await;
    let outsider = s.simulator.add_user(NewUser::named("Outsider"));
    let refused = |channel: &str, deed: Deed| s.simulator.compose(channel, &deed).unwrap_err();
    assert!(matches!(refused("1", Deed::text(&s.group, &s.yui, "x")), SimulatorError::UnknownChannel(_)));
    assert!(matches!(refused(s.id(), Deed::text(&s.group, "U1", "x")), SimulatorError::UnknownUser(_)));
    assert!(matches!(refused(s.id(), Deed::text(&s.group, &outsider, "x")), SimulatorError::NotAMember));
    assert!(matches!(refused(s.id(), Deed::text(&s.yui_chat(), &outsider, "x")), SimulatorError::NotAMember));
    let nowhere = Place::Group("C1".into());
    assert!(matches!(refused(s.id(), Deed::text(&nowhere, &s.yui, "x")), SimulatorError::UnknownPlace(_)));
    let hers = s.simulator.compose(s.id(), &Deed::text(&s.group, &s.yui, "mine")).unwrap();
    let message_id = hers["message"]["id"].as_str().unwrap().to_owned();
    let foreign = Deed::new(&s.group, &s.somchai, Act::Unsend { message_id });
    assert!(matches!(refused(s.id(), foreign), SimulatorError::UnknownMessage(_)));
    let unheard = s.simulator.say(s.id(), &s.group, &s.yui, "x").await;
    assert!(matches!(unheard, Err(SimulatorError::NoWebhook(_))));
}
