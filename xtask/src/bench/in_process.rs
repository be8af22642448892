//! Throughput, times and counted calls: measured inside one process by `matome-bench`, which is built
//! without the minutes of fat LTO and printed as JSON.

use anyhow::Context;
use matome_local_stack::shared::{MONGODB_VARIABLE, OwnMongod};
use matome_local_stack::{Checkout, Progress, command, lambda, variable};
use serde::Deserialize;
use tokio::process::Command;

use crate::bench::{Figure, Limit};

/// A figure as `matome-bench` prints it.
#[derive(Deserialize)]
struct Printed {
    name: String,
    budget: Option<Limit>,
    unit: String,
    measured: f64,
}

/// Builds and runs it, on a MongoDB of its own.
pub(crate) async fn figures(
    checkout: &Checkout,
    profile: &str,
    progress: Progress,
) -> anyhow::Result<Vec<Figure>> {
    let step = progress.step(format!("Building the in-process bench ({profile}; minutes when cold)"));
    let mut cargo = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    cargo.current_dir(checkout.root()).args(["build", "--profile", profile, "--package", "matome-bench"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let log = checkout.logs().join("bench-build.log");
    let messages = command::run("cargo build", cargo, &log, &step).await?;
    let program = lambda::executable(&messages, "matome-bench").context("cargo built no matome-bench")?;
    step.done();

    let step = progress.step("Measuring throughput, times and calls");
    let mongod = OwnMongod::start("bench-in-process").await?;
    let mut bench = Command::new(program);
    bench.env(MONGODB_VARIABLE, mongod.uri());
    let log = checkout.logs().join("bench.log");
    let printed = command::run("matome-bench", bench, &log, &step).await?;
    step.done();
    let printed: Vec<Printed> = serde_json::from_str(&printed).context("matome-bench printed no figures")?;
    Ok(printed.into_iter().map(|p| Figure::measured(p.name, p.budget, &p.unit, p.measured)).collect())
}
