//! `cargo xtask up`: the whole job on this machine, from nothing to a summary in LINE.

use clap::Args;
use matome_local_stack::{Checkout, Progress, Stack, StackOptions, lambda};

use crate::settings::{STACK, overrides};
use crate::stack_file::StackFile;

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Do everything once, stop the servers and exit.
    #[arg(long)]
    once: bool,
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let progress = Progress::shown();
        let options = StackOptions { name: STACK.to_owned(), auth: true, keep_data: true, progress };
        let stack = Stack::start(&checkout, options).await?;
        let outcome = self.with(&checkout, &stack, progress).await;
        if self.once {
            stack.stop().await;
        }
        outcome
    }

    async fn with(&self, checkout: &Checkout, stack: &Stack, progress: Progress) -> anyhow::Result<()> {
        lambda::build(checkout, progress).await?;
        let outputs = stack.deploy(&overrides()).await?;
        for (name, value) in outputs.iter() {
            progress.line(&format!("{name} = {value}"));
        }
        let host = stack.ministack().host_header(outputs.get("ApiId")?);
        let file = StackFile {
            webhook_url: format!("{}/line/", stack.ministack().endpoint()),
            host_header: host,
            mongodb_uri: stack.mongodb_uri().to_owned(),
            aws_endpoint: stack.ministack().endpoint(),
        };
        file.write(checkout)?;
        Ok(())
    }
}
