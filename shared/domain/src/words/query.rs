//! What is asked for, and where it stands in a text.

use std::ops::Range;

use super::normal::Normal;
use super::run::{Script, runs, units};
use super::{is_worth_keeping, pairs, word};

/// Most terms of a question; more say nothing more.
const MAX_TERMS: usize = 8;
/// Most characters of a question that are looked at.
const MAX_CHARS: usize = 200;

/// A question for texts: all of its terms must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// The question has no letter or digit to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("text: has no word to look for")]
pub struct NoWords;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Stands between spaces and signs.
    Word(String),
    /// Stands anywhere.
    Part { chars: Vec<char>, words: Vec<String> },
}

impl Query {
    /// Reads a question. What cannot be looked for (signs, emoji, a lone letter) is passed over; so is what
    /// comes after eight terms or 200 characters.
    ///
    /// # Errors
    /// [`NoWords`] when nothing is left.
    pub fn parse(text: &str) -> Result<Self, NoWords> {
        let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
        let normal = Normal::of(&text[..end]);
        let mut terms = Vec::new();
        for run in runs(&normal.chars) {
            let chars = &normal.chars[run.range];
            let term = match run.script {
                Script::Spaced => Term::Word(word(chars)),
                Script::Unspaced => {
                    let units = units(chars);
                    let mut words: Vec<String> = pairs(chars, &units).collect();
                    if words.is_empty() {
                        words.push(word(chars));
                    }
                    Term::Part { chars: chars.to_vec(), words }
                }
            };
            let keep = match &term {
                Term::Word(word) => is_worth_keeping(word),
                Term::Part { words, .. } => words.iter().all(|w| is_worth_keeping(w)),
            };
            if keep && !terms.contains(&term) {
                terms.push(term);
            }
        }
        terms.truncate(MAX_TERMS);
        if terms.is_empty() { Err(NoWords) } else { Ok(Self { terms }) }
    }

    /// The stored words that a text with all terms has, each once.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let mut words: Vec<&str> = Vec::new();
        for term in &self.terms {
            let of_term = match term {
                Term::Word(word) => std::slice::from_ref(word),
                Term::Part { words, .. } => words,
            };
            for word in of_term {
                if !words.contains(&word.as_str()) {
                    words.push(word);
                }
            }
        }
        words
    }

    /// Where the terms stand in a text: ranges of characters (Unicode code points), in order, none
    /// touching another. `None` when a term is not there.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let normal = Normal::of(text);
        let words: Vec<Range<usize>> = runs(&normal.chars)
            .into_iter()
            .filter(|run| run.script == Script::Spaced)
            .map(|run| run.range)
            .collect();
        let mut found = Vec::new();
        for term in &self.terms {
            let before = found.len();
            match term {
                Term::Word(wanted) => found
                    .extend(words.iter().filter(|at| word(&normal.chars[(*at).clone()]) == *wanted).cloned()),
                Term::Part { chars, .. } => found.extend(
                    normal
                        .chars
                        .windows(chars.len())
                        .enumerate()
                        .filter(|(_, window)| *window == chars.as_slice())
                        .map(|(at, _)| at..at + chars.len()),
                ),
            }
            if found.len() == before {
                return None;
            }
        }
        Some(joined(found.iter().map(|stretch| normal.origin(stretch)).collect()))
    }
}

fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        let query = Query::parse(query).unwrap();
        let stored = crate::words::of(text, 1_000);
        let by_words = query.words().iter().all(|word| stored.iter().any(|s| s == word));
        let by_text = query.find(text).is_some();
        assert!(by_words || !by_text, "{text}: its words hide it");
        by_words && by_text
    }

    #[test]
    fn words_are_found_where_no_space_tells_them_apart() {
        for (query, text) in [
            ("注文", "ご注文番号は A-20931 です"),
            ("番号", "ご注文番号は A-20931 です"),
            ("20931", "ご注文番号はA-20931です"),
            ("a-20931 注文", "ご注文番号はA-20931です"),
            ("สั่งซื้อ", "อยากสั่งซื้อสินค้าชิ้นนี้ค่ะ"),
            ("ซื้อ", "อยากสั่งซื้อสินค้าชิ้นนี้ค่ะ"),
            ("Invoice", "please send the INVOICE, thanks"),
            ("ガイド", "ｶﾞｲﾄﾞを見て"),
            ("ｶﾞｲﾄﾞ", "旅行ガイド"),
            ("line", "ＬＩＮＥで送る"),
            ("本", "この本を読む"),
            ("주문", "주문번호를 알려주세요"),
        ] {
            assert!(finds(query, text), "{query} in {text}");
        }
        for (query, text) in [
            ("東京", "京都に行く"),
            ("京東", "東京と京都の東"),
            ("voice", "the invoice"),
            ("注文", "文を注ぐ"),
            ("สั่งซื้อ", "ซื้อแล้วสั่งอีก"),
            ("order tea", "order coffee"),
        ] {
            assert!(!finds(query, text), "{query} in {text}");
        }
    }

    #[test]
    fn places_are_those_of_the_text_as_written() {
        let query = Query::parse("ガイド line").unwrap();
        // ｶ ﾞ ｲ ﾄ ﾞ: five characters for three.
        assert_eq!(query.find("ＬＩＮＥのｶﾞｲﾄﾞ"), Some(vec![0..4, 5..10]));
        assert_eq!(
            Query::parse("注文番号 文番").unwrap().find("ご注文番号"),
            Some(std::iter::once(1..5).collect())
        );
    }

    #[test]
    fn a_question_without_words_is_refused() {
        for nothing in ["", "  ", "👍", "\0", "$", "!?", "a", "の"] {
            assert_eq!(Query::parse(nothing), Err(NoWords), "{nothing:?}");
        }
        let many = (0..20).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(Query::parse(&many).unwrap().words().len(), MAX_TERMS);
        assert_eq!(Query::parse("$where \0注文").unwrap().words(), ["where", "注文"]);
    }

    proptest::proptest! {
        /// Whatever two characters or more of a text are asked for, they are found.
        #[test]
        fn every_part_of_a_japanese_text_is_found(text in "[ぁ-んァ-ヶ一-龠]{2,30}", from in 0_usize..29, length in 2_usize..30) {
            let chars: Vec<char> = text.chars().collect();
            let from = from.min(chars.len() - 2);
            let part: String = chars[from..(from + length).min(chars.len())].iter().collect();
            if let Ok(query) = Query::parse(&part) {
                let stored = crate::words::of(&text, 1_000);
                proptest::prop_assert!(query.words().iter().all(|word| stored.iter().any(|s| s == word)));
                proptest::prop_assert!(query.find(&text).is_some());
            }
        }
    }
}
