//! `cargo xtask logs`: what the functions of the running local stack wrote.

use clap::Args;
use matome_local_stack::{Checkout, Progress, Stack, StackOptions};

use crate::settings::STACK;
use crate::stack_file::StackFile;

/// Log groups of the template, each at `/matome/<stack>/<name>`.
const GROUPS: [&str; 8] =
    ["webhook", "recorder", "media", "summarizer", "sender", "scheduler", "provisioner", "api"];
/// Enough to see what went wrong just now.
const LATEST: usize = 12;

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// One function; all of them when left out.
    #[arg(value_parser = GROUPS)]
    function: Option<String>,
}

impl Logs {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        StackFile::read(&checkout)?;
        let options =
            StackOptions { name: STACK.to_owned(), auth: true, keep_data: true, progress: Progress::quiet() };
        let stack = Stack::start(&checkout, options).await?;
        for group in GROUPS.into_iter().filter(|group| self.function.as_deref().is_none_or(|f| f == *group)) {
            for line in stack.logs(group).await? {
                println!("{group}: {line}");
            }
        }
        Ok(())
    }
}

/// Shows the end of every function's log, after something went wrong.
pub(crate) async fn show_latest(stack: &Stack) {
    for group in GROUPS {
        // Nothing is deployed yet, or the emulator is what went wrong: the error itself says so.
        let Ok(lines) = stack.logs(group).await else { continue };
        let said: Vec<_> = lines.iter().filter(|line| !is_platform(line)).collect();
        for line in said.iter().skip(said.len().saturating_sub(LATEST)) {
            eprintln!("{group}: {line}");
        }
    }
}

/// Lines that Lambda writes around each invocation.
fn is_platform(line: &str) -> bool {
    ["START ", "END ", "REPORT "].iter().any(|prefix| line.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_are_those_of_the_template() {
        let template = include_str!("../../../template.yaml");
        for group in GROUPS {
            assert!(
                template.contains(&format!("LogGroupName: !Sub /matome/${{AWS::StackName}}/{group}\n")),
                "{group}"
            );
        }
    }
}
