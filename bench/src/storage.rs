//! What a tenant's month takes on disk.

use anyhow::Context as _;
use bson::{Bson, Document, doc};
use matome_ai::AiConfig;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::SummaryJob;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::queue::Queues;
use matome_store::entities::tenant_declarations;
use matome_summarizer::context::{Context, Writers};
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::figure::{Figure, Limit};
use crate::recording::{message, record, recorder};

/// The seeds' month.
const MESSAGES: usize = 10_000;
const ROOMS: usize = 40;
const MEGABYTE: f64 = 1e6;

/// Texts in three languages, sessions of fifty messages, a built-in summary of each, what goes to LINE:
/// everything that recorder and summarizer write.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(placement).await;
        month(&system, &tenant).await?;
        let name = match placement {
            Placement::Shared => "shared",
            Placement::CollectionSet => "collection set",
            Placement::Dedicated => "dedicated",
        };
        let name = format!("storage: a tenant's month of 10,000 messages, indexes included, {name}");
        let bytes = on_disk(&system, &tenant, placement).await?;
        figures.push(Figure::new(name, Limit::AtMost(50.0), "MB", bytes / MEGABYTE));
    }
    Ok(figures)
}

async fn month(system: &TestSystem, tenant: &TestTenant) -> anyhow::Result<()> {
    let (context, sent) = recorder(system);
    for room in 0..ROOMS {
        let messages: Vec<_> = (0..MESSAGES / ROOMS).map(|n| message(tenant, room, n)).collect();
        record(&context, &messages).await?;
    }
    let summarizer = summarizer(system)?;
    let jobs: Vec<SummaryJob> = sent.distinct();
    anyhow::ensure!(jobs.len() == MESSAGES / 50, "{} sessions are to be summarized", jobs.len());
    for batch in jobs.chunks(10) {
        let response = matome_summarizer::handle(sqs::batch(batch), &summarizer).await?;
        anyhow::ensure!(response.batch_item_failures.is_empty(), "summaries were not written");
    }
    Ok(())
}

fn summarizer(system: &TestSystem) -> anyhow::Result<Context> {
    // Nothing is asked of S3: there are no pictures.
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ]);
    let aws = Aws::from_env(&env, Patience::CONSUMER)?;
    Ok(Context {
        tenants: system.tenants(),
        queues: Queues::recording().0,
        blobs: Blobs::from_client(aws.s3(), "media".to_owned()).into(),
        writers: Writers::new(AiConfig::default())?,
        clock: system.clock.clone(),
        random: system.random.clone(),
        faults: Faults::none(),
    })
}

/// Files of the tenant's collections and their indexes after a checkpoint. Nobody else is in them.
async fn on_disk(system: &TestSystem, tenant: &TestTenant, placement: Placement) -> anyhow::Result<f64> {
    let platform = system.store.platform();
    let prefix = platform.name().strip_suffix("_platform").context("the platform's database is named so")?;
    let client = platform.client();
    client.database("admin").run_command(doc! { "fsync": 1 }).await?;
    let database = client.database(&placement.database(prefix, &tenant.id));
    let mut bytes = 0.0;
    for declaration in tenant_declarations() {
        let name = placement.collection(&tenant.id, declaration.collection);
        let stats = database.run_command(doc! { "collStats": name }).await?;
        bytes += number(&stats, "storageSize")? + number(&stats, "totalIndexSize")?;
    }
    Ok(bytes)
}

fn number(stats: &Document, name: &str) -> anyhow::Result<f64> {
    match stats.get(name) {
        Some(Bson::Int32(n)) => Ok(f64::from(*n)),
        Some(Bson::Int64(n)) => Ok(*n as f64),
        Some(Bson::Double(n)) => Ok(*n),
        other => anyhow::bail!("collStats.{name} is {other:?}"),
    }
}
