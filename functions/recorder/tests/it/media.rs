//! Content from LINE to S3, and out of it again: real S3, LINE's rules in the simulator.

use std::io::Cursor;
use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::ids::ConversationId;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, InboundEvent, MediaJob};
use matome_line_simulator::{
    Act, Deed, LineSimulator, Media as Content, NewChannel, NewUser, Place, SimulatorConfig,
};
use matome_runtime::blobs::Blobs;
use matome_store::entities::{Dimensions, Media, MediaStatus, Message, Room, User};
use matome_testing::crash::{Boundaries, once_at};
use matome_testing::mp4::Mp4;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::recorder::{Recorder, all, aws};

struct Studio {
    system: TestSystem,
    tenant: TestTenant,
    line: LineSimulator,
    place: Place,
    user: String,
    endpoint: String,
    bucket: String,
    s3: aws_sdk_s3::Client,
}

impl Studio {
    async fn open() -> Self {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let config = SimulatorConfig::new(system.clock.clone());
        let line = LineSimulator::start(config).await.expect("a loopback port is free");
        line.add_channel(NewChannel {
            channel_id: Some(tenant.channel.to_string()),
            channel_secret: Some(tenant.secret.clone()),
            bot_user_id: Some(tenant.bot_user_id.clone()),
            ..NewChannel::default()
        });
        let user = line.add_user(NewUser::named("葵"));
        let endpoint = matome_local_stack::shared::aws_endpoint().await.expect("MiniStack starts");
        let s3 = aws(&endpoint).s3();
        let bucket = format!("media-{}", system.random.uuid().simple());
        s3.create_bucket().bucket(&bucket).send().await.expect("a bucket can be made");
        let versioned = aws_sdk_s3::types::VersioningConfiguration::builder()
            .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
            .build();
        s3.put_bucket_versioning()
            .bucket(&bucket)
            .versioning_configuration(versioned)
            .send()
            .await
            .expect("versions can be kept");
        let place = Place::User(user.clone());
        Self { system, tenant, line, place, user, endpoint, bucket, s3 }
    }

    fn recorder(&self, faults: Faults) -> Recorder {
        let mut recorder = Recorder::with(&self.system, faults, &self.line.api_url(), &self.endpoint);
        let s3 = aws(&self.endpoint).s3();
        recorder.context.blobs = Some(Blobs::from_client(s3, self.bucket.clone()).into());
        recorder
    }

    /// What the webhook would queue for a deed.
    fn happens(&self, act: Act) -> Inbound {
        let deed = Deed::new(&self.place, &self.user, act);
        let event = self.line.compose(self.tenant.channel.as_str(), &deed).expect("the deed is possible");
        Inbound::Event(InboundEvent {
            tenant_id: self.tenant.id.clone(),
            channel_id: self.tenant.channel.clone(),
            conversation_id: ConversationId::new(self.place.id()).expect("a LINE id"),
            event_id: event["webhookEventId"].as_str().expect("every event has one").to_owned(),
            received_at: BEGIN,
            event,
        })
    }

    async fn message(&self) -> Message {
        let mut messages: Vec<Message> = all(&self.tenant, "_id").await;
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    /// Where the only message's content stands, after how many attempts.
    async fn state(&self) -> (MediaStatus, i64) {
        let media = self.message().await.media.expect("has media");
        (media.status, media.attempts)
    }

    /// Versions of anything in the bucket.
    async fn versions(&self) -> usize {
        let list = self.s3.list_object_versions().bucket(&self.bucket).send().await.expect("can be listed");
        list.versions().len() + list.delete_markers().len()
    }
}

async fn run(recorder: &Recorder, job: &MediaJob) -> bool {
    let event = sqs::batch(std::slice::from_ref(job));
    let response = matome_recorder::handle(event, &recorder.context).await.expect("a well-formed batch");
    sqs::returned(&response).is_empty()
}

fn only_job(recorder: &Recorder) -> MediaJob {
    recorder.sent.sent::<MediaJob>().pop().expect("a job was queued")
}

fn png() -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(600, 300, image::Rgb([200, 30, 30]));
    picture.write_to(&mut out, image::ImageFormat::Png).expect("can be encoded");
    out.into_inner()
}

fn picture(preparing: u32, expired: bool) -> Act {
    Act::Image { media: Content { preparing, expired, ..Content::new("image/png", png()) }, image_set: None }
}

