//! `cargo xtask deploy`: the template and the functions' binaries, to the local stack or to AWS.

use anyhow::{Context, bail};
use clap::Args;
use matome_local_stack::artifacts::{self, Place};
use matome_local_stack::lambda::{self, Architecture};
use matome_local_stack::{Checkout, Progress, Stack, StackOptions, install};
use serde::Deserialize;
use tokio::process::Command;

use crate::samconfig::Environment;
use crate::settings;

/// The environment of `samconfig.toml` that means the emulator.
const LOCAL: &str = "local";

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The environment of samconfig.toml; `local` is the emulator, anything else is AWS.
    #[arg(long, default_value = LOCAL)]
    config_env: String,
    /// Deploy the binaries that lie in target/lambda.
    #[arg(long)]
    no_build: bool,
    /// Build for x86-64 instead of arm64 (AWS only; set the parameter Architecture=x86_64 as well).
    #[arg(long)]
    x86_64: bool,
    /// Passed on to `sam deploy` (AWS only).
    #[arg(last = true)]
    sam: Vec<String>,
}

impl Deploy {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        if self.config_env == LOCAL {
            self.to_emulator(&checkout).await
        } else {
            self.to_aws(&checkout).await
        }
    }

    async fn to_emulator(&self, checkout: &Checkout) -> anyhow::Result<()> {
        if self.x86_64 || !self.sam.is_empty() {
            bail!("--x86-64 and arguments for SAM are for AWS; the emulator runs what this machine builds");
        }
        let progress = Progress::shown();
        let options =
            StackOptions { name: settings::STACK.to_owned(), auth: true, keep_data: true, progress };
        let stack = Stack::start(checkout, options).await?;
        if !self.no_build {
            lambda::build(checkout, progress).await?;
        }
        let outputs = stack.deploy(&settings::overrides()).await?;
        for (name, value) in outputs.iter() {
            println!("{name} = {value}");
        }
        Ok(())
    }

    /// With the operator's own AWS settings, on the operator's own terminal: SAM asks before it changes anything.
    ///
    /// The code for tenants' stacks goes first where there is a bucket for it already, so that the new
    /// provisioner never looks for what is not there; a new platform's, which has no tenants, goes after.
    async fn to_aws(&self, checkout: &Checkout) -> anyhow::Result<()> {
        if self.sam.iter().any(|argument| argument.starts_with("--parameter-overrides")) {
            bail!("parameters stand in samconfig.toml: SAM would take those of the command line instead");
        }
        let config = checkout.root().join("samconfig.toml");
        let text = std::fs::read_to_string(&config).context("cannot read samconfig.toml")?;
        let environment = Environment::read(&text, &self.config_env)?;
        let progress = Progress::shown();
        if !self.no_build {
            let architecture = if self.x86_64 { Architecture::X86 } else { Architecture::Arm64 };
            lambda::build_release(checkout, architecture, progress).await?;
        }
        let python = install::sam(checkout, progress).await?;
        let interpreter = || {
            let mut command = Command::new(&python);
            command.current_dir(checkout.root()).env("SAM_CLI_TELEMETRY", "0");
            command
        };
        let version = artifacts::version(checkout, interpreter(), progress).await?;
        let place = |bucket: String| Place {
            bucket,
            region: environment.region.clone(),
            profile: environment.profile.clone(),
        };
        let before = bucket(interpreter(), &environment).await?;
        if let Some(bucket) = &before {
            artifacts::upload(checkout, interpreter(), &place(bucket.clone()), progress).await?;
        }
        let status = interpreter()
            .args(["-m", "samcli", "deploy", "--template-file", "template.yaml", "--config-env"])
            .arg(&self.config_env)
            .args(&self.sam)
            .arg("--parameter-overrides")
            .args(&environment.parameters)
            .arg(format!("CodeVersion={version}"))
            .status()
            .await
            .context("cannot start sam deploy")?;
        if !status.success() {
            bail!("sam deploy --config-env {} failed ({status})", self.config_env);
        }
        if before.is_none() {
            let bucket = bucket(interpreter(), &environment).await?;
            let bucket = bucket.context("the stack is deployed and has no output Bucket")?;
            artifacts::upload(checkout, interpreter(), &place(bucket), progress).await?;
        }
        println!("CodePrefix = code/{version}");
        Ok(())
    }
}

/// The bucket of a stack; `None` when there is no such stack yet.
async fn bucket(mut python: Command, environment: &Environment) -> anyhow::Result<Option<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        output_key: String,
        output_value: String,
    }
    python.args(["-m", "samcli", "list", "stack-outputs", "--output", "json"]);
    python.args(["--stack-name", &environment.stack_name, "--region", &environment.region]);
    if let Some(profile) = &environment.profile {
        python.args(["--profile", profile]);
    }
    let answer = python.output().await.context("cannot start sam list stack-outputs")?;
    if !answer.status.success() {
        let words = String::from_utf8_lossy(&answer.stderr);
        if words.contains("does not exist") {
            return Ok(None);
        }
        bail!("sam list stack-outputs failed ({}): {}", answer.status, words.trim());
    }
    let outputs: Vec<Output> =
        serde_json::from_slice(&answer.stdout).context("what sam list stack-outputs says")?;
    Ok(outputs.into_iter().find(|output| output.output_key == "Bucket").map(|output| output.output_value))
}
