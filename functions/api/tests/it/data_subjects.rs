//! What a person may ask of those who know them, on MiniStack.

use bytes::Bytes;
use matome_api_testing::s3;
use matome_api_testing::world::of;
use matome_domain::access::Role;
use matome_domain::person::PersonStatus;
use matome_domain::queue::SummaryJob;
use matome_runtime::blobs::{BlobKey, BlobPrefix};
use matome_store::entities::{
    AuditEntry, Media, MediaStatus, Message, MessageStatus, Room, RoomMember, Session, SessionStatus,
    Summary, SummaryParticipant, SummaryStatus, User,
};
use matome_store::id::document_id;
use serde_json::Value;

use crate::talk::{Talk, hex, message, put, told};

fn path(talk: &Talk, what: &str) -> String {
    format!("/users/{}/{what}", hex(talk.aoi.id))
}

#[tokio::test]
async fn everything_about_a_person_is_taken_out_in_the_answer_or_as_a_file() {
    let (world, _) = s3::world().await;
    let tenant = world.tenant().await;
    let (admin, manager) =
        (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Manager).await);
    let talk = Talk::private(&tenant, "Cgroup").await;
    let said = SummaryParticipant {
        user_id: Some(talk.aoi.id),
        message_count: 2,
        sentiment: Default::default(),
        key_points: vec!["Wants a picnic".to_owned()],
    };
    let said = bson::doc! { "$set": { "participants": [matome_store::value::to_bson(&said).unwrap()] } };
    let summaries = tenant.store.collection::<Summary>();
    summaries.update(bson::doc! { "_id": talk.summary.id }, said).await.unwrap();
    let export = of(&tenant, &path(&talk, "export"));
    assert_eq!(told(&world.post(&export).by(&manager).send().await), (403, "permission_denied"));

    let small = world.post(&export).by(&admin).send().await.ok();
    let check = |data: &Value, messages: usize| {
        assert_eq!(data["user"]["displayName"], "Aoi");
        assert_eq!(data["memberships"][0]["roomId"], hex(talk.room.id));
        assert_eq!(data["messages"].as_array().map(Vec::len), Some(messages));
        assert!(data["messages"].as_array().unwrap().iter().all(|m| m["userId"] == hex(talk.aoi.id)));
        assert_eq!(data["sessions"][0]["id"], hex(talk.session.id));
        assert_eq!(data["summaries"][0]["keyPoints"][0], "Wants a picnic");
        assert!(!data.to_string().contains("I bring tea"), "what others said is theirs");
    };
    check(&small["data"], 2);
    assert!(small["file"].is_null());
    // A repeat is not another way to it, which an erasure would leave open for a day.
    let once = async || world.post(&export).by(&admin).header("idempotency-key", "k").send().await;
    assert_eq!(once().await.status, 200);
    assert_eq!(told(&once().await), (409, "answer_not_kept"));

    for number in 10..110 {
        put(&tenant, &message(&talk.session, number, &talk.aoi, &"long ".repeat(900))).await;
    }
    let large = world.post(&export).by(&admin).send().await.ok();
    assert!(large["data"].is_null());
    let file = reqwest::get(large["file"]["url"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!(large["bytes"].as_u64(), Some(file.len() as u64));
    check(&serde_json::from_slice(&file).unwrap(), 102);

    let stranger = world.member(&world.tenant().await, Role::Owner).await;
    assert_eq!(told(&world.post(&export).by(&stranger).send().await), (404, "not_found"));
}

#[tokio::test]
async fn a_person_is_forgotten_and_what_was_counted_stays() {
    let (world, blobs) = s3::world().await;
    let tenant = world.tenant().await;
    let (admin, manager) =
        (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Manager).await);
    let (closed, open) = (Talk::closed(&tenant, "UAoi").await, Talk::open(&tenant, "Copen").await);
    let mut picture = message(&closed.session, 7, &closed.aoi, "");
    picture.media = Some(Media {
        status: MediaStatus::Stored,
        key: Some("tenants/x/media/y/original".into()),
        ..Media::pending()
    });
    put(&tenant, &picture).await;
    let exported = BlobKey::export(&tenant.id, &document_id(closed.aoi.id), &document_id(closed.room.id));
    blobs.put(&exported, "application/json", Bytes::from_static(b"{}")).await.unwrap();
    let erasure = of(&tenant, &path(&closed, "erasure"));
    assert_eq!(told(&world.post(&erasure).by(&manager).send().await), (403, "permission_denied"));

    let erased = world.post(&erasure).by(&admin).send().await.ok();
    assert_eq!(
        (erased["complete"].as_bool(), erased["messages"].as_u64()),
        (Some(true), Some(5)),
        "{erased}"
    );
    assert_eq!(erased["sessions"], 1);
    let store = &tenant.store;
    let user: User = store.collection().get(closed.aoi.id).await.unwrap().unwrap();
    assert_eq!((user.status, user.display_name, user.email), (PersonStatus::Erased, None, None));
    let theirs = bson::doc! { "userId": closed.aoi.id };
    let messages =
        store.collection::<Message>().find(theirs.clone(), bson::doc! { "timestamp": 1 }, 0).await.unwrap();
    assert_eq!(messages.len(), 5, "what was counted stays");
    assert!(
        messages
            .iter()
            .all(|m| m.status == MessageStatus::Deleted && m.content.is_none() && m.search.is_empty())
    );
    let media: Vec<_> = messages.iter().filter_map(|m| m.media.as_ref()).map(|m| m.status).collect();
    assert_eq!(media, [MediaStatus::Erasing], "the recorder empties the bucket of it");
    let others = store.collection::<Message>().get(closed.messages[1].id).await.unwrap().unwrap();
    assert_eq!(others.content.as_deref(), Some("Yes, I bring tea to the picnic."));
    let members = store.collection::<RoomMember>().count(theirs).await.unwrap();
    assert_eq!(members, 2);
    let room: Room = store.collection().get(closed.room.id).await.unwrap().unwrap();
    assert_eq!(room.name, None, "a chat with one person is called like them");
    let group: Room = store.collection().get(open.room.id).await.unwrap().unwrap();
    assert_eq!(group.name.as_deref(), Some("Picnic"));

    let summary: Summary = store.collection().get(closed.summary.id).await.unwrap().unwrap();
    assert_eq!((summary.status, summary.content.brief.as_str()), (SummaryStatus::Draft, ""));
    let session: Session = store.collection().get(closed.session.id).await.unwrap().unwrap();
    assert_eq!((session.status, session.revision), (SessionStatus::Summarizing, 1));
    let untouched: Session = store.collection().get(open.session.id).await.unwrap().unwrap();
    assert_eq!((untouched.status, untouched.revision), (SessionStatus::Active, 0));
    let jobs = world.queued.sent::<SummaryJob>();
    assert_eq!(
        (jobs.len(), jobs[0].session_id.as_str(), jobs[0].revision),
        (1, hex(closed.session.id).as_str(), 1)
    );
    let exports = BlobPrefix::exports(&tenant.id, &document_id(closed.aoi.id));
    assert_eq!(blobs.versions_under(&exports, None).await.unwrap().versions, []);

    // Once more: nothing is left to be done, and nothing is done.
    let again = world.post(&erasure).by(&admin).send().await.ok();
    assert_eq!(
        (again["complete"].as_bool(), again["messages"].as_u64(), again["sessions"].as_u64()),
        (Some(true), Some(0), Some(0))
    );
    assert_eq!(world.queued.sent::<SummaryJob>().len(), 1);
    let audit = store.collection::<AuditEntry>();
    let entries = audit.find(bson::doc! { "phase": "ended" }, bson::doc! { "seq": 1 }, 0).await.unwrap();
    let told: Vec<_> = entries.iter().map(|e| (e.record.operation.as_str(), e.record.status)).collect();
    assert_eq!(told, [("eraseUser", Some(200)), ("eraseUser", Some(200))]);
    assert!(!serde_json::to_string(&entries[0].record.after).unwrap().contains("Aoi"));
}
