//! Writing the audit trail, and going through it.
//!
//! Entries of one chain come one after another: each writer reads the last one and inserts the next, and
//! the unique index on the place lets one of several through; the others try again.

use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::audit::{Chained, Known, NO_HASH, Verdict, Verifier, chain_hash, redact};
use serde_json::{Map, Value};

use crate::entities::{
    AccountAuditEntry, AuditActor, AuditEntry, AuditPhase, AuditRecord, AuditTail, AuditTarget,
};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::id::{derived, derived_at};
use crate::store::{Store, TenantStore};
use crate::value::{Id, Time};

/// How often an entry that others were faster than is tried in all: with pauses of 80 ms on average, about
/// four seconds.
const ATTEMPTS: u32 = 50;
/// Deeper values are left out: MongoDB takes a hundred levels, and the entry has some itself.
const DEEPEST: usize = 60;

/// What is to be written. `before`, `after` and `path` are redacted here; nothing else may have a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditEntry {
    /// Before the change, or after.
    pub phase: AuditPhase,
    /// What was asked for, such as `rooms.update`.
    pub operation: String,
    /// Of an `ended` entry: the `begun` one.
    pub begun_id: Option<Id>,
    /// Who.
    pub actor: AuditActor,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The request.
    pub request_id: String,
    /// On what.
    pub target: Option<AuditTarget>,
    /// The ids in the request's path, by name.
    pub path: Map<String, Value>,
    /// Of an `ended` entry: the HTTP status.
    pub status: Option<i32>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// Now.
    pub created_at: Time,
    /// When retention is over.
    pub expires_at: Time,
}

impl NewAuditEntry {
    /// The record that comes after another one, without its hash.
    fn after(&self, last: Option<&AuditTail>) -> AuditRecord {
        let new = self.clone();
        AuditRecord {
            seq: last.map_or(0, |last| last.seq) + 1,
            previous_hash: last.map_or(NO_HASH, |last| &last.hash).to_owned(),
            previous_at: last.map(|last| last.written_at.into()),
            hash: String::new(),
            phase: new.phase,
            operation: new.operation,
            begun_id: new.begun_id,
            actor: new.actor,
            ip: new.ip,
            user_agent: new.user_agent,
            request_id: new.request_id,
            target: new.target,
            path: new.path,
            status: new.status,
            before: new.before,
            after: new.after,
            created_at: new.created_at,
            expires_at: new.expires_at,
        }
    }

    /// Without secrets, and so that it comes back from the database as it was: its hash depends on that.
    fn fit(mut self) -> Self {
        let fit = |value: Option<Value>| {
            let mut value = value.filter(|value| !value.is_null())?;
            redact(&mut value);
            Some(storable(value, 0))
        };
        (self.before, self.after) = (fit(self.before), fit(self.after));
        self.path = match fit(Some(Value::Object(self.path))) {
            Some(Value::Object(path)) => path,
            _ => Map::new(),
        };
        self
    }
}

/// What BSON can hold: names without NUL, integers of 64 bits, not too deep. A name that begins with `$` is
/// given another sign: `bson` takes `{"$oid": …}` for an id when it reads it, and refuses the document.
fn storable(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => Value::String("[too deep]".to_owned()),
        Value::Array(items) => items.into_iter().map(|item| storable(item, depth + 1)).collect(),
        Value::Object(fields) => {
            let stored = |(key, value): (String, Value)| (storable_name(&key), storable(value, depth + 1));
            fields.into_iter().map(stored).collect()
        }
        Value::Number(number) if number.is_u64() && !number.is_i64() => Value::String(number.to_string()),
        plain => plain,
    }
}

fn storable_name(name: &str) -> String {
    let name = name.replace('\0', "\u{fffd}");
    match name.strip_prefix('$') {
        Some(rest) => format!("\u{ff04}{rest}"),
        None => name,
    }
}

/// An entry of either trail.
trait Entry: Entity + Chained {
    /// The entry of a chain that says this.
    fn of(chain: &str, record: AuditRecord) -> Self;
    /// What it says.
    fn record(&mut self) -> &mut AuditRecord;
}

/// The parts that an entry's id is derived from: no other entry has its place.
fn id(chain: &str, record: &AuditRecord) -> Id {
    derived_at(record.created_at.into(), &["audit", chain, &record.request_id, &record.seq.to_string()])
        .into()
}

impl Entry for AuditEntry {
    fn of(chain: &str, record: AuditRecord) -> Self {
        Self { id: id(chain, &record), tenant_id: chain.to_owned(), record }
    }

