//! Every answer, and what is on the queue after it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matome_domain::fault::Faults;
use matome_domain::queue::Inbound;
use matome_runtime::directory::Status;
use matome_runtime::queue::Refuse;
use matome_webhook::{MAX_BODY, Request};
use serde_json::{Value, json};

use crate::world::{ONE, TWO, World, body, code, event, from_user, register, request, sign, signed, text};

#[tokio::test]
async fn a_signed_event_is_queued_for_its_tenant_and_conversation() {
    let world = World::new().await;
    let sent = from_user("01HA", "U1");
    let answer = world.send(signed(ONE, &body(ONE, std::slice::from_ref(&sent)))).await;
    assert_eq!((answer.status_code, answer.body.as_str()), (200, "{}"));
    let [queued] = world.events().try_into().unwrap();
    assert_eq!(queued.tenant_id.as_str(), ONE.tenant);
    assert_eq!(queued.channel_id.as_str(), ONE.id);
    assert_eq!(queued.conversation_id.as_str(), "U1");
    assert_eq!(queued.event_id, "01HA");
    assert_eq!(queued.received_at.0, 1_700_000_000_000);
    assert_eq!(queued.event, sent);
    let entry = &world.queue.entries()[0];
    assert_eq!(entry.group.as_deref(), Some("tenant-one#0"));
    assert_eq!(entry.deduplication.as_deref(), Some("1650000001#01HA"));
}

#[tokio::test]
async fn the_consoles_connection_check_is_accepted_and_queues_nothing() {
    let world = World::new().await;
    assert_eq!(world.send(signed(ONE, &body(ONE, &[]))).await.status_code, 200);
    assert_eq!(world.queue.requests(), 0);
}

#[tokio::test]
async fn a_base64_body_is_verified_over_its_bytes() {
    let world = World::new().await;
    let body = body(ONE, &[text("01HA", json!({"userId": "U1"}), "สวัสดี 😀")]);
    let mut encoded = signed(ONE, &body);
    encoded.body = Some(STANDARD.encode(&body));
    encoded.is_base64_encoded = true;
    assert_eq!(world.send(encoded.clone()).await.status_code, 200);
    assert_eq!(world.events()[0].event["message"]["text"], "สวัสดี 😀");
    encoded.body = Some("not base64".to_owned());
    let answer = world.send(encoded).await;
    assert_eq!((answer.status_code, code(&answer).as_str()), (400, "not_base64"));
}