#[tokio::test]
async fn a_picture_is_stored_with_its_size_type_dimensions_digest_and_thumbnail() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, false))]).await;
    let job = only_job(&recorder);
    assert!(run(&recorder, &job).await);
    let media = studio.message().await.media.expect("has media");
    assert_eq!(media.status, MediaStatus::Stored);
    assert_eq!(media.mime_type.as_deref(), Some("image/png"));
    assert_eq!(media.file_size, i64::try_from(png().len()).ok());
    assert_eq!(media.dimensions, Some(Dimensions { width: 600, height: 300 }));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &png());
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(media.sha256, Some(hex));
    let key = media.key.expect("has a key");
    assert!(key.starts_with(&format!("tenants/{}/media/", studio.tenant.id)), "{key}");
    let get = |key: String| studio.s3.get_object().bucket(&studio.bucket).key(key).send();
    let stored = get(key).await.expect("is there").body.collect().await.expect("can be read");
    assert_eq!(stored.into_bytes(), png());
    let small = get(media.thumbnail_key.expect("has a thumbnail")).await.expect("is there");
    let small = small.body.collect().await.expect("can be read").into_bytes();
    assert_eq!(image::load_from_memory(&small).expect("a picture").width(), 240);

    assert!(run(&recorder, &job).await, "the same job again");
    assert_eq!(studio.versions().await, 2, "stored once");
}

/// A file of `size` bytes that begins like the picture `png`: large originals differ from small ones in
/// nothing the recorder may look at.
fn large_picture(size: usize) -> Vec<u8> {
    let mut bytes = png();
    assert!(bytes.len() < size);
    bytes.resize(size, 7);
    bytes
}

async fn get(studio: &Studio, key: Option<String>) -> Vec<u8> {
    let get = studio.s3.get_object().bucket(&studio.bucket).key(key.expect("has a key")).send();
    get.await.expect("is there").body.collect().await.expect("can be read").to_vec()
}

/// Fetches what somebody sends and returns how it is stored.
async fn fetched(studio: &Studio, recorder: &Recorder, act: Act) -> Media {
    recorder.record(&[studio.happens(act)]).await;
    assert!(run(recorder, &only_job(recorder)).await);
    let media = studio.message().await.media.expect("has media");
    assert_eq!(media.status, MediaStatus::Stored);
    media
}

#[tokio::test]
async fn a_picture_larger_than_the_memory_for_it_has_dimensions_and_a_thumbnail() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    let original = large_picture(20_000_000);
    let content = Content { preview: png(), ..Content::new("image/png", original.clone()) };
    let media = fetched(&studio, &recorder, Act::Image { media: content, image_set: None }).await;
    assert_eq!(media.file_size, Some(20_000_000));
    assert_eq!(media.dimensions, Some(Dimensions { width: 600, height: 300 }));
    assert!(get(&studio, media.key).await == original, "stored as LINE has it");
    let small = get(&studio, media.thumbnail_key).await;
    assert_eq!(media.thumbnail_size, i64::try_from(small.len()).ok());
    let small = image::load_from_memory(&small).expect("a picture");
    assert_eq!((small.width(), small.height()), (240, 120));
}

#[tokio::test]
async fn a_video_has_dimensions_and_a_thumbnail_and_unsending_it_erases_both() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    let video = Mp4::new(1_280, 720, 100_000).bytes();
    let content = Content { preview: png(), ..Content::new("video/mp4", video.clone()) };
    let media = fetched(&studio, &recorder, Act::Video { media: content, duration: 5_000 }).await;
    assert_eq!(media.dimensions, Some(Dimensions { width: 1_280, height: 720 }));
    assert!(get(&studio, media.key).await == video, "stored as LINE has it");
    let small = image::load_from_memory(&get(&studio, media.thumbnail_key).await).expect("a picture");
    assert_eq!(small.width(), 240);
    assert_eq!(studio.versions().await, 2);

    let id = studio.message().await.line_message_id;
    recorder.record(&[studio.happens(Act::Unsend { message_id: id })]).await;
    assert!(run(&recorder, &only_job(&recorder)).await);
    let erased = studio.message().await.media.map(|m| (m.status, m.thumbnail_key));
    assert_eq!(erased, Some((MediaStatus::Erased, None)));
    assert_eq!(studio.versions().await, 0);
}

