//! A sweep that finds four thousand documents overdue.

use std::time::Duration;

use anyhow::ensure;
use bson::DateTime;
use matome_domain::clock::Clock;
use matome_runtime::clock::SystemClock;
use matome_store::Entity;
use matome_store::entities::{Purpose, Session, SessionStatus};
use matome_store::time::date;
use matome_testing::fixtures;
use serde_json::json;

use super::Ground;
use crate::bench::process::Process;

const EXPIRED: usize = 2_000;
const STUCK: usize = 1_000;
const UNSENT: usize = 1_000;

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let yesterday = SystemClock.now().minus(Duration::from_secs(24 * 60 * 60));
    let long_ago = date(yesterday);
    let tenant = &ground.usual;
    let room = |kind: &str, n: usize| fixtures::room(tenant, &format!("C{kind}{n}"));
    // An active session is its room's only one.
    let expired = (0..EXPIRED)
        .map(|n| aged(fixtures::session(&room("active", n), 1, SessionStatus::Active, yesterday), long_ago));
    let stuck = (0..STUCK).map(|n| {
        aged(fixtures::session(&room("stuck", n), 1, SessionStatus::Summarizing, yesterday), long_ago)
    });
    let sessions: Vec<Session> = expired.chain(stuck).collect();
    let entries = (0..UNSENT).map(|n| {
        let mut entry =
            fixtures::entry(&room("unsent", n), Purpose::Welcome, None, uuid::Uuid::new_v4().to_string());
        entry.updated_at = long_ago;
        entry
    });
    insert(ground, &sessions).await?;
    insert(ground, &entries.collect::<Vec<_>>()).await?;
    let swept = process.invoke("{}".to_owned()).await?;
    let expected = json!({
        "expired": EXPIRED, "summaries": STUCK, "outbound": UNSENT, "media": 0, "operations": 0,
    });
    ensure!(swept == expected, "the sweep found {swept}, not {expected}");
    Ok(format!("{} overdue documents", EXPIRED + STUCK + UNSENT))
}

fn aged(mut session: Session, at: DateTime) -> Session {
    session.updated_at = at;
    session
}

async fn insert<E: Entity>(ground: &Ground, documents: &[E]) -> anyhow::Result<()> {
    for some in documents.chunks(500) {
        ground.usual.store.transaction(async |transaction| transaction.insert(some).await).await?;
    }
    Ok(())
}
