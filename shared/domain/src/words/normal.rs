//! A text as it is compared, and where each of its characters comes from.

use std::ops::Range;

use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};
use unicode_segmentation::UnicodeSegmentation;

/// NFKC, lower case, Latin letters without accents.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) chars: Vec<char>,
    /// For each of `chars`: the characters of the text it was made of.
    origins: Vec<Range<usize>>,
}

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();

impl Normal {
    /// What belongs together (a half-width katakana and its sound mark) is normalized together.
    pub(super) fn of(text: &str) -> Self {
        let mut normal =
            Self { chars: Vec::with_capacity(text.len()), origins: Vec::with_capacity(text.len()) };
        let mut at = 0;
        for cluster in text.graphemes(true) {
            let origin = at..at + cluster.chars().count();
            at = origin.end;
            if let [byte] = cluster.as_bytes() {
                normal.push(char::from(byte.to_ascii_lowercase()), &origin);
                continue;
            }
            for c in NFKC.normalize(cluster).chars().flat_map(char::to_lowercase) {
                for c in folded(c) {
                    normal.push(c, &origin);
                }
            }
        }
        normal
    }

    fn push(&mut self, c: char, origin: &Range<usize>) {
        self.chars.push(c);
        self.origins.push(origin.clone());
    }

    /// Where a stretch of `chars` stands in the text, in characters.
    pub(super) fn origin(&self, stretch: &Range<usize>) -> Range<usize> {
        let (first, last) = (&self.origins[stretch.start], &self.origins[stretch.end - 1]);
        first.start..last.end
    }
}

/// Latin letters lose their accents; other scripts' marks make other letters.
fn folded(c: char) -> Vec<char> {
    match c {
        '\u{0300}'..='\u{036F}' => Vec::new(),
        '\u{00C0}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}' => {
            let parts = NFKD.normalize(c.encode_utf8(&mut [0; 4])).into_owned();
            parts.chars().filter(|c| !matches!(c, '\u{0300}'..='\u{036F}')).collect()
        }
        c => vec![c],
    }
}
