//! `.local/stack.json`: what anyone needs to talk to the running stack.

use anyhow::Context;
use matome_local_stack::Checkout;
use serde::{Deserialize, Serialize};

/// The running stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackFile {
    pub(crate) webhook_url: String,
    pub(crate) host_header: String,
    pub(crate) mongodb_uri: String,
    pub(crate) aws_endpoint: String,
}

impl StackFile {
    pub(crate) fn write(&self, checkout: &Checkout) -> anyhow::Result<()> {
        let path = checkout.local().join("stack.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}
