//! Cuts text into sentences and words, in scripts with and without spaces. Words of Japanese and
//! Thai come from ICU's dictionaries and models (compiled in), so nothing is read at run time.

use icu_segmenter::options::SentenceBreakInvariantOptions;
use icu_segmenter::{SentenceSegmenter, SentenceSegmenterBorrowed};
use matome_domain::language::Language;
use matome_domain::words;

/// Both segmenters; cheap to make, the data is static.
pub(super) struct Segmenter {
    words: words::Segmenter,
    sentences: SentenceSegmenterBorrowed<'static>,
}

/// The script that carries a text, as one of our languages; `None` when it has no letters.
pub(super) fn language_of(text: &str) -> Option<Language> {
    let (mut kana, mut han, mut thai, mut latin) = (0_u32, 0_u32, 0_u32, 0_u32);
    for c in text.chars() {
        match c {
            '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9D}' => kana += 1,
            '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => han += 1,
            '\u{0E00}'..='\u{0E7F}' => thai += 1,
            c if c.is_alphabetic() => latin += 1,
            _ => {}
        }
    }
    // A Latin word takes about as many letters as a Japanese one takes signs, times three.
    let (japanese, latin) = ((kana + han) * 3, latin);
    match thai * 2 {
        0 if japanese == 0 && latin == 0 => None,
        thai if thai >= japanese && thai >= latin => Some(Language::Th),
        _ if japanese >= latin => Some(Language::Ja),
        _ => Some(Language::En),
    }
}

/// Thai puts a space where others put a full stop; a run longer than this is cut there.
const THAI_SENTENCE_CHARS: usize = 60;

impl Segmenter {
    pub(super) fn new() -> Self {
        Self {
            words: words::Segmenter::new(),
            sentences: SentenceSegmenter::new(SentenceBreakInvariantOptions::default()),
        }
    }

    /// The sentences of a text, trimmed, none empty.
    pub(super) fn sentences<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut found = Vec::new();
        for line in text.lines() {
            let mut start = 0;
            for end in self.sentences.segment_str(line) {
                let sentence = line[start..end].trim();
                // "Mr. Smith", "3 p.m. sharp": a full stop after an abbreviation ends nothing.
                if end < line.len() && ends_in_abbreviation(sentence) {
                    continue;
                }
                start = end;
                if sentence.is_empty() {
                    continue;
                }
                if language_of(sentence) == Some(Language::Th) {
                    found.extend(thai_clauses(sentence));
                } else {
                    found.push(sentence);
                }
            }
        }
        found
    }

    /// The words of a text: letters and digits only, lower case.
    pub(super) fn words(&self, text: &str) -> Vec<String> {
        self.spans(text).into_iter().map(|w| w.trim_matches('\'').to_lowercase()).collect()
    }

    /// The words of a text as written.
    pub(super) fn spans<'t>(&self, text: &'t str) -> Vec<&'t str> {
        self.words.words(text)
    }
}

fn ends_in_abbreviation(sentence: &str) -> bool {
    const ABBREVIATIONS: [&str; 14] = [
        "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "vs.", "e.g.", "i.e.", "etc.", "a.m.", "p.m.",
        "approx.",
    ];
    sentence
        .rsplit(char::is_whitespace)
        .next()
        .is_some_and(|last| ABBREVIATIONS.contains(&last.to_ascii_lowercase().as_str()))
}

/// Clauses of a long Thai sentence, joined until they are long enough to stand alone.
fn thai_clauses(sentence: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    for (at, c) in sentence.char_indices() {
        if c == ' ' && sentence[start..at].chars().count() >= THAI_SENTENCE_CHARS {
            clauses.push(sentence[start..at].trim());
            start = at;
        }
    }
    let rest = sentence[start..].trim();
    match clauses.last_mut() {
        // Too short to say anything alone: keep it with what it follows.
        Some(last) if rest.chars().count() < 12 => {
            let from = last.as_ptr() as usize - sentence.as_ptr() as usize;
            *last = sentence[from..].trim();
        }
        _ if rest.is_empty() => {}
        _ => clauses.push(rest),
    }
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_scripts_without_spaces_are_found() {
        let s = Segmenter::new();
        assert_eq!(s.words("I'm here, OK?"), ["i'm", "here", "ok"]);
        assert!(s.words("明日の会議は十時からです").contains(&"会議".to_owned()));
        assert!(s.words("พรุ่งนี้ประชุมสิบโมง").contains(&"ประชุม".to_owned()));
    }

    #[test]
    fn sentences_end_where_they_end() {
        let s = Segmenter::new();
        assert_eq!(
            s.sentences("Hi! Mr. Smith came at 3 p.m. today.\nBye"),
            ["Hi!", "Mr. Smith came at 3 p.m. today.", "Bye"]
        );
        assert_eq!(s.sentences("届きました。ありがとう！"), ["届きました。", "ありがとう！"]);
        assert!(s.sentences(" \n ").is_empty());
    }

    #[test]
    fn the_script_tells_the_language() {
        assert_eq!(language_of("LINEで送ります"), Some(Language::Ja));
        assert_eq!(language_of("ส่งทาง LINE นะ"), Some(Language::Th));
        assert_eq!(language_of("see you in 東京 tomorrow"), Some(Language::En));
        assert_eq!(language_of("😀 123 !!"), None);
    }
}
