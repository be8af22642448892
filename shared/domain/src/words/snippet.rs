//! The part of a text that shows why it was found.

use serde::{Deserialize, Serialize};

use super::query::Query;

/// Characters shown.
const LENGTH: usize = 120;
/// Of those, before the first place.
const BEFORE: usize = 30;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// At most 120 characters of the text.
    pub text: String,
    /// Characters of the text left out before it.
    pub skipped: usize,
    /// Where in `text` the terms stand, in order.
    pub highlights: Vec<Span>,
}

/// Characters (Unicode code points) from `start` up to and without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First.
    pub start: usize,
    /// Behind the last.
    pub end: usize,
}

impl Query {
    /// The part of `text` around the first place; `None` when a term is not there.
    #[must_use]
    pub fn snippet(&self, text: &str) -> Option<Snippet> {
        let places = self.find(text)?;
        let length = text.chars().count();
        let first = places.first().map_or(0, |place| place.start);
        let skipped = if length <= LENGTH { 0 } else { first.saturating_sub(BEFORE).min(length - LENGTH) };
        let shown = skipped..(skipped + LENGTH).min(length);
        let highlights = places
            .into_iter()
            .filter(|place| place.start < shown.end && place.end > shown.start)
            .map(|place| Span {
                start: place.start.max(shown.start) - skipped,
                end: place.end.min(shown.end) - skipped,
            })
            .collect();
        Some(Snippet { text: text.chars().skip(skipped).take(LENGTH).collect(), skipped, highlights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_point_into_the_snippet() {
        let query = Query::parse("注文").unwrap();
        let text = format!("{}ご注文番号{}注文", "あ".repeat(200), "い".repeat(200));
        let snippet = query.snippet(&text).unwrap();
        assert_eq!((snippet.text.chars().count(), snippet.skipped), (LENGTH, 201 - BEFORE));
        assert_eq!(snippet.highlights.len(), 1, "the other place is not shown");
        let Span { start, end } = snippet.highlights[0];
        let shown: String = snippet.text.chars().skip(start).take(end - start).collect();
        assert_eq!(shown, "注文");
        assert_eq!(query.snippet("短い注文").unwrap().skipped, 0);
        assert_eq!(query.snippet("何もない"), None);
    }
}
