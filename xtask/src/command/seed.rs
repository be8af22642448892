//! `cargo xtask seed`: puts a data set into the running local stack, channels included.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use matome_local_stack::{Checkout, REGION};
use matome_seeding::sets::{DataSet, SeedChannel, SeedTenant};
use matome_seeding::{Target, seed};
use serde_json::{Value, json};

use crate::stack_file::StackFile;

#[derive(Debug, Args)]
pub(crate) struct Seed {
    /// development: a tenant of each tier; test: one in each placement; demo: the one of `up`.
    set: DataSet,
}

impl Seed {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let file = StackFile::read(&Checkout::find()?)?;
        let target = Target {
            mongodb_uri: file.mongodb_uri.clone(),
            database_prefix: file.database_prefix.clone(),
            aws_endpoint: file.aws_endpoint.clone(),
            region: REGION.to_owned(),
            directory_table: file.directory_table.clone(),
            kms_key_id: file.tenant_key_arn.clone(),
        };
        let line = Line::new(&file)?;
        for tenant in self.set.tenants() {
            let tenant_with_channel = tenant.with(line.channel(&tenant).await?);
            let id = seed(&target, &tenant_with_channel).await?;
            println!("{}: tenant {id}, {}, channel {}", tenant.name, tenant.tier, tenant.channel_id());
        }
        Ok(())
    }
}

/// The running stack's LINE simulator.
struct Line<'a> {
    http: reqwest::Client,
    file: &'a StackFile,
}

impl<'a> Line<'a> {
    fn new(file: &'a StackFile) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { http, file })
    }

    /// Makes the tenant's channel and tells LINE where its webhooks go.
    async fn channel(&self, tenant: &SeedTenant) -> anyhow::Result<SeedChannel> {
        let channel_id = tenant.channel_id();
        let made = self.post("channels", &json!({ "channelId": channel_id, "name": tenant.name })).await?;
        let text = |name: &str| -> anyhow::Result<String> {
            let text = made[name].as_str().with_context(|| format!("the LINE simulator gave no {name}"))?;
            Ok(text.to_owned())
        };
        let webhook_url = webhook_url(&self.file.webhook_url, &channel_id)?;
        let webhook =
            json!({ "channelId": channel_id, "url": webhook_url, "hostHeader": self.file.host_header });
        self.post("webhook", &webhook).await?;
        let (channel_secret, bot_user_id) = (text("channelSecret")?, text("botUserId")?);
        Ok(SeedChannel { channel_id, channel_secret, bot_user_id, webhook_url })
    }

    async fn post(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/_sim/{what}", self.file.line_simulator_url);
        let answer = self.http.post(url).json(body).send().await;
        let answer =
            answer.context("the LINE simulator does not answer; is `cargo xtask up` still running?")?;
        let status = answer.status();
        let answer: Value = answer.json().await.context("the LINE simulator's answer is not JSON")?;
        if !status.is_success() {
            bail!("{}", answer["message"].as_str().unwrap_or("the LINE simulator refused"));
        }
        Ok(answer)
    }
}

/// The demo channel's webhook URL with another channel's id.
fn webhook_url(demo: &str, channel_id: &str) -> anyhow::Result<String> {
    let (before, _) = demo.rsplit_once('/').context("webhookUrl of .local/stack.json has no path")?;
    Ok(format!("{before}/{channel_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_a_webhook_of_its_own() {
        assert_eq!(webhook_url("http://h:1/line/2", "7").unwrap(), "http://h:1/line/7");
        assert!(webhook_url("h", "7").is_err());
    }
}
