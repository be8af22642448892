//! One command per file.

mod account;
mod bench;
mod deploy;
mod down;
mod lambda;
mod logs;
mod migrate;
mod openapi;
mod redrive;
mod say;
mod seed;
mod summarize;
pub(crate) mod tenant;
mod test;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Matome's developer and operator commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install, build, deploy locally, play a conversation, stay up.
    Up(up::Up),
    /// Write something in the running stack's LINE.
    Say(say::Say),
    /// Print the design's budgets beside measured figures.
    Bench(bench::Bench),
    /// Put a data set's tenants into the running stack.
    Seed(seed::Seed),
    /// Show what the running stack's functions logged.
    Logs(logs::Logs),
    /// Bring stored documents, indexes and validators to the code's version, or back.
    Migrate(migrate::Migrate),
    /// Make the API's OpenAPI file anew from its routes.
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Move a queue's dead letters back to it.
    Redrive(redrive::Redrive),
    /// Summarize an exported LINE chat, or a file of dialogues, by the provider that AI_PROVIDER, AI_MODEL,
    /// AI_BASE_URL, AI_API_KEY and AI_VISION name, or by the built-in summarizer.
    Summarize(summarize::Summarize),
    /// Create, connect, move, suspend, resume and remove tenants.
    Tenant(tenant::Tenant),
    /// Make a login, such as the first super admin's.
    Account(account::Account),
    /// Run every check and every test there is.
    Test(test::Test),
    /// Build the functions and deploy the template: to the local stack, or to AWS.
    Deploy(deploy::Deploy),
    /// Build the functions' binaries.
    Lambda(lambda::Lambda),
    /// Stop what `up` and the tests started.
    Down,
}

impl Xtask {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Up(up) => up.run().await?,
            Command::Say(say) => say.run().await?,
            Command::Bench(bench) => return bench.run().await,
            Command::Logs(logs) => logs.run().await?,
            Command::Seed(seed) => seed.run().await?,
            Command::Migrate(migrate) => migrate.run().await?,
            Command::OpenApi(openapi) => openapi.run()?,
            Command::Redrive(redrive) => redrive.run().await?,
            Command::Summarize(summarize) => summarize.run().await?,
            Command::Tenant(tenant) => return tenant.run().await,
            Command::Account(account) => account.run().await?,
            Command::Lambda(lambda) => lambda.run().await?,
            Command::Down => down::run().await?,
            Command::Test(test) => return test.run().await,
            Command::Deploy(deploy) => deploy.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
