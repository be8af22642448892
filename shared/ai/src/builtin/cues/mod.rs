//! Cue phrases, one table a language. English cues are matched between word boundaries in
//! [`super::act::folded`] text, Japanese and Thai ones anywhere.

mod english;
mod japanese;
mod thai;

use matome_domain::language::Language;

/// The cue phrases of one language.
pub(super) struct Cues {
    /// Greetings, thanks, laughter, back-channel.
    pub(super) filler: &'static [&'static str],
    /// Thanks, also a sign of gratitude.
    pub(super) thanks: &'static [&'static str],
    /// "How are you?": asked without wanting to know.
    pub(super) smalltalk_question: &'static [&'static str],
    /// Agreement.
    pub(super) yes: &'static [&'static str],
    /// Refusal, denial.
    pub(super) no: &'static [&'static str],
    /// English: how a question starts. Others: how it ends.
    pub(super) question: &'static [&'static str],
    /// Asks someone to do something.
    pub(super) request: &'static [&'static str],
    /// Suggests something to do together.
    pub(super) proposal: &'static [&'static str],
    /// Says what was settled.
    pub(super) decision: &'static [&'static str],
    /// Says that something is still to be settled, in words that [`Self::decision`] has as well.
    pub(super) undecided: &'static [&'static str],
    /// Speaker will do something.
    pub(super) commitment: &'static [&'static str],
    /// Something is wrong.
    pub(super) problem: &'static [&'static str],
    /// "I'll check": an answer that is still to come.
    pub(super) deferral: &'static [&'static str],
    /// It cannot wait.
    pub(super) urgent: &'static [&'static str],
}

impl Cues {
    pub(super) fn any(list: &[&str], folded: &str) -> bool {
        list.iter().any(|cue| folded.contains(cue))
    }

    pub(super) fn starts(list: &[&str], folded: &str) -> bool {
        list.iter().any(|cue| folded.starts_with(cue))
    }
}

/// The cue phrases of `language`.
pub(super) fn of(language: Language) -> &'static Cues {
    match language {
        Language::En => &english::CUES,
        Language::Ja => &japanese::CUES,
        Language::Th => &thai::CUES,
    }
}
