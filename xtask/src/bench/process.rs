//! A function's process: the binary that Lambda would start, on a Runtime API of ours.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::bench::runtime_api::RuntimeApi;

/// For a start.
const START: Duration = Duration::from_secs(20);
/// For one invocation: the longest time-out in the template.
const INVOCATION: Duration = Duration::from_secs(300);

/// A started function that waits for work.
pub(crate) struct Process {
    child: Child,
    api: RuntimeApi,
    /// From the start of the process to its first request for work.
    pub(crate) start: Duration,
}

impl Process {
    /// Starts it and waits until it asks for work. What it logs goes to `log`, or nowhere.
    pub(crate) async fn start(
        binary: &Path,
        environment: &[(String, String)],
        log: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::listen().await?;
        let stderr = match log {
            Some(log) => {
                std::fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?.into()
            }
            None => Stdio::null(),
        };
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .kill_on_drop(true);
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let asked = tokio::select! {
            asked = api.asked() => asked?,
            ended = child.wait() => bail!("it ended before it asked for work ({})", ended?),
            () = tokio::time::sleep(START) => bail!("it did not ask for work within {} s", START.as_secs()),
        };
        Ok(Self { child, api, start: asked.duration_since(begun) })
    }

    /// Hands over an event and waits for the answer.
    pub(crate) async fn invoke(&mut self, event: String) -> anyhow::Result<Value> {
        tokio::select! {
            answer = self.api.invoke(event) => answer,
            ended = self.child.wait() => bail!("it ended during an invocation ({})", ended?),
            () = tokio::time::sleep(INVOCATION) => bail!("no answer within {} s", INVOCATION.as_secs()),
        }
    }

    /// The most memory it has had so far, in megabytes: `VmHWM` of proc(5).
    pub(crate) fn peak_memory(&self) -> anyhow::Result<f64> {
        let pid = self.child.id().context("the function has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .context("cannot read /proc (Linux only)")?;
        peak_in(&status).context("no VmHWM in /proc/<pid>/status")
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot end the function")
    }
}

fn peak_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_megabytes() {
        assert_eq!(peak_in("Name:\tx\nVmHWM:\t    1000 kB\n"), Some(1.024));
        assert_eq!(peak_in("Name:\tx\n"), None);
    }
}
