//! The budgets of the design (architecture §8) beside what this machine measures.

mod cold_start;
mod figure;
mod in_process;
mod load;
mod process;
mod report;
mod routes;
mod runtime_api;
mod size;

pub(crate) use figure::{Figure, Limit};
pub(crate) use in_process::figures as in_process;
pub(crate) use load::figures as under_load;
pub(crate) use report::Report;

use std::path::Path;

use matome_local_stack::lambda::{FUNCTIONS, package};
use matome_local_stack::shared::OwnMongod;
use matome_local_stack::{Checkout, Progress, install};

/// Starts of each function; the median counts.
const STARTS: usize = 21;

/// Measures the binaries in `binaries` (`<package>` each).
pub(crate) async fn binaries(
    checkout: &Checkout,
    binaries: &Path,
    progress: Progress,
) -> anyhow::Result<Vec<Figure>> {
    let python = install::sam(checkout, progress).await?;
    let mongod = OwnMongod::start("bench").await?;
    // Functions call nothing of AWS while they start; one that did would fail here and be seen.
    let environment = cold_start::environment(&mongod.uri(), "http://127.0.0.1:1", "http://127.0.0.1:1");
    let mut figures = Vec::new();
    for function in FUNCTIONS {
        let step = progress.step(format!("Measuring {function}"));
        let binary = binaries.join(package(function));
        let bytes = size::zipped(&python, &binary, &checkout.root().join("target")).await?;
        figures.push(Figure::measured(
            format!("{function}: zipped size"),
            Limit::AtMost(5.0),
            "MB",
            bytes as f64 / 1e6,
        ));
        let start = match cold_start::measure(&binary, &environment, STARTS).await {
            Ok(measured) => measured,
            Err(error) => {
                figures.push(Figure::missing(
                    format!("{function}: cold start"),
                    Limit::AtMost(10.0),
                    "ms",
                    format!("{error:#}"),
                ));
                continue;
            }
        };
        figures.push(Figure::measured(
            format!("{function}: process start to first /next (median of {STARTS})"),
            Limit::AtMost(10.0),
            "ms",
            start,
        ));
        step.done();
    }
    Ok(figures)
}
