//! Pictures from S3 to a provider that sees, and what it saw back to their messages.

use bson::oid::ObjectId;
use bson::{Bson, doc};
use matome_ai::AiConfig;
use matome_ai::fake::{FakeProvider, Step};
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::SummaryJob;
use matome_runtime::blobs::{BlobKey, Blobs, MediaPart};
use matome_store::entities::{Message, Summary};
use matome_store::id::{derived, document_id, object_id};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};
use serde_json::json;

use crate::summarizer::{Summarizer, TALK, all, aws, closed_session, only, put};

/// A picture after [`TALK`].
#[derive(Clone)]
struct Picture {
    status: &'static str,
    size: i64,
    /// Whether its blob is in the bucket.
    there: bool,
}

const STORED: Picture = Picture { status: "stored", size: 3, there: true };

/// The bytes of the picture with this number.
fn bytes(number: usize) -> Vec<u8> {
    vec![0xEE, 0xEE, u8::try_from(number).expect("a small number")]
}

/// Those bytes as a request has them.
fn encoded(number: usize) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.encode(bytes(number));
    format!("data:image/png;base64,{bytes}")
}

/// The label of the picture with this number.
fn label(number: usize) -> String {
    format!("t{}", TALK.len() + number + 1)
}

fn id(job: &SummaryJob, number: usize) -> ObjectId {
    derived(&["message", job.session_id.as_str(), &(TALK.len() + number).to_string()])
}

/// A closed session with these pictures after its words, in order.
async fn session_with(tenant: &TestTenant, blobs: &Blobs, pictures: &[Picture]) -> SummaryJob {
    let job = closed_session(tenant).await;
    let session = object_id(&job.session_id).expect("an id");
    for (number, picture) in pictures.iter().enumerate() {
        let id = id(&job, number);
        let key = BlobKey::media(&tenant.id, &document_id(id), MediaPart::Original);
        let at = BEGIN.0 + i64::try_from(TALK.len() + number).expect("a small number") * 1000;
        let at = Bson::DateTime(bson::DateTime::from_millis(at));
        let media = doc! {
            "status": picture.status, "key": key.as_str(), "fileSize": picture.size, "mimeType": "image/png",
        };
        let message = doc! {
            "_id": id, "sessionId": session, "roomId": derived(&["room", &session.to_hex()]),
            "userId": derived(&["user", tenant.id.as_str(), "Aoi"]), "lineMessageId": format!("p{number}"),
            "messageType": "image", "media": media, "status": "delivered", "timestamp": &at,
            "tenantId": tenant.id.as_str(), "channelId": tenant.channel.as_str(),
            "createdAt": &at, "updatedAt": &at, "__v": 0_i64,
        };
        put::<Message>(tenant, message).await;
        if picture.there {
            blobs.put(&key, "image/png", bytes(number).into()).await.expect("can be stored");
        }
    }
    job
}

#[tokio::test]
async fn a_provider_that_sees_is_shown_the_newest_pictures_and_what_it_sees_is_kept_with_them() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let endpoint = matome_local_stack::shared::aws_endpoint().await.expect("MiniStack starts");
    let (s3, bucket) = (aws(&endpoint).s3(), format!("media-{}", system.random.uuid().simple()));
    s3.create_bucket().bucket(&bucket).send().await.expect("a bucket can be made");
    let blobs = Blobs::from_client(s3, bucket);
    let mut pictures = vec![STORED; 9];
    // The newest: gone from the bucket, not stored yet, and larger than all of them together may be.
    pictures.push(Picture { there: false, ..STORED });
    pictures.push(Picture { status: "pending", ..STORED });
    pictures.push(Picture { size: 4 * 1024 * 1024 + 1, ..STORED });
    let job = session_with(&tenant, &blobs, &pictures).await;

    let statement = |text: &str, label: String| json!({ "text": text, "sources": [label] });
    let answer = json!({
        "brief": "Aoi orders two boxes.", "briefSources": ["t1"],
        "detailed": [statement("Aoi orders two boxes.", "t1".to_owned())], "bulletPoints": [],
        "imageInsights": [statement("A shop front.", label(8)), statement("Never shown.", label(0))],
    });
    let provider = FakeProvider::start([Step::Text(answer.to_string())]).await.expect("a port is free");
    let config = AiConfig { vision: Some(true), ..provider.config() };
    let mut summarizer = Summarizer::with(&system, config, Faults::none());
    summarizer.context.blobs = blobs.into();
    summarizer.done(&job).await;

    let seen = provider.seen().remove(0);
    let document = seen.document().expect("a document was sent");
    assert_eq!(document["messages"].as_array().map(Vec::len), Some(TALK.len() + pictures.len()));
    let body = seen.body.to_string();
    let shown: Vec<usize> = (0..pictures.len()).filter(|n| body.contains(&encoded(*n))).collect();
    assert_eq!(shown, (1..=8).collect::<Vec<_>>(), "the eight newest that can be shown");
    assert_eq!(seen.pictures(), 8);
    assert!(body.contains(&format!("The picture of message {}:", label(8))));

    let summary: Summary = only(&tenant).await;
    assert_eq!(summary.ai_metadata.fallback_reason, None);
    assert_eq!(summary.analysis.image_insights, ["A shop front.", "Never shown."]);
    let messages = all::<Message>(&tenant).await;
    let analysed: Vec<_> = messages
        .iter()
        .filter_map(|message| Some((message.id, message.version, message.media.as_ref()?.analysis.as_ref()?)))
        .collect();
    let [(message, version, analysis)] = analysed[..] else { panic!("{analysed:?}") };
    assert_eq!((message, version), (id(&job, 8), 1), "only what was shown was seen");
    assert_eq!(analysis.get_str("description").ok(), Some("A shop front."));
    assert!(analysis.get_datetime("analyzedAt").is_ok());
}

#[tokio::test]
async fn no_picture_is_fetched_for_a_provider_that_does_not_see() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let provider = FakeProvider::start([]).await.expect("a loopback port is free");
    // Its bucket is nowhere: asking it would fail the job.
    let summarizer = Summarizer::with(&system, provider.config(), Faults::none());
    let nowhere = summarizer.context.blobs.of(&tenant.id).await.expect("no session is asked for");
    let job = session_with(&tenant, &nowhere, &[Picture { there: false, ..STORED }]).await;
    summarizer.done(&job).await;
    assert_eq!(only::<Summary>(&tenant).await.ai_metadata.fallback_reason, None);
    assert_eq!(provider.seen()[0].pictures(), 0);
}
