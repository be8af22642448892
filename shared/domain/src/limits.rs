//! How much a tenant may use, and what happens when it uses more.
//!
//! A business's customers do not know what the business pays for: what they send is never dropped
//! and never refused. So what comes from LINE is at most *flagged*; what staff or programs do is *refused*.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes in the gigabyte of `maxStorageGB`.
const GIGABYTE: f64 = 1_000_000_000.0;
/// Whoever is told about a limit is told from this share of it on.
const NOTICE_PERCENT: u128 = 80;

/// The largest number that every reader of JSON takes for what it is (RFC 8259, section 6).
pub const MOST: u64 = (1 << 53) - 1;

/// More media than that nobody agrees on: a petabyte.
pub const MOST_GIGABYTES: f64 = 1_000_000.0;

/// What is limited, and what happens beyond the limit. At 80 % and at 100 % nothing happens but that
/// people are told ([`Level::Notice`], [`Level::Reached`]); see [`Limit::consequence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// Rooms in use. A customer's new room is recorded, answered and flagged.
    Rooms,
    /// Members of the largest room. A new member is recorded; each room with too many is flagged.
    MembersPerRoom,
    /// Messages recorded in a calendar month (UTC). Messages are kept and flagged; summaries are
    /// written by the built-in summarizer, which costs nothing, until the month ends.
    MessagesPerMonth,
    /// Bytes of media stored. Media are fetched and kept (LINE would not keep them for us) and flagged.
    Storage,
    /// Staff who answer. No further one is invited or activated; those who are there stay.
    Agents,
    /// API calls in a calendar month (UTC). Calls are answered with 429 until the month ends.
    ApiCallsPerMonth,
}

/// What becomes of the thing that was one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Consequence {
    /// Nothing.
    None,
    /// The owner is told; nothing else.
    Tell,
    /// Kept, carrying the limit's name in its `overLimits`; the owner is told.
    KeepAndFlag,
    /// Not done: HTTP 429 for an API call, 409 for an agent. Never anything that came from a customer.
    Refuse,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Rooms,
        Self::MembersPerRoom,
        Self::MessagesPerMonth,
        Self::Storage,
        Self::Agents,
        Self::ApiCallsPerMonth,
    ];

    /// As it is stored, and as metrics are labelled.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::MembersPerRoom => "membersPerRoom",
            Self::MessagesPerMonth => "messagesPerMonth",
            Self::Storage => "storage",
            Self::Agents => "agents",
            Self::ApiCallsPerMonth => "apiCallsPerMonth",
        }
    }

    /// What becomes of something that, once counted, brings usage to `level`.
    #[must_use]
    pub fn consequence(self, level: Level) -> Consequence {
        match (level, self) {
            (Level::Ok, _) => Consequence::None,
            (Level::Notice | Level::Reached, _) => Consequence::Tell,
            (Level::Over, Self::Agents | Self::ApiCallsPerMonth) => Consequence::Refuse,
            (Level::Over, Self::Rooms | Self::MembersPerRoom | Self::MessagesPerMonth | Self::Storage) => {
                Consequence::KeepAndFlag
            }
        }
    }
}

/// How usage compares with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Below 80 %, or unlimited.
    #[default]
    Ok,
    /// 80 % or more.
    Notice,
    /// Exactly all of it: the last one that is within the limit.
    Reached,
    /// More than the limit.
    Over,
}

impl Level {
    /// As it is stored, and as metrics are labelled.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Notice => "notice",
            Self::Reached => "reached",
            Self::Over => "over",
        }
    }

    /// The level of `used` under `limit`; no limit is never reached.
    #[must_use]
    pub fn of(used: u64, limit: Option<u64>) -> Self {
        let Some(limit) = limit else { return Self::Ok };
        match used.cmp(&limit) {
            std::cmp::Ordering::Greater => Self::Over,
            std::cmp::Ordering::Equal => Self::Reached,
            std::cmp::Ordering::Less if u128::from(used) * 100 >= u128::from(limit) * NOTICE_PERCENT => {
                Self::Notice
            }
            std::cmp::Ordering::Less => Self::Ok,
        }
    }
}

/// `organization.limits` and `plan.limits`: an absent one is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// See [`Limit::Rooms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rooms: Option<u64>,
    /// See [`Limit::MembersPerRoom`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_members_per_room: Option<u64>,
    /// See [`Limit::MessagesPerMonth`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages_per_month: Option<u64>,
    /// See [`Limit::Storage`]; gigabytes of 10⁹ bytes.
    #[serde(rename = "maxStorageGB", skip_serializing_if = "Option::is_none")]
    pub max_storage_gb: Option<f64>,
    /// See [`Limit::Agents`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_agents: Option<u64>,
    /// See [`Limit::ApiCallsPerMonth`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_per_month: Option<u64>,
}

