//! A small picture of a picture, without letting a small file fill the memory.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

/// Longest side of a thumbnail in pixels.
const SIDE: u32 = 240;
/// Largest side of a picture that is decoded at all.
const MAX_SIDE: u32 = 12_000;
/// Memory that decoding may take: 12 megapixels of RGBA and a little.
const MAX_ALLOCATION: u64 = 64 * 1024 * 1024;

/// What was found out about a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// A JPEG at most 240 pixels wide and high; absent when the picture is too large to decode.
    pub thumbnail: Option<Vec<u8>>,
}

/// Looks at an encoded picture; `None` when it is no picture this code can read (JPEG, PNG, GIF, WebP).
#[must_use]
pub fn look(bytes: &[u8]) -> Option<Look> {
    let (width, height) = reader(bytes)?.into_dimensions().ok()?;
    let thumbnail = limited(bytes).and_then(|r| r.decode().ok()).and_then(|picture| {
        let small = picture.thumbnail(SIDE, SIDE).into_rgb8();
        let mut jpeg = Cursor::new(Vec::new());
        small.write_to(&mut jpeg, ImageFormat::Jpeg).ok()?;
        Some(jpeg.into_inner())
    });
    Some(Look { width, height, thumbnail })
}

fn reader(bytes: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    // The header alone says how large it is; the limits are for decoding.
    reader.no_limits();
    Some(reader)
}

fn limited(bytes: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    let mut reader = reader(bytes)?;
    reader.limits(limits);
    Some(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image::RgbImage::new(width, height).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_thumbnail_keeps_the_shape_and_is_small() {
        let look = look(&png(600, 300)).unwrap();
        assert_eq!((look.width, look.height), (600, 300));
        let small = image::load_from_memory(&look.thumbnail.unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (240, 120));
    }

    #[test]
    fn what_is_no_picture_is_not_looked_at() {
        assert_eq!(look(b"%PDF-1.7"), None);
        assert_eq!(look(b""), None);
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_has_no_thumbnail() {
        let look = look(&png(20_000, 10)).unwrap();
        assert_eq!((look.width, look.thumbnail), (20_000, None));
    }
}