#[tokio::test]
async fn the_headers_case_does_not_matter() {
    let body = body(ONE, &[from_user("01HA", "U1")]);
    for name in ["x-line-signature", "X-Line-Signature", "X-LINE-SIGNATURE"] {
        let world = World::new().await;
        let mut request = request(ONE.id, &body, None);
        request.headers = Some([(name.to_owned(), sign(ONE.secret, body.as_bytes()))].into());
        assert_eq!(world.send(request).await.status_code, 200, "{name}");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_signature_is_401() {
    let world = World::new().await;
    let body = body(ONE, &[from_user("01HA", "U1")]);
    let others = sign(TWO.secret, body.as_bytes());
    let mut without = request(ONE.id, &body, None);
    without.headers = None;
    for request in [
        without,
        request(ONE.id, &body, None),
        request(ONE.id, &body, Some("")),
        request(ONE.id, &body, Some(&others)),
    ] {
        let answer = world.send(request).await;
        assert_eq!((answer.status_code, code(&answer).as_str()), (401, "bad_signature"));
    }
    assert_eq!(world.queue.requests(), 0);
}

#[tokio::test]
async fn an_unknown_channel_is_404_and_so_is_one_that_cannot_exist() {
    let world = World::new().await;
    let body = body(ONE, &[from_user("01HA", "U1")]);
    let signature = sign(ONE.secret, body.as_bytes());
    for id in ["1650000003", "", "..", "a/b", "a b", "チャネル", &"1".repeat(41), "TENANT#tenant-one"] {
        let answer = world.send(request(id, &body, Some(&signature))).await;
        assert_eq!((answer.status_code, code(&answer).as_str()), (404, "unknown_channel"), "{id}");
    }
    let nowhere = Request { path_parameters: None, raw_path: Some("/".to_owned()), ..signed(ONE, &body) };
    assert_eq!(world.send(nowhere).await.status_code, 404);
    assert_eq!(world.queue.requests(), 0);
    // Only the id that could exist was looked up.
    assert_eq!(world.table.reads(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_before_anything_is_looked_up() {
    let world = World::new().await;
    for body in ["x".repeat(MAX_BODY + 1), body(ONE, &[text("1", json!({}), &"あ".repeat(MAX_BODY / 3))])] {
        let answer = world.send(signed(ONE, &body)).await;
        assert_eq!((answer.status_code, code(&answer).as_str()), (413, "too_large"));
    }
    assert_eq!((world.table.reads(), world.queue.requests()), (0, 0));
}

#[tokio::test]
async fn an_event_that_sqs_could_not_take_is_413_and_none_of_its_request_is_queued() {
    let world = World::new().await;
    let frame = body(ONE, &[from_user("01HA", "U1"), text("01HB", json!({}), "")]).len();
    let body = body(ONE, &[from_user("01HA", "U1"), text("01HB", json!({}), &"x".repeat(MAX_BODY - frame))]);
    assert!(body.len() <= MAX_BODY);
    let answer = world.send(signed(ONE, &body)).await;
    // The other event makes room enough here; a single event as large as the limit does not fit.
    assert_eq!(answer.status_code, 200);
    world.queue.clear();

    let frame = crate::world::body(ONE, &[text("01HB", json!({}), "")]).len();
    let body = crate::world::body(ONE, &[text("01HB", json!({}), &"x".repeat(MAX_BODY - frame))]);
    let answer = world.send(signed(ONE, &body)).await;
    assert_eq!((answer.status_code, code(&answer).as_str()), (413, "too_large"));
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn signed_but_not_a_webhook_is_400_and_names_the_field() {
    let world = World::new().await;
    let wrong_bot = body(TWO, &[from_user("01HA", "U1")]);
    for (body, expected, named) in [
        ("", "not_json", "JSON"),
        ("{\"destination\":", "not_json", "JSON"),
        ("[]", "invalid_field", "destination"),
        (r#"{"events":[]}"#, "invalid_field", "destination"),
        (&*wrong_bot, "invalid_field", "destination"),
        (r#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0"}"#, "invalid_field", "events"),
        (r#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":"x"}"#, "invalid_field", "events"),
    ] {
        let answer = world.send(signed(ONE, body)).await;
        assert_eq!((answer.status_code, code(&answer).as_str()), (400, expected), "{body}");
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(problem["title"].as_str().unwrap().contains(named), "{problem}");
    }
    assert_eq!(world.queue.requests(), 0);
}

#[tokio::test]
async fn an_unsigned_body_is_not_told_whether_it_parses() {
    let world = World::new().await;
    for body in ["", "{", "[]", &body(ONE, &[])] {
        assert_eq!(world.send(request(ONE.id, body, Some("AAAA"))).await.status_code, 401);
    }
}

#[tokio::test]
async fn when_directory_kms_or_queue_fail_it_is_503_and_works_again_after() {
    let world = World::new().await;
    let body = body(ONE, &[from_user("01HA", "U1")]);
    let unavailable = async || {
        let answer = world.send(signed(ONE, &body)).await;
        assert_eq!((answer.status_code, code(&answer).as_str()), (503, "unavailable"));
        assert!(world.events().is_empty());
    };
    world.table.fail(true);
    unavailable().await;
    world.table.fail(false);

    world.clock.advance(matome_runtime::keys::KEEP);
    world.kms.fail(true);
    unavailable().await;
    world.kms.fail(false);

    world.queue.refuse([Refuse::Request]);
    unavailable().await;

    assert_eq!(world.send(signed(ONE, &body)).await.status_code, 200);
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn one_entry_that_cannot_be_queued_fails_the_request_and_a_repeat_is_harmless() {
    let world = World::new().await;
    let events: Vec<_> = (0..12).map(|n| from_user(&format!("01H{n:02}"), "U1")).collect();
    let body = body(ONE, &events);
    world.queue.refuse([Refuse::EntryForGood(4)]);
    assert_eq!(world.send(signed(ONE, &body)).await.status_code, 503);
    assert_eq!(world.events().len(), 9);

    assert_eq!(world.send(signed(ONE, &body)).await.status_code, 200);
    // The nine of the first time have the same deduplication ids, so SQS and the recorder know them.
    assert_eq!(world.events().len(), 21);
    let distinct = world.queue.distinct::<Inbound>().into_iter().map(event);
    let mut ids: Vec<_> = distinct.map(|e| e.event_id).collect();
    ids.sort();
    assert_eq!(ids, (0..12).map(|n| format!("01H{n:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_crash_around_the_queue_is_never_a_200_and_the_redelivery_makes_it_whole() {
    for boundary in ["queue.send.before", "queue.send.after"] {
        let crashes = AtomicUsize::new(1);
        let world = World::with(Faults::at(move |at| {
            at == boundary && crashes.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok()
        }))
        .await;
        let events: Vec<_> = (0..15).map(|n| from_user(&format!("01H{n:02}"), "U1")).collect();
        let webhook = signed(ONE, &body(ONE, &events));
        assert_eq!(world.send(webhook.clone()).await.status_code, 503, "{boundary}");
        assert_eq!(world.send(webhook).await.status_code, 200, "{boundary}");
        let ids: Vec<_> = world.queue.distinct::<Inbound>().into_iter().map(|i| event(i).event_id).collect();
        assert_eq!(ids, (0..15).map(|n| format!("01H{n:02}")).collect::<Vec<_>>(), "{boundary}");
    }
}

#[tokio::test]
async fn users_groups_and_rooms_may_be_mixed_and_each_keeps_its_order() {
    let world = World::new().await;
    let sources = [
        json!({"type": "user", "userId": "U1"}),
        json!({"type": "group", "groupId": "C1", "userId": "U1"}),
        json!({"type": "room", "roomId": "R1"}),
    ];
    let events: Vec<_> = (0..30).map(|n| text(&format!("01H{n:02}"), sources[n % 3].clone(), "x")).collect();
    assert_eq!(world.send(signed(ONE, &body(ONE, &events))).await.status_code, 200);
    let queued = world.events();
    assert_eq!(queued.len(), 30);
    for (offset, conversation) in ["U1", "C1", "R1"].into_iter().enumerate() {
        let of_it = queued.iter().filter(|e| e.conversation_id.as_str() == conversation);
        let expected: Vec<_> = (0..10).map(|n| format!("01H{:02}", n * 3 + offset)).collect();
        assert_eq!(of_it.map(|e| e.event_id.clone()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn an_unknown_event_type_and_half_an_emoji_are_queued_like_any_other() {
    let world = World::new().await;
    let body = format!(
        r#"{{"destination":"{}","events":[{{"type":"messageEdited","x":1}},{{"type":"message","message":{{"text":"a\ud83d"}}}},null]}}"#,
        ONE.bot
    );
    assert_eq!(world.send(signed(ONE, &body)).await.status_code, 200);
    let events = world.events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0].event, json!({"type": "messageEdited", "x": 1}));
    assert_eq!(events[1].event["message"]["text"], "a\u{fffd}");
    assert!(events.iter().all(|e| e.conversation_id.as_str() == ONE.bot));
}

#[tokio::test]
async fn a_suspended_tenants_customers_are_still_heard() {
    let world = World::new().await;
    register(&world.context.directory, &world.context.keys, ONE, |record| record.status = Status::Suspended)
        .await;
    assert_eq!(world.send(signed(ONE, &body(ONE, &[from_user("01HA", "U1")]))).await.status_code, 200);
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn a_tenant_with_a_queue_of_its_own_gets_its_events_there() {
    let world = World::new().await;
    register(&world.context.directory, &world.context.keys, TWO, |record| {
        record.inbound_queue_url = Some("its-own".to_owned())
    })
    .await;
    for channel in [ONE, TWO] {
        world.send(signed(channel, &body(channel, &[from_user("01HA", "U1")]))).await;
    }
    let urls: Vec<_> = world.queue.entries().into_iter().map(|e| e.url).collect();
    assert_eq!(urls, ["inbound.fifo", "its-own"]);
}

#[tokio::test]
async fn the_payload_cannot_choose_the_tenant() {
    let world = World::new().await;
    let mut event = from_user("01HA", "U1");
    event["tenantId"] = json!(TWO.tenant);
    event["channelId"] = json!(TWO.id);
    let body = json!({"destination": ONE.bot, "tenantId": TWO.tenant, "events": [event]}).to_string();
    assert_eq!(world.send(signed(ONE, &body)).await.status_code, 200);
    let queued = &world.events()[0];
    assert_eq!((queued.tenant_id.as_str(), queued.channel_id.as_str()), (ONE.tenant, ONE.id));
}

#[tokio::test]
async fn a_secret_moved_to_another_channel_does_not_open() {
    let world = World::new().await;
    // Somebody who can write the directory, but not call KMS, copies channel one's sealed secret.
    let one = matome_domain::ids::ChannelId::new(ONE.id).unwrap();
    let stolen = world.context.directory.channel(&one).await.unwrap().unwrap();
    register(&world.context.directory, &world.context.keys, TWO, |record| {
        record.secret = stolen.secret.clone()
    })
    .await;
    let answer = world.send(request(TWO.id, "{}", Some(&sign(ONE.secret, b"{}")))).await;
    assert_eq!(answer.status_code, 503);
}