impl Limits {
    /// A limit in the unit that [`Usage::of`] counts in.
    #[must_use]
    pub fn of(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::Rooms => self.max_rooms,
            Limit::MembersPerRoom => self.max_members_per_room,
            Limit::MessagesPerMonth => self.max_messages_per_month,
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float becomes the nearest integer that there is: never negative, no overflow"
            )]
            Limit::Storage => self.max_storage_gb.map(|gigabytes| (gigabytes * GIGABYTE).round() as u64),
            Limit::Agents => self.max_agents,
            Limit::ApiCallsPerMonth => self.api_calls_per_month,
        }
    }
}

/// What a tenant uses in a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Rooms in use.
    pub rooms: u64,
    /// Members of the largest room.
    pub max_members: u64,
    /// Messages recorded in the month.
    pub messages: u64,
    /// Bytes of media stored.
    pub storage_bytes: u64,
    /// Staff who answer.
    pub agents: u64,
    /// API calls in the month.
    pub api_calls: u64,
}

impl Usage {
    /// What counts against a limit.
    #[must_use]
    pub fn of(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Rooms => self.rooms,
            Limit::MembersPerRoom => self.max_members,
            Limit::MessagesPerMonth => self.messages,
            Limit::Storage => self.storage_bytes,
            Limit::Agents => self.agents,
            Limit::ApiCallsPerMonth => self.api_calls,
        }
    }

    /// What is left of it when a new month begins.
    #[must_use]
    pub fn at_month_begin(self) -> Self {
        Self { messages: 0, api_calls: 0, ..self }
    }

    /// Every limit beside its usage, for whoever shows them.
    #[must_use]
    pub fn beside(&self, limits: &Limits) -> [Standing; 6] {
        Limit::ALL.map(|limit| {
            let (used, allowed) = (self.of(limit), limits.of(limit));
            Standing { limit, used, allowed, level: Level::of(used, allowed) }
        })
    }
}

/// How one limit stands: `{"limit": "storage", "used": 5, "allowed": 1000000000, "level": "ok"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Which.
    pub limit: Limit,
    /// What counts against it; bytes for [`Limit::Storage`].
    pub used: u64,
    /// How much is allowed, in the same unit; absent = as much as there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<u64>,
    /// How the two compare.
    pub level: Level,
}

/// `usage.levels`: where each limit stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Levels {
    /// See [`Limit::Rooms`].
    pub rooms: Level,
    /// See [`Limit::MembersPerRoom`].
    pub members_per_room: Level,
    /// See [`Limit::MessagesPerMonth`].
    pub messages_per_month: Level,
    /// See [`Limit::Storage`].
    pub storage: Level,
    /// See [`Limit::Agents`].
    pub agents: Level,
    /// See [`Limit::ApiCallsPerMonth`].
    pub api_calls_per_month: Level,
}

impl Levels {
    /// Compares usage with limits.
    #[must_use]
    pub fn of(usage: &Usage, limits: &Limits) -> Self {
        let level = |limit| Level::of(usage.of(limit), limits.of(limit));
        Self {
            rooms: level(Limit::Rooms),
            members_per_room: level(Limit::MembersPerRoom),
            messages_per_month: level(Limit::MessagesPerMonth),
            storage: level(Limit::Storage),
            agents: level(Limit::Agents),
            api_calls_per_month: level(Limit::ApiCallsPerMonth),
        }
    }

    /// The level of one limit.
    #[must_use]
    pub fn level(&self, limit: Limit) -> Level {
        match limit {
            Limit::Rooms => self.rooms,
            Limit::MembersPerRoom => self.members_per_room,
            Limit::MessagesPerMonth => self.messages_per_month,
            Limit::Storage => self.storage,
            Limit::Agents => self.agents,
            Limit::ApiCallsPerMonth => self.api_calls_per_month,
        }
    }

    /// Whether one more of what `limit` counts is one too many.
    #[must_use]
    pub fn is_full(&self, limit: Limit) -> bool {
        self.level(limit) >= Level::Reached
    }

