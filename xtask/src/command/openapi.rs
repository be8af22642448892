//! `cargo xtask openapi`: the API's description of itself, made anew from its routes.

use anyhow::{Context, bail};
use clap::Args;
use matome_local_stack::{Checkout, Progress};

const FILE: &str = "functions/api/openapi.json";

#[derive(Debug, Args)]
pub(crate) struct OpenApi {
    /// Write nothing; fail when the committed file is not what the routes say.
    #[arg(long)]
    check: bool,
}

impl OpenApi {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let path = Checkout::find()?.root().join(FILE);
        let made = matome_api::openapi::generate();
        let written = std::fs::read_to_string(&path).with_context(|| format!("cannot read {FILE}"))?;
        let is_same = made == written;
        if self.check && !is_same {
            bail!("{FILE} is not what the routes say: run cargo xtask openapi");
        }
        if !is_same {
            std::fs::write(&path, made).with_context(|| format!("cannot write {FILE}"))?;
        }
        let what = if is_same { "is what the routes say" } else { "was made anew" };
        Progress::shown().line(&format!("{FILE} {what}"));
        Ok(())
    }
}
