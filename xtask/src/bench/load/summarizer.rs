//! The sessions that the recorder closed: a hundred of fifty messages, one of five thousand, and one with
//! pictures for a provider.

use anyhow::{Context, ensure};
use bson::doc;
use matome_domain::queue::SummaryJob;
use matome_store::entities::{Session, Summary, SummaryStatus};
use matome_store::id::document_id;
use matome_testing::TestTenant;

use super::{Ground, consume};
use crate::bench::process::Process;

pub(super) async fn builtin(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let usual = summarize(&ground.usual, process).await?;
    let patient = summarize(&ground.patient, process).await?;
    ensure!((usual.len(), patient.len()) == (100, 1), "{} and {} summaries", usual.len(), patient.len());
    Ok("100 sessions of 50 messages, one of 5,000".to_owned())
}

pub(super) async fn provided(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let summaries = summarize(&ground.pictured, process).await?;
    let by_provider = summaries.iter().filter(|s| s.ai_metadata.provider != "builtin").count();
    ensure!((summaries.len(), by_provider) == (1, 1), "{by_provider} of {} by the provider", summaries.len());
    Ok("8 pictures, 4 MB".to_owned())
}

/// Does all summary jobs of a tenant.
async fn summarize(tenant: &TestTenant, process: &mut Process) -> anyhow::Result<Vec<Summary>> {
    let due = doc! { "status": "summarizing" };
    let sessions = tenant.store.collection::<Session>().find(due.clone(), doc! { "_id": 1 }, 0).await?;
    let jobs = sessions.iter().map(|session| {
        let revision = u32::try_from(session.revision).context("a revision")?;
        Ok(SummaryJob { tenant_id: tenant.id.clone(), session_id: document_id(session.id), revision })
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
    Ok(summaries)
}
