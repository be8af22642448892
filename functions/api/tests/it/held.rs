//! One word is planted in everything that is held of a person. The export shows every one of them; after the
//! erasure none is left anywhere.

use bson::{Document, doc};
use matome_api_testing::s3;
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use matome_store::Entity;
use matome_store::entities::{InboundEventRecord, Message, Room, RoomMember, Session, Summary, User};
use matome_store::id::derived;
use matome_testing::{TestTenant, fixtures};
use serde_json::{Value, json};

use crate::operations::everything;
use crate::talk::{Talk, at, hex};

/// What is planted: `<planted>-<where>`.
const PLANTED: &str = "canary";
/// Where, and the export shows it.
const SHOWN: [&str; 20] = [
    "name", "picture", "status", "email", "phone", "first", "customer", "field", "label", "chat", "note",
    "banned", "said", "before", "raw", "seen", "point", "comment", "tapped", "beacon",
];
/// Where, and the export does not show it: it is ours, or made of what others said as well.
const NOT_SHOWN: [&str; 2] = ["brief", "topic"];

fn word(place: &str) -> String {
    assert!(SHOWN.contains(&place) || NOT_SHOWN.contains(&place), "{place}");
    format!("{PLANTED}-{place}")
}

async fn set<E: Entity>(tenant: &TestTenant, id: bson::oid::ObjectId, set: Document) {
    let changed =
        tenant.store.collection::<E>().update(doc! { "_id": id }, doc! { "$set": set }).await.unwrap();
    assert!(changed, "there is one");
}

/// A chat with Aoi alone, with something of them in every document, and a group where they only rated a summary.
async fn plant(world: &World, tenant: &TestTenant, admin: &Person) -> (Talk, Talk) {
    let talk = Talk::closed(tenant, "UAoi").await;
    let group = Talk::closed(tenant, "Cgroup").await;
    set::<User>(
        tenant,
        talk.aoi.id,
        doc! {
            "displayName": word("name"), "pictureUrl": word("picture"), "statusMessage": word("status"),
            "metadata.tags": [word("label")], "metadata.customerId": word("customer"),
        },
    )
    .await;
    set::<Room>(
        tenant,
        talk.room.id,
        doc! { "name": word("chat"), "metadata.customFields": { "note": word("note") } },
    )
    .await;
    let picture = doc! {
        "content": word("said"), "raw": { "type": "poll", "question": word("raw") },
        "editHistory": [{ "content": word("before"), "writtenAt": at(0) }],
        "media": {
            "status": "stored", "key": format!("tenants/{}/media/{}/original", tenant.id, hex(talk.messages[0].id)),
            "analysis": { "description": word("seen"), "analyzedAt": at(3) }, "attempts": 0_i64,
        },
    };
    set::<Message>(tenant, talk.messages[0].id, picture).await;
    let participant = doc! {
        "userId": talk.aoi.id, "messageCount": 2_i64, "sentiment": "neutral", "keyPoints": [word("point")],
    };
    set::<Summary>(
        tenant,
        talk.summary.id,
        doc! { "participants": [participant], "content.brief": word("brief") },
    )
    .await;
    let topics =
        doc! { "aiAnalysis": { "topics": [word("topic")], "sentiment": "neutral", "urgency": "low" } };
    set::<Session>(tenant, talk.session.id, topics).await;
    let feedback = doc! {
        "feedback": { "rating": 4, "comment": word("comment"), "ratedBy": talk.aoi.id, "ratedAt": at(4) },
    };
    set::<Summary>(tenant, group.summary.id, feedback).await;
    let event = InboundEventRecord {
        id: derived(&["event", "1"]),
        tenant_id: tenant.id.to_string(),
        channel_id: tenant.channel.to_string(),
        webhook_event_id: "1".to_owned(),
        kind: "postback".to_owned(),
        room_id: Some(talk.room.id),
        user_id: Some(talk.aoi.id),
        action: Some(doc! { "type": "unknown", "data": word("tapped") }),
        details: Some(doc! { "hwid": word("beacon") }),
        raw: None,
        timestamp: at(5),
        created_at: at(5),
        expires_at: at(90 * 24 * 60 * 60),
    };
    tenant.store.collection::<InboundEventRecord>().insert(&event).await.unwrap();
    // By hand, so that the audit tells of it.
    let member = fixtures::member(&group.room, &talk.aoi.line_user_id);
    let patch = json!({
        "email": "canary-email@example.com", "phoneNumber": word("phone"),
        "profile": { "firstName": word("first") }, "metadata": { "customFields": { "field": word("field") } },
    });
    let user = of(tenant, &format!("/users/{}", hex(talk.aoi.id)));
    assert_eq!(world.patch(user).by(admin).json(&patch).send().await.status, 200);
    let ban = json!({ "banned": true, "bannedReason": word("banned") });
    let banned = of(tenant, &group.room(&format!("/members/{}", hex(member.id))));
    assert_eq!(world.patch(banned).by(admin).json(&ban).send().await.status, 200);
    let rename = of(tenant, &talk.room(""));
    let described = json!({ "description": "A regular" });
    assert_eq!(world.patch(rename).by(admin).json(&described).send().await.status, 200);
    (talk, group)
}