#[tokio::test]
async fn without_a_usable_preview_a_small_picture_serves_and_a_large_one_or_a_video_has_no_thumbnail() {
    use matome_line_simulator::Endpoint;
    let picture = |original: Vec<u8>, preview: &[u8]| Act::Image {
        media: Content { preview: preview.to_vec(), ..Content::new("image/png", original) },
        image_set: None,
    };
    let (no_picture, too_large) = (b"no picture".to_vec(), large_picture(1_100_000));
    let video = Act::Video { media: Content::new("video/mp4", vec![7; 100]), duration: 5_000 };
    for (what, act, serves) in [
        ("a video without one", video, false),
        ("an unreadable one", picture(png(), &no_picture), true),
        ("one that is too large", picture(png(), &too_large), true),
        (
            "an unreadable one of a picture as large as is kept",
            picture(large_picture(1 << 20), &no_picture),
            true,
        ),
        ("an unreadable one of a larger picture", picture(large_picture((1 << 20) + 1), &no_picture), false),
    ] {
        let studio = Studio::open().await;
        let recorder = studio.recorder(Faults::none());
        recorder.record(&[studio.happens(act)]).await;
        assert_eq!(attempt(&recorder).await, None, "{what}");
        let media = studio.message().await.media.expect("has media");
        assert_eq!((media.status, media.thumbnail_due), (MediaStatus::Stored, false), "{what}");
        assert_eq!(media.thumbnail_key.is_some(), serves, "{what}");
        assert_eq!(studio.versions().await, 1 + usize::from(serves), "{what}");
        assert_eq!(studio.line.inspect(|w| w.call_count(Endpoint::Preview)), 1, "{what}: asked for once");
    }
}

fn video_with_preview() -> Act {
    let content = Content { preview: png(), ..Content::new("video/mp4", vec![7; 100_000]) };
    Act::Video { media: content, duration: 5_000 }
}

#[tokio::test]
async fn a_preview_that_line_fails_to_give_is_asked_for_again_and_the_content_is_not() {
    use matome_line_simulator::{Endpoint, Fault};
    for fault in [Fault::Status(500), Fault::RateLimited(None), Fault::DropBefore] {
        let studio = Studio::open().await;
        let recorder = studio.recorder(Faults::none());
        recorder.record(&[studio.happens(video_with_preview())]).await;
        studio.line.fail_next(Endpoint::Preview, fault, 2);
        for delay in [5, 10] {
            assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(delay)), "{fault:?}");
            let media = studio.message().await.media.expect("has media");
            assert_eq!((media.status, media.thumbnail_due), (MediaStatus::Stored, true), "{fault:?}");
            assert_eq!((media.file_size, media.thumbnail_key), (Some(100_000), None), "{fault:?}");
        }
        assert_eq!(attempt(&recorder).await, None, "{fault:?}");
        let media = studio.message().await.media.expect("has media");
        assert_eq!((media.status, media.thumbnail_due), (MediaStatus::Stored, false), "{fault:?}");
        let small = image::load_from_memory(&get(&studio, media.thumbnail_key).await).expect("a picture");
        assert_eq!(small.width(), 240);
        let asked = |of| studio.line.inspect(|w| w.call_count(of));
        assert_eq!((asked(Endpoint::Content), asked(Endpoint::Preview)), (1, 3), "{fault:?}");
    }
}

#[tokio::test]
async fn a_preview_that_never_comes_is_given_up_and_the_content_stays() {
    use matome_line_simulator::{Endpoint, Fault};
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(video_with_preview())]).await;
    studio.line.fail_next(Endpoint::Preview, Fault::Status(500), 2);
    assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(5)));
    let last = doc! { "$set": { "media.attempts": 99 } };
    assert!(studio.tenant.store.collection::<Message>().update(doc! {}, last).await.expect("can be written"));
    assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(900)));
    assert_eq!(attempt(&recorder).await, None);
    let media = studio.message().await.media.expect("has media");
    assert_eq!((media.status, media.thumbnail_due), (MediaStatus::Stored, false));
    assert_eq!((media.thumbnail_key, studio.versions().await), (None, 1));
}

