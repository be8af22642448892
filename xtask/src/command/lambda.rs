//! `cargo xtask lambda build`: the functions' binaries alone.

use clap::{Args, Subcommand, ValueEnum};
use matome_local_stack::lambda::{self, Architecture};
use matome_local_stack::{Checkout, Progress};

#[derive(Debug, Args)]
pub(crate) struct Lambda {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lay every function's binary at target/lambda/<function>/bootstrap.
    Build {
        /// Build for AWS with the release profile instead of for this machine.
        #[arg(long)]
        release: Option<Target>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

impl Lambda {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let Action::Build { release } = self.action;
        match release {
            None => lambda::build(&checkout, Progress::shown()).await?,
            Some(Target::Arm64) => {
                lambda::build_release(&checkout, Architecture::Arm64, Progress::shown()).await?
            }
            Some(Target::X86) => {
                lambda::build_release(&checkout, Architecture::X86, Progress::shown()).await?
            }
        }
        Ok(())
    }
}
