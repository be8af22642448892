//! How a trial ends. Whoever pays keeps what they have and hears nothing; whoever does not is told in time, and is
//! then served as on the free plan. Nothing is taken from anybody: what is over the free plan's limits stays
//! and is flagged ([`crate::limits`]).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How near a trial's end is: what people are told, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrialStage {
    /// It ends within seven days.
    Week,
    /// It ends within a day.
    Day,
    /// It has ended.
    Ended,
}

impl TrialStage {
    /// The stage at `now`; none while the end is far.
    #[must_use]
    pub fn at(ends_at: Timestamp, now: Timestamp) -> Option<Self> {
        match ends_at.since(now) {
            Duration::ZERO => Some(Self::Ended),
            left if left <= DAY => Some(Self::Day),
            left if left <= WEEK => Some(Self::Week),
            _ => None,
        }
    }

    /// As it is stored, and as metrics are labelled.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Day => "day",
            Self::Ended => "ended",
        }
    }
}

/// What is to be done about an organization's trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialTurn {
    /// Nothing.
    Stay,
    /// Nobody paid: from now on it is served as on the free plan.
    End,
    /// It was paid for before its end: it is no trial any more.
    Settle,
    /// It was paid for after its end: it gets what its tier brings again.
    Return,
}

impl TrialTurn {
    /// Of a trial that ends at `ends_at` (none without one), `has_ended` unpaid already or not, when its owner pays or not.
    #[must_use]
    pub fn of(ends_at: Option<Timestamp>, has_ended: bool, pays: bool, now: Timestamp) -> Self {
        match (has_ended, pays) {
            (true, true) => Self::Return,
            (true, false) => Self::Stay,
            (false, _) if ends_at.is_none_or(|end| now < end) => Self::Stay,
            (false, true) => Self::Settle,
            (false, false) => Self::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp(1_795_165_200_000);

    #[test]
    fn people_are_told_a_week_before_a_day_before_and_at_the_end() {
        let ms = Duration::from_millis(1);
        let table = [
            (END.minus(WEEK).minus(ms), None),
            (END.minus(WEEK), Some(TrialStage::Week)),
            (END.minus(DAY).minus(ms), Some(TrialStage::Week)),
            (END.minus(DAY), Some(TrialStage::Day)),
            (END.minus(ms), Some(TrialStage::Day)),
            (END, Some(TrialStage::Ended)),
            (END.plus(WEEK * 100), Some(TrialStage::Ended)),
        ];
        for (now, stage) in table {
            assert_eq!(TrialStage::at(END, now), stage, "{now}");
        }
        for stage in [TrialStage::Week, TrialStage::Day, TrialStage::Ended] {
            assert_eq!(serde_json::json!(stage), stage.as_str());
        }
    }

    #[test]
    fn only_an_unpaid_trial_ends_and_whoever_pays_gets_everything_back() {
        use TrialTurn::{End, Return, Settle, Stay};
        let (before, after) = (END.minus(DAY), END.plus(DAY));
        let table = [
            // (ends at, ended unpaid, pays) before and after the end.
            (None, false, false, [Stay, Stay]),
            (None, false, true, [Stay, Stay]),
            (Some(END), false, false, [Stay, End]),
            (Some(END), false, true, [Stay, Settle]),
            (Some(END), true, false, [Stay, Stay]),
            (Some(END), true, true, [Return, Return]),
        ];
        for (ends_at, has_ended, pays, turns) in table {
            let turn = |now| TrialTurn::of(ends_at, has_ended, pays, now);
            assert_eq!([before, after].map(turn), turns, "{ends_at:?} {has_ended} {pays}");
        }
        assert_eq!(TrialTurn::of(Some(END), false, false, END), End, "at the very moment");
    }
}
