//! One line of the report: what, how much it may be, how much it is.

use serde::{Deserialize, Serialize};

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Limit {
    /// Does `value` keep to it?
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// A budget and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    /// What.
    pub(crate) name: String,
    /// How much it may be, where anybody has said so.
    pub(crate) budget: Option<Limit>,
    /// Of what.
    pub(crate) unit: String,
    /// How much it is; nothing when it could not be measured.
    pub(crate) measured: Option<f64>,
    /// Does it keep to the budget? Nothing when there is none.
    pub(crate) kept: Option<bool>,
    /// Why there is no measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

impl Figure {
    /// A measured one.
    pub(crate) fn measured(name: String, budget: impl Into<Option<Limit>>, unit: &str, value: f64) -> Self {
        let budget = budget.into();
        Self {
            name,
            budget,
            unit: unit.to_owned(),
            measured: Some(value),
            kept: budget.map(|budget| budget.holds(value)),
            missing: None,
        }
    }

    /// One that could not be measured, and why.
    pub(crate) fn missing(name: String, budget: Limit, unit: &str, why: String) -> Self {
        Self {
            name,
            budget: Some(budget),
            unit: unit.to_owned(),
            measured: None,
            kept: None,
            missing: Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_on_its_own_side_and_at_the_limit() {
        assert!(Limit::AtMost(5.0).holds(5.0) && !Limit::AtMost(5.0).holds(5.1));
        assert!(Limit::AtLeast(5.0).holds(5.0) && !Limit::AtLeast(5.0).holds(4.9));
    }

    #[test]
    fn what_was_not_measured_is_neither_kept_nor_broken() {
        let figure = Figure::missing("x".into(), Limit::AtMost(1.0), "ms", "no binary".into());
        assert_eq!((figure.measured, figure.kept), (None, None));
        assert_eq!(Figure::measured("x".into(), None, "ms", 1.0).kept, None, "without a budget as well");
    }
}