#[tokio::test]
async fn a_video_unsent_while_its_thumbnail_is_due_leaves_nothing_behind() {
    use matome_line_simulator::{Endpoint, Fault};
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(video_with_preview())]).await;
    studio.line.fail_next(Endpoint::Preview, Fault::Status(500), 1);
    assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(5)));
    let of_thumbnail = only_job(&recorder);
    let id = studio.message().await.line_message_id;
    recorder.record(&[studio.happens(Act::Unsend { message_id: id })]).await;
    recorder.sent.clear();
    assert!(run(&recorder, &of_thumbnail).await, "erases as well");
    assert!(recorder.sent.entries().is_empty());
    assert_eq!(studio.message().await.media.map(|m| m.status), Some(MediaStatus::Erased));
    assert_eq!(studio.versions().await, 0);
}

#[tokio::test]
async fn a_file_is_stored_without_asking_for_a_preview() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    let file =
        Act::File { media: Content::new("application/pdf", b"%PDF-1.7".to_vec()), file_name: "a.pdf".into() };
    let media = fetched(&studio, &recorder, file).await;
    assert_eq!((media.file_size, media.thumbnail_key), (Some(8), None));
    assert_eq!(studio.line.inspect(|w| w.call_count(matome_line_simulator::Endpoint::Preview)), 0);
}

#[tokio::test]
async fn content_that_line_is_preparing_is_asked_for_again_later() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    let video = Act::Video {
        // Each attempt asks for the content, and then how far it is.
        media: Content { preparing: 4, ..Content::new("video/mp4", vec![7; 100_000]) },
        duration: 5_000,
    };
    recorder.record(&[studio.happens(video)]).await;
    for delay in [5, 10] {
        let job = only_job(&recorder);
        recorder.sent.clear();
        assert!(run(&recorder, &job).await);
        assert_eq!(recorder.sent.entries()[0].delay, Duration::from_secs(delay));
        let media = studio.message().await.media.expect("has media");
        assert_eq!(media.status, MediaStatus::Pending);
    }
    assert!(run(&recorder, &only_job(&recorder)).await);
    let media = studio.message().await.media.expect("has media");
    assert_eq!(
        (media.status, media.file_size, media.duration),
        (MediaStatus::Stored, Some(100_000), Some(5_000))
    );
}

#[tokio::test]
async fn a_video_that_line_could_not_prepare_is_given_up_at_once() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    let video = Act::Video {
        media: Content { unprepared: true, ..Content::new("video/mp4", vec![7; 100]) },
        duration: 5_000,
    };
    recorder.record(&[studio.happens(video)]).await;
    assert_eq!(attempt(&recorder).await, None);
    assert_eq!(studio.state().await, (MediaStatus::Failed, 1));
}

/// Delivers the only job, which is dealt with; how long the next one is held back, if there is one.
async fn attempt(recorder: &Recorder) -> Option<Duration> {
    let job = only_job(recorder);
    recorder.sent.clear();
    assert!(run(recorder, &job).await, "goes back to the queue");
    let mut next = recorder.sent.entries().into_iter();
    let delay = next.next().map(|entry| entry.delay);
    assert!(next.next().is_none());
    delay
}

#[tokio::test]
async fn content_that_cannot_be_fetched_yet_is_asked_for_again_later_and_each_attempt_is_counted() {
    use matome_line_simulator::{Endpoint, Fault};
    for (fault, times) in [
        // A token that was refused is tried anew once.
        (Fault::Status(401), 2),
        (Fault::Status(403), 1),
        (Fault::Status(500), 1),
        (Fault::RateLimited(None), 1),
        (Fault::DropBefore, 1),
    ] {
        let studio = Studio::open().await;
        let recorder = studio.recorder(Faults::none());
        recorder.record(&[studio.happens(picture(0, false))]).await;
        for (attempts, delay) in [(1, 5), (2, 10)] {
            studio.line.fail_next(Endpoint::Content, fault, times);
            assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(delay)), "{fault:?}");
            assert_eq!(studio.state().await, (MediaStatus::Pending, attempts), "{fault:?}");
        }
        assert_eq!(attempt(&recorder).await, None, "{fault:?}");
        assert_eq!(studio.state().await, (MediaStatus::Stored, 3), "{fault:?}");
    }
}

#[tokio::test]
async fn content_that_s3_refuses_is_asked_for_again_later() {
    let studio = Studio::open().await;
    let mut recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, false))]).await;
    let bucket = recorder.context.blobs.take();
    let nowhere = aws(&studio.endpoint).s3();
    recorder.context.blobs = Some(Blobs::from_client(nowhere, "no-such-bucket".to_owned()).into());
    assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(5)));
    assert_eq!(studio.state().await, (MediaStatus::Pending, 1));
    recorder.context.blobs = bucket;
    assert_eq!(attempt(&recorder).await, None);
    assert_eq!(studio.state().await, (MediaStatus::Stored, 2));
}

