//! What people sent besides text.

use futures::TryStreamExt;
use matome_line::client::{Content, LineError, Transcoding};
use matome_line_simulator::{Act, Deed, Media, NewChannel};

use crate::stage::{Stage, client};

fn send(s: &Stage, act: Act) -> String {
    let event = s.simulator.compose(s.id(), &Deed::new(&s.yui_chat(), &s.yui, act)).unwrap();
    event["message"]["id"].as_str().unwrap().to_owned()
}

fn video(media: Media) -> Act {
    Act::Video { media, duration: 1_000 }
}

#[tokio::test]
async fn a_video_is_prepared_before_it_can_be_fetched() {
    let s = Stage::new().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let id = send(&s, video(Media { preparing: 3, ..Media::new("video/mp4", bytes.clone()) }));
    assert!(matches!(s.line.content(&id).await.unwrap(), Content::Preparing));
    assert_eq!(s.line.transcoding(&id).await.unwrap(), Some(Transcoding::Processing));
    assert!(matches!(s.line.content_preview(&id).await.unwrap(), Content::Preparing));
    assert_eq!(s.line.transcoding(&id).await.unwrap(), Some(Transcoding::Succeeded));
    let content = s.line.content(&id).await.unwrap();
    let Content::Ready { content_type, content_length, stream } = content else { panic!("{content:?}") };
    assert_eq!(content_type.as_deref(), Some("video/mp4"));
    assert_eq!(content_length, Some(bytes.len() as u64));
    let got: Vec<_> = stream.try_collect().await.unwrap();
    assert!(got.concat() == bytes);
}

#[tokio::test]
async fn a_video_that_could_not_be_prepared_says_so() {
    let s = Stage::new().await;
    let id = send(&s, video(Media { unprepared: true, ..Media::new("video/mp4", [1]) }));
    for _ in 0..2 {
        assert!(matches!(s.line.content(&id).await.unwrap(), Content::Preparing));
        assert_eq!(s.line.transcoding(&id).await.unwrap(), Some(Transcoding::Failed));
    }
}

#[tokio::test]
async fn only_pictures_and_videos_have_a_preview() {
    let s = Stage::new().await;
    let own = Media { preview: vec![9], ..Media::new("video/mp4", [1, 2]) };
    let shown = [
        (send(&s, Act::Image { media: Media::new("image/png", [1, 2]), image_set: None }), vec![1, 2]),
        (send(&s, video(own)), vec![9]),
    ];
    for (id, expected) in shown {
        let preview = s.line.content_preview(&id).await.unwrap();
        let Content::Ready { stream, .. } = preview else { panic!("{preview:?}") };
        let got: Vec<_> = stream.try_collect().await.unwrap();
        assert_eq!(got.concat(), expected);
    }
    let without = send(&s, video(Media::new("video/mp4", [1])));
    assert!(matches!(s.line.content_preview(&without).await.unwrap(), Content::Gone));
    let audio = Act::Audio { media: Media::new("audio/m4a", [1]), duration: 1_000 };
    let refused = s.line.content_preview(&send(&s, audio)).await.unwrap_err();
    assert!(matches!(refused, LineError::Rejected { status: 400, .. }), "{refused}");
}

#[tokio::test]
async fn content_is_gone_when_unsent_expired_or_never_there() {
    let s = Stage::new().await;
    let unsent = send(&s, Act::Image { media: Media::new("image/png", [1, 2]), image_set: None });
    assert!(matches!(s.line.content(&unsent).await.unwrap(), Content::Ready { .. }));
    let deed = Deed::new(&s.yui_chat(), &s.yui, Act::Unsend { message_id: unsent.clone() });
    s.simulator.compose(s.id(), &deed).unwrap();
    let expired = send(&s, video(Media { expired: true, ..Media::default() }));
    let text = send(&s, Act::text("no content"));
    for id in [unsent.as_str(), &expired, &text, "123"] {
        assert!(matches!(s.line.content(id).await.unwrap(), Content::Gone), "{id}");
        assert!(matches!(s.line.content_preview(id).await.unwrap(), Content::Gone), "{id}");
        assert_eq!(s.line.transcoding(id).await.unwrap(), None, "{id}");
    }
}

#[tokio::test]
async fn another_channel_cannot_fetch_it() {
    let s = Stage::new().await;
    let id = send(&s, video(Media::new("video/mp4", [1])));
    let other = s.simulator.add_channel(NewChannel::default());
    let line = client(&s.simulator.api_url(), &other, s.client_clock.clone());
    assert!(matches!(line.content(&id).await.unwrap(), Content::Gone));
}

#[tokio::test]
async fn an_id_cannot_leave_its_place_in_the_path() {
    let s = Stage::new().await;
    for id in ["", "..", "1/../2", "1?x=2", "1#2"] {
        let error = s.line.content(id).await.unwrap_err().to_string();
        assert!(error.starts_with("messageId"), "{error}");
    }
    assert_eq!(s.simulator.inspect(|w| w.calls.len()), 0);
}
