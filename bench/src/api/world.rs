//! What a request takes, and of that waiting for MongoDB. The router is called in this process, over the bench's own
//! MongoDB. DynamoDB (limits, quotas, idempotency, the directory), KMS and SQS are in memory: on AWS each adds a
//! call of some milliseconds. S3 and STS are MiniStack's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use matome_api_testing::call::{Call, Reply};
use matome_api_testing::journeys::Messenger;
use matome_api_testing::world::World;
use matome_store::Store;
use matome_testing::TestSystem;

tokio::task_local! {
    /// Nanoseconds that the commands of the request at hand took.
    static DATABASE: AtomicU64;
}

/// The system over a client that tells how long commands took.
pub(super) async fn system(uri: &str) -> anyhow::Result<TestSystem> {
    let mut system = TestSystem::on(uri).await;
    let name = system.store.platform().name().to_owned();
    let prefix = name.strip_suffix("_platform").unwrap_or(&name);
    system.store = Store::connect_timed(uri, prefix, 16, |took| {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // What is sent outside of requests is nobody's.
        let _nobody = DATABASE.try_with(|sum| sum.fetch_add(nanos, Ordering::Relaxed));
    })
    .await?;
    Ok(system)
}

/// What is sent to be read.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) path: String,
    pub(super) token: Option<String>,
}

impl Ask {
    pub(super) async fn send(self, world: &World) -> (Reply, Took) {
        let call = world.call(Method::GET, self.path);
        timed(if let Some(token) = &self.token { call.with_token(token) } else { call }).await
    }
}

/// How long a request took.
#[derive(Clone, Copy)]
pub(super) struct Took {
    /// From the request to the last byte of the answer.
    pub(super) all: Duration,
    /// Of that, waiting for MongoDB; commands that run side by side are added up.
    pub(super) database: Duration,
}

async fn timed(call: Call<'_>) -> (Reply, Took) {
    let asked = async {
        let reply = call.send().await;
        let database = DATABASE.with(|sum| Duration::from_nanos(sum.load(Ordering::Relaxed)));
        let took = Took { all: reply.took, database };
        (reply, took)
    };
    DATABASE.scope(AtomicU64::new(0), asked).await
}

/// Takes the time of the steps of journeys.
#[derive(Default)]
pub(super) struct Timer(Mutex<BTreeMap<String, Vec<Took>>>);

impl Timer {
    /// What was taken so far, by operation; gone from here.
    pub(super) fn take(&self) -> BTreeMap<String, Vec<Took>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Messenger for Timer {
    async fn carry(&self, operation: &str, call: Call<'_>) -> Reply {
        let (reply, took) = timed(call).await;
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.entry(operation.to_owned()).or_default().push(took);
        reply
    }
}
