//! Code for the stacks of dedicated tenants: what CloudFormation makes their functions of lies in the
//! platform's bucket, below `code/<version>/`, where the version is a digest of the code and of the
//! stack's template.

use tokio::process::Command;

use crate::checkout::Checkout;
use crate::command;
use crate::error::{Error, Result};
use crate::lambda;
use crate::progress::{Progress, Step};
use crate::sam::TENANT;

/// The functions that a dedicated tenant has to itself (`media` is the recorder's code).
pub const FUNCTIONS: [&str; 3] = ["recorder", "summarizer", "sender"];
const SCRIPT: &str = include_str!("artifacts.py");

/// Where the code goes.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The platform's bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The operator's AWS profile, if not the environment's.
    pub profile: Option<String>,
}

/// The version of what lies in `target/lambda` now: the parameter `CodeVersion`. `python` starts SAM
/// CLI's interpreter.
///
/// # Errors
/// [`Error::Command`] when something has not been built.
pub async fn version(checkout: &Checkout, python: Command, progress: Progress) -> Result<String> {
    let step = progress.step("Looking at the code for tenants' stacks");
    let version = run(checkout, python, "version", &[], &step).await?;
    step.done();
    Ok(version)
}

/// Uploads what is not there yet, and returns its version. `python` starts SAM CLI's interpreter in
/// the environment that `sam deploy` runs in.
///
/// # Errors
/// [`Error::Command`] with what S3 said.
pub async fn upload(
    checkout: &Checkout,
    python: Command,
    place: &Place,
    progress: Progress,
) -> Result<String> {
    let step = progress.step("Uploading the code for tenants' stacks");
    let mut arguments = vec!["--bucket", &place.bucket, "--region", &place.region];
    if let Some(profile) = &place.profile {
        arguments.extend(["--profile", profile]);
    }
    let version = run(checkout, python, "upload", &arguments, &step).await?;
    step.done();
    Ok(version)
}

async fn run(
    checkout: &Checkout,
    mut python: Command,
    action: &str,
    arguments: &[&str],
    step: &Step,
) -> Result<String> {
    let root = checkout.root();
    python.current_dir(root).args(["-c", SCRIPT, action]).arg(root.join(TENANT));
    python.arg(lambda::folder(checkout, "")).args(FUNCTIONS).args(arguments);
    let log = checkout.logs().join(format!("artifacts-{action}.log"));
    let output = command::run(&format!("artifacts.py {action}"), python, &log, step).await?;
    let version = output.lines().last().map(str::trim).filter(|line| !line.is_empty());
    version.map(ToOwned::to_owned).ok_or_else(|| Error::MissingOutput("version of the code".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_are_built_are_packed() {
        assert!(FUNCTIONS.iter().all(|function| lambda::FUNCTIONS.contains(function)));
    }
}