#[tokio::test]
async fn content_of_a_channel_that_is_disconnected_waits_for_it_to_come_back() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, false))]).await;
    let directory = studio.system.directory();
    let record = directory.newest_channel(&studio.tenant.channel).await.expect("can be read");
    directory.remove_channel(&studio.tenant.channel).await.expect("can be removed");
    // A process that does not remember the channel.
    let late = studio.recorder(Faults::none());
    late.context.queues.send(&only_job(&recorder)).await.expect("can be queued");
    assert_eq!(attempt(&late).await, Some(Duration::from_secs(5)));
    assert_eq!(studio.state().await, (MediaStatus::Pending, 1));
    directory.put_channel(&record.expect("was there")).await.expect("can be written");
    studio.system.clock.advance(Duration::from_secs(3_600));
    assert_eq!(attempt(&late).await, None);
    assert_eq!(studio.state().await, (MediaStatus::Stored, 2));
}

#[tokio::test]
async fn content_is_given_up_after_the_last_attempt_and_where_no_attempt_can_help() {
    use matome_line_simulator::{Endpoint, Fault};
    let asked = |studio: &Studio| studio.line.inspect(|w| w.call_count(Endpoint::Content));
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, false))]).await;
    let last = doc! { "$set": { "media.attempts": 99 } };
    assert!(studio.tenant.store.collection::<Message>().update(doc! {}, last).await.expect("can be written"));
    studio.line.fail_next(Endpoint::Content, Fault::Status(403), 1);
    assert_eq!(attempt(&recorder).await, Some(Duration::from_secs(900)));
    assert_eq!(studio.state().await, (MediaStatus::Pending, 100));
    assert_eq!(attempt(&recorder).await, None);
    assert_eq!((studio.state().await, asked(&studio)), ((MediaStatus::Failed, 100), 1));

    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, false))]).await;
    studio.line.fail_next(Endpoint::Content, Fault::Status(400), 1);
    assert_eq!(attempt(&recorder).await, None);
    assert_eq!((studio.state().await, asked(&studio)), ((MediaStatus::Failed, 1), 1));
}

#[tokio::test]
async fn an_attempt_that_dies_is_counted() {
    let studio = Studio::open().await;
    let calm = studio.recorder(Faults::none());
    calm.record(&[studio.happens(picture(0, false))]).await;
    assert!(!run(&studio.recorder(once_at("media.uploaded", 1)), &only_job(&calm)).await);
    assert_eq!(studio.state().await, (MediaStatus::Pending, 1));
}

#[tokio::test]
async fn content_that_line_no_longer_has_is_marked_gone() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    recorder.record(&[studio.happens(picture(0, true))]).await;
    assert!(run(&recorder, &only_job(&recorder)).await);
    assert_eq!(studio.message().await.media.map(|m| m.status), Some(MediaStatus::Gone));
    assert_eq!(studio.versions().await, 0);
}

#[tokio::test]
async fn an_unsent_picture_and_its_thumbnail_leave_no_version_behind_even_with_crashes() {
    let studio = Studio::open().await;
    let calm = studio.recorder(Faults::none());
    calm.record(&[studio.happens(picture(0, false))]).await;
    assert!(run(&calm, &only_job(&calm)).await);
    assert_eq!(studio.versions().await, 2);
    let id = studio.message().await.line_message_id;
    calm.record(&[studio.happens(Act::Unsend { message_id: id })]).await;
    let job = only_job(&calm);
    let dying = studio.recorder(once_at("media.erased", 1));
    assert!(!run(&dying, &job).await, "the first attempt dies");
    assert!(run(&calm, &job).await);
    let message = studio.message().await;
    assert_eq!(message.media.map(|m| (m.status, m.key)), Some((MediaStatus::Erased, None)));
    assert_eq!(studio.versions().await, 0);
}

