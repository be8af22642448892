//! A recorder to feed, and what it left behind.

use aws_lambda_events::sqs::SqsBatchResponse;
use matome_domain::fault::Faults;
use matome_domain::queue::Inbound;
use matome_recorder::Context;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::queue::{Queues, Recording};
use matome_store::Entity;
use matome_tenancy::HealthRecords;
use matome_testing::{TestSystem, TestTenant, counts, sqs};

/// Nothing listens there: for tests that LINE and S3 play no part in.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// A newly started recorder.
pub(crate) struct Recorder {
    pub(crate) context: Context,
    pub(crate) sent: Recording,
}

impl Recorder {
    pub(crate) fn start(system: &TestSystem) -> Self {
        Self::with(system, Faults::none(), NOWHERE, NOWHERE)
    }

    pub(crate) fn with(system: &TestSystem, faults: Faults, line_url: &str, aws_endpoint: &str) -> Self {
        let (queues, sent) = Queues::recording_with(faults.clone());
        let context = Context {
            tenants: system.tenants(),
            channels: system.channels(line_url),
            health: HealthRecords::new(system.clock.clone()),
            queues,
            blobs: Some(Blobs::from_client(aws(aws_endpoint).s3(), "media".to_owned()).into()),
            clock: system.clock.clone(),
            random: system.random.clone(),
            faults,
        };
        Self { context, sent }
    }

    /// Hands over a batch as Lambda does.
    pub(crate) async fn take(&self, batch: &[Inbound]) -> SqsBatchResponse {
        matome_recorder::handle(sqs::batch(batch), &self.context).await.expect("a well-formed batch")
    }

    /// The messages that were made to come back soon: handle, seconds.
    pub(crate) fn hurried(&self) -> Vec<(String, u64)> {
        let hidden = self.sent.hidden().into_iter();
        hidden.map(|hidden| (hidden.handle, hidden.visibility.as_secs())).collect()
    }

    /// Hands over a batch that is to be recorded whole.
    pub(crate) async fn record(&self, batch: &[Inbound]) {
        let returned = sqs::returned(&self.take(batch).await);
        assert!(returned.is_empty(), "returned to the queue: {returned:?}");
    }
}

pub(crate) fn aws(endpoint: &str) -> Aws {
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]);
    Aws::from_env(&env, Patience::CONSUMER).expect("all settings are there")
}

/// All of a tenant's documents of one kind.
pub(crate) async fn all<E: Entity>(tenant: &TestTenant, sort: &str) -> Vec<E> {
    counts::all(&tenant.store, sort).await
}

/// Checks that every counter says what a count of the documents says.
pub(crate) async fn assert_counts_are_exact(tenant: &TestTenant) {
    counts::assert_counts_are_exact(&tenant.store).await;
}
