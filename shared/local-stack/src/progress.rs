//! What is going on, for everything that may take longer than two seconds.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress goes: a spinner on a terminal, plain lines elsewhere, nothing in tests.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Shown on standard error.
    #[must_use]
    pub fn shown() -> Self {
        Self { shown: true }
    }

    /// For tests.
    #[must_use]
    pub fn quiet() -> Self {
        Self { shown: false }
    }

    /// Begins a step; it counts as failed unless [`Step::done`] is called.
    #[must_use]
    pub fn step(self, what: impl Into<String>) -> Step {
        let what = what.into();
        let bar = if !self.shown {
            ProgressBar::hidden()
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            let style =
                ProgressStyle::with_template("  {spinner:.cyan} {prefix} {elapsed:.dim} {wide_msg:.dim}")
                    .expect("the template is a constant that parses");
            bar.set_style(style);
            bar.set_prefix(what.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        } else {
            eprintln!("  … {what}");
            ProgressBar::hidden()
        };
        Step { what, bar, shown: self.shown, begun: Instant::now(), ended: false }
    }

    /// One line of text between steps.
    pub fn line(self, text: &str) {
        if self.shown {
            eprintln!("{text}");
        }
    }
}

/// A step that is under way.
#[derive(Debug)]
pub struct Step {
    what: String,
    bar: ProgressBar,
    shown: bool,
    begun: Instant,
    ended: bool,
}

impl Step {
    /// What it is busy with right now (shown on a terminal only).
    pub fn note(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// Ends it well.
    pub fn done(mut self) {
        self.end("✓");
    }

    /// Leaves it: it goes on elsewhere.
    pub fn left(mut self) {
        self.end("…");
    }

    fn end(&mut self, mark: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.bar.finish_and_clear();
        if self.shown {
            eprintln!("  {mark} {} ({:.1} s)", self.what, self.begun.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end("✗");
    }
}
