//! `cargo xtask bench`: budgets beside measured figures.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use matome_local_stack::{Checkout, Progress, command, lambda, variable};
use tokio::process::Command;

use crate::bench::{self, Report};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure the dev build: quick, to try the bench itself; the figures mean nothing.
    #[arg(long)]
    dev: bool,
    /// Measure the functions' binaries alone: size, start, memory under load. What is measured in process takes
    /// another build and most of the time.
    #[arg(long)]
    functions: bool,
}

impl Bench {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let checkout = Checkout::find()?;
        let progress = Progress::shown();
        let profile = if self.dev { "dev" } else { "release" };
        let step = progress.step(format!("Building the functions ({profile}; minutes when cold)"));
        let mut cargo = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
        cargo.current_dir(checkout.root()).args(["build", "--profile", profile, "--bins"]);
        cargo.args(["--message-format", "json-render-diagnostics"]);
        for function in lambda::FUNCTIONS {
            cargo.args(["--package", &lambda::package(function)]);
        }
        let messages =
            command::run("cargo build", cargo, &checkout.logs().join("bench-build.log"), &step).await?;
        let binary =
            lambda::executable(&messages, &lambda::package("webhook")).context("cargo built no webhook")?;
        step.done();
        let binaries = binary.parent().context("a binary is in a folder")?;
        let mut figures = bench::binaries(&checkout, binaries, progress).await?;
        figures.extend(bench::under_load(&checkout, binaries, progress).await?);
        if !self.functions {
            let profile = if self.dev { "dev" } else { "measure" };
            figures.extend(bench::in_process(&checkout, profile, progress).await?);
        }
        let report = Report { profile, figures };
        report.write(&checkout)?;
        println!("{}", report.table());
        Ok(if self.dev || report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
