//! The functions' binaries for the local stack: built by the tests' own profile into the tests' own
//! target folder, so that the AWS SDKs and the MongoDB driver compile once, then laid where
//! `template.yaml` looks for them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;

use crate::checkout::{Checkout, make_folder};
use crate::command;
use crate::error::{Error, Result};
use crate::install::{self, on_path};
use crate::progress::Progress;

/// The functions: folder under `functions/` and `target/lambda/`, and with `matome-` before it the package.
pub const FUNCTIONS: [&str; 7] =
    ["webhook", "recorder", "summarizer", "sender", "scheduler", "provisioner", "api"];

/// The package, and binary, of a function.
#[must_use]
pub fn package(function: &str) -> String {
    format!("matome-{function}")
}

/// Where a function's `bootstrap` lies: what `CodeUri` says, whatever the target folder is.
#[must_use]
pub fn folder(checkout: &Checkout, function: &str) -> PathBuf {
    checkout.root().join("target/lambda").join(function)
}

/// Builds every function for this machine and lays it at `target/lambda/<function>/bootstrap`.
///
/// # Errors
/// [`Error::Command`] with the compiler's last lines.
pub async fn build(checkout: &Checkout, progress: Progress) -> Result<()> {
    let step = progress.step("Building the functions for this machine");
    let cargo = crate::variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build.current_dir(checkout.root()).args([
        "build",
        "--bins",
        "--message-format",
        "json-render-diagnostics",
        // Is built already and runs this: with it chosen, features are its own, and nothing compiles anew.
        "--package",
        "xtask",
    ]);
    for function in FUNCTIONS {
        build.args(["--package", &package(function)]);
    }
    let messages = command::run("cargo build", build, &checkout.logs().join("build.log"), &step).await?;
    for function in FUNCTIONS {
        let built = executable(&messages, &package(function))
            .ok_or_else(|| Error::MissingOutput(format!("executable of {}", package(function))))?;
        lay(&built, &folder(checkout, function), &step).await?;
    }
    step.done();
    Ok(())
}

/// A processor that Lambda offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// AWS Graviton: what the template asks for unless told otherwise.
    Arm64,
    /// Intel and AMD.
    X86,
}

/// Builds every function for AWS: release profile, linked against Lambda's glibc by cargo-lambda.
/// Rust's standard library for the architecture comes from `rustup target add`, which cargo-lambda
/// runs when it is missing (the one thing that needs the network here).
///
/// # Errors
/// [`Error::Command`] with the compiler's last lines.
pub async fn build_release(
    checkout: &Checkout,
    architecture: Architecture,
    progress: Progress,
) -> Result<()> {
    let tools = install::cargo_lambda(checkout, progress).await?;
    let (flag, name) = match architecture {
        Architecture::Arm64 => ("--arm64", "arm64"),
        Architecture::X86 => ("--x86-64", "x86-64"),
    };
    let step =
        progress.step(format!("Building the functions for Lambda on {name} (release; minutes when cold)"));
    let built = checkout.root().join("target/cargo-lambda");
    let mut command = Command::new(tools.join("cargo-lambda"));
    let path = crate::variable("PATH").unwrap_or_default();
    command
        .current_dir(checkout.root())
        .env("PATH", format!("{}:{path}", tools.display()))
        .args(["lambda", "build", "--release", flag, "--bins", "--lambda-dir"])
        .arg(&built);
    for function in FUNCTIONS {
        command.args(["--package", &package(function)]);
    }
    command::run("cargo lambda build", command, &checkout.logs().join("lambda-build.log"), &step).await?;
    for function in FUNCTIONS {
        let binary = built.join(package(function)).join("bootstrap");
        let target = folder(checkout, function).join("bootstrap");
        make_folder(&folder(checkout, function))?;
        std::fs::copy(&binary, &target).map_err(Error::file("cannot copy to", &target))?;
    }
    step.done();
    Ok(())
}

/// The path of `binary` in cargo's JSON messages.
#[must_use]
pub fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|m| m.reason == "compiler-artifact" && m.target.as_ref().is_some_and(|t| t.name == binary))
        .find_map(|m| m.executable)
}

/// Copies the binary (stripped where the machine has `strip`), unless the copy is newer already.
async fn lay(built: &Path, folder: &Path, step: &crate::Step) -> Result<()> {
    let target = folder.join("bootstrap");
    if is_newer(&target, built) {
        return Ok(());
    }
    make_folder(folder)?;
    let half = folder.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::copy(built, &half).map_err(Error::file("cannot copy to", &half))?;
    if let Some(strip) = on_path("strip") {
        let mut command = Command::new(strip);
        command.arg(&half);
        let log = folder.with_extension("strip.log");
        command::run("strip", command, &log, step).await?;
        std::fs::remove_file(&log).map_err(Error::file("cannot remove", &log))?;
    }
    std::fs::rename(&half, &target).map_err(Error::file("cannot write", &target))
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    matches!((changed(file), changed(than)), (Some(file), Some(than)) if file > than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = r#"
not json
{"reason":"compiler-artifact","target":{"name":"matome-webhook"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"matome-sender"},"executable":"/t/matome-sender"}
{"reason":"compiler-artifact","target":{"name":"matome-webhook"},"executable":"/t/matome-webhook"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "matome-webhook"), Some(PathBuf::from("/t/matome-webhook")));
        assert_eq!(executable(messages, "matome-other"), None);
    }

    #[test]
    fn every_function_is_a_package_of_the_workspace() {
        let root = Checkout::find().unwrap();
        let mut folders: Vec<String> = std::fs::read_dir(root.root().join("functions"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let mut known = FUNCTIONS.to_vec();
        known.sort_unstable();
        assert_eq!(folders, known);
    }
}
