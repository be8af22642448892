//! Prints the figures and keeps them in `target/bench.json`.

use std::fmt::Write;

use anyhow::Context;
use console::style;
use matome_local_stack::Checkout;
use serde::Serialize;

use crate::bench::{Figure, Limit};

/// All figures of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The build that was measured: `release`, or `dev` to try the bench itself.
    pub(crate) profile: &'static str,
    /// Them.
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// Writes `target/bench.json`.
    pub(crate) fn write(&self, checkout: &Checkout) -> anyhow::Result<()> {
        let path = checkout.root().join("target/bench.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Are all budgets kept that could be measured?
    pub(crate) fn is_kept(&self) -> bool {
        self.figures.iter().all(|figure| figure.kept != Some(false))
    }

    /// One figure a line.
    pub(crate) fn table(&self) -> String {
        let width = self.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or_default();
        let mut text = format!("{:<width$} {:>14} {:>14}\n", "", "budget", "measured");
        for figure in &self.figures {
            let budget = match figure.budget {
                Some(Limit::AtMost(limit)) => format!("≤ {limit} {}", figure.unit),
                Some(Limit::AtLeast(limit)) => format!("≥ {limit} {}", figure.unit),
                None => "–".to_owned(),
            };
            let measured = match (&figure.measured, &figure.missing) {
                (Some(value), _) => format!("{value:.2} {}", figure.unit),
                (None, why) => format!("- ({})", why.as_deref().unwrap_or("not measured")),
            };
            let mark = match figure.kept {
                Some(true) => style("✓").green(),
                Some(false) => style("✗").red(),
                None if figure.measured.is_some() => style(" "),
                None => style("?").yellow(),
            };
            // Writing to a String cannot fail.
            let _ok = writeln!(text, "{:<width$} {budget:>14} {measured:>14} {mark}", figure.name);
        }
        text
    }
}
