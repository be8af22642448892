//! Plays a script and shows each step.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use console::style;
use matome_line_simulator::{Attempt, Deed, LineSimulator, NewChannel, NewGroup, NewUser, Place};

use crate::conversation::script::Script;

/// How long people think between two messages: long enough to be read, and in time order.
const PAUSE: Duration = Duration::from_millis(150);

/// Who a script's people are in the simulator.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) channel_id: String,
    pub(crate) channel_secret: String,
    pub(crate) bot_user_id: String,
    pub(crate) group: Place,
    users: HashMap<String, String>,
}

impl Cast {
    /// Makes the channel, the people and their group.
    pub(crate) fn of(script: &Script, line: &LineSimulator) -> Self {
        let channel =
            line.add_channel(NewChannel { name: Some(script.channel.clone()), ..NewChannel::default() });
        let users: HashMap<_, _> = script
            .people
            .iter()
            .map(|actor| {
                let user = NewUser { language: Some(actor.language.clone()), ..NewUser::named(&actor.name) };
                (actor.key.clone(), line.add_user(user))
            })
            .collect();
        let group = line.add_group(NewGroup {
            name: script.group.clone(),
            members: script.people.iter().filter_map(|actor| users.get(&actor.key).cloned()).collect(),
            channels: vec![channel.channel_id.clone()],
            ..NewGroup::default()
        });
        Self {
            channel_id: channel.channel_id,
            channel_secret: channel.channel_secret,
            bot_user_id: channel.bot_user_id,
            group,
            users,
        }
    }
}

/// Plays `script`; every webhook must be accepted.
pub(crate) async fn play(script: &Script, cast: &Cast, line: &LineSimulator) -> anyhow::Result<()> {
    println!("\n  {} {}", style("LINE group").bold(), script.group);
    for scripted in &script.deeds {
        let user = scripted.by.as_ref().and_then(|key| cast.users.get(key).cloned());
        let deed = Deed { place: cast.group.clone(), user, act: scripted.act.clone() };
        let mut chat = line.watch_chat();
        let begun = Instant::now();
        let performed = line.perform(&cast.channel_id, &deed).await?;
        let line = chat.try_recv().map(|entry| entry.render()).unwrap_or_default();
        let answer = match performed.delivery.attempts.last().context("a webhook is posted at least once")? {
            Attempt::Answered { status } => status.to_string(),
            Attempt::TimedOut => "no answer in time".to_owned(),
            Attempt::Failed => "not reachable".to_owned(),
        };
        let millis = begun.elapsed().as_millis();
        println!("  {line}  {}", style(format!("→ webhook {answer}, {millis} ms")).dim());
        if !performed.delivery.is_accepted() {
            bail!(
                "the webhook did not accept the event ({answer}); see .local/stacks/dev/logs/ministack.log"
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
