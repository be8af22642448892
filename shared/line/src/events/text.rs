//! Text messages with their mentions and LINE emoji. Indexes are UTF-16 units.

use serde::Deserialize;

use super::lenient;
use crate::utf16;

/// A text as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextContent {
    /// The words; LINE emoji stand in it as their alternative text, such as `(love)`.
    pub text: String,
    /// LINE emoji in the text.
    #[serde(default, deserialize_with = "lenient::list")]
    pub emojis: Vec<Emoji>,
    /// People mentioned in the text.
    #[serde(default, rename = "mention", deserialize_with = "mentionees")]
    pub mentionees: Vec<Mentionee>,
}

impl TextContent {
    /// The words of a mention, such as `@Yui`; `None` when its range does not fit the text.
    #[must_use]
    pub fn mention_text(&self, mentionee: &Mentionee) -> Option<&str> {
        utf16::slice(&self.text, mentionee.index, mentionee.length)
    }

    /// The alternative text of a LINE emoji; `None` when its range does not fit the text.
    #[must_use]
    pub fn emoji_text(&self, emoji: &Emoji) -> Option<&str> {
        utf16::slice(&self.text, emoji.index, emoji.length)
    }

    /// Whether the bot itself is mentioned.
    #[must_use]
    pub fn mentions_bot(&self) -> bool {
        self.mentionees.iter().any(|m| m.is_self)
    }

    /// The text without the words that mention the bot, trimmed: what is left of
    /// "@Matome /summary" to read a command from.
    #[must_use]
    pub fn without_bot_mention(&self) -> String {
        let mut ranges: Vec<_> = self
            .mentionees
            .iter()
            .filter(|m| m.is_self)
            .filter_map(|m| {
                let start = utf16::byte_offset(&self.text, m.index)?;
                let end = utf16::byte_offset(&self.text, m.index.checked_add(m.length)?)?;
                Some(start..end)
            })
            .collect();
        ranges.sort_by_key(|r| r.start);
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for range in ranges {
            out.push_str(self.text.get(at..range.start).unwrap_or_default());
            at = at.max(range.end);
        }
        out.push_str(&self.text[at..]);
        out.trim().to_owned()
    }
}

fn mentionees<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Mentionee>, D::Error> {
    #[derive(Deserialize)]
    struct Mention {
        #[serde(default, deserialize_with = "lenient::list")]
        mentionees: Vec<Mentionee>,
    }
    Ok(lenient::option::<D, Mention>(d)?.map(|m| m.mentionees).unwrap_or_default())
}

/// A LINE emoji in a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Emoji {
    /// First UTF-16 unit.
    pub index: usize,
    /// UTF-16 units.
    pub length: usize,
    /// Which set.
    pub product_id: String,
    /// Which emoji of the set.
    pub emoji_id: String,
}

/// Somebody mentioned in a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mentionee {
    /// One person, or all.
    #[serde(rename = "type")]
    pub kind: MentioneeKind,
    /// First UTF-16 unit.
    pub index: usize,
    /// UTF-16 units, the `@` included.
    pub length: usize,
    /// Who, when that person has consented.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Whether it is the bot that receives the event.
    #[serde(default)]
    pub is_self: bool,
}

/// Whom a mention means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MentioneeKind {
    /// One person.
    User,
    /// Everyone in the group.
    All,
    /// A kind newer than this code.
    #[serde(untagged)]
    Other(String),
}
