//! `cargo xtask say`: somebody writes in the running simulator's LINE.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use matome_local_stack::Checkout;
use serde_json::{Value, json};

use crate::stack_file::StackFile;

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// What to write; `/summary` asks for the summary.
    text: String,
    /// Who writes: a name or LINE user id; a new name is a new person.
    #[arg(long = "as", default_value = "You")]
    who: String,
    /// The group to write in, by name or id; the demo's group when left out.
    #[arg(long, conflicts_with = "direct")]
    group: Option<String>,
    /// Write in the 1:1 chat with the account instead of the group.
    #[arg(long)]
    direct: bool,
}

impl Say {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let file = StackFile::read(&Checkout::find()?)?;
        let group = if self.direct { None } else { Some(self.group.unwrap_or(file.demo.group_id)) };
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        let url = format!("{}/_sim/say", file.line_simulator_url);
        let body =
            json!({ "channelId": file.demo.channel_id, "user": self.who, "group": group, "text": self.text });
        let answer = http.post(url).json(&body).send().await;
        let answer =
            answer.context("the LINE simulator does not answer; is `cargo xtask up` still running?")?;
        let status = answer.status();
        let answer: Value = answer.json().await.context("the LINE simulator's answer is not JSON")?;
        if !status.is_success() {
            bail!("{}", answer["message"].as_str().unwrap_or("the LINE simulator refused"));
        }
        if answer["accepted"] != true {
            bail!("the webhook did not accept it: {}", answer["attempts"]);
        }
        println!("Said. The answer, if any, shows where `cargo xtask up` runs.");
        Ok(())
    }
}
