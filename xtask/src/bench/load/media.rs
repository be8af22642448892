//! Large pictures, a video as large as LINE takes, a file, a voice message; and pictures of the size that
//! is shown to an AI provider, for the summarizer.

use std::io::Cursor;

use anyhow::{Context, ensure};
use bson::doc;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use matome_domain::queue::MediaJob;
use matome_line_simulator::{Act, Deed, Media};
use matome_store::entities::{MediaStatus, Message};
use matome_store::id::document_id;
use matome_testing::TestTenant;
use matome_testing::mp4::Mp4;

use super::{Ground, consume};
use crate::bench::process::Process;

const MB: usize = 1_000_000;
const PICTURES: usize = 17;
/// As many and as large as are shown to a provider at most.
pub(super) const SHOWN: usize = 8;
/// `BatchSize` of the media queue in the template.
const BATCH: usize = 5;

/// People send them, and a recorder records the messages.
pub(super) async fn send(ground: &Ground, recorder: &mut Process) -> anyhow::Result<()> {
    // As large as the thumbnail's maker takes at all.
    let preview = picture(1_400, 1_050)?;
    ensure!((500_000..1_000_000).contains(&preview.len()), "the preview has {} bytes", preview.len());
    let media = |kind: &str, size: usize| Media {
        bytes: sized(&preview, size),
        content_type: kind.to_owned(),
        preview: preview.clone(),
        ..Media::default()
    };
    let chat = ground.chat("葵");
    let happens = |act: Act| ground.happens(&ground.usual, &Deed::new(&chat, chat.id(), act));
    let video = Mp4::new(1_920, 1_080, 0);
    let video = Mp4 { pictures: 200 * MB - video.bytes().len(), ..video };
    let video = Media { bytes: video.bytes(), ..media("video/mp4", 0) };
    let mut sent = vec![
        happens(Act::Video { media: video, duration: 60_000 })?,
        happens(Act::File { media: media("application/pdf", 50 * MB), file_name: "plan.pdf".to_owned() })?,
        happens(Act::Audio { media: media("audio/m4a", 3 * MB), duration: 60_000 })?,
    ];
    for n in 0..PICTURES {
        let size = 10 * MB + n * 10 * MB / (PICTURES - 1);
        sent.push(happens(Act::Image { media: media("image/jpeg", size), image_set: None })?);
    }
    consume(recorder, &sent, 10).await?;

    let chat = ground.chat("Emma");
    let happens = |act: Act| ground.happens(&ground.pictured, &Deed::new(&chat, chat.id(), act));
    let mut sent = vec![happens(Act::text("How do you like these?"))?];
    for _ in 0..SHOWN {
        sent.push(happens(Act::Image { media: media("image/jpeg", MB / 2), image_set: None })?);
    }
    consume(recorder, &sent, 10).await?;
    // Later than the pictures: of two messages of one millisecond either may be the earlier one.
    consume(recorder, &[happens(Act::text("まとめ"))?], 10).await
}

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let large = fetch(&ground.usual, process).await?;
    ensure!(large == (PICTURES + 3, 200 * MB as i64), "number and largest: {large:?}");
    let shown = fetch(&ground.pictured, process).await?;
    ensure!(shown == (SHOWN, MB as i64 / 2), "number and largest: {shown:?}");
    Ok(format!("{} contents up to 200 MB", large.0 + shown.0))
}

/// How many contents of a tenant were fetched, and the size of the largest.
async fn fetch(tenant: &TestTenant, process: &mut Process) -> anyhow::Result<(usize, i64)> {
    let messages = tenant.store.collection::<Message>();
    let with_media = doc! { "media": { "$exists": true } };
    let pending = messages.find(with_media.clone(), doc! { "_id": 1 }, 0).await?;
    let jobs: Vec<MediaJob> = pending
        .iter()
        .map(|m| MediaJob { tenant_id: tenant.id.clone(), message_id: document_id(m.id) })
        .collect();
    consume(process, &jobs, BATCH).await?;
    let mut largest = 0;
    for message in messages.find(with_media, doc! { "_id": 1 }, 0).await? {
        let kind = message.message_type;
        let media = message.media.with_context(|| format!("a {kind} lost its media"))?;
        ensure!(media.status == MediaStatus::Stored, "a {kind} is {:?}", media.status);
        let shown = matches!(kind.as_str(), "image" | "video");
        ensure!(media.thumbnail_key.is_some() == shown, "a {kind}'s thumbnail: {:?}", media.thumbnail_key);
        ensure!(media.dimensions.is_some() == shown, "a {kind}'s size: {:?}", media.dimensions);
        largest = largest.max(media.file_size.unwrap_or_default());
    }
    Ok((jobs.len(), largest))
}

/// A photograph's worth of detail.
fn picture(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let noise = x.wrapping_mul(7_919) ^ y.wrapping_mul(104_729) ^ (x * y);
        let [noise, ..] = noise.to_le_bytes();
        Rgb([(x / 6) as u8 ^ (noise >> 3), (y / 5) as u8 ^ (noise >> 3), noise >> 2])
    });
    let mut jpeg = Cursor::new(Vec::new());
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 90)).context("cannot encode")?;
    Ok(jpeg.into_inner())
}

/// A file of `size` bytes that begins like `picture`.
fn sized(picture: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = picture.to_vec();
    bytes.resize(size, 7);
    bytes
}
