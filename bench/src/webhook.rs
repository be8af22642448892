//! The receiver's own time for a webhook, and what it asks DynamoDB and KMS for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use matome_domain::placement::Placement;
use matome_runtime::line_signature;
use matome_runtime::queue::Queues;
use matome_testing::{TestSystem, TestTenant};
use matome_webhook::{Context, Request};
use serde_json::json;

use crate::figure::{Figure, Limit, quantile};

const WEBHOOKS: usize = 20_000;
const TENANTS: usize = 20;
/// Tenants' webhooks come spread over so much (simulated) time.
const SPREAD: Duration = Duration::from_secs(15 * 60);

/// What was measured.
pub(crate) struct Webhook {
    /// Seconds of the median webhook.
    pub(crate) median: f64,
    p99: f64,
    kms_per_tenant_and_five_minutes: f64,
    /// DynamoDB reads for each webhook.
    pub(crate) reads: f64,
    /// KMS calls for each webhook.
    pub(crate) kms: f64,
    /// SQS requests for each webhook.
    pub(crate) sends: f64,
}

/// Signed webhooks of one to three events through the real handler; SQS answers at once.
pub(crate) async fn measure() -> anyhow::Result<Webhook> {
    let system = TestSystem::start().await;
    let mut tenants = Vec::new();
    for _ in 0..TENANTS {
        tenants.push(system.tenant(Placement::Shared).await);
    }
    let (queues, sent) = Queues::recording();
    let context =
        Context { directory: system.directory(), keys: system.keys(), queues, clock: system.clock.clone() };
    let mut times = Vec::with_capacity(WEBHOOKS);
    for n in 0..WEBHOOKS {
        let request = request(&tenants[n % TENANTS], n)?;
        system.clock.advance(SPREAD / u32::try_from(WEBHOOKS)?);
        let begin = Instant::now();
        let answer = matome_webhook::handle(request, &context).await?;
        times.push(begin.elapsed().as_secs_f64());
        ensure!(answer.status_code == 200, "the webhook answered {}", answer.status_code);
        if n % 1_000 == 0 {
            sent.clear();
        }
    }
    let per_webhook = |count: usize| count as f64 / WEBHOOKS as f64;
    let windows = SPREAD.as_secs_f64() / 300.0;
    let kms = system.keys_unwrapped();
    Ok(Webhook {
        median: quantile(&mut times, 0.5),
        p99: quantile(&mut times, 0.99),
        kms_per_tenant_and_five_minutes: kms as f64 / TENANTS as f64 / windows,
        reads: per_webhook(system.directory_reads()),
        kms: per_webhook(kms),
        // One SendMessageBatch each: a webhook of LINE's is far below ten events here.
        sends: 1.0,
    })
}

pub(crate) fn request(tenant: &TestTenant, n: usize) -> anyhow::Result<Request> {
    let event = |part: usize| {
        json!({
            "type": "message", "mode": "active", "timestamp": 1_795_165_200_000_u64 + n as u64,
            "source": { "type": "user", "userId": format!("U{:032x}", n % 500) },
            "webhookEventId": format!("01H{n:08}{part}"), "deliveryContext": { "isRedelivery": false },
            "replyToken": "b60d432864f44d079f6d8efe86cf404b",
            "message": { "type": "text", "id": format!("{n}{part}"), "quoteToken": "q3Plxr4AgKd",
                "text": "明日の10時に駅の前で集合しましょう。資料は私が準備します。" },
        })
    };
    let events: Vec<_> = (0..=n % 3).map(event).collect();
    let body = json!({ "destination": tenant.bot_user_id, "events": events }).to_string();
    let signature = line_signature::sign(&tenant.secret, body.as_bytes());
    Ok(Request {
        path_parameters: Some(HashMap::from([("channelId".to_owned(), tenant.channel.to_string())])),
        headers: Some(HashMap::from([("x-line-signature".to_owned(), signature)])),
        body: Some(body),
        ..Request::default()
    })
}

impl Webhook {
    pub(crate) fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("webhook: own time per webhook, p99", Limit::AtMost(2.0), "ms", self.p99 * 1e3),
            Figure::new(
                "KMS calls per tenant and environment in five minutes",
                Limit::AtMost(1.0),
                "",
                self.kms_per_tenant_and_five_minutes,
            ),
        ]
    }
}
