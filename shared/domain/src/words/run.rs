//! Cuts a normalized text into runs of letters and digits, and runs into units.

use std::ops::Range;

/// How a script tells words apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// By spaces and signs.
    Spaced,
    /// Not at all: Japanese, Chinese, Thai; and Korean, whose particles stick to words.
    Unspaced,
}

/// A stretch of letters and digits of one kind of script.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) script: Script,
    pub(super) range: Range<usize>,
}

/// The runs of a text; what is neither letter nor digit stands between them.
pub(super) fn runs(chars: &[char]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before = None;
    for (at, &c) in chars.iter().enumerate() {
        let kind = kind(c);
        match (&kind, runs.last_mut()) {
            (None, _) => {}
            (Some(_), Some(run)) if kind == before => run.range.end = at + 1,
            (Some(kind), _) => runs.push(Run {
                script: if *kind == Kind::Spaced { Script::Spaced } else { Script::Unspaced },
                range: at..at + 1,
            }),
        }
        before = kind;
    }
    runs
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Spaced,
    EastAsian,
    Thai,
}

fn kind(c: char) -> Option<Kind> {
    match c {
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{3096}'
        | '\u{3099}'..='\u{309A}'
        | '\u{309D}'..='\u{309F}'
        | '\u{30A1}'..='\u{30FA}'
        | '\u{30FC}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}'
        | '\u{AC00}'..='\u{D7A3}' => Some(Kind::EastAsian),
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}' => Some(Kind::Thai),
        c if c.is_alphanumeric() => Some(Kind::Spaced),
        _ => None,
    }
}

/// The units of an unspaced run: characters, in Thai a consonant with the vowels and marks around it.
pub(super) fn units(run: &[char]) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::with_capacity(run.len());
    for (at, &c) in run.iter().enumerate() {
        let joins = follows(c) || at.checked_sub(1).is_some_and(|before| precedes(run[before]));
        match units.last_mut() {
            Some(unit) if joins => unit.end = at + 1,
            _ => units.push(at..at + 1),
        }
    }
    units
}

/// Thai vowels written after or around their consonant, and tone marks.
fn follows(c: char) -> bool {
    matches!(c, '\u{0E30}'..='\u{0E3A}' | '\u{0E45}' | '\u{0E47}'..='\u{0E4E}' | '\u{3099}' | '\u{309A}')
}

/// Thai vowels written before their consonant.
fn precedes(c: char) -> bool {
    matches!(c, '\u{0E40}'..='\u{0E44}')
}
