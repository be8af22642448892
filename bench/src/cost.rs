//! What a million LINE messages cost on AWS, the database apart: calls counted from the code's own
//! behaviour, times measured here, multiplied with the price table.
//!
//! The traffic is a model, and the model decides much: how many events LINE puts into a webhook and
//! how many messages SQS puts into a batch. Both are taken at their worst, one, and again as a busy
//! platform sees them.

use anyhow::Context;
use serde::Deserialize;

use crate::figure::{Figure, Limit};
use crate::recorder::Recorder;
use crate::summarizer::Summarizer;
use crate::webhook::Webhook;

/// How messages come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Messages of a session.
    session: f64,
    /// Bytes logged by one invocation: our line, the metrics, Lambda's own three lines.
    log_bytes: f64,
    /// A FIFO queue's idle polling is billed as well, but not by the message: left out.
    messages_per_batch: f64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { session: 50.0, log_bytes: 900.0, messages_per_batch: 1.0 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    http_api_per_million: f64,
    lambda_requests_per_million: f64,
    lambda_gb_second: f64,
    sqs_fifo_per_million: f64,
    dynamo_db_read_per_million: f64,
    kms_per_million: f64,
    logs_per_gb: f64,
}

/// Memory of the functions in GB, as in `template.yaml`.
const MEMORY: [f64; 4] = [0.512, 0.512, 0.512, 0.256];

pub(crate) fn figures(
    worst: &Traffic,
    webhook: &Webhook,
    recorder: &Recorder,
    summarizer: &Summarizer,
) -> anyhow::Result<Vec<Figure>> {
    let prices: Prices = serde_json::from_str(include_str!("../prices.json"))
        .context("bench/prices.json is not a price table")?;
    let budget = Limit::AtMost(3.0);
    let cost = |traffic: &Traffic| dollars(&prices, traffic, webhook, recorder, summarizer);
    let busy = Traffic { messages_per_batch: 4.0, ..*worst };
    Ok(vec![
        Figure::new(
            "AWS cost per million LINE messages, one message a webhook and a batch",
            budget,
            "US$",
            cost(worst),
        ),
        Figure::new("the same, four messages a batch", budget, "US$", cost(&busy)),
    ])
}

fn dollars(p: &Prices, t: &Traffic, webhook: &Webhook, recorder: &Recorder, summarizer: &Summarizer) -> f64 {
    let batches = 1.0 / t.messages_per_batch;
    let sessions = 1.0 / t.session;
    // Invocations of webhook, recorder, summarizer, sender for one message.
    let invocations = [1.0, batches, sessions, sessions];
    // What the sender waits for LINE is taken as a fifth of a second.
    let seconds = [webhook.median + 0.005, recorder.single, summarizer.fifty + 0.02, 0.2];
    let gb_seconds: f64 = (0..4).map(|i| invocations[i] * (seconds[i] * 1e3).ceil() / 1e3 * MEMORY[i]).sum();
    let all_invocations: f64 = invocations.iter().sum();
    // Received and deleted once a batch; two more queues for each session, sent to, received, deleted.
    let sqs = webhook.sends + 2.0 * batches + 2.0 * 3.0 * sessions;
    p.http_api_per_million
        + all_invocations * p.lambda_requests_per_million
        + gb_seconds * 1e6 * p.lambda_gb_second
        + sqs * p.sqs_fifo_per_million
        + webhook.reads * p.dynamo_db_read_per_million
        + webhook.kms * p.kms_per_million
        + all_invocations * t.log_bytes * 1e6 / 1e9 * p.logs_per_gb
}
