//! How large a video is in pixels, from what streams by. An MP4 or QuickTime file is a row of boxes, one of
//! which, `moov`, describes the tracks; it stands before the pictures or behind them, so all are gone through
//! and that one is kept (ISO/IEC 14496-12, 8.1 and 8.3.2).

use mp4_atom::{Atom, Decode, DecodeMaybe, FourCC, Header, Tkhd};

/// Of a description. That of a video of LINE's largest size, 200 MB, takes some hundred kilobytes.
const MAX_DESCRIPTION: usize = 4 * 1024 * 1024;
const MOOV: FourCC = FourCC::new(b"moov");
const TRAK: FourCC = FourCC::new(b"trak");

/// A video that streams by; what is held of it is its description, 4 MiB at most.
#[derive(Debug, Default)]
pub struct Video(At);

/// Where in the row of boxes the stream is.
#[derive(Debug)]
enum At {
    /// In the length and name of a box.
    Header(Vec<u8>),
    /// In a box that says nothing of size, so many bytes before its end.
    Other(u64),
    /// In `moov`, which is so long.
    Description { bytes: Vec<u8>, size: usize },
    /// There is nothing more to read: it is known, or cannot be.
    End(Option<(u32, u32)>),
}

impl Default for At {
    fn default() -> Self {
        Self::Header(Vec::new())
    }
}

impl Video {
    /// Takes the next bytes of the file.
    pub fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match &mut self.0 {
                At::End(_) => return,
                At::Header(_) => 1,
                At::Other(left) => usize::try_from(*left).unwrap_or(usize::MAX),
                At::Description { bytes, size } => *size - bytes.len(),
            };
            let (now, later) = bytes.split_at(taken.min(bytes.len()));
            self.0 = std::mem::take(&mut self.0).after(now);
            bytes = later;
        }
    }

    /// Width and height as it is shown, in pixels; `None` when it does not say so, or is no MP4 or QuickTime.
    #[must_use]
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        match self.0 {
            At::End(dimensions) => dimensions,
            _ => None,
        }
    }
}

impl At {
    fn after(self, bytes: &[u8]) -> Self {
        match self {
            Self::Header(mut header) => {
                header.extend_from_slice(bytes);
                match Header::decode_maybe(&mut header.as_slice()) {
                    Ok(None) => Self::Header(header),
                    Ok(Some(Header { kind, size: Some(size) })) => Self::inside(kind, size),
                    // The last box may be endless: a description never is.
                    Ok(Some(_)) | Err(_) => Self::End(None),
                }
            }
            Self::Other(left) if left > bytes.len() as u64 => Self::Other(left - bytes.len() as u64),
            Self::Other(_) => Self::default(),
            Self::Description { bytes: mut all, size } => {
                all.extend_from_slice(bytes);
                if all.len() < size {
                    Self::Description { bytes: all, size }
                } else {
                    Self::End(largest(&all))
                }
            }
            end @ Self::End(_) => end,
        }
    }

    fn inside(kind: FourCC, size: usize) -> Self {
        match (kind, size) {
            (_, 0) => Self::default(),
            (MOOV, size) if size > MAX_DESCRIPTION => Self::End(None),
            (MOOV, size) => Self::Description { bytes: Vec::new(), size },
            _ => Self::Other(size as u64),
        }
    }
}

/// The size of the largest track: that of sound is 0 × 0.
fn largest(moov: &[u8]) -> Option<(u32, u32)> {
    let tracks = boxes(moov).filter(|(kind, _)| *kind == TRAK);
    let headers = tracks.flat_map(|(_, track)| boxes(track)).filter(|(kind, _)| *kind == Tkhd::KIND);
    let sizes = headers.filter_map(|(_, mut header)| shown(&Tkhd::decode_body(&mut header).ok()?));
    sizes.max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

/// As it is shown: what a telephone took upright lies on its side in the file.
fn shown(track: &Tkhd) -> Option<(u32, u32)> {
    let (width, height) = (u32::from(track.width.integer()), u32::from(track.height.integer()));
    let lies = track.matrix.a == 0 && track.matrix.d == 0;
    let (width, height) = if lies { (height, width) } else { (width, height) };
    (width > 0 && height > 0 && !track.size_is_aspect_ratio).then_some((width, height))
}

/// The boxes that stand in `bytes`, up to the first that cannot be read.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (FourCC, &[u8])> {
    std::iter::from_fn(move || {
        let header = Header::decode(&mut bytes).ok()?;
        let (body, rest) = bytes.split_at_checked(header.size.unwrap_or(bytes.len()))?;
        bytes = rest;
        Some((header.kind, body))
    })
}

#[cfg(test)]
mod tests {
    use matome_testing::mp4::{self, Mp4};

    use super::*;

    fn dimensions(file: &[u8], piece: usize) -> Option<(u32, u32)> {
        let mut video = Video::default();
        file.chunks(piece).for_each(|bytes| video.see(bytes));
        video.dimensions()
    }

    #[test]
    fn it_is_found_before_and_behind_the_pictures_however_the_file_is_cut() {
        for description_first in [true, false] {
            let file = Mp4 { description_first, ..Mp4::new(1_280, 720, 5_000) }.bytes();
            for piece in [1, 7, 4_096, file.len()] {
                assert_eq!(dimensions(&file, piece), Some((1_280, 720)), "{description_first} {piece}");
            }
        }
    }

    #[test]
    fn what_was_taken_upright_is_higher_than_wide() {
        let upright = Mp4 { is_turned: true, ..Mp4::new(1_920, 1_080, 100) };
        assert_eq!(dimensions(&upright.bytes(), 64), Some((1_080, 1_920)));
    }

    #[test]
    fn a_long_box_has_a_long_length() {
        let mut file = mp4::long_boxed(b"mdat", &[7; 300]);
        file.extend(Mp4::new(640, 480, 10).bytes());
        assert_eq!(dimensions(&file, 100), Some((640, 480)));
    }

    #[test]
    fn what_says_nothing_of_its_size_has_none() {
        let whole = Mp4::new(1_280, 720, 100).bytes();
        let sound = Mp4::new(0, 0, 100).bytes();
        let huge = [&(u32::MAX).to_be_bytes()[..], b"moov", &[0; 100]].concat();
        let impossible = [&3_u32.to_be_bytes()[..], b"moov"].concat();
        let endless = [&0_u32.to_be_bytes()[..], b"mdat", &[0; 100]].concat();
        for file in [&b""[..], b"\x1aE\xdf\xa3 webm", &sound, &huge, &impossible, &endless] {
            assert_eq!(dimensions(file, 9), None);
        }
        for end in 0..whole.len() {
            let cut = dimensions(&whole[..end], 50);
            assert!(cut.is_none() || cut == Some((1_280, 720)), "cut at {end}: {cut:?}");
        }
    }

    #[test]
    fn no_byte_that_is_another_makes_it_fail() {
        let whole = Mp4::new(1_280, 720, 20).bytes();
        for at in 0..whole.len() {
            for other in [0, 1, 0x7f, 0xff] {
                let mut file = whole.clone();
                file[at] = other;
                let mut video = Video::default();
                file.chunks(33).for_each(|bytes| video.see(bytes));
                let known = video.dimensions();
                assert!(known.is_none_or(|(width, height)| width > 0 && height > 0), "{at}: {known:?}");
            }
        }
    }
}
