//! Reply, push, quota.

use std::time::Duration;

use matome_line::client::{LineError, Quota, SendOutcome};
use matome_line_simulator::{Act, Deed, Endpoint, NewChannel, Place, Sent};
use serde_json::json;
use uuid::Uuid;

use crate::stage::{Stage, client, text};

fn is_accepted(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Accepted { request_id: Some(_), .. })
}

#[tokio::test]
async fn a_reply_token_works_once_and_is_free() {
    let s = Stage::with(NewChannel { quota: Some(0), ..NewChannel::default() }).await;
    let token = s.reply_token();
    let outcome = s.line.reply(&token, &[text("one"), text("two")]).await;
    let SendOutcome::Accepted { sent_messages, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(sent_messages.len(), 2);
    assert!(sent_messages.iter().all(|m| m.quote_token.is_some()));
    assert_eq!(s.line.reply(&token, &[text("again")]).await, SendOutcome::InvalidReplyToken);
    assert_eq!((s.sent(&s.yui_chat()), s.used()), (2, 0));
    let how = s.simulator.inspect(|w| w.sent_to(&s.yui_chat())[0].sent);
    assert_eq!(how, Sent::Reply);
}

#[tokio::test]
async fn a_reply_token_ends_after_a_minute() {
    let s = Stage::new().await;
    let (first, second) = (s.reply_token(), s.reply_token());
    s.clock.advance(Duration::from_secs(60));
    assert!(is_accepted(&s.line.reply(&first, &[text("in time")]).await));
    s.clock.advance(Duration::from_millis(1));
    assert_eq!(s.line.reply(&second, &[text("too late")]).await, SendOutcome::InvalidReplyToken);
    assert_eq!(s.line.reply("made up", &[text("x")]).await, SendOutcome::InvalidReplyToken);
}

#[tokio::test]
async fn a_reply_token_belongs_to_its_channel() {
    let s = Stage::new().await;
    let other = s.simulator.add_channel(NewChannel::default());
    let line = client(&s.simulator.api_url(), &other, s.client_clock.clone());
    let token = s.reply_token();
    assert_eq!(line.reply(&token, &[text("stolen")]).await, SendOutcome::InvalidReplyToken);
    assert!(is_accepted(&s.line.reply(&token, &[text("mine")]).await), "the theft has not used it up");
}

#[tokio::test]
async fn invalid_messages_do_not_use_up_a_reply_token() {
    let s = Stage::new().await;
    let token = s.reply_token();
    let outcome = s.line.reply(&token, &[text("")]).await;
    let SendOutcome::Rejected { status: 400, details } = outcome else { panic!("{outcome:?}") };
    assert_eq!(details[0].property, "messages[0].text");
    assert!(is_accepted(&s.line.reply(&token, &[text("better")]).await));
}

#[tokio::test]
async fn a_push_with_a_retry_key_is_taken_once_a_day() {
    let s = Stage::new().await;
    let key = Uuid::new_v4();
    let first = s.line.push(&s.yui, &[text("hello")], key).await;
    let SendOutcome::Accepted { request_id, sent_messages } = first else { panic!("{first:?}") };
    let second = s.line.push(&s.yui, &[text("hello")], key).await;
    assert_eq!(second, SendOutcome::AlreadyAccepted { accepted_request_id: request_id, sent_messages });
    assert_eq!((s.sent(&s.yui_chat()), s.used()), (1, 1));
    s.clock.advance(Duration::from_secs(24 * 3_600));
    s.client_clock.advance(Duration::from_secs(24 * 3_600));
    assert!(is_accepted(&s.line.push(&s.yui, &[text("hello")], key).await), "forgotten after 24 hours");
}

#[tokio::test]
async fn of_many_pushes_at_once_with_one_key_one_is_taken() {
    let s = Stage::new().await;
    let key = Uuid::new_v4();
    let message = [text("hello")];
    let outcomes = futures::future::join_all((0..20).map(|_| s.line.push(&s.yui, &message, key))).await;
    assert_eq!(outcomes.iter().filter(|o| is_accepted(o)).count(), 1);
    assert_eq!(s.sent(&s.yui_chat()), 1);
}

#[tokio::test]
async fn a_refused_push_leaves_its_retry_key_free() {
    let s = Stage::with(NewChannel { quota: Some(1), quota_used: 1, ..NewChannel::default() }).await;
    let key = Uuid::new_v4();
    assert_eq!(s.line.push(&s.yui, &[text("x")], key).await, SendOutcome::QuotaExhausted);
    s.simulator.update_channel(s.id(), |c| c.quota = Some(2)).unwrap();
    assert!(is_accepted(&s.line.push(&s.yui, &[text("x")], key).await));
}

#[tokio::test]
async fn a_push_to_a_group_counts_its_members_whatever_it_carries() {
    let s = Stage::with(NewChannel { quota: Some(3), ..NewChannel::default() }).await;
    assert_eq!(s.line.quota().await.unwrap(), Quota::Limited(3));
    let cost = s.line.group_member_count(s.group.id()).await.unwrap().unwrap();
    assert_eq!(cost, 2);
    assert!(is_accepted(&s.line.push(s.group.id(), &[text("a"), text("b")], Uuid::new_v4()).await));
    assert_eq!(s.line.quota_consumption().await.unwrap(), 2);
    let outcome = s.line.push(s.group.id(), &[text("c")], Uuid::new_v4()).await;
    assert_eq!(outcome, SendOutcome::QuotaExhausted, "two more do not fit");
    assert!(is_accepted(&s.line.push(&s.yui, &[text("d")], Uuid::new_v4()).await), "one does");
    assert_eq!(s.used(), 3);
}

#[tokio::test]
async fn without_a_limit_the_quota_is_none() {
    let s = Stage::new().await;
    assert_eq!(s.line.quota().await.unwrap(), Quota::Unlimited);
}

#[tokio::test]
async fn a_push_to_someone_who_blocked_the_account_is_accepted_and_not_delivered() {
    let s = Stage::new().await;
    s.simulator.compose(s.id(), &Deed::new(&s.yui_chat(), &s.yui, Act::Unfollow)).unwrap();
    assert!(is_accepted(&s.line.push(&s.yui, &[text("hello?")], Uuid::new_v4()).await));
    assert_eq!((s.sent(&s.yui_chat()), s.used()), (0, 0));
    assert_eq!(s.line.profile(&s.yui).await.unwrap(), None);
    let event = s.simulator.compose(s.id(), &Deed::new(&s.yui_chat(), &s.yui, Act::Follow)).unwrap();
    assert_eq!(event["follow"]["isUnblocked"], true);
    assert!(s.line.profile(&s.yui).await.unwrap().is_some());
}

#[tokio::test]
async fn a_push_to_nobody_is_rejected() {
    let s = Stage::new().await;
    for to in ["nobody", "U00000000000000000000000000000000", "C00000000000000000000000000000000"] {
        let outcome = s.line.push(to, &[text("x")], Uuid::new_v4()).await;
        assert!(matches!(outcome, SendOutcome::Rejected { status: 400, .. }), "{to}: {outcome:?}");
    }
    let other = s.simulator.add_channel(NewChannel::default());
    let line = client(&s.simulator.api_url(), &other, s.client_clock.clone());
    let outcome = line.push(s.group.id(), &[text("x")], Uuid::new_v4()).await;
    assert!(matches!(outcome, SendOutcome::Rejected { .. }), "a bot that is not in the group: {outcome:?}");
}

#[tokio::test]
async fn wrong_messages_are_rejected_with_their_properties() {
    let s = Stage::new().await;
    let six = vec![text("x"); 6];
    let bubble = json!({"type": "flex", "altText": "a", "contents": {"type": "bubble", "body": {
        "type": "box", "layout": "vertical", "contents": [{"type": "button", "style": "primary"}]}}});
    let big = json!({"type": "flex", "altText": "a", "contents": {"type": "bubble", "body": {
        "type": "box", "layout": "vertical", "contents": [text(&"x".repeat(31_000))]}}});
    for (messages, property) in [
        (&six[..], "messages"),
        (&[], "messages"),
        (&[bubble], "/body/contents/0/action"),
        (&[big], "/"),
        (&[json!({"type": "flex", "contents": {"type": "bubble"}})], "messages[0].altText"),
    ] {
        let outcome = s.line.push(&s.yui, messages, Uuid::new_v4()).await;
        let SendOutcome::Rejected { status: 400, details } = outcome else { panic!("{outcome:?}") };
        assert_eq!(details[0].property, property);
        let refused = s.line.validate_push(messages).await.unwrap_err();
        assert!(matches!(&refused, LineError::Rejected { details: d, .. } if *d == details), "{refused}");
    }
    s.line.validate_push(&[text("fine")]).await.unwrap();
    assert_eq!(s.simulator.inspect(|w| w.chat.len()), 0, "nothing of it was sent");
}

#[tokio::test]
async fn too_many_calls_a_second_are_refused_per_endpoint() {
    let s = Stage::new().await;
    s.simulator.update_channel(s.id(), |c| c.rate_per_second = 2).unwrap();
    for _ in 0..2 {
        s.line.bot_info().await.unwrap();
    }
    assert!(matches!(s.line.bot_info().await, Err(LineError::RateLimited { .. })));
    assert!(s.line.quota().await.is_ok(), "another endpoint");
    s.clock.advance(Duration::from_secs(1));
    assert!(s.line.bot_info().await.is_ok(), "another second");
    assert_eq!(s.simulator.inspect(|w| w.call_count(Endpoint::BotInfo)), 4);
}

#[tokio::test]
async fn whoever_waits_for_a_message_is_woken_by_it() {
    let s = Stage::new().await;
    let place = Place::Group(s.group.id().to_owned());
    let message = [text("here")];
    let (got, _) = tokio::join!(
        s.simulator.wait_for_messages(&place, 1, Duration::from_secs(30)),
        s.line.push(place.id(), &message, Uuid::new_v4())
    );
    assert_eq!(got.unwrap(), message);
    assert_eq!(s.simulator.wait_for_messages(&place, 2, Duration::from_millis(1)).await, None);
}
