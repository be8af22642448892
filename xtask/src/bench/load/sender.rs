//! The notices of the summaries that were written, and as many welcomes.

use anyhow::ensure;
use bson::doc;
use matome_store::entities::{OutboxEntry, Purpose};
use matome_testing::{TestTenant, fixtures};

use super::{Ground, consume};
use crate::bench::process::Process;

const WELCOMES: usize = 100;

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    for n in 0..WELCOMES {
        let chat = ground.chat(&format!("新客{n}"));
        let room = fixtures::room(&ground.usual, chat.id());
        ground.usual.store.collection().insert(&room).await?;
        let entry = fixtures::entry(&room, Purpose::Welcome, None, uuid::Uuid::new_v4().to_string());
        ground.usual.store.collection().insert(&entry).await?;
    }
    let mut sent = 0;
    for tenant in [&ground.usual, &ground.patient, &ground.pictured] {
        sent += send(process, tenant).await?;
    }
    let shown = ground.line.inspect(|w| w.chat.iter().filter(|entry| entry.is_from_bot()).count());
    ensure!(shown >= sent, "{shown} messages are in LINE, of {sent} sent");
    Ok(format!("{sent} entries"))
}

async fn send(process: &mut Process, tenant: &TestTenant) -> anyhow::Result<usize> {
    let outbox = tenant.store.collection::<OutboxEntry>();
    let queued = outbox.find(doc! { "state": "queued" }, doc! { "_id": 1 }, 0).await?;
    let jobs: Vec<_> = queued.iter().map(|entry| fixtures::outbound_job(tenant, entry)).collect();
    consume(process, &jobs, 10).await?;
    let others = outbox.count(doc! { "state": { "$ne": "accepted" } }).await?;
    ensure!(others == 0, "{others} entries were not accepted by LINE");
    Ok(jobs.len())
}
