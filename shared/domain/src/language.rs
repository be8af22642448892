//! The languages Matome writes in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language that summaries, buttons and notices exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English, also the last resort.
    #[default]
    En,
    /// Japanese.
    Ja,
    /// Thai.
    Th,
}

impl Language {
    /// All of them, for tests that walk over every text.
    pub const ALL: [Self; 3] = [Self::En, Self::Ja, Self::Th];

    /// The BCP 47 tag: `en`, `ja` or `th`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
            Self::Th => "th",
        }
    }

    /// The language of a BCP 47 tag such as `ja-JP`; `None` when it is none of ours.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }
}
