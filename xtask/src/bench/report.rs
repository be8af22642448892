//! Prints the figures and keeps them in `target/bench.json`; those of routes in `target/bench-routes.md` as well.

use std::fmt::Write;

use anyhow::Context;
use console::style;
use matome_local_stack::Checkout;
use serde::Serialize;

use crate::bench::{Figure, Limit, routes};

/// All figures of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The build that was measured: `release`, or `dev` to try the bench itself.
    pub(crate) profile: &'static str,
    /// Them.
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// Writes `target/bench.json`, and `target/bench-routes.md` when the API was measured.
    pub(crate) fn write(&self, checkout: &Checkout) -> anyhow::Result<()> {
        let write = |name: &str, content: Vec<u8>| {
            let path = checkout.root().join("target").join(name);
            std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
        };
        if let Some(routes) = routes::table(&self.figures) {
            write("bench-routes.md", routes.into_bytes())?;
        }
        write("bench.json", serde_json::to_vec_pretty(self)?)
    }

    /// Are all budgets kept that could be measured?
    pub(crate) fn is_kept(&self) -> bool {
        self.figures.iter().all(|figure| figure.kept != Some(false))
    }

    /// One figure a line, then one of the API's routes a line.
    pub(crate) fn table(&self) -> String {
        let figures = || self.figures.iter().filter(|figure| routes::place(figure).is_none());
        let width = figures().map(|figure| figure.name.chars().count()).max().unwrap_or_default();
        let mut text = format!("{:<width$} {:>14} {:>14}\n", "", "budget", "measured");
        for figure in figures() {
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
        if let Some(routes) = routes::table(&self.figures) {
            text.push_str("\nThe API's routes, milliseconds\n\n");
            text.push_str(&routes);
        }
        text
    }
}
