//! A move of all that the other functions left of a tenant, as far as one invocation takes it: copied,
//! followed, compared, fenced, flipped and verified. The rest is waiting and erasing.

use std::sync::Arc;

use anyhow::{Context, ensure};
use bson::doc;
use matome_domain::clock::Clock;
use matome_domain::placement::Placement;
use matome_domain::queue::TenantJob;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::queue::Queues;
use matome_runtime::random::SystemRandom;
use matome_store::entities::{Message, Operation};
use matome_store::id::document_id;
use matome_tenancy::operations::{Move, ask};

use super::{Ground, consume};
use crate::bench::process::Process;

/// The last step that is done when the move begins to wait.
const FAR_ENOUGH: &str = "verify";

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let env = Env::from_map(ground.environment.clone());
    let aws = Aws::from_env(&env, Patience::CONSUMER)?;
    let queues = Queues::new(&aws, Arc::new(SystemRandom)).with::<TenantJob>(&env)?;
    let tenant = &ground.usual;
    let messages = tenant.store.collection::<Message>().count(doc! {}).await?;
    let wanted = Move { placement: Placement::CollectionSet, cell: None };
    let operation = ask(&ground.store, &queues, &tenant.id, &wanted, "bench", SystemClock.now()).await?;
    let job = TenantJob { tenant_id: tenant.id.clone(), operation_id: document_id(operation.id) };
    consume(process, &[job], 1).await?;
    let operations = ground.store.platform_collection::<Operation>();
    let operation = operations.find_one(doc! { "_id": operation.id }).await?.context("it was asked for")?;
    let step = operation.steps.iter().find(|step| step.name == FAR_ENOUGH);
    ensure!(step.is_some_and(|step| step.done), "the move came as far as {:?}", operation.steps.last());
    Ok(format!("a tenant with {messages} messages moved"))
}
