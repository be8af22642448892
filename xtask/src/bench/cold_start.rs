//! How long a function needs from the start of its process to its first request for work, and how
//! much memory it has then taken at most.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use matome_local_stack::REGION;
use tokio::process::Command;

use crate::bench::runtime_api::RuntimeApi;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the template gives a function, with the local servers' addresses. Nothing is called that these
/// name, except MongoDB: functions connect to it while they start.
pub(crate) fn environment(mongodb_uri: &str, aws_endpoint: &str) -> Vec<(String, String)> {
    let queue = |name: &str| format!("{aws_endpoint}/000000000000/{name}");
    [
        ("STAGE", "bench".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
        ("AWS_LC_SYS_NO_JITTER_ENTROPY", "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL", aws_endpoint.to_owned()),
        ("MONGODB_URI", mongodb_uri.to_owned()),
        ("DIRECTORY_TABLE", "directory".to_owned()),
        ("BLOBS_BUCKET", "bucket".to_owned()),
        ("KMS_KEY_ID", "alias/bench".to_owned()),
        ("INBOUND_QUEUE_URL", queue("inbound.fifo")),
        ("MEDIA_QUEUE_URL", queue("media")),
        ("SUMMARIES_QUEUE_URL", queue("summaries.fifo")),
        ("OUTBOUND_QUEUE_URL", queue("outbound.fifo")),
        ("LINE_API_URL", aws_endpoint.to_owned()),
        ("LINE_DATA_API_URL", aws_endpoint.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Milliseconds (median of `starts`) and megabytes (the most of all).
pub(crate) async fn measure(
    binary: &Path,
    environment: &[(String, String)],
    starts: usize,
) -> anyhow::Result<(f64, f64)> {
    let mut times = Vec::with_capacity(starts);
    let mut most: f64 = 0.0;
    for _ in 0..starts {
        let (time, memory) = once(binary, environment).await?;
        times.push(time);
        most = most.max(memory);
    }
    Ok((median(times), most))
}

async fn once(binary: &Path, environment: &[(String, String)]) -> anyhow::Result<(f64, f64)> {
    let api = RuntimeApi::listen().await?;
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", api.address()?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
    let ready = tokio::select! {
        ready = api.ready() => ready?,
        ended = child.wait() => bail!("it ended before it asked for work ({})", ended?),
        () = tokio::time::sleep(PATIENCE) => bail!("it did not ask for work within {} s", PATIENCE.as_secs()),
    };
    let memory = peak_memory(child.id().context("the function has ended")?)?;
    child.kill().await.context("cannot end the function")?;
    Ok((ready.at.duration_since(begun).as_secs_f64() * 1e3, memory))
}

/// `VmHWM` of proc(5), in megabytes.
fn peak_memory(pid: u32) -> anyhow::Result<f64> {
    let status =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("cannot read /proc (Linux only)")?;
    peak_in(&status).context("no VmHWM in /proc/<pid>/status")
}

fn peak_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_megabytes() {
        assert_eq!(peak_in("Name:\tx\nVmHWM:\t    1000 kB\n"), Some(1.024));
        assert_eq!(peak_in("Name:\tx\n"), None);
    }

    #[test]
    fn the_median_does_not_mind_one_slow_start() {
        assert_eq!(median(vec![9.0, 1.0, 500.0, 2.0, 3.0]), 3.0);
    }

    /// A setting that the template has and the bench has not would be a function that does not start.
    #[test]
    fn every_variable_of_the_template_is_set() {
        let environment = environment("mongodb://x", "http://x");
        let template = include_str!("../../../template.yaml");
        let optional = ["AI_PROVIDER", "AI_MODEL", "AI_BASE_URL", "AI_API_KEY"];
        let names = template.lines().filter_map(|line| {
            let (name, _) = line.trim().split_once(": ")?;
            (name.len() > 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')).then_some(name)
        });
        let mut seen = 0;
        for name in names.filter(|name| !optional.contains(name)) {
            seen += 1;
            assert!(environment.iter().any(|(set, _)| set == name), "{name}");
        }
        assert!(seen > 10);
    }
}
