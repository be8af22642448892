//! Brings the validators of collections to what is wanted: an entity's shape, and the tenants that
//! are fenced. Both stand in the one validator that MongoDB allows a collection:
//! `{$jsonSchema: …, tenantId: {$nin: [fenced tenants]}}`.
//!
//! `collMod` replaces a validator whole, so whoever adds a fence must not lose another's. All changes
//! are therefore made under a lock: a document written in a transaction that stays open meanwhile. The
//! server drops it when its holder dies; nobody's clock is asked. It is touched before each command,
//! and the outcome is read back once it is released: a holder that lost it unnoticed begins again.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use futures::future::try_join_all;
use matome_domain::ids::TenantId;
use mongodb::{ClientSession, Database};

use crate::error::StoreError;
use crate::schema::Declaration;

/// Holds what is no entity: the lock, and the markers of moves.
pub(crate) const RELOCATIONS: &str = "relocations";
/// How often a lock that another holds is asked for, with pauses of up to 160 ms: about 30 s.
const LOCK_ATTEMPTS: u32 = 200;
/// How often it is tried: somebody may have changed validators meanwhile, or held a collection.
const ROUNDS: u32 = 10;
/// How long `collMod` may wait for running transactions. All writes to the collection wait with it, and
/// among them can be, in want of a connection, the very commit it waits for.
const PATIENCE: Duration = Duration::from_millis(500);
/// MaxTimeMSExpired, MongoDB error code 50.
const TIME_IS_UP: i32 = 50;

