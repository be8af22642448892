//! What is played: `data/conversation.json`, people and what they do, in order.

use anyhow::{Context, bail};
use matome_line_simulator::Act;
use serde::Deserialize;

/// A conversation in one group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The account's name.
    pub(crate) channel: String,
    /// The group's name.
    pub(crate) group: String,
    /// Who takes part.
    pub(crate) people: Vec<Actor>,
    /// What they do; the last one asks for the summary.
    pub(crate) deeds: Vec<ScriptedDeed>,
}

/// Somebody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    /// What the deeds call the person.
    pub(crate) key: String,
    /// Display name.
    pub(crate) name: String,
    /// BCP 47 tag.
    pub(crate) language: String,
}

/// Something somebody does.
#[derive(Debug, Deserialize)]
pub(crate) struct ScriptedDeed {
    /// A person's key; nobody for what happens to the bot itself.
    pub(crate) by: Option<String>,
    /// What.
    #[serde(flatten)]
    pub(crate) act: Act,
}

impl Script {
    /// The demo conversation.
    pub(crate) fn demo() -> anyhow::Result<Self> {
        Self::parse(include_str!("../../data/conversation.json")).context("xtask/data/conversation.json")
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let script: Self = serde_json::from_str(text)?;
        for (number, deed) in script.deeds.iter().enumerate() {
            if let Some(by) = &deed.by
                && !script.people.iter().any(|actor| actor.key == *by)
            {
                bail!("deeds[{number}].by: nobody among the people has the key {by:?}");
            }
        }
        Ok(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_in_three_languages_and_ends_by_asking_for_the_summary() {
        let script = Script::demo().unwrap();
        let mut languages: Vec<_> = script.people.iter().map(|actor| actor.language.as_str()).collect();
        languages.sort_unstable();
        assert_eq!(languages, ["en", "ja", "th"]);
        assert_eq!(script.deeds.last().unwrap().act, Act::text("/summary"));
    }

    #[test]
    fn a_deed_of_a_stranger_is_refused_with_its_place() {
        let text = r#"{"channel":"c","group":"g","people":[],"deeds":[{"by":"x","type":"text","text":"t"}]}"#;
        assert!(Script::parse(text).unwrap_err().to_string().contains("deeds[0].by"));
    }
}
