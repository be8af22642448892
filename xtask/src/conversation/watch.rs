//! What becomes of the conversation behind the webhook, as it shows in MongoDB.

use std::time::{Duration, Instant};

use bson::doc;
use console::style;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_line_simulator::Place;
use matome_store::entities::{OutboxEntry, OutboxState, Purpose, Session, SessionStatus, Summary};
use matome_store::{Store, TenantStore};

use crate::stack_file::StackFile;

/// How long the whole way back may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Looks on.
pub(crate) struct Watch {
    store: TenantStore,
    place: Place,
    shown: Vec<String>,
}

impl Watch {
    /// For one group of one tenant.
    pub(crate) async fn new(file: &StackFile, tenant: &TenantId, place: &Place) -> anyhow::Result<Self> {
        let store = Store::connect(&file.mongodb_uri, &file.database_prefix, 2).await?;
        Ok(Self { store: store.tenant(tenant, Placement::Shared), place: place.clone(), shown: Vec::new() })
    }

    /// Shows each step until LINE has the summary.
    pub(crate) async fn until_summarized(mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.look(begun).await? {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("no summary came back within {} s", PATIENCE.as_secs())
    }

    /// Is it there?
    async fn look(&mut self, begun: Instant) -> anyhow::Result<bool> {
        let here = doc! { "conversationId": self.place.id() };
        let sessions = self.store.collection::<Session>();
        let Some(session) = sessions.find_one(here.clone()).await? else { return Ok(false) };
        let number = session.session_number;
        if session.status != SessionStatus::Active {
            let count = session.statistics.message_count;
            self.show(begun, format!("recorder    session {number} closed with {count} messages"));
        } else {
            self.show(begun, format!("recorder    session {number} opened"));
        }
        let summary = self.store.collection::<Summary>().find_one(doc! { "sessionId": session.id }).await?;
        if let Some(summary) = summary {
            let ai = &summary.ai_metadata;
            self.show(
                begun,
                format!("summarizer  {:?} by {} in {} ms", summary.status, ai.model, ai.processing_time),
            );
        }
        let mut there = false;
        for entry in self.store.collection::<OutboxEntry>().find(here, doc! { "createdAt": 1 }, 10).await? {
            let what = what_is_sent(&entry.purpose);
            let how = entry.sent_as.map(|kind| format!(" as {kind:?}").to_lowercase()).unwrap_or_default();
            let state = format!("{:?}", entry.state).to_lowercase();
            self.show(begun, format!("sender      {what}: {state}{how}"));
            if matches!(entry.purpose, Purpose::Summary { .. }) {
                match entry.state {
                    OutboxState::Queued => {}
                    OutboxState::Accepted => there = true,
                    _ => anyhow::bail!("LINE did not take the summary: {state}"),
                }
            }
        }
        Ok(there)
    }

    fn show(&mut self, begun: Instant, what: String) {
        if !self.shown.contains(&what) {
            println!("  {} {what}", style(format!("{:6.1} s", begun.elapsed().as_secs_f64())).dim());
            self.shown.push(what);
        }
    }
}

fn what_is_sent(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Summary { .. } => "summary",
        Purpose::Details { .. } => "details",
        Purpose::SummaryReady { .. } => "summary is ready",
        Purpose::NothingToSummarize => "nothing to summarize",
        Purpose::RatingThanks { .. } => "thanks for the rating",
        Purpose::Welcome => "welcome",
    }
}