/// Documents with something planted in them. What staff labelled somebody with stays in the audit, which tells who
/// did so.
async fn left(world: &World) -> Vec<String> {
    let mut left = Vec::new();
    for (name, document) in everything(world).await {
        let mut text = document.to_string();
        if name.contains("audit_entries") {
            text = text.replace(&word("label"), "");
        }
        if text.contains(PLANTED) {
            left.push(name);
        }
    }
    left
}

#[tokio::test]
async fn everything_that_is_held_of_a_person_is_exported_and_after_the_erasure_gone() {
    let (world, _) = s3::world().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let (talk, group) = plant(&world, &tenant, &admin).await;
    let path = |what: &str| of(&tenant, &format!("/users/{}/{what}", hex(talk.aoi.id)));

    let data = world.post(path("export")).by(&admin).send().await.ok()["data"].take();
    let text = data.to_string();
    for place in SHOWN {
        assert!(text.contains(&word(place)), "{place} is not shown: {data:#}");
    }
    for place in NOT_SHOWN {
        assert!(!text.contains(&word(place)), "{place} is shown");
    }
    let one = |list: &str| match data[list].as_array().map(Vec::as_slice) {
        Some([one]) => one.clone(),
        other => panic!("{list}: {other:?}"),
    };
    assert_eq!(one("chats")["id"], hex(talk.room.id));
    assert_eq!(data["memberships"].as_array().map(Vec::len), Some(2));
    let link =
        data["messages"].as_array().unwrap().iter().find_map(|message| message["links"]["url"].as_str());
    let link = link.expect("a picture has one");
    assert!(link.contains("X-Amz-Expires=300&"), "{link}");
    let rating = one("ratings");
    assert_eq!((&rating["summaryId"], &rating["rating"]), (&json!(hex(group.summary.id)), &json!(4)));
    assert_eq!(one("events")["type"], "postback");
    let audit = data["audit"].as_array().unwrap();
    let done = |operation: &str| audit.iter().any(|e| e["operation"] == operation && e["status"] == 200);
    assert!(done("updateUser") && done("updateRoomMember") && done("updateRoom"), "{audit:#?}");
    for theirs in [admin.account.to_hex(), "192.0.2.1".to_owned()] {
        assert!(!Value::from(audit.clone()).to_string().contains(&theirs), "who of staff is not told");
    }

    assert!(left(&world).await.len() > 5);
    let erased = world.post(path("erasure")).by(&admin).send().await.ok();
    assert_eq!(erased["complete"], true);
    assert_eq!(left(&world).await, [""; 0], "nothing is left");
    let rated: Summary = tenant.store.collection().get(group.summary.id).await.unwrap().unwrap();
    assert_eq!(rated.feedback.and_then(|feedback| feedback.rating), Some(4), "what was counted stays");
    let member = fixtures::member(&group.room, &talk.aoi.line_user_id);
    assert!(tenant.store.collection::<RoomMember>().get(member.id).await.unwrap().is_some());
    let data = world.post(path("export")).by(&admin).send().await.ok()["data"].take();
    assert_eq!((&data["ratings"], data["summaries"].as_array().map(Vec::len)), (&json!([]), Some(1)));
    assert_eq!(data["messages"].as_array().unwrap().len(), 4, "tombstones");
}

#[tokio::test]
async fn what_was_rated_is_shown_although_they_never_spoke_there() {
    let (world, _) = s3::world().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let talk = Talk::closed(&tenant, "Cquiet").await;
    let listener = fixtures::user(&tenant, "UListener");
    tenant.store.collection::<User>().insert(&listener).await.unwrap();
    tenant.store.collection::<RoomMember>().insert(&fixtures::member(&talk.room, "UListener")).await.unwrap();
    set::<Summary>(&tenant, talk.summary.id, doc! { "feedback": { "rating": 2, "ratedBy": listener.id } })
        .await;
    let export = of(&tenant, &format!("/users/{}/export", hex(listener.id)));
    let data = world.post(export).by(&admin).send().await.ok()["data"].take();
    assert_eq!(data["ratings"][0]["rating"], 2);
    assert_eq!((&data["messages"], &data["summaries"]), (&json!([]), &json!([])));
}
