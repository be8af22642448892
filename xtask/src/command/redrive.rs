//! `cargo xtask redrive`: dead letters go back to their queue once their cause is repaired.

use anyhow::Context;
use clap::Args;
use matome_local_stack::{Checkout, REGION};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::queue::redrive;

use crate::settings::STACK;
use crate::stack_file::StackFile;

/// Queues of the template, and whether each keeps an order.
const QUEUES: [(&str, bool); 5] =
    [("inbound", true), ("media", false), ("summaries", true), ("outbound", true), ("tenants", true)];

#[derive(Debug, Args)]
pub(crate) struct Redrive {
    /// The queue.
    #[arg(value_parser = QUEUES.map(|(name, _)| name))]
    queue: String,
    /// The stack on AWS, with credentials from the `AWS_…` variables; the running local one when
    /// left out.
    #[arg(long)]
    stack: Option<String>,
}

impl Redrive {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (env, stack) = match &self.stack {
            Some(stack) => (Env::from_process(), stack.clone()),
            None => (local()?, format!("matome-{STACK}")),
        };
        let sqs = Aws::from_env(&env, Patience::CONSUMER)?.sqs();
        let [queue, dead] = names(&stack, &self.queue);
        let url = async |name: &str| -> anyhow::Result<String> {
            let found = sqs.get_queue_url().queue_name(name).send().await;
            let found = found.with_context(|| format!("queue {name} cannot be found"))?;
            found.queue_url.with_context(|| format!("queue {name} has no URL"))
        };
        let moved = redrive(&sqs, &url(&dead).await?, &url(&queue).await?).await?;
        println!("{moved} messages went back from {dead} to {queue}.");
        Ok(())
    }
}

fn local() -> anyhow::Result<Env> {
    let endpoint = StackFile::read(&Checkout::find()?)?.aws_endpoint;
    Ok(Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL", &endpoint),
    ]))
}

/// The queue's name and that of its dead letters.
fn names(stack: &str, queue: &str) -> [String; 2] {
    let fifo = QUEUES.iter().any(|(name, fifo)| *name == queue && *fifo);
    let suffix = if fifo { ".fifo" } else { "" };
    [format!("{stack}-{queue}{suffix}"), format!("{stack}-{queue}-dead{suffix}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_template_and_no_queue_is_left_out() {
        let template = include_str!("../../../template.yaml");
        for (queue, _) in QUEUES {
            for name in names("${AWS::StackName}", queue) {
                assert!(template.contains(&format!("QueueName: !Sub {name}\n")), "{name}");
            }
        }
        assert_eq!(template.matches("\n      QueueName: !Sub ").count(), 2 * QUEUES.len());
    }
}