/// What is to be different afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// Collections exist and check their shape; fences stay.
    Ensure,
    /// The tenant is fenced in all collections; missing ones are made, so that no late writer makes
    /// them without a fence.
    Fence(&'a TenantId),
    /// The tenant is fenced in none.
    Unfence(&'a TenantId),
}

/// A command that is still needed.
struct Needed {
    command: Document,
    creates: bool,
}

/// Brings about `change` in `collections`, each a name and what was declared for it.
pub(crate) async fn bring_about(
    database: &Database,
    collections: &[(String, &Declaration)],
    change: Change<'_>,
) -> Result<(), StoreError> {
    let mut held = None;
    for round in 0..ROUNDS {
        if needed(database, collections, change).await?.is_empty() {
            return Ok(());
        }
        let mut lock = Lock::take(database).await?;
        let outcome = run(database, &mut lock, needed(database, collections, change).await?).await;
        lock.release().await?;
        match outcome {
            Ok(()) => {}
            Err(error) if error.code() == Some(TIME_IS_UP) => {
                held = Some(error);
                tokio::time::sleep(Duration::from_millis(10 << round.min(5))).await;
            }
            Err(error) => return Err(error),
        }
    }
    let changed = || StoreError::Setting(format!("the validators of {} keep being changed", database.name()));
    Err(StoreError::Contended { attempts: ROUNDS, last: Box::new(held.unwrap_or_else(changed)) })
}

async fn run(database: &Database, lock: &mut Lock, needed: Vec<Needed>) -> Result<(), StoreError> {
    let (new, old): (Vec<_>, Vec<_>) = needed.into_iter().partition(|n| n.creates);
    try_join_all(new.into_iter().map(|n| create(database, n.command))).await?;
    for Needed { command, .. } in old {
        lock.hold().await?;
        acknowledged(&database.run_command(command).await?)?;
    }
    Ok(())
}

/// In how many of `collections` the tenant is fenced.
pub(crate) async fn count_fences(
    database: &Database,
    collections: &[(String, &Declaration)],
    tenant: &TenantId,
) -> Result<usize, StoreError> {
    let existing = validators(database, collections).await?;
    Ok(existing.iter().filter(|(_, validator)| fences(validator).contains(tenant.as_str())).count())
}

async fn needed(
    database: &Database,
    collections: &[(String, &Declaration)],
    change: Change<'_>,
) -> Result<Vec<Needed>, StoreError> {
    let existing = validators(database, collections).await?;
    let everywhere: BTreeSet<String> = existing.iter().flat_map(|(_, v)| fences(v)).collect();
    let mut needed = Vec::new();
    for (name, declaration) in collections {
        let found = existing.iter().find(|(existing, _)| existing == name).map(|(_, v)| v);
        let mut fenced = found.map_or_else(|| everywhere.clone(), fences);
        let mut schema = declaration.shape.json_schema();
        match (change, found) {
            (Change::Unfence(_), None) => continue,
            (Change::Ensure, _) => {}
            (Change::Fence(tenant), _) => drop(fenced.insert(tenant.to_string())),
            (Change::Unfence(tenant), Some(_)) => drop(fenced.remove(tenant.as_str())),
        }
        // Whoever moves a tenant leaves the shape as another version of the code may have set it.
        if let (Change::Fence(_) | Change::Unfence(_), Some(validator)) = (change, found)
            && let Ok(current) = validator.get_document("$jsonSchema")
        {
            schema = current.clone();
        }
        let fenced: Vec<String> = fenced.into_iter().collect();
        let wanted = doc! { "$jsonSchema": schema, "tenantId": { "$nin": fenced } };
        if found == Some(&wanted) {
            continue;
        }
        let mut command = match found {
            None => doc! { "create": name },
            Some(_) => doc! { "collMod": name, "maxTimeMS": PATIENCE.as_millis() as i64 },
        };
        command.extend(doc! {
            "validator": wanted,
            "validationLevel": "strict",
            "validationAction": "error",
            "writeConcern": { "w": "majority" },
        });
        needed.push(Needed { command, creates: found.is_none() });
    }
    Ok(needed)
}

/// The validators of those `collections` that exist.
async fn validators(
    database: &Database,
    collections: &[(String, &Declaration)],
) -> Result<Vec<(String, Document)>, StoreError> {
    let names: Vec<&str> = collections.iter().map(|(name, _)| name.as_str()).collect();
    let list = database.list_collections().filter(doc! { "name": { "$in": names } }).await?;
    let list: Vec<_> = list.try_collect().await?;
    Ok(list.into_iter().map(|c| (c.name, c.options.validator.unwrap_or_default())).collect())
}

/// Who is fenced by a validator.
fn fences(validator: &Document) -> BTreeSet<String> {
    let list = validator.get_document("tenantId").and_then(|tenant| tenant.get_array("$nin"));
    list.into_iter().flatten().filter_map(Bson::as_str).map(str::to_owned).collect()
}

/// The driver hands the answer of a command over as it is: with `ok`, and the complaint that a majority
/// did not take it.
pub(crate) fn acknowledged(answer: &Document) -> Result<(), StoreError> {
    match answer.get_document("writeConcernError") {
        Ok(error) => Err(StoreError::refused("(write concern)", error)),
        Err(_) => Ok(()),
    }
}

/// Somebody else, or a write that made the collection in passing, may have been faster: the next
/// round looks at what is there.
async fn create(database: &Database, command: Document) -> Result<(), StoreError> {
    /// NamespaceExists, MongoDB error code 48.
    const EXISTS: i32 = 48;
    match database.run_command(command).await {
        Err(e) if !matches!(e.kind.as_ref(), mongodb::error::ErrorKind::Command(c) if c.code == EXISTS) => {
            Err(e.into())
        }
        Err(_) => Ok(()),
        Ok(answer) => acknowledged(&answer),
    }
}

/// The right to change validators in a database.
struct Lock {
    session: ClientSession,
    database: Database,
}

impl Lock {
    /// Waits until nobody else holds it.
    async fn take(database: &Database) -> Result<Self, StoreError> {
        create(database, doc! { "create": RELOCATIONS }).await?;
        let mut attempts = 0;
        loop {
            let session = database.client().start_session().await?;
            let mut lock = Self { session, database: database.clone() };
            lock.session.start_transaction().await?;
            let Err(error) = lock.hold().await else { return Ok(lock) };
            let _rolled_back_by_the_server_anyway = lock.session.abort_transaction().await;
            attempts += 1;
            if !error.is_transient() {
                return Err(error);
            }
            if attempts >= LOCK_ATTEMPTS {
                return Err(StoreError::Contended { attempts, last: Box::new(error) });
            }
            tokio::time::sleep(Duration::from_millis(5 << attempts.min(5))).await;
        }
    }

    /// Fails when the server has given the lock up.
    async fn hold(&mut self) -> Result<(), StoreError> {
        let locks = self.database.collection::<Document>(RELOCATIONS);
        let touch = locks.update_one(doc! { "_id": "lock" }, doc! { "$inc": { "held": 1_i64 } });
        touch.upsert(true).session(&mut self.session).await?;
        Ok(())
    }

    async fn release(mut self) -> Result<(), StoreError> {
        Ok(self.session.commit_transaction().await?)
    }
}
