//! Plays a script and shows each step.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use console::style;
use matome_line_simulator::{
    Attempt, Author, ChatEntry, Deed, LineSimulator, NewChannel, NewGroup, NewUser, Place, Sent,
};

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
    let mut chat = line.watch_chat();
    for scripted in &script.deeds {
        let user = scripted.by.as_ref().and_then(|key| cast.users.get(key).cloned());
        let deed = Deed { place: cast.group.clone(), user, act: scripted.act.clone() };
        let begun = Instant::now();
        let performed = line.perform(&cast.channel_id, &deed).await?;
        let answer = match performed.delivery.attempts.last().context("a webhook is posted at least once")? {
            Attempt::Answered { status } => status.to_string(),
            Attempt::TimedOut => "no answer in time".to_owned(),
            Attempt::Failed => "not reachable".to_owned(),
        };
        let posted = style(format!("→ webhook {answer}, {} ms", begun.elapsed().as_millis())).dim();
        while let Ok(entry) = chat.try_recv() {
            println!(
                "  {}  {}",
                show(&entry),
                if entry.sent == Sent::Event { posted.to_string() } else { String::new() }
            );
        }
        if !performed.delivery.is_accepted() {
            bail!("the webhook did not accept the event ({answer})");
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// An entry of the chat as `up` prints it.
pub(crate) fn show(entry: &ChatEntry) -> String {
    match &entry.author {
        Author::Bot { name } if entry.sent == Sent::Event => format!("({name} is in the group now)"),
        _ => entry.render(),
    }
}
