//! The hands of developers and operators: `cargo xtask up`, `test`, `say`, `deploy`, …

mod account;
mod audit;
mod bench;
mod command;
mod conversation;
mod databases;
mod demo;
mod samconfig;
mod settings;
mod stack_file;
mod tour;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match command::Xtask::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
