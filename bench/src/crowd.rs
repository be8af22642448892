//! What the receiver asks the directory and KMS for when a thousand tenants receive at once.

use anyhow::ensure;
use matome_domain::clock::Timestamp;
use matome_domain::ids::ChannelId;
use matome_domain::placement::Placement;
use matome_runtime::queue::Queues;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};
use matome_webhook::Context;

use crate::dwell::{Noise, TENANTS, Traffic};
use crate::figure::{Figure, Limit};
use crate::provisioner::new_id;
use crate::webhook::request;

/// Webhooks a second of each tenant but one: together about three hundred.
const RATE: f64 = 0.3;
/// One tenant sends so many times as much.
const NOISE: Noise = Noise { times: 50.0, rooms: 500, in_bursts: false };
/// Seconds: two of the windows in which a data key is kept.
const DURATION: f64 = 600.0;
const WINDOW: f64 = 300.0;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for environments in [1, 10] {
        let (hits, kms) = receive(environments).await?;
        let by = if environments == 1 {
            "one environment".to_owned()
        } else {
            format!("{environments} environments")
        };
        let mix = format!("{TENANTS} tenants, one of them 50 times as loud, {by}");
        figures.push(Figure::known(
            format!("directory: look-ups answered from memory, {mix}"),
            "%",
            hits * 100.0,
        ));
        let name = format!("KMS calls per tenant, environment and five minutes, {mix}");
        figures.push(Figure::new(name, Limit::AtMost(1.0), "", kms));
    }
    Ok(figures)
}

/// The part of look-ups that needed no read, and KMS calls per tenant, environment and window.
async fn receive(environments: usize) -> anyhow::Result<(f64, f64)> {
    let system = TestSystem::start().await;
    let mut tenants = Vec::new();
    for _ in 0..=TENANTS {
        tenants.push(registered(&system).await?);
    }
    let contexts: Vec<_> = (0..environments)
        .map(|_| {
            let (queues, sent) = Queues::recording();
            let (directory, keys) = (system.directory(), system.keys());
            (Context { directory, keys, queues, clock: system.clock.clone() }, sent)
        })
        .collect();
    let traffic = Traffic { tenants: TENANTS, rooms: 20, rate: RATE, noise: Some(NOISE), duration: DURATION };
    let messages = traffic.messages();
    for (n, message) in messages.iter().enumerate() {
        system.clock.set(Timestamp(BEGIN.0 + (message.at * 1e3) as i64));
        // API Gateway gives a request to whoever is free.
        let (context, sent) = &contexts[n % environments];
        let answer = matome_webhook::handle(request(&tenants[message.tenant as usize], n)?, context).await?;
        ensure!(answer.status_code == 200, "the webhook answered {}", answer.status_code);
        if sent.requests() > 1_000 {
            sent.clear();
        }
    }
    let hits = 1.0 - system.directory_reads() as f64 / messages.len() as f64;
    let tenants = f64::from(TENANTS + 1);
    let kms = system.keys_unwrapped() as f64 / tenants / environments as f64 / (DURATION / WINDOW);
    Ok((hits, kms))
}

/// A tenant that the directory knows, and nobody else.
async fn registered(system: &TestSystem) -> anyhow::Result<TestTenant> {
    let id = new_id(system)?;
    let secret = system.random.uuid().simple().to_string();
    let tenant = TestTenant {
        channel: ChannelId::new(format!("20{}", &secret[..8]))?,
        bot_user_id: format!("U{secret}"),
        store: system.store.tenant(&id, Placement::Shared),
        id,
        secret,
    };
    system.register(&tenant, Placement::Shared).await;
    Ok(tenant)
}
