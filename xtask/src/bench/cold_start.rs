//! How long a function needs from the start of its process to its first request for work.

use std::path::Path;

use matome_local_stack::REGION;

use crate::bench::process::Process;

/// Names in the environment.
pub(crate) const DIRECTORY_TABLE: &str = "directory";
/// The same.
pub(crate) const EPHEMERAL_TABLE: &str = "ephemeral";
/// The same.
pub(crate) const BUCKET: &str = "bucket";
/// The same.
pub(crate) const KMS_KEY: &str = "alias/bench";

/// What the template gives a function, with the local servers' addresses. While functions start they call
/// nothing that these name, except MongoDB.
pub(crate) fn environment(mongodb_uri: &str, aws_endpoint: &str, line_url: &str) -> Vec<(String, String)> {
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
        ("DATABASE_PREFIX", "matome".to_owned()),
        ("DIRECTORY_TABLE", DIRECTORY_TABLE.to_owned()),
        ("EPHEMERAL_TABLE", EPHEMERAL_TABLE.to_owned()),
        ("BLOBS_BUCKET", BUCKET.to_owned()),
        ("KMS_KEY_ID", KMS_KEY.to_owned()),
        ("INBOUND_QUEUE_URL", queue("inbound.fifo")),
        ("MEDIA_QUEUE_URL", queue("media")),
        ("SUMMARIES_QUEUE_URL", queue("summaries.fifo")),
        ("OUTBOUND_QUEUE_URL", queue("outbound.fifo")),
        ("TENANTS_QUEUE_URL", queue("tenants.fifo")),
        ("WEBHOOK_BASE_URL", aws_endpoint.to_owned()),
        ("PLATFORM_STACK_NAME", "matome-bench".to_owned()),
        ("TENANT_MONTHLY_BUDGET_USD", "0".to_owned()),
        ("DATA_REGION", "jp".to_owned()),
        ("TENANT_ACCESS_ROLE_ARN", "arn:aws:iam::000000000000:role/access".to_owned()),
        ("TENANT_DEPLOY_ROLE_ARN", "arn:aws:iam::000000000000:role/deploy".to_owned()),
        ("TENANT_STACK_TEMPLATE_URL", format!("{aws_endpoint}/bucket/code/0/tenant.yaml")),
        ("CODE_BUCKET", "bucket".to_owned()),
        ("CODE_PREFIX", "code/0".to_owned()),
        ("ARCHITECTURE", "arm64".to_owned()),
        ("LOG_RETENTION_DAYS", "1".to_owned()),
        ("LONGEST_INVOCATION_SECONDS", "900".to_owned()),
        ("OIDC_ISSUERS", "[]".to_owned()),
        ("CONSOLE_URL", aws_endpoint.to_owned()),
        ("API_ISSUER", aws_endpoint.to_owned()),
        ("API_AUDIENCE", "matome".to_owned()),
        ("EMAIL_FROM", "matome@example.com".to_owned()),
        ("LINE_LOGIN_CHANNEL_ID", "2000000001".to_owned()),
        ("LINE_API_URL", line_url.to_owned()),
        ("LINE_DATA_API_URL", line_url.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Milliseconds: the median of `starts`.
pub(crate) async fn measure(
    binary: &Path,
    environment: &[(String, String)],
    starts: usize,
) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(starts);
    for _ in 0..starts {
        let process = Process::start(binary, environment, None).await?;
        times.push(process.start.as_secs_f64() * 1e3);
        process.end().await?;
    }
    Ok(median(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_mind_one_slow_start() {
        assert_eq!(median(vec![9.0, 1.0, 500.0, 2.0, 3.0]), 3.0);
    }

    /// A setting that the template has and the bench has not would be a function that does not start.
    #[test]
    fn every_variable_of_the_template_is_set() {
        let environment = environment("mongodb://x", "http://x", "http://y");
        let template = include_str!("../../../template.yaml");
        let optional =
            ["AI_PROVIDER", "AI_MODEL", "AI_BASE_URL", "AI_API_KEY", "AI_VISION", "CELLS", "ALARM_TOPIC_ARN"];
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
