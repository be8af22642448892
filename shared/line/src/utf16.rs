//! LINE counts text in UTF-16 code units ("Character counting in a text"), Rust in UTF-8 bytes.
//! Every conversion between the two stands here.

use unicode_segmentation::UnicodeSegmentation;

/// What stands at the end of a text that had to be shortened.
pub const ELLIPSIS: &str = "…";

/// Length in UTF-16 code units, the unit of LINE's text limits and of mention and emoji indexes.
#[must_use]
pub fn len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The part of `text` from `index` for `length` UTF-16 units; `None` when the range leaves the
/// text or cuts a surrogate pair.
#[must_use]
pub fn slice(text: &str, index: usize, length: usize) -> Option<&str> {
    let start = byte_offset(text, index)?;
    let end = byte_offset(text, index.checked_add(length)?)?;
    text.get(start..end)
}

/// The byte offset of a UTF-16 offset; `None` past the end or inside a surrogate pair.
#[must_use]
pub fn byte_offset(text: &str, units: usize) -> Option<usize> {
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen == units {
            return Some(at);
        }
        if seen > units {
            return None;
        }
        seen += c.len_utf16();
    }
    (seen == units).then_some(text.len())
}

/// `text` cut to at most `max` UTF-16 units at a grapheme boundary, with "…" at the end when
/// something was left out.
#[must_use]
pub fn truncate(text: &str, max: usize) -> String {
    shorten(text, max, len)
}

/// `text` cut to at most `max` grapheme clusters: the unit in which LINE counts the labels and
/// texts of actions.
#[must_use]
pub fn truncate_graphemes(text: &str, max: usize) -> String {
    shorten(text, max, |g| g.graphemes(true).count())
}

fn shorten(text: &str, max: usize, size: impl Fn(&str) -> usize) -> String {
    if size(text) <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(size(ELLIPSIS));
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += size(grapheme);
        if used > room {
            break;
        }
        end = at + grapheme.len();
    }
    let mut out = text[..end].trim_end().to_owned();
    if max > 0 {
        out.push_str(ELLIPSIS);
    }
    out
}

/// `text` in pieces of at most `max` UTF-16 units, each ending at a line, else a word, else a
/// grapheme boundary. `max` must hold one grapheme; a longer one is cut between characters.
#[must_use]
pub fn split(text: &str, max: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while len(rest) > max {
        let cut = cut_before(rest, max);
        let (head, tail) = rest.split_at(cut);
        pieces.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// The byte offset, above zero, of the best place to cut within the first `max` UTF-16 units.
fn cut_before(text: &str, max: usize) -> usize {
    let (mut used, mut line, mut word, mut grapheme) = (0, 0, 0, 0);
    for (at, g) in text.grapheme_indices(true) {
        used += len(g);
        if used > max {
            break;
        }
        grapheme = at + g.len();
        if g.contains('\n') {
            line = grapheme;
        } else if g.chars().all(char::is_whitespace) || "。．.!?！？、,".contains(g) {
            word = grapheme;
        }
    }
    // A line or word boundary in the last half beats a full piece.
    let half = grapheme / 2;
    match (line, word) {
        (l, _) if l > half => l,
        (_, w) if w > half => w,
        _ if grapheme > 0 => grapheme,
        _ => {
            let mut units = 0;
            text.char_indices()
                .find(|(at, c)| {
                    units += c.len_utf16();
                    *at > 0 && units > max
                })
                .map_or(text.len(), |(at, _)| at)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slices_count_emoji_as_two_units() {
        let text = "🍎@田中 hi";
        assert_eq!(slice(text, 2, 3), Some("@田中"));
        assert_eq!(slice(text, 0, 2), Some("🍎"));
        assert_eq!(slice(text, 1, 3), None, "cuts a surrogate pair");
        assert_eq!(slice(text, 2, 99), None, "leaves the text");
        assert_eq!(slice(text, 8, 0), Some(""));
        assert_eq!(slice(text, usize::MAX, 2), None);
    }

    #[test]
    fn truncation_keeps_graphemes_whole() {
        // A family is one grapheme of eleven units.
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(len(family), 11);
        assert_eq!(truncate(&format!("a{family}b"), 12), "a…");
        assert_eq!(truncate("น้ำใจ", 3), "…", "a Thai cluster is not torn from its marks");
        assert_eq!(truncate("short", 5), "short");
        assert_eq!(truncate("long text", 6), "long…", "no space before the ellipsis");
        assert_eq!(truncate("x", 0), "");
        assert_eq!(truncate_graphemes(&family.repeat(3), 2), format!("{family}…"));
    }

    #[test]
    fn splitting_prefers_lines_over_words_over_graphemes() {
        assert_eq!(split("aaaa\nbbbb cc", 8), ["aaaa", "bbbb cc"]);
        assert_eq!(split("aaaa bbbb cc", 8), ["aaaa", "bbbb cc"]);
        assert_eq!(split("aaaabbbbcc", 8), ["aaaabbbb", "cc"]);
        assert!(split("  ", 8).is_empty());
    }

    proptest! {
        #[test]
        fn truncation_never_exceeds_its_limit(text in "\\PC{0,60}", max in 0_usize..40) {
            prop_assert!(len(&truncate(&text, max)) <= max);
        }

        #[test]
        fn pieces_fit_and_lose_only_white_space(text in "(\\PC|\n){0,200}", max in 2_usize..40) {
            let pieces = split(&text, max);
            for piece in &pieces {
                prop_assert!(len(piece) <= max && !piece.is_empty());
            }
            let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&pieces.concat()), squeeze(&text));
        }
    }
}
