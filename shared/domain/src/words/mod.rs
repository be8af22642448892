//! Words that texts are found by: what is written beside a text when it is stored, and what a question
//! for a text is turned into. Both go the same way, so whatever is asked for is found if it is there.
//!
//! Japanese and Thai put no spaces between words, and a dictionary cuts the same word differently in
//! different sentences, and differently again after an update. So runs of these scripts (and of Korean) are
//! known by each two neighbouring *units*: characters, or in Thai a consonant with its vowels and tone
//! marks. A question of two units or more is then found wherever it stands, also as part of a compound.
//! A word of a single unit (`本`, `ไป`) is known by itself where the dictionary says that it is a word.
//! Everything else is known by its words as they stand between spaces and signs.
//!
//! Texts are compared after NFKC (half-width katakana, full-width letters), in lower case, Latin letters
//! without their accents.

mod normal;
mod query;
mod run;
mod segment;
mod snippet;

pub use query::{NoWords, Query};
pub use segment::Segmenter;
pub use snippet::{Snippet, Span};

use normal::Normal;
use run::{Script, runs};

/// Longest word kept; longer ones are cut, in texts and questions alike.
const MAX_WORD_CHARS: usize = 32;

/// The words a text is found by, in order of first appearance, each once, at most `max`.
/// Those of `ご注文は10個` are `ご注`, `注文`, `文は`, `10` and `個`.
#[must_use]
pub fn of(text: &str, max: usize) -> Vec<String> {
    let normal = Normal::of(text);
    let mut seen = std::collections::HashSet::new();
    let mut words = Vec::new();
    let mut segmenter = None;
    for run in runs(&normal.chars) {
        let chars = &normal.chars[run.range.clone()];
        let found = match run.script {
            Script::Spaced => vec![word(chars)],
            Script::Unspaced => {
                let units = run::units(chars);
                let segmenter = segmenter.get_or_insert_with(Segmenter::new);
                pairs(chars, &units).chain(single(chars, &units, segmenter)).collect()
            }
        };
        for word in found.into_iter().filter(|w| is_worth_keeping(w)) {
            if words.len() == max {
                return words;
            }
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
    }
    words
}

fn word(chars: &[char]) -> String {
    chars.iter().take(MAX_WORD_CHARS).collect()
}

/// A lone letter of an alphabet or a lone hiragana (a particle) stands in every other text.
fn is_worth_keeping(word: &str) -> bool {
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => !only.is_ascii_alphabetic() && !matches!(only, '\u{3041}'..='\u{309F}' | 'ー'),
        (first, _) => first.is_some(),
    }
}

/// Each two neighbouring units.
fn pairs<'c>(chars: &'c [char], units: &'c [std::ops::Range<usize>]) -> impl Iterator<Item = String> + 'c {
    units.windows(2).map(|pair| chars[pair[0].start..pair[1].end].iter().collect())
}

/// Words of one unit.
fn single(chars: &[char], units: &[std::ops::Range<usize>], segmenter: &Segmenter) -> Vec<String> {
    if let [only] = units {
        return vec![chars[only.clone()].iter().collect()];
    }
    let text: String = chars.iter().collect();
    let mut words = Vec::new();
    let mut at = 0;
    for span in segmenter.segments(&text) {
        let end = at + span.chars().count();
        if units.contains(&(at..end)) {
            words.push(span.to_owned());
        }
        at = end;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        of(text, 1_000)
    }

    #[test]
    fn the_example_is_as_it_says() {
        assert_eq!(of("ご注文は10個", 9), ["ご注", "注文", "文は", "10", "個"]);
    }

    #[test]
    fn width_case_and_accents_make_no_difference() {
        assert_eq!(words("ｶﾞｲﾄﾞ"), words("ガイド"));
        assert_eq!(words("ＬＩＮＥ Café"), ["line", "cafe"]);
        assert_eq!(words("e\u{301}te\u{301}"), words("ÉTÉ"));
    }

    #[test]
    fn a_word_of_one_unit_is_known_by_itself_and_a_particle_is_not() {
        let found = words("この本を読む");
        assert!(found.contains(&"本".to_owned()), "{found:?}");
        assert!(!found.contains(&"を".to_owned()), "{found:?}");
        assert!(words("ฉันไปตลาด").contains(&"ไป".to_owned()));
    }

    #[test]
    fn thai_marks_stay_with_their_consonant() {
        // สั่ง-ซื้อ: four units, three pairs.
        assert_eq!(words("สั่งซื้อ"), ["สั่ง", "งซื้", "ซื้อ"]);
    }

    #[test]
    fn no_more_words_than_asked_for_and_each_once() {
        assert_eq!(words("yes yes no YES"), ["yes", "no"]);
        assert_eq!(of("one two three", 2), ["one", "two"]);
        let long = "x".repeat(500);
        assert_eq!(words(&long), ["x".repeat(MAX_WORD_CHARS)]);
        assert!(words("👍 \0 $ !? a").is_empty());
    }
}
