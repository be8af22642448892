//! Videos, as far as they say how large they are.

/// An MP4 file with a track of sound and one of pictures, which nobody could play.
#[derive(Debug, Clone, Copy)]
pub struct Mp4 {
    /// Of the pictures as they are stored, in pixels.
    pub width: u16,
    /// The same.
    pub height: u16,
    /// Whether the pictures are turned by a quarter when they are shown.
    pub is_turned: bool,
    /// Whether the description stands before the pictures: for streaming. A camera writes it at the end.
    pub description_first: bool,
    /// How many bytes of pictures there are.
    pub pictures: usize,
}

impl Mp4 {
    /// As a camera writes it.
    #[must_use]
    pub fn new(width: u16, height: u16, pictures: usize) -> Self {
        Self { width, height, is_turned: false, description_first: false, pictures }
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let kind = boxed(b"ftyp", b"isom\0\0\x02\0isommp41");
        let pictures = boxed(b"mdat", &vec![7; self.pictures]);
        let sound = track(0, 0, false);
        let seen = track(self.width, self.height, self.is_turned);
        let unknown = boxed(b"meta", b"what only its maker reads");
        let description = boxed(b"moov", &[sound, unknown, seen].concat());
        let ordered = if self.description_first { [description, pictures] } else { [pictures, description] };
        [kind, ordered.concat()].concat()
    }
}

/// A box: its length, its name, what is in it (ISO/IEC 14496-12, 4.2).
///
/// # Panics
/// When it is 4 GiB or more.
#[must_use]
pub fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).expect("a test's box is small");
    [&length.to_be_bytes()[..], name, body].concat()
}

/// The same with the length that a box of more than 4 GiB has.
#[must_use]
pub fn long_boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = body.len() as u64 + 16;
    [&1_u32.to_be_bytes()[..], name, &length.to_be_bytes(), body].concat()
}

/// A track's header (ISO/IEC 14496-12, 8.3.2), version 0, in its track.
fn track(width: u16, height: u16, is_turned: bool) -> Vec<u8> {
    const ONE: u32 = 1 << 16;
    let matrix = if is_turned {
        [0, ONE, 0, ONE.wrapping_neg(), 0, 0, 0, 0, 1 << 30]
    } else {
        [ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30]
    };
    let (enabled_in_movie, id, duration) = (3_u32, 1_u32, 5_000_u32);
    let mut header = Vec::new();
    for number in [enabled_in_movie, 0, 0, id, 0, duration, 0, 0, 0, 0].into_iter().chain(matrix) {
        header.extend(number.to_be_bytes());
    }
    for side in [width, height] {
        header.extend((u32::from(side) << 16).to_be_bytes());
    }
    boxed(b"trak", &boxed(b"tkhd", &header))
}
