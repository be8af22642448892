//! SAM CLI: checks the template, and deploys it to MiniStack exactly as an operator deploys it to AWS.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;

use crate::checkout::{Checkout, make_folder};
use crate::command;
use crate::error::{Error, Result};
use crate::ministack::{REGION, without_users_aws_settings};
use crate::process::write_whole;
use crate::progress::Progress;

/// SAM CLI in its own virtual environment.
#[derive(Debug, Clone)]
pub struct Sam {
    python: PathBuf,
    checkout: Checkout,
}

/// What a deployed stack tells about itself: `Outputs` of the template.
#[derive(Debug, Clone, Default)]
pub struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// The output called `name`.
    ///
    /// # Errors
    /// [`Error::MissingOutput`].
    pub fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).ok_or_else(|| Error::MissingOutput(name.to_owned()))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Every template of the project: the platform's, and a dedicated tenant's.
pub const TEMPLATES: [&str; 2] = [PLATFORM, TENANT];
/// The platform's template.
const PLATFORM: &str = "template.yaml";
/// The template of a dedicated tenant's stack.
pub(crate) const TENANT: &str = "infra/tenant.yaml";

impl Sam {
    /// SAM CLI run by the interpreter `python` (see [`crate::install::sam`]).
    #[must_use]
    pub fn new(python: PathBuf, checkout: &Checkout) -> Self {
        Self { python, checkout: checkout.clone() }
    }

    /// `sam validate --lint` of every one of [`TEMPLATES`], offline.
    ///
    /// # Errors
    /// [`Error::Command`] with what the linter found.
    pub async fn validate(&self, progress: Progress) -> Result<()> {
        for template in TEMPLATES {
            let what = format!("sam validate --lint {template}");
            let step = progress.step(&what);
            let mut command = self.command(None)?;
            command.args(["validate", "--lint", "--template-file", template, "--region", REGION]);
            command::run(&what, command, &self.log("sam-validate"), &step).await?;
            step.done();
        }
        Ok(())
    }

    /// `sam deploy` of the template to the MiniStack at `endpoint` as stack `name`, with
    /// the settings of the `local` environment in `samconfig.toml` and with `parameters`.
    ///
    /// # Errors
    /// [`Error::Command`] with SAM's last lines.
    pub async fn deploy(
        &self,
        endpoint: &str,
        name: &str,
        parameters: &[(String, String)],
        progress: Progress,
    ) -> Result<Outputs> {
        let step = progress.step(format!("sam deploy ({name})"));
        // In a file: a command line shows secrets to everybody on the machine.
        let file = self.checkout.local().join("sam").join(format!("{name}.yaml"));
        let mut command = self.command(Some(endpoint))?;
        write_secret(&file, &parameters_file(parameters))?;
        command
            .args(["deploy", "--config-env", "local", "--stack-name", name, "--region", REGION])
            .args(["--template-file", PLATFORM])
            .args(["--parameter-overrides", &format!("file://{}", file.display())]);
        let log = self.log(&format!("sam-deploy-{name}"));
        command::run("sam deploy", command, &log, &step).await?;
        let outputs = self.outputs(endpoint, name, &step).await?;
        step.done();
        Ok(outputs)
    }

    async fn outputs(&self, endpoint: &str, name: &str, step: &crate::Step) -> Result<Outputs> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            output_key: String,
            output_value: String,
        }
        let mut command = self.command(Some(endpoint))?;
        command.args(["list", "stack-outputs", "--stack-name", name, "--output", "json", "--region", REGION]);
        let text =
            command::run("sam list stack-outputs", command, &self.log(&format!("sam-outputs-{name}")), step)
                .await?;
        let list: Vec<Output> = serde_json::from_str(&text)
            .map_err(|source| Error::Answer { what: "the outputs of the stack", source })?;
        Ok(Outputs(list.into_iter().map(|output| (output.output_key, output.output_value)).collect()))
    }

    /// `python -m samcli`.
    fn command(&self, endpoint: Option<&str>) -> Result<Command> {
        let mut command = self.interpreter(endpoint)?;
        command.args(["-m", "samcli"]);
        Ok(command)
    }

    /// SAM CLI's interpreter with nothing of the user's AWS settings, no telemetry, no look for updates.
    pub(crate) fn interpreter(&self, endpoint: Option<&str>) -> Result<Command> {
        let home = self.checkout.local().join("sam");
        make_folder(&home)?;
        // SAM asks the package index for a newer version unless it did so lately; year 3000 is lately.
        write_whole(&home.join("metadata.json"), br#"{"lastVersionCheck": 32503680000.0}"#)?;
        let mut command = std::process::Command::new(&self.python);
        command.current_dir(self.checkout.root());
        without_users_aws_settings(&mut command);
        command
            .env("SAM_CLI_TELEMETRY", "0")
            .env("__SAM_CLI_APP_DIR", &home)
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("PYTHONUNBUFFERED", "1")
            .env("NO_COLOR", "1");
        if let Some(endpoint) = endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
        }
        Ok(command.into())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.checkout.logs().join(format!("{name}.log"))
    }

    /// The interpreter, for callers that run SAM themselves against real AWS.
    #[must_use]
    pub fn python(&self) -> &Path {
        &self.python
    }
}

/// A file that SAM reads parameters from. It picks the reader by the suffix and has none for `.json`,
/// but JSON is YAML.
fn parameters_file(parameters: &[(String, String)]) -> String {
    let pairs: serde_json::Map<_, _> =
        parameters.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    serde_json::Value::Object(pairs).to_string()
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::file("cannot create", path))?;
    file.write_all(text.as_bytes()).map_err(Error::file("cannot write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_survives_the_parameters_file_and_a_later_one_wins() {
        let pairs = [("A", "first"), ("B", "say \"x\" y=z"), ("A", "second")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let read: BTreeMap<String, String> = serde_json::from_str(&parameters_file(&pairs)).unwrap();
        assert_eq!(read["A"], "second");
        assert_eq!(read["B"], "say \"x\" y=z");
    }
}
