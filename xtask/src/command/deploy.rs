//! `cargo xtask deploy`: the template and the functions' binaries, to the local stack or to AWS.

use anyhow::bail;
use clap::Args;
use matome_local_stack::{Checkout, Progress, Stack, StackOptions, lambda};

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The environment of samconfig.toml; `local` is the emulator.
    #[arg(long, default_value = "local")]
    config_env: String,
    /// Deploy the binaries that lie in target/lambda.
    #[arg(long)]
    no_build: bool,
}

impl Deploy {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let progress = Progress::shown();
        if self.config_env != "local" {
            bail!("--config-env {}: not yet", self.config_env);
        }
        let options = StackOptions { name: "dev".to_owned(), auth: true, keep_data: true, progress };
        let stack = Stack::start(&checkout, options).await?;
        if !self.no_build {
            lambda::build(&checkout, progress).await?;
        }
        let outputs = stack.deploy(&[]).await?;
        for (name, value) in outputs.iter() {
            println!("{name} = {value}");
        }
        Ok(())
    }
}
