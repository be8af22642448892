//! `session.activity`: [`QuarterHour`]s as they are stored.

use bson::DateTime;
use matome_domain::activity::{QuarterHour, Said, Took, quarter_hours};
use serde::{Deserialize, Serialize};

use crate::entities::Message;
use crate::time::{date, timestamp};

/// One [`QuarterHour`]. Kinds are values, not names of fields: LINE invents new ones, and a name may not hold
/// everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredQuarterHour {
    /// When it begins.
    pub from: DateTime,
    /// Messages by `messageType`.
    pub kinds: Vec<KindCount>,
    /// Answers by how long they took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Took>,
}

/// Messages of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindCount {
    /// `messageType`.
    pub kind: String,
    /// How many.
    pub count: u64,
}

impl StoredQuarterHour {
    /// `session.activity` of a session's messages, which are in the order of time.
    pub fn of<'m>(messages: impl IntoIterator<Item = &'m Message>) -> Vec<Self> {
        let said = messages.into_iter().map(|message| Said {
            at: timestamp(message.timestamp),
            who: message.user_id,
            kind: &message.message_type,
        });
        quarter_hours(said).into_iter().map(Self::from).collect()
    }
}

impl From<QuarterHour> for StoredQuarterHour {
    fn from(quarter: QuarterHour) -> Self {
        let kinds = quarter.kinds.into_iter().map(|(kind, count)| KindCount { kind, count });
        Self { from: date(quarter.from), kinds: kinds.collect(), answers: quarter.answers.iter().collect() }
    }
}

impl From<StoredQuarterHour> for QuarterHour {
    fn from(stored: StoredQuarterHour) -> Self {
        Self {
            from: timestamp(stored.from),
            kinds: stored.kinds.into_iter().map(|KindCount { kind, count }| (kind, count)).collect(),
            answers: stored.answers.into_iter().collect(),
        }
    }
}
