//! A measured figure, as `cargo xtask bench` reads it.

use serde::Serialize;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

/// A figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// How much it may be, where anybody has said so.
    pub(crate) budget: Option<Limit>,
    /// Of what.
    pub(crate) unit: &'static str,
    /// How much it is.
    pub(crate) measured: f64,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, budget: Limit, unit: &'static str, measured: f64) -> Self {
        Self { name: name.into(), budget: Some(budget), unit, measured }
    }

    /// One that nobody has set a budget for.
    pub(crate) fn known(name: impl Into<String>, unit: &'static str, measured: f64) -> Self {
        Self { name: name.into(), budget: None, unit, measured }
    }
}

/// The `q`-quantile (0 to 1) of `values`, by nearest rank.
pub(crate) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    // Ranks of a bench fit a float exactly.
    let rank = (values.len() as f64 * q).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}
