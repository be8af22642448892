//! Search, in every kind of place.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::words::Query;
use matome_store::TenantStore;
use matome_store::entities::{Message, MessageStatus, Room, StickerData, Summary};
use matome_store::search::{HitKind, SearchQuery, Within};

use crate::samples::{self, id};
use crate::{PLACEMENTS, store, tenant};

fn asked(text: &str) -> SearchQuery {
    SearchQuery {
        text: Query::parse(text).expect("has words"),
        within: Within::Both,
        room: None,
        from: None,
        to: None,
        hidden_rooms: Vec::new(),
        after: None,
        limit: 20,
    }
}

fn at(second: u32) -> DateTime {
    DateTime::from_millis(samples::NOW.timestamp_millis() + i64::from(second) * 1_000)
}

fn message(tenant: &TenantStore, number: u32, room: u32, text: &str) -> Message {
    let mut message = samples::message(tenant.tenant_id().as_str(), number);
    // Ids of different tenants differ.
    message.id = matome_store::id::derived(&[tenant.tenant_id().as_str(), &number.to_string()]);
    message.content = Some(text.to_owned());
    message.room_id = id(1, room);
    message.timestamp = at(number);
    message.renew_search();
    message
}

fn summary(tenant: &TenantStore, number: u32, brief: &str) -> Summary {
    let all = samples::of_tenant(tenant.tenant_id().as_str(), number);
    let (_, document) = all.into_iter().find(|(name, _)| *name == "summaries").expect("there is one");
    let mut summary: Summary = bson::deserialize_from_document(document).expect("was one before");
    summary.id = matome_store::id::derived(&[tenant.tenant_id().as_str(), "summary", &number.to_string()]);
    summary.content.brief = brief.to_owned();
    summary.created_at = at(number);
    summary.renew_search();
    summary
}

async fn say(tenant: &TenantStore, texts: &[&str]) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for (number, text) in (0..).zip(texts) {
        let message = message(tenant, number, 0, text);
        ids.push(message.id);
        tenant.collection::<Message>().insert(&message).await.expect("stored");
    }
    ids
}

async fn found(tenant: &TenantStore, query: &SearchQuery) -> Vec<ObjectId> {
    let page = tenant.search(query).await.expect("searched");
    assert_eq!(page.next, None);
    page.hits.into_iter().map(|hit| hit.id).collect()
}

#[tokio::test]
async fn words_are_found_in_three_languages_and_in_no_other_tenant() {
    let store = store().await;
    for placement in PLACEMENTS {
        let ours = tenant(&store, "ours", placement).await;
        let theirs = tenant(&store, "theirs", placement).await;
        let texts = [
            "ご注文番号は A-20931 です",
            "京都に行きます",
            "อยากสั่งซื้อสินค้าชิ้นนี้ค่ะ",
            "ｶﾞｲﾄﾞとLINEで送ってね",
            "Could you send the INVOICE for café Noir?",
            "文を注ぐ",
        ];
        let ids = say(&ours, &texts).await;
        say(&theirs, &texts).await;
        for (text, expected) in [
            ("注文", Some(0)),
            ("注文 20931", Some(0)),
            ("a-20931", Some(0)),
            ("京都", Some(1)),
            ("東京", None),
            ("สั่งซื้อ", Some(2)),
            ("สินค้า", Some(2)),
            ("ガイド", Some(3)),
            ("line ガイド", Some(3)),
            ("ＬＩＮＥで送って", Some(3)),
            ("invoice", Some(4)),
            ("Cafe", Some(4)),
            ("voice", None),
            ("invoice 京都", None),
            ("$invoice \0", Some(4)),
        ] {
            let expected: Vec<ObjectId> = expected.map(|n: usize| ids[n]).into_iter().collect();
            assert_eq!(found(&ours, &asked(text)).await, expected, "{text}");
        }
    }
}

#[tokio::test]
async fn a_hit_says_where_its_words_stand() {
    let store = store().await;
    let tenant = tenant(&store, "t", matome_domain::placement::Placement::Shared).await;
    say(&tenant, &["ご注文番号は"]).await;
    tenant.collection::<Summary>().insert(&summary(&tenant, 3, "注文の相談")).await.expect("stored");
    let page = tenant.search(&asked("注文")).await.expect("searched");
    let hits: Vec<_> = page
        .hits
        .iter()
        .map(|hit| (hit.kind, hit.at, hit.snippet.text.as_str(), hit.snippet.highlights[0].start))
        .collect();
    assert_eq!(
        hits,
        [(HitKind::Summary, at(3), "注文の相談", 0), (HitKind::Message, at(0), "ご注文番号は", 1),]
    );
    for (within, count) in [(Within::Messages, 1), (Within::Summaries, 1), (Within::Both, 2)] {
        let query = SearchQuery { within, ..asked("注文") };
        assert_eq!(found(&tenant, &query).await.len(), count, "{within:?}");
    }
}

