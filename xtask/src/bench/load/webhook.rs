//! Two thousand webhooks, every twentieth as large as is accepted.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matome_line_simulator::signature;
use matome_webhook::MAX_BODY;
use serde_json::{Value, json};

use super::Ground;
use super::recorder::LONGEST;
use crate::bench::process::Process;

const WEBHOOKS: usize = 2_000;

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    for n in 0..WEBHOOKS {
        let answer = process.invoke(request(ground, n)?).await?;
        ensure!(answer["statusCode"] == 200, "webhook {n} was answered with {}", answer["statusCode"]);
    }
    Ok(format!("{WEBHOOKS} requests up to 1 MiB"))
}

fn request(ground: &Ground, n: usize) -> anyhow::Result<String> {
    let tenant = &ground.usual;
    let event = |part: usize, text: &str| {
        json!({
            "type": "message", "mode": "active", "timestamp": 1_795_165_200_000_u64 + n as u64,
            "source": { "type": "user", "userId": format!("U{:032x}", n % 500) },
            "webhookEventId": format!("01H{n:08}{part:04}"),
            "deliveryContext": { "isRedelivery": false },
            "replyToken": "b60d432864f44d079f6d8efe86cf404b",
            "message": { "type": "text", "id": format!("{n}{part}"), "quoteToken": "q3Plxr4AgKd", "text": text },
        })
    };
    let body = |events: &[Value]| json!({ "destination": tenant.bot_user_id, "events": events }).to_string();
    let body = if n.is_multiple_of(20) {
        let long = "あ".repeat(LONGEST);
        let length = event(9_999, &long).to_string().len() + 1;
        let count = (MAX_BODY - 200) / length;
        body(&(0..count).map(|part| event(part, &long)).collect::<Vec<_>>())
    } else {
        body(&(0..=n % 3).map(|part| event(part, "明日の10時に駅の前で集合しましょう。")).collect::<Vec<_>>())
    };
    ensure!(body.len() <= MAX_BODY, "the body has {} bytes", body.len());
    let signature = signature::sign(tenant.secret.as_bytes(), body.as_bytes());
    // API Gateway hands a body over as text or as base64.
    let is_base64_encoded = n.is_multiple_of(40);
    let request = json!({
        "version": "2.0",
        "rawPath": format!("/line/{}", tenant.channel),
        "pathParameters": HashMap::from([("channelId", tenant.channel.as_str())]),
        "headers": { "x-line-signature": signature, "content-type": "application/json; charset=utf-8" },
        "body": if is_base64_encoded { STANDARD.encode(&body) } else { body },
        "isBase64Encoded": is_base64_encoded,
    });
    serde_json::to_string(&request).context("a request is JSON")
}
