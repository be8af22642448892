//! The sessions that the recorder closed: a hundred of fifty messages, and one of five thousand.

use anyhow::{Context, ensure};
use bson::doc;
use matome_domain::queue::SummaryJob;
use matome_store::entities::{Session, Summary, SummaryStatus};
use matome_store::id::document_id;

use super::{Ground, consume};
use crate::bench::process::Process;

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let mut written = Vec::new();
    for tenant in [&ground.usual, &ground.patient] {
        let due = doc! { "status": "summarizing" };
        let sessions = tenant.store.collection::<Session>().find(due.clone(), doc! { "_id": 1 }, 0).await?;
        let jobs = sessions.iter().map(|session| {
            let revision = u32::try_from(session.revision).context("a revision")?;
            let session_id = document_id(session.id);
            Ok(SummaryJob { tenant_id: tenant.id.clone(), session_id, revision })
        });
        let jobs = jobs.collect::<anyhow::Result<Vec<_>>>()?;
        // `BatchSize` of the queue in the template.
        consume(process, &jobs, 1).await?;
        let left = tenant.store.collection::<Session>().count(due).await?;
        let summaries = tenant.store.collection::<Summary>().find(doc! {}, doc! { "_id": 1 }, 0).await?;
        let completed = summaries.iter().filter(|s| s.status == SummaryStatus::Completed).count();
        ensure!(
            left == 0 && completed == jobs.len(),
            "{left} sessions are left, {completed} of {} summaries are written",
            jobs.len()
        );
        written.push(completed);
    }
    ensure!(written == [100, 1], "{written:?} summaries were written");
    Ok("100 sessions of 50 messages, one of 5,000".to_owned())
}