    /// The limits that are exceeded, in the order of [`Limit::ALL`].
    pub fn exceeded(&self) -> impl Iterator<Item = Limit> + '_ {
        Limit::ALL.into_iter().filter(|limit| self.level(*limit) == Level::Over)
    }

    /// The highest of all: what a list of tenants shows.
    #[must_use]
    pub fn highest(&self) -> Level {
        Limit::ALL.into_iter().map(|limit| self.level(limit)).max().unwrap_or_default()
    }

    /// Whether summaries may be written by the AI provider, which costs money. The built-in
    /// summarizer writes them otherwise.
    #[must_use]
    pub fn may_use_ai(&self) -> bool {
        self.messages_per_month != Level::Over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_change_exactly_at_80_percent_at_the_limit_and_beyond_it() {
        let table = [
            (0, Some(100), Level::Ok),
            (79, Some(100), Level::Ok),
            (80, Some(100), Level::Notice),
            (99, Some(100), Level::Notice),
            (100, Some(100), Level::Reached),
            (101, Some(100), Level::Over),
            // Small limits have no 80 % of their own.
            (0, Some(1), Level::Ok),
            (1, Some(1), Level::Reached),
            (2, Some(1), Level::Over),
            (4, Some(5), Level::Notice),
            // Nothing may be used, and nothing is.
            (0, Some(0), Level::Reached),
            (1, Some(0), Level::Over),
            // No limit, and no overflow.
            (u64::MAX, None, Level::Ok),
            (u64::MAX, Some(u64::MAX), Level::Reached),
            (u64::MAX - 1, Some(u64::MAX), Level::Notice),
        ];
        for (used, limit, level) in table {
            assert_eq!(Level::of(used, limit), level, "{used} of {limit:?}");
        }
    }

    #[test]
    fn what_comes_from_a_customer_is_never_refused() {
        use Consequence::{KeepAndFlag, None, Refuse, Tell};
        let table = [
            (Limit::Rooms, [None, Tell, Tell, KeepAndFlag]),
            (Limit::MembersPerRoom, [None, Tell, Tell, KeepAndFlag]),
            (Limit::MessagesPerMonth, [None, Tell, Tell, KeepAndFlag]),
            (Limit::Storage, [None, Tell, Tell, KeepAndFlag]),
            (Limit::Agents, [None, Tell, Tell, Refuse]),
            (Limit::ApiCallsPerMonth, [None, Tell, Tell, Refuse]),
        ];
        assert_eq!(table.map(|(limit, _)| limit), Limit::ALL);
        for (limit, consequences) in table {
            let levels = [Level::Ok, Level::Notice, Level::Reached, Level::Over];
            assert_eq!(levels.map(|level| limit.consequence(level)), consequences, "{limit:?}");
        }
    }

    #[test]
    fn each_limit_is_compared_with_its_own_usage() {
        let none = Usage::default();
        let table = [
            (Limit::Rooms, Usage { rooms: 3, ..none }),
            (Limit::MembersPerRoom, Usage { max_members: 3, ..none }),
            (Limit::MessagesPerMonth, Usage { messages: 3, ..none }),
            (Limit::Storage, Usage { storage_bytes: 2_000_000_001, ..none }),
            (Limit::Agents, Usage { agents: 3, ..none }),
            (Limit::ApiCallsPerMonth, Usage { api_calls: 3, ..none }),
        ];
        let limits = Limits {
            max_rooms: Some(2),
            max_members_per_room: Some(2),
            max_messages_per_month: Some(2),
            max_storage_gb: Some(2.0),
            max_agents: Some(2),
            api_calls_per_month: Some(2),
        };
        for (limit, usage) in table {
            let levels = Levels::of(&usage, &limits);
            assert_eq!(levels.exceeded().collect::<Vec<_>>(), [limit]);
            assert_eq!(levels.highest(), Level::Over);
            assert_eq!(levels.may_use_ai(), limit != Limit::MessagesPerMonth);
            assert_eq!(Levels::of(&usage, &Limits::default()), Levels::default());
        }
    }

    #[test]
    fn the_next_one_is_too_many_from_the_limit_on() {
        let limits = Limits { max_rooms: Some(10), ..Limits::default() };
        let full = |rooms| Levels::of(&Usage { rooms, ..Usage::default() }, &limits).is_full(Limit::Rooms);
        assert_eq!([8, 9, 10, 11].map(full), [false, false, true, true]);
        assert!(
            !Levels::of(&Usage { storage_bytes: u64::MAX, ..Usage::default() }, &limits)
                .is_full(Limit::Storage)
        );
    }

    #[test]
    fn a_month_that_begins_keeps_what_is_there_and_forgets_what_happened() {
        let usage =
            Usage { rooms: 1, max_members: 2, messages: 3, storage_bytes: 4, agents: 5, api_calls: 6 };
        let left = Limit::ALL.map(|limit| usage.at_month_begin().of(limit));
        assert_eq!(left, [1, 2, 0, 4, 5, 0]);
    }

    #[test]
    fn limits_are_shown_beside_usage_under_the_names_they_are_stored_by() {
        let limits = Limits { max_storage_gb: Some(1.0), ..Limits::default() };
        let usage = Usage { storage_bytes: 900_000_000, rooms: 7, ..Usage::default() };
        let shown = usage.beside(&limits);
        assert_eq!(
            serde_json::json!([shown[0], shown[3]]),
            serde_json::json!([
                { "limit": "rooms", "used": 7, "level": "ok" },
                { "limit": "storage", "used": 900_000_000, "allowed": 1_000_000_000, "level": "notice" },
            ])
        );
        for Standing { limit, level, .. } in shown {
            assert_eq!(
                (serde_json::json!(limit), serde_json::json!(level)),
                (limit.as_str().into(), level.as_str().into())
            );
        }
    }

    #[test]
    fn fractions_of_a_gigabyte_count() {
        let limits = Limits { max_storage_gb: Some(0.5), ..Limits::default() };
        assert_eq!(limits.of(Limit::Storage), Some(500_000_000));
        let senseless = Limits { max_storage_gb: Some(-1.0), ..Limits::default() };
        assert_eq!(senseless.of(Limit::Storage), Some(0));
    }
}