#[tokio::test]
async fn what_is_hidden_or_gone_is_not_found() {
    let store = store().await;
    for placement in PLACEMENTS {
        let tenant = tenant(&store, "t", placement).await;
        let messages = tenant.collection::<Message>();
        for number in 0..6 {
            let mut message = message(&tenant, number, number, "注文");
            match number {
                0 => message.status = MessageStatus::Deleted,
                1 => message.deleted_at = Some(at(9)),
                4 => {
                    message.command = Some("summarize".to_owned());
                    message.renew_search();
                }
                // Room 2 is hidden from the asker, room 3 was deleted; 5 is found.
                _ => {}
            }
            messages.insert(&message).await.expect("stored");
        }
        let (_, room) = samples::of_tenant("t", 3).remove(0);
        let room: Room = bson::deserialize_from_document(room).expect("was one before");
        let deleted = Room { id: id(1, 3), status: "deleted".to_owned(), ..room };
        tenant.collection::<Room>().insert(&deleted).await.expect("stored");
        let mut private = summary(&tenant, 7, "注文");
        private.visibility = "private".to_owned();
        tenant.collection::<Summary>().insert(&private).await.expect("stored");
        let query = SearchQuery { hidden_rooms: vec![id(1, 2)], ..asked("注文") };
        let hits = tenant.search(&query).await.expect("searched").hits;
        assert_eq!(hits.iter().map(|hit| hit.room_id).collect::<Vec<_>>(), [id(1, 5)]);
        for room in [2, 3] {
            let query = SearchQuery { room: Some(id(1, room)), ..query.clone() };
            assert_eq!(found(&tenant, &query).await, []);
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_even_within_one_millisecond() {
    let store = store().await;
    let tenant = tenant(&store, "t", matome_domain::placement::Placement::Shared).await;
    let mut expected = std::collections::BTreeSet::new();
    for number in 0..25 {
        let mut message = message(&tenant, number, 0, "注文");
        message.timestamp = at(number / 10);
        expected.insert(message.id);
        tenant.collection::<Message>().insert(&message).await.expect("stored");
    }
    let mut query = SearchQuery { limit: 4, ..asked("注文") };
    let (mut seen, mut last) = (std::collections::BTreeSet::new(), at(99));
    loop {
        let page = tenant.search(&query).await.expect("searched");
        for hit in page.hits {
            assert!(hit.at <= last, "newest first");
            last = hit.at;
            assert!(seen.insert(hit.id), "shown twice");
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let between = SearchQuery { from: Some(at(1)), to: Some(at(2)), ..asked("注文") };
    assert_eq!(found(&tenant, &between).await.len(), 10);
}

#[tokio::test]
async fn many_candidates_that_are_no_hits_do_not_hide_the_one_that_is() {
    let store = store().await;
    let tenant = tenant(&store, "t", matome_domain::placement::Placement::Shared).await;
    // Has both pairs of the word, apart.
    let mut messages: Vec<Message> = (1..2_500).map(|n| message(&tenant, n, 0, "京都と東京")).collect();
    messages.push(message(&tenant, 0, 0, "東京都"));
    let chunk = |messages: &[Message]| messages.to_vec();
    for part in messages.chunks(500) {
        let part = chunk(part);
        tenant.transaction(async |t| t.insert(&part).await).await.expect("stored");
    }
    let first = tenant.search(&asked("東京都")).await.expect("searched");
    assert_eq!(first.hits, []);
    let query =
        SearchQuery { after: Some(first.next.expect("it was too much for one page")), ..asked("東京都") };
    assert_eq!(found(&tenant, &query).await, [messages.last().expect("there are many").id]);
}

#[tokio::test]
async fn a_message_is_found_by_all_it_says_in_words() {
    let store = store().await;
    let tenant = tenant(&store, "t", matome_domain::placement::Placement::Shared).await;
    let mut sticker = message(&tenant, 1, 0, "");
    sticker.sticker_data = Some(StickerData {
        package_id: "1".into(),
        sticker_id: "2".into(),
        resource_type: None,
        keywords: vec!["hello".into()],
        text: Some("おはよう".into()),
    });
    sticker.renew_search();
    tenant.collection::<Message>().insert(&sticker).await.expect("stored");
    assert_eq!(found(&tenant, &asked("おはよう")).await, [sticker.id]);
    assert_eq!(found(&tenant, &asked("hello")).await, [], "LINE's keywords are nobody's words");
    let empty = doc! { "search": { "$exists": true } };
    assert_eq!(tenant.collection::<Message>().count(empty).await.expect("counted"), 1);
}
