//! `.local/stack.json`: what anyone needs to talk to the running stack.

use std::path::PathBuf;

use anyhow::Context;
use matome_local_stack::Checkout;
use serde::{Deserialize, Serialize};

/// The running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackFile {
    /// Where the demo channel's webhooks go.
    pub(crate) webhook_url: String,
    /// The `Host` header to send there, and to the API.
    pub(crate) host_header: String,
    /// Where the API answers, `/v1` included. For curl and browsers, which know that `*.localhost` is this
    /// machine; for others as for webhooks: its port on 127.0.0.1, and `host_header`.
    pub(crate) api_url: String,
    /// Connection string.
    pub(crate) mongodb_uri: String,
    /// What the names of databases there begin with.
    pub(crate) database_prefix: String,
    /// MiniStack.
    pub(crate) aws_endpoint: String,
    /// The LINE simulator; controls under `/_sim`.
    pub(crate) line_simulator_url: String,
    /// Output `DirectoryTable` of the deployed template.
    pub(crate) directory_table: String,
    /// Output `TenantKeyArn` of the deployed template.
    pub(crate) tenant_key_arn: String,
    /// Output `TenantsQueueUrl` of the deployed template.
    pub(crate) tenants_queue_url: String,
    /// The demo tenant.
    pub(crate) demo: Demo,
}

/// The demo tenant and its channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Demo {
    pub(crate) channel_id: String,
    /// Signs webhooks. Made anew by every `up`, so it is nobody's secret.
    pub(crate) channel_secret: String,
    pub(crate) bot_user_id: String,
    pub(crate) organization_id: String,
    pub(crate) group_id: String,
    pub(crate) group_name: String,
}

fn path(checkout: &Checkout) -> PathBuf {
    checkout.local().join("stack.json")
}

impl StackFile {
    /// Writes it whole or not at all.
    pub(crate) fn write(&self, checkout: &Checkout) -> anyhow::Result<()> {
        let path = path(checkout);
        let half = path.with_extension("json.tmp");
        std::fs::write(&half, serde_json::to_vec_pretty(self)?)
            .and_then(|()| std::fs::rename(&half, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what `up` wrote.
    pub(crate) fn read(checkout: &Checkout) -> anyhow::Result<Self> {
        let path = path(checkout);
        let text = std::fs::read(&path).context("no stack is up; start one with `cargo xtask up`")?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what `up` wrote", path.display()))
    }

    /// Takes it away when the stack goes down.
    pub(crate) fn remove(checkout: &Checkout) {
        // Not there is as good as removed.
        let _none = std::fs::remove_file(path(checkout));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_with_the_documented_names_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Checkout::at(folder.path());
        std::fs::create_dir(checkout.local()).unwrap();
        assert!(StackFile::read(&checkout).unwrap_err().to_string().contains("cargo xtask up"));
        let file = StackFile {
            webhook_url: "http://127.0.0.1:1/line/2".into(),
            host_header: "a.execute-api.localhost:1".into(),
            api_url: "http://a.execute-api.localhost:1/v1".into(),
            mongodb_uri: "mongodb://127.0.0.1:2".into(),
            database_prefix: "matome".into(),
            aws_endpoint: "http://127.0.0.1:1".into(),
            line_simulator_url: "http://127.0.0.1:3".into(),
            directory_table: "directory".into(),
            tenant_key_arn: "arn:aws:kms:k".into(),
            tenants_queue_url: "http://127.0.0.1:1/000000000000/tenants.fifo".into(),
            demo: Demo {
                channel_id: "2".into(),
                channel_secret: "s".into(),
                bot_user_id: "U".into(),
                organization_id: "o".into(),
                group_id: "C".into(),
                group_name: "g".into(),
            },
        };
        file.write(&checkout).unwrap();
        assert_eq!(StackFile::read(&checkout).unwrap(), file);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path(&checkout)).unwrap()).unwrap();
        for name in ["webhookUrl", "hostHeader", "apiUrl", "mongodbUri", "awsEndpoint", "lineSimulatorUrl"] {
            assert!(json[name].is_string(), "{name}");
        }
        for name in ["channelId", "channelSecret", "botUserId", "organizationId"] {
            assert!(json["demo"][name].is_string(), "{name}");
        }
    }
}