#[tokio::test]
async fn a_picture_unsent_while_it_is_fetched_does_not_stay() {
    let studio = Studio::open().await;
    let calm = studio.recorder(Faults::none());
    calm.record(&[studio.happens(picture(0, false))]).await;
    let job = only_job(&calm);
    let dying = studio.recorder(once_at("media.uploaded", 1));
    assert!(!run(&dying, &job).await, "dies with the content in the bucket");
    assert_eq!(studio.versions().await, 2);
    let id = studio.message().await.line_message_id;
    calm.record(&[studio.happens(Act::Unsend { message_id: id })]).await;
    assert!(run(&calm, &job).await, "the fetching job is delivered again");
    assert_eq!(studio.message().await.media.map(|m| m.status), Some(MediaStatus::Erased));
    assert_eq!(studio.versions().await, 0);
}

#[tokio::test]
async fn a_crash_at_any_boundary_of_fetching_ends_with_the_picture_stored() {
    let boundaries = Boundaries::default();
    let studio = Studio::open().await;
    let watching = studio.recorder(boundaries.watch());
    watching.record(&[studio.happens(picture(0, false))]).await;
    assert!(run(&watching, &only_job(&watching)).await);
    let of_media: Vec<_> = boundaries.all().into_iter().filter(|(b, _)| b.starts_with("media.")).collect();
    assert!(!of_media.is_empty());
    for (boundary, time) in of_media {
        let studio = Studio::open().await;
        let calm = studio.recorder(Faults::none());
        calm.record(&[studio.happens(picture(0, false))]).await;
        let job = only_job(&calm);
        assert!(!run(&studio.recorder(once_at(boundary, time)), &job).await, "dies at {boundary}");
        assert!(run(&calm, &job).await);
        assert_eq!(studio.message().await.media.map(|m| m.status), Some(MediaStatus::Stored));
    }
}

#[tokio::test]
async fn names_are_fetched_once_and_again_when_stale_and_failures_block_nothing() {
    let studio = Studio::open().await;
    let recorder = studio.recorder(Faults::none());
    use matome_line_simulator::{Endpoint, Fault};
    studio.line.fail_next(Endpoint::Profile, Fault::Status(500), 1);
    recorder.record(&[studio.happens(Act::text("one"))]).await;
    let users: Vec<User> = all(&studio.tenant, "_id").await;
    assert_eq!(users[0].display_name, None, "LINE failed, the message is there");
    assert_eq!(all::<Message>(&studio.tenant, "_id").await.len(), 1);

    recorder.record(&[studio.happens(Act::text("two"))]).await;
    let calls = || studio.line.inspect(|w| w.call_count(Endpoint::Profile));
    assert_eq!(calls(), 1, "LINE is left alone for a while after it failed");
    studio.system.clock.advance(Duration::from_secs(301));
    recorder.record(&[studio.happens(Act::text("three"))]).await;
    recorder.record(&[studio.happens(Act::text("four"))]).await;
    assert_eq!(calls(), 2, "fetched once");
    let users: Vec<User> = all(&studio.tenant, "_id").await;
    assert_eq!(users[0].display_name.as_deref(), Some("葵"));
    let rooms: Vec<Room> = all(&studio.tenant, "_id").await;
    assert_eq!(rooms[0].name.as_deref(), Some("葵"));
    studio.system.clock.advance(Duration::from_secs(24 * 3600));
    recorder.record(&[studio.happens(Act::text("five"))]).await;
    assert_eq!(calls(), 3, "fetched again when stale");
    assert_eq!(tenant_users(&studio).await, 1);
}

async fn tenant_users(studio: &Studio) -> u64 {
    studio.tenant.store.collection::<User>().count(doc! {}).await.expect("can be counted")
}

#[tokio::test]
async fn media_beyond_the_storage_limit_are_stored_as_ever_and_flagged() {
    use matome_domain::limits::Limit;
    for (used, flags) in [(999_999_999_i64, vec![]), (1_000_000_000, vec![Limit::Storage])] {
        let studio = Studio::open().await;
        let usage = doc! { "month": "2026-11", "storageBytes": used, "measuredAt": bson::DateTime::MIN };
        let organizations = studio.system.store.platform_collection::<matome_store::entities::Organization>();
        let of_tenant = doc! { "tenantId": studio.tenant.id.as_str() };
        let update = doc! { "$set": { "usage": usage } };
        organizations.update_one(of_tenant, update).await.expect("can be written");
        let recorder = studio.recorder(Faults::none());
        let act = picture(0, false);
        let media = fetched(&studio, &recorder, act).await;
        assert!(media.key.is_some() && media.thumbnail_key.is_some());
        assert_eq!(studio.message().await.over_limits, flags);
    }
}
