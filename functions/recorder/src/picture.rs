//! Pictures: how large one is, from how it begins, and a small one of a small one. Neither lets a file
//! fill the memory.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

/// Longest side of a thumbnail in pixels.
const SIDE: u32 = 240;
/// Pixels of what a thumbnail is made from. A progressive JPEG takes nine bytes for each to decode.
const MAX_PIXELS: u64 = 1_500_000;
/// Memory that the decoded picture may take.
const MAX_ALLOCATION: u64 = 16 * 1024 * 1024;

/// Width and height in pixels, read from the beginning of a file; `None` when it does not say so, or is
/// no JPEG, PNG, GIF or WebP.
#[must_use]
pub fn dimensions(head: &[u8]) -> Option<(u32, u32)> {
    reader(head)?.into_dimensions().ok()
}

/// A JPEG at most 240 pixels wide and high; `None` when `picture` cannot be read, or is too large to be
/// decoded in the memory there is.
#[must_use]
pub fn thumbnail(picture: &[u8]) -> Option<Vec<u8>> {
    let (width, height) = dimensions(picture)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    let mut reader = reader(picture)?;
    reader.limits(limits);
    let small = reader.decode().ok()?.thumbnail(SIDE, SIDE).into_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg).ok()?;
    Some(jpeg.into_inner())
}

fn reader(bytes: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    // The header alone says how large it is; limits are for decoding.
    reader.no_limits();
    Some(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        // Noise, so that no format makes a small file of it.
        let noise = |x: u32, y: u32| (x.wrapping_mul(7_919) ^ y.wrapping_mul(104_729)).to_le_bytes();
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let [a, b, c, _] = noise(x, y);
            image::Rgb([a, b, c])
        });
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    #[test]
    fn a_thumbnail_keeps_the_shape_and_is_small() {
        let small = thumbnail(&encoded(600, 300, ImageFormat::Png)).unwrap();
        let small = image::load_from_memory(&small).unwrap();
        assert_eq!((small.width(), small.height()), (240, 120));
    }

    #[test]
    fn the_beginning_of_a_file_tells_its_size() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = encoded(900, 500, format);
            assert!(whole.len() > 50_000, "{format:?} is {} bytes", whole.len());
            assert_eq!(dimensions(&whole[..20_000]), Some((900, 500)), "{format:?}");
        }
    }

    #[test]
    fn what_is_no_picture_is_not_looked_at() {
        for bytes in [&b"%PDF-1.7"[..], b"", b"\xff\xd8\xff\xe0 cut off"] {
            assert_eq!((dimensions(bytes), thumbnail(bytes)), (None, None));
        }
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_has_no_thumbnail() {
        let large = encoded(2_000, 1_000, ImageFormat::Jpeg);
        assert_eq!((dimensions(&large), thumbnail(&large)), (Some((2_000, 1_000)), None));
    }
}
