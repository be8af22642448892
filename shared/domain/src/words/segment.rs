//! Words of a text, in scripts with and without spaces. Those of Japanese and Thai come from ICU's
//! dictionaries (compiled in), so nothing is read at run time.

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};

/// Cheap to make: the data is static.
#[derive(Debug, Clone)]
pub struct Segmenter(WordSegmenterBorrowed<'static>);

impl Default for Segmenter {
    fn default() -> Self {
        Self::new()
    }
}

impl Segmenter {
    /// One with dictionaries.
    #[must_use]
    pub fn new() -> Self {
        Self(WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()))
    }

    /// The words of a text as written: letters and digits only, without what stands between them.
    #[must_use]
    pub fn words<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut found = Vec::new();
        let mut start = 0;
        for (end, kind) in self.0.segment_str(text).iter_with_word_type() {
            if kind.is_word_like() {
                found.push(&text[start..end]);
            }
            start = end;
        }
        found
    }

    /// The whole text, cut between words.
    pub(super) fn segments<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let ends: Vec<usize> = self.0.segment_str(text).collect();
        ends.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
    }
}
