//! Logs and metrics as Lambda takes them: JSON lines on stderr, and CloudWatch's embedded metric
//! format on stdout after each invocation. Both end up in the function's log group.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use metrics_cloudwatch_embedded::Collector;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{ConfigError, Env};

/// The namespace of every metric.
pub const NAMESPACE: &str = "Matome";

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` or `STAGE` is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is a subscriber already.
    #[error("logging is set up already")]
    Logs(#[from] TryInitError),
    /// There is a metrics recorder already.
    #[error("metrics are set up already")]
    Metrics(#[source] metrics_cloudwatch_embedded::Error),
}

/// A function's logs and metrics, set up.
#[derive(Clone, Copy)]
pub struct Telemetry {
    collector: &'static Collector,
}

impl Telemetry {
    /// Sets them up for the process: level from `RUST_LOG` (`off`, `error`, `warn`, `info`, `debug`,
    /// `trace`; `info` when missing), dimensions `function` and `stage` (`STAGE`, `local` when missing).
    ///
    /// # Errors
    /// [`TelemetryError`]; `RUST_LOG` is named when it is no level.
    pub fn init(env: &Env, function: &'static str) -> Result<Self, TelemetryError> {
        let level = env.parsed_or("RUST_LOG", LevelFilter::INFO)?;
        let stage = env.optional("STAGE")?.unwrap_or_else(|| "local".to_owned());
        subscriber(level, std::io::stderr).try_init()?;
        let collector = metrics_cloudwatch_embedded::Builder::new()
            .cloudwatch_namespace(NAMESPACE)
            .with_dimension("function", function)
            .with_dimension("stage", stage)
            .init()
            .map_err(TelemetryError::Metrics)?;
        Ok(Self { collector })
    }

    /// Writes what was measured since the last time; call it after each invocation.
    pub fn flush(&self) {
        if let Err(e) = self.collector.flush(std::io::stdout().lock()) {
            tracing::warn!(error = %e, "metrics could not be written");
        }
    }
}

/// What [`Telemetry::init`] installs, for tests that read what would be logged. Libraries are kept
/// at warnings whatever the level: some of theirs write whole requests at `debug`, and logs carry
/// ids only. `lambda_runtime`'s span, which has the request id, is at `info`.
pub fn subscriber<W>(level: LevelFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("matome", level)
        .with_target("lambda_runtime", level.min(LevelFilter::INFO));
    let format = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(filter).with(format)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: LevelFilter, log: impl FnOnce()) -> Vec<serde_json::Value> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn a_line_is_json_with_its_fields_and_the_request_id() {
        let lines = logged(LevelFilter::INFO, || {
            let span = tracing::info_span!(target: "lambda_runtime::layers", "Lambda runtime invoke", requestId = "r1");
            span.in_scope(|| tracing::info!(channel.id = "c1", "accepted"));
        });
        assert_eq!(lines[0]["message"], "accepted");
        assert_eq!(lines[0]["channel.id"], "c1");
        assert_eq!(lines[0]["span"]["requestId"], "r1");
    }

    #[test]
    fn libraries_stay_at_warnings() {
        let lines = logged(LevelFilter::TRACE, || {
            tracing::debug!(target: "aws_smithy_runtime", "request body");
            tracing::warn!(target: "aws_smithy_runtime", "retry");
            tracing::trace!("ours");
        });
        assert_eq!(lines.iter().map(|l| l["message"].clone()).collect::<Vec<_>>(), ["retry", "ours"]);
    }
}
