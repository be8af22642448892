use proptest::prelude::*;
use serde_json::json;

use super::*;

fn event(kind: &str, more: Value) -> Value {
    let mut event = json!({
        "type": kind,
        "mode": "active",
        "timestamp": 1_462_629_479_859_i64,
        "source": {"type": "user", "userId": "U1"},
        "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
        "deliveryContext": {"isRedelivery": false},
        "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn kind(name: &str, more: Value) -> EventKind {
    Event::parse(event(name, more)).kind
}

fn message(message: Value) -> Message {
    match kind("message", json!({ "message": message })) {
        EventKind::Message(m) => m,
        other => panic!("not a message: {other:?}"),
    }
}

#[test]
fn the_envelope_of_an_event_is_read() {
    let e = Event::parse(event("unfollow", json!({"deliveryContext": {"isRedelivery": true}})));
    assert_eq!(e.kind, EventKind::Unfollow);
    assert_eq!(e.timestamp, Timestamp(1_462_629_479_859));
    assert_eq!(e.mode, Mode::Active);
    assert_eq!(e.webhook_event_id.as_deref(), Some("01FZ74A0TDDPYRVKNK77XKC3ZR"));
    assert!(e.is_redelivery);
    assert_eq!(e.reply_token.as_deref(), Some("nHuyWiB7yP5Zw52FIkcQobQuGDXCTA"));
    assert_eq!(e.conversation_id(), Some("U1"));
}

#[test]
fn a_conversation_is_named_by_group_then_room_then_user() {
    let id = |source: Value| Event::parse(event("join", json!({ "source": source }))).source;
    let group = id(json!({"type": "group", "groupId": "C1", "userId": "U1"})).unwrap();
    assert_eq!((group.conversation_id(), group.is_shared()), (Some("C1"), true));
    let room = id(json!({"type": "room", "roomId": "R1"})).unwrap();
    assert_eq!((room.conversation_id(), room.user_id.as_deref()), (Some("R1"), None));
    let future = id(json!({"type": "openChat", "userId": "U1", "openChatId": "O1"})).unwrap();
    assert_eq!(future.kind, SourceKind::Other("openChat".into()));
    assert_eq!(id(json!("nowhere")), None);
}

#[test]
fn a_text_keeps_mentions_and_emoji_at_their_utf16_places() {
    let m = message(json!({
        "id": "444573844083572737", "type": "text", "quoteToken": "q3Plxr4AgKd", "markAsReadToken": "mark",
        "quotedMessageId": "468789577898262530",
        "text": "🍎 @Matome @田中 @All (love)",
        "emojis": [{"index": 21, "length": 6, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}],
        "mention": {"mentionees": [
            {"index": 3, "length": 7, "type": "user", "userId": "U9", "isSelf": true},
            {"index": 11, "length": 3, "type": "user", "userId": "U2", "isSelf": false},
            {"index": 15, "length": 4, "type": "all"},
            {"index": 15, "length": 4, "type": "role", "roleId": "x"},
            {"type": "user"},
            {"index": 500, "length": 4, "type": "user"},
        ]},
    }));
    assert_eq!(m.quote_token.as_deref(), Some("q3Plxr4AgKd"));
    assert_eq!(m.quoted_message_id.as_deref(), Some("468789577898262530"));
    assert_eq!(m.mark_as_read_token.as_deref(), Some("mark"));
    let MessageContent::Text(text) = m.content else { panic!("not a text") };
    let mentions: Vec<_> = text.mentionees.iter().map(|m| text.mention_text(m)).collect();
    assert_eq!(mentions, [Some("@Matome"), Some("@田中"), Some("@All"), Some("@All"), None]);
    assert_eq!(text.mentionees[3].kind, MentioneeKind::Other("role".into()));
    assert_eq!(
        text.emoji_text(&text.emojis[0]),
        None,
        "LINE's range is off by one here: nothing, not a panic"
    );
    assert!(text.mentions_bot());
    assert_eq!(text.without_bot_mention(), "🍎  @田中 @All (love)");
}

#[test]
fn broken_decorations_do_not_lose_the_text() {
    for decoration in [json!({"mention": 5}), json!({"mention": null, "emojis": {}}), json!({"mention": {}})]
    {
        let mut m = json!({"id": "1", "type": "text", "text": "hi"});
        m.as_object_mut().unwrap().extend(decoration.as_object().unwrap().clone());
        let MessageContent::Text(text) = message(m).content else { panic!("not a text") };
        assert_eq!(text, TextContent { text: "hi".into(), ..TextContent::default() });
    }
}

#[test]
fn every_message_type_is_read() {
    let line = json!({"type": "line"});
    let MessageContent::Image { media, image_set } = message(json!({
        "id": "1", "type": "image", "contentProvider": line, "imageSet": {"id": "E005", "total": 2},
    }))
    .content
    else {
        panic!("not an image")
    };
    assert_eq!(media.provider, ContentProvider::Line);
    assert_eq!(image_set, Some(ImageSet { id: "E005".into(), index: None, total: Some(2) }));

    let external = json!({"type": "external", "originalContentUrl": "https://example.com/v.mp4"});
    let video =
        message(json!({"id": "1", "type": "video", "duration": 60000, "contentProvider": external})).content;
    assert_eq!(
        video,
        MessageContent::Video(MediaContent {
            provider: ContentProvider::External {
                original_content_url: Some("https://example.com/v.mp4".into()),
                preview_image_url: None,
            },
            duration_ms: Some(60_000),
        })
    );
    let audio = message(json!({"id": "1", "type": "audio", "contentProvider": {"type": "moon"}})).content;
    assert_eq!(
        audio,
        MessageContent::Audio(MediaContent {
            provider: ContentProvider::Other("moon".into()),
            duration_ms: None
        })
    );
    assert_eq!(
        message(json!({"id": "1", "type": "file", "fileName": "見積.pdf", "fileSize": 2138})).content,
        MessageContent::File(FileContent { name: "見積.pdf".into(), size: Some(2138) })
    );
    assert_eq!(
        message(json!({"id": "1", "type": "location", "latitude": 35.65910807942215, "longitude": 139.7}))
            .content,
        MessageContent::Location(LocationContent {
            title: None,
            address: None,
            latitude: 35.659_108_079_422_15,
            longitude: 139.7,
        })
    );
    assert_eq!(
        message(json!({
            "id": "1", "type": "sticker", "packageId": "446", "stickerId": "1988",
            "stickerResourceType": "HOLOGRAM", "keywords": ["cony", 7, "sally"],
        }))
        .content,
        MessageContent::Sticker(StickerContent {
            package_id: "446".into(),
            sticker_id: "1988".into(),
            resource_type: Some("HOLOGRAM".into()),
            keywords: vec!["cony".into(), "sally".into()],
            text: None,
        })
    );
}

#[test]
fn an_unknown_message_is_kept_raw_under_its_id() {
    for raw in
        [json!({"id": "7", "type": "hologram", "depth": 3}), json!({"id": "7", "type": "text", "text": 5})]
    {
        let m = message(raw.clone());
        assert_eq!(m.id, "7");
        let type_name = raw["type"].as_str().unwrap().to_owned();
        assert_eq!(m.content, MessageContent::Unknown { type_name, raw });
    }
}

#[test]
fn every_event_type_is_read() {
    let ids = json!({"members": [{"type": "user", "userId": "U2"}, {"type": "user"}]});
    let cases: Vec<(&str, Value, EventKind)> = vec![
        (
            "unsend",
            json!({"unsend": {"messageId": "325708"}}),
            EventKind::Unsend { message_id: "325708".into() },
        ),
        ("follow", json!({"follow": {"isUnblocked": true}}), EventKind::Follow { is_unblocked: true }),
        ("follow", json!({}), EventKind::Follow { is_unblocked: false }),
        ("unfollow", json!({}), EventKind::Unfollow),
        ("join", json!({}), EventKind::Join),
        ("leave", json!({}), EventKind::Leave),
        ("memberJoined", json!({"joined": ids}), EventKind::MemberJoined { user_ids: vec!["U2".into()] }),
        ("memberLeft", json!({"left": ids}), EventKind::MemberLeft { user_ids: vec!["U2".into()] }),
        (
            "postback",
            json!({"postback": {"data": "a=b", "params": {"datetime": "2017-12-25T01:00"}}}),
            EventKind::Postback {
                data: "a=b".into(),
                params: [("datetime".to_owned(), "2017-12-25T01:00".to_owned())].into(),
            },
        ),
        (
            "videoPlayComplete",
            json!({"videoPlayComplete": {"trackingId": "track-id"}}),
            EventKind::VideoPlayComplete { tracking_id: "track-id".into() },
        ),
        (
            "beacon",
            json!({"beacon": {"hwid": "d41d8cd98f", "type": "sleep", "dm": "0102"}}),
            EventKind::Beacon {
                hwid: "d41d8cd98f".into(),
                kind: BeaconKind::Other("sleep".into()),
                device_message: Some("0102".into()),
            },
        ),
        (
            "accountLink",
            json!({"link": {"result": "ok", "nonce": "n"}}),
            EventKind::AccountLink { result: AccountLinkResult::Ok, nonce: "n".into() },
        ),
        (
            "membership",
            json!({"membership": {"type": "renewed", "membershipId": 3189}}),
            EventKind::Membership { change: MembershipChange::Renewed, membership_id: 3189 },
        ),
        (
            "module",
            json!({"module": {"type": "attached", "botId": "U3", "scopes": ["message:send"]}}),
            EventKind::Module(ModuleChange::Attached {
                bot_id: "U3".into(),
                scopes: vec!["message:send".into()],
            }),
        ),
        (
            "module",
            json!({"module": {"type": "detached", "botId": "U3", "reason": "bot_deleted"}}),
            EventKind::Module(ModuleChange::Detached { bot_id: "U3".into(), reason: "bot_deleted".into() }),
        ),
        (
            "activated",
            json!({"chatControl": {"expireAt": 1_462_629_479_859_i64}}),
            EventKind::Activated { expire_at: Timestamp(1_462_629_479_859) },
        ),
        ("deactivated", json!({}), EventKind::Deactivated),
        ("botSuspended", json!({}), EventKind::BotSuspended),
        ("botResumed", json!({}), EventKind::BotResumed),
        (
            "delivery",
            json!({"delivery": {"data": "15034552939884E2"}}),
            EventKind::Delivery { data: "15034552939884E2".into() },
        ),
    ];
    for (name, more, expected) in cases {
        assert_eq!(expected.type_name(), name);
        assert_eq!(kind(name, more), expected);
    }
}

#[test]
fn an_edit_carries_the_message_as_it_is_now() {
    let edit =
        kind("messageEdited", json!({"message": {"id": "325708", "type": "text", "text": "Hello, edited"}}));
    let EventKind::MessageEdited(m) = edit else { panic!("not an edit: {edit:?}") };
    assert_eq!(m.id, "325708");
    assert!(matches!(m.content, MessageContent::Text(t) if t.text == "Hello, edited"));
}

#[test]
fn what_is_not_understood_is_kept_whole() {
    let known_but_odd = [
        ("message", json!({})),
        ("message", json!({"message": {"type": "text", "text": "no id"}})),
        ("unsend", json!({"unsend": "325708"})),
        ("memberJoined", json!({"joined": {"members": 3}})),
        ("postback", json!({"postback": {}})),
        ("membership", json!({"membership": {"type": "joined"}})),
        ("teleport", json!({"to": "the moon"})),
    ];
    for (name, more) in known_but_odd {
        let raw = event(name, more);
        let e = Event::parse(raw.clone());
        assert_eq!(e.kind, EventKind::Unknown { type_name: name.into(), raw });
        assert_eq!(e.conversation_id(), Some("U1"), "the envelope is still read");
    }
    let nothing = Event::parse(json!("not an event"));
    assert!(matches!(&nothing.kind, EventKind::Unknown { type_name, .. } if type_name.is_empty()));
    assert_eq!((nothing.source, nothing.timestamp), (None, Timestamp(0)));
}

#[test]
fn absent_and_unknown_fields_of_the_envelope_are_harmless() {
    let e = Event::parse(
        json!({"type": "message", "mode": "hibernating", "replyToken": "", "newField": {"a": 1},
        "timestamp": 5, "source": {"type": "group", "groupId": "C1"},
        "message": {"id": "1", "type": "text", "text": "hi", "newField": []}}),
    );
    assert!(matches!(e.kind, EventKind::Message(_)));
    assert_eq!(e.mode, Mode::Other("hibernating".into()));
    assert_eq!((e.reply_token, e.webhook_event_id, e.is_redelivery), (None, None, false));
}

#[test]
fn a_callback_keeps_its_events_raw() {
    let c = Callback::parse(br#"{"destination":"U0","events":[{"type":"join"},7]}"#).unwrap();
    assert_eq!((c.destination.as_str(), c.events.len()), ("U0", 2));
    assert!(Callback::parse(br#"{"destination":"U0","events":[]}"#).unwrap().events.is_empty());
    let err = Callback::parse(b"{\"destination\":\"secret words").unwrap_err().to_string();
    assert!(err.contains("is not JSON") && !err.contains("secret"), "{err}");
    let err = Callback::parse(br#"{"destination":"secret"}"#).unwrap_err().to_string();
    assert!(err.contains("`events`") && !err.contains("secret"), "{err}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z@ 🍎]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec![
                    "type",
                    "id",
                    "text",
                    "mention",
                    "mentionees",
                    "index",
                    "length",
                    "members",
                    "userId",
                    "data",
                    "params",
                    "emojis",
                    "imageSet",
                    "contentProvider",
                ])
                .prop_map(str::to_owned),
                inner,
                0..5
            )
            .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_shape_makes_parsing_panic(
        name in prop::sample::select(vec!["message", "messageEdited", "postback", "memberLeft", "module", "beacon"]),
        field in prop::sample::select(vec!["message", "postback", "left", "module", "beacon", "source", "mode"]),
        shape in any_json(),
    ) {
        let parsed = Event::parse(event(name, json!({ field: shape })));
        prop_assert_eq!(parsed.kind.type_name(), name);
        if let EventKind::Message(Message { content: MessageContent::Text(t), .. }) = parsed.kind {
            let _ = t.without_bot_mention();
        }
    }
}
