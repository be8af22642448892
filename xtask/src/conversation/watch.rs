//! What becomes of the conversation behind the webhook, as it shows in MongoDB.

use std::time::{Duration, Instant};

use bson::doc;
use console::style;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_line_simulator::{LineSimulator, Place};
use matome_store::entities::{OutboxEntry, Session, SessionStatus, Summary};
use matome_store::{Store, TenantStore};

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
    pub(crate) async fn new(mongodb_uri: &str, tenant: &TenantId, place: &Place) -> anyhow::Result<Self> {
        let store = Store::connect(mongodb_uri, crate::settings::DATABASE_PREFIX, 2).await?;
        Ok(Self { store: store.tenant(tenant, Placement::Shared), place: place.clone(), shown: Vec::new() })
    }

    /// Shows each step until the bot has answered in the group; the messages it sent.
    pub(crate) async fn until_answered(mut self, line: &LineSimulator) -> anyhow::Result<Vec<String>> {
        println!();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.look(begun).await?;
            let answers = line.inspect(|world| {
                world.sent_to(&self.place).iter().map(|entry| entry.render()).collect::<Vec<_>>()
            });
            if !answers.is_empty() {
                return Ok(answers);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!(
            "no summary came back within {} s; look at .local/stacks/dev/logs/ministack.log",
            PATIENCE.as_secs()
        )
    }

    async fn look(&mut self, begun: Instant) -> anyhow::Result<()> {
        let here = doc! { "conversationId": self.place.id() };
        let sessions = self.store.collection::<Session>();
        let Some(session) = sessions.find_one(here.clone()).await? else { return Ok(()) };
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
        for entry in self.store.collection::<OutboxEntry>().find(here, doc! { "createdAt": 1 }, 10).await? {
            let how = entry.sent_as.map(|kind| format!(" as {kind:?}").to_lowercase()).unwrap_or_default();
            self.show(begun, format!("sender      {:?}{how}", entry.state).to_lowercase());
        }
        Ok(())
    }

    fn show(&mut self, begun: Instant, what: String) {
        if !self.shown.contains(&what) {
            println!("  {} {what}", style(format!("{:6.1} s", begun.elapsed().as_secs_f64())).dim());
            self.shown.push(what);
        }
    }
}
