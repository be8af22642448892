//! `cargo xtask deploy`: the template and the functions' binaries, to the local stack or to AWS.

use anyhow::{Context, bail};
use clap::Args;
use matome_local_stack::lambda::{self, Architecture};
use matome_local_stack::{Checkout, Progress, Stack, StackOptions, install};
use tokio::process::Command;

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
    async fn to_aws(&self, checkout: &Checkout) -> anyhow::Result<()> {
        let progress = Progress::shown();
        if !self.no_build {
            let architecture = if self.x86_64 { Architecture::X86 } else { Architecture::Arm64 };
            lambda::build_release(checkout, architecture, progress).await?;
        }
        let python = install::sam(checkout, progress).await?;
        let status = Command::new(python)
            .current_dir(checkout.root())
            .args([
                "-m",
                "samcli",
                "deploy",
                "--template-file",
                "template.yaml",
                "--config-env",
                &self.config_env,
            ])
            .args(&self.sam)
            .env("SAM_CLI_TELEMETRY", "0")
            .status()
            .await
            .context("cannot start sam deploy")?;
        if !status.success() {
            bail!("sam deploy --config-env {} failed ({status})", self.config_env);
        }
        Ok(())
    }
}