    fn record(&mut self) -> &mut AuditRecord {
        &mut self.record
    }
}

impl Entry for AccountAuditEntry {
    fn of(chain: &str, record: AuditRecord) -> Self {
        let account = chain.parse().expect("an account's chain is called by its id");
        Self { id: id(chain, &record), account_id: account, record }
    }

    fn record(&mut self) -> &mut AuditRecord {
        &mut self.record
    }
}

/// A chain: where it is, what it is called, and which documents it is made of.
struct Chain<E: Entry> {
    collection: mongodb::Collection<E>,
    name: String,
    filter: Document,
}

impl<E: Entry> Chain<E> {
    /// After the newest entry, or after `gone`, which retention has taken.
    async fn append(&self, gone: Option<&AuditTail>, new: NewAuditEntry) -> Result<E, StoreError> {
        let new = new.fit();
        let mut attempts = 0;
        loop {
            let last = self.collection.find_one(self.filter.clone()).sort(doc! { "seq": -1 }).await?;
            let last = last.map(|mut last| AuditTail::of(last.record()));
            let last = last.as_ref().into_iter().chain(gone).max_by_key(|last| last.seq);
            let mut entry = E::of(&self.name, new.after(last));
            entry.record().hash = chain_hash(entry.previous_hash(), &entry.content());
            let error = match self.collection.insert_one(&entry).await {
                Ok(_) => return Ok(entry),
                Err(error) => StoreError::from(error),
            };
            attempts += 1;
            if !error.is_duplicate() {
                return Err(error);
            }
            if attempts >= ATTEMPTS {
                return Err(StoreError::Contended { attempts, last: Box::new(error) });
            }
            tokio::time::sleep(pause(&new, attempts)).await;
        }
    }

    async fn verify(&self, known: Known) -> Result<Verdict, StoreError> {
        let mut entries = self.collection.find(self.filter.clone()).sort(doc! { "seq": 1 }).await?;
        let mut verifier = Verifier::new(known);
        while let Some(entry) = entries.try_next().await? {
            verifier.see(&entry);
        }
        Ok(verifier.verdict())
    }
}

/// Up to 160 ms, less in the beginning, another one for each writer.
fn pause(new: &NewAuditEntry, attempts: u32) -> std::time::Duration {
    let phase = format!("{:?}", new.phase);
    let [a, b, ..] = derived(&["pause", &new.request_id, &phase, &attempts.to_string()]).bytes();
    let most = u64::from(attempts.min(20)) * 8;
    std::time::Duration::from_millis(u64::from(u16::from_be_bytes([a, b])) % (most + 1))
}

fn of_tenant(store: &TenantStore) -> Chain<AuditEntry> {
    let name = store.tenant.to_string();
    let filter = doc! { "tenantId": &name };
    Chain { collection: store.database.collection(&store.name::<AuditEntry>()), name, filter }
}

/// Writes the next entry of a tenant's audit trail. `gone` is its organization's `auditTail`: places are
/// never given twice, not even after all entries have expired.
///
/// # Errors
/// [`StoreError::Contended`] when others kept being faster, [`StoreError::Fenced`] while the tenant is being
/// moved, or the database's failure. Then there is no entry, or nobody knows: the change must not happen.
pub async fn append_audit(
    store: &TenantStore,
    gone: Option<&AuditTail>,
    entry: NewAuditEntry,
) -> Result<AuditEntry, StoreError> {
    of_tenant(store).append(gone, entry).await
}

/// Goes through a tenant's audit trail.
///
/// # Errors
/// [`StoreError`].
pub async fn verify_audit(store: &TenantStore, known: Known) -> Result<Verdict, StoreError> {
    of_tenant(store).verify(known).await
}

impl Store {
    fn account_chain(&self, account: Id) -> Chain<AccountAuditEntry> {
        let filter = doc! { "accountId": account };
        Chain { collection: self.platform_collection(), name: account.to_hex(), filter }
    }

    /// Writes the next entry of an account's own audit trail.
    ///
    /// # Errors
    /// As [`append_audit`].
    pub async fn append_account_audit(
        &self,
        account: Id,
        entry: NewAuditEntry,
    ) -> Result<AccountAuditEntry, StoreError> {
        self.account_chain(account).append(None, entry).await
    }

    /// Goes through an account's audit trail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_account_audit(&self, account: Id, known: Known) -> Result<Verdict, StoreError> {
        self.account_chain(account).verify(known).await
    }
}
