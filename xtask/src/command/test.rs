//! `cargo xtask test`: every check and test there is. `.ci/run` calls exactly this.
//!
//! Checks come first; the test runner comes last and has the last word, so that whoever reads the end
//! of the output reads its result.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use matome_local_stack::sam::Sam;
use matome_local_stack::{Checkout, Progress, command, install, lambda, shared, variable};
use tokio::process::Command;

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Passed on to the test runner, such as a filter.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Test {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let checkout = Checkout::find()?;
        let progress = Progress::shown();
        cargo(&checkout, progress, &["fmt", "--all", "--check", "--", "--color", "never"]).await?;
        entities_are_formatted(&checkout, progress).await?;
        cargo(&checkout, progress, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
            .await?;
        let sam = install::sam(&checkout, progress).await?;
        Sam::new(sam, &checkout).validate(progress).await?;
        deny(&checkout, progress).await?;
        install::schemathesis(&checkout, progress).await?;
        lambda::build(&checkout, progress).await?;

        let step = progress.step("Starting MongoDB and MiniStack for the tests");
        let mongod = shared::mongod(&checkout, progress).await?;
        let ministack = shared::ministack(&checkout, progress).await?;
        step.done();
        // The end-to-end tests deploy to it themselves, and only the last one could end it.
        super::down::stop(&checkout, shared::DEPLOYED, progress).await;
        let mut runner = self.runner(&checkout);
        runner.env(shared::MONGODB_VARIABLE, mongod.uri()).env(shared::AWS_VARIABLE, ministack.endpoint());
        let status = runner.status().await;
        // Without a word: the runner's result is the last thing to be read.
        super::down::stop(&checkout, shared::DEPLOYED, Progress::quiet()).await;
        ministack.stop().await;
        mongod.stop().await;
        let status = status.context("cannot start the test runner")?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// nextest where it is installed, else cargo's own runner.
    fn runner(&self, checkout: &Checkout) -> Command {
        let mut runner = cargo_command(checkout);
        if install::on_path("cargo-nextest").is_some() {
            runner.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        } else {
            runner.args(["test", "--workspace", "--no-fail-fast"]);
        }
        runner.args(&self.arguments);
        runner
    }
}

/// The files of entities: a macro declares the modules of plain ones, and the formatter does not look into macros.
async fn entities_are_formatted(checkout: &Checkout, progress: Progress) -> anyhow::Result<()> {
    const ENTITIES: &str = "shared/store/src/entities";
    let step = progress.step(format!("rustfmt {ENTITIES}"));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.current_dir(checkout.root()).args(["--check", "--color", "never"]);
    for entry in std::fs::read_dir(checkout.root().join(ENTITIES)).context("cannot list the entities")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            rustfmt.arg(path);
        }
    }
    command::run("rustfmt", rustfmt, &checkout.logs().join("rustfmt.log"), &step).await?;
    step.done();
    Ok(())
}

async fn cargo(checkout: &Checkout, progress: Progress, arguments: &[&str]) -> anyhow::Result<()> {
    let what = format!("cargo {}", arguments.join(" "));
    let step = progress.step(&what);
    let mut cargo = cargo_command(checkout);
    cargo.args(arguments);
    let log = checkout.logs().join(format!("{}.log", arguments[0]));
    command::run(&what, cargo, &log, &step).await?;
    step.done();
    Ok(())
}

/// Licences, sources and bans need no network; advisories would fetch a database.
async fn deny(checkout: &Checkout, progress: Progress) -> anyhow::Result<()> {
    if install::on_path("cargo-deny").is_none() {
        progress.line("  - cargo deny: not installed, so licences and sources were NOT checked");
        return Ok(());
    }
    cargo(checkout, progress, &["deny", "--offline", "check", "licenses", "bans", "sources"]).await
}

fn cargo_command(checkout: &Checkout) -> Command {
    let mut cargo = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    cargo.current_dir(checkout.root());
    cargo
}
