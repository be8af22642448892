//! Profiles, groups, the account.

use matome_line::client::LineError;
use matome_line_simulator::{Act, Deed, Endpoint, NewGroup, NewUser, Place};
use uuid::Uuid;

use crate::stage::{Hook, Stage, text};

#[tokio::test]
async fn profiles_come_with_what_each_call_knows() {
    let s = Stage::new().await;
    let friend = s.line.profile(&s.yui).await.unwrap().unwrap();
    assert_eq!((friend.display_name.as_str(), friend.language.as_deref()), ("Yui", Some("ja")));
    let member = s.line.group_member_profile(s.group.id(), &s.yui).await.unwrap().unwrap();
    assert_eq!((member.display_name.as_str(), member.language), ("Yui", None));
    let stranger = s.simulator.add_user(NewUser::named("Stranger"));
    assert_eq!(s.line.group_member_profile(s.group.id(), &stranger).await.unwrap(), None);
    assert_eq!(s.line.profile("U00000000000000000000000000000000").await.unwrap(), None);
}

#[tokio::test]
async fn groups_and_rooms_are_seen_from_inside_only() {
    let s = Stage::new().await;
    assert_eq!(s.line.group_summary(s.group.id()).await.unwrap().unwrap().group_name, "Sakura order");
    let room = s.simulator.add_room(NewGroup {
        members: vec![s.yui.clone()],
        channels: vec![s.id().to_owned()],
        ..NewGroup::default()
    });
    assert_eq!(s.line.room_member_count(room.id()).await.unwrap(), Some(1));
    let profile = s.line.room_member_profile(room.id(), &s.yui).await.unwrap();
    assert_eq!(profile.unwrap().display_name, "Yui");
    assert_eq!(s.line.group_member_count(room.id()).await.unwrap(), None, "a room is no group");
    let leave = Deed { place: s.group.clone(), user: None, act: Act::Leave };
    s.simulator.compose(s.id(), &leave).unwrap();
    assert_eq!(s.line.group_summary(s.group.id()).await.unwrap(), None);
    assert_eq!(s.line.group_member_count(s.group.id()).await.unwrap(), None);
}

#[tokio::test]
async fn the_account_tells_who_it_is() {
    let s = Stage::new().await;
    let info = s.line.bot_info().await.unwrap();
    assert_eq!((info.user_id, info.display_name), (s.channel.bot_user_id.clone(), "Matome".to_owned()));
}

#[tokio::test]
async fn the_webhook_can_be_set_and_tested() {
    let s = Stage::new().await;
    assert_eq!(s.line.webhook_endpoint().await.unwrap(), None);
    assert!(matches!(s.line.test_webhook_endpoint().await, Err(LineError::NotFound)));
    for bad in ["http://example.com/", "nonsense", &format!("https://example.com/{}", "x".repeat(500))] {
        let refused = s.line.set_webhook_endpoint(bad).await;
        assert!(matches!(refused, Err(LineError::Rejected { status: 400, .. })), "{bad}");
    }
    s.line.set_webhook_endpoint("https://example.com/line/1").await.unwrap();
    let hook = Hook::start(&[200, 401]).await;
    s.line.set_webhook_endpoint(&hook.url).await.unwrap();
    assert_eq!(s.line.webhook_endpoint().await.unwrap().unwrap().endpoint, hook.url);
    let good = s.line.test_webhook_endpoint().await.unwrap();
    assert!(good.success && good.status_code == 200, "{good:?}");
    let bad = s.line.test_webhook_endpoint().await.unwrap();
    assert!(!bad.success && bad.status_code == 401 && bad.reason == "ERROR_STATUS_CODE", "{bad:?}");
    assert!(hook.requests().iter().all(|(_, body)| {
        serde_json::from_slice::<serde_json::Value>(body).unwrap()["events"] == serde_json::json!([])
    }));
    for _ in 0..57 {
        s.line.test_webhook_endpoint().await.unwrap();
    }
    assert!(s.line.test_webhook_endpoint().await.is_err(), "60 an hour");
}

#[tokio::test]
async fn the_loading_animation_is_for_one_to_one_chats() {
    let s = Stage::new().await;
    for asked in [0, 7, 60, 200] {
        s.line.show_loading_animation(&s.yui, asked).await.unwrap();
    }
    let shown = s.simulator.channel(s.id()).unwrap().loading;
    assert_eq!(shown.iter().map(|(_, seconds)| *seconds).collect::<Vec<_>>(), [5, 10, 60, 60]);
    assert!(s.line.show_loading_animation(s.group.id(), 5).await.is_err());
}

#[tokio::test]
async fn a_message_is_marked_as_read_by_its_token() {
    let s = Stage::new().await;
    let event = s.simulator.compose(s.id(), &Deed::text(&s.group, &s.yui, "hi")).unwrap();
    let token = event["message"]["markAsReadToken"].as_str().unwrap();
    s.line.mark_as_read(token).await.unwrap();
    assert!(s.line.mark_as_read("made up").await.is_err());
    let read = s.simulator.channel(s.id()).unwrap().read;
    assert!(read.contains(event["message"]["id"].as_str().unwrap()));
}

#[tokio::test]
async fn every_call_is_counted_and_kept_without_secrets() {
    let s = Stage::new().await;
    s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await;
    let calls = s.simulator.inspect(|w| w.calls.clone());
    assert_eq!(calls.iter().map(|c| c.endpoint).collect::<Vec<_>>(), [Endpoint::Token, Endpoint::Push]);
    assert_eq!(calls[0].body, None);
    assert_eq!(calls[1].body.as_ref().unwrap()["to"], s.yui.as_str());
    assert_eq!((calls[1].channel_id.as_deref(), calls[1].status), (Some(s.id()), Some(200)));
    assert_eq!(Place::of_id(&s.yui), s.yui_chat());
}
