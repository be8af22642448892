//! Counts a tenant's API calls of the month in DynamoDB's `ephemeral` table: one atomic write a call,
//! no document that all of a tenant's calls would have to queue for in MongoDB. The API asks before
//! each call whether it may go on; the scheduler puts the counts into the tenant's usage.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue};
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_domain::limits::{Consequence, Level, Limit};
use matome_domain::month::Month;

use crate::ephemeral::{Ephemeral, Scope};

/// How long after its month a count is kept: long enough to be put into the month's usage.
const KEEP: Duration = Duration::from_secs(40 * 24 * 60 * 60);
/// Keys of one `BatchGetItem`; DynamoDB's limit.
const BATCH: usize = 100;
/// How often keys are asked for that DynamoDB left unprocessed.
const ATTEMPTS: usize = 5;

/// A call that was counted, and what is left: for `RateLimit` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Calls of the month, this one and refused ones included.
    pub used: u64,
    /// Calls allowed in the month; `None`: as many as there are.
    pub limit: Option<u64>,
    /// When counting begins anew: the end of the month, UTC.
    pub resets_at: Timestamp,
}

impl Counted {
    /// Whether the call may go on. 429 otherwise.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        Limit::ApiCallsPerMonth.consequence(Level::of(self.used, self.limit)) != Consequence::Refuse
    }

    /// Calls left after this one.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }
}

/// DynamoDB did not answer, or refused. Worth another try.
#[derive(Debug, thiserror::Error)]
#[error("API calls could not be {action}")]
pub struct ApiCallsError {
    /// `counted` or `read`.
    pub action: &'static str,
    /// The SDK's error, or what was missing.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// See the module.
pub struct ApiCalls {
    table: Table,
    clock: Arc<dyn Clock>,
}

enum Table {
    DynamoDb(Ephemeral),
    #[cfg(any(test, feature = "test-support"))]
    Memory(std::sync::Mutex<HashMap<String, u64>>),
}

impl ApiCalls {
    /// In that table.
    #[must_use]
    pub fn new(ephemeral: Ephemeral, clock: Arc<dyn Clock>) -> Self {
        Self { table: Table::DynamoDb(ephemeral), clock }
    }

    /// In memory.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { table: Table::Memory(std::sync::Mutex::default()), clock }
    }

    /// Counts a call of this month and says whether it may go on.
    ///
    /// # Errors
    /// [`ApiCallsError`]; whether the call was counted is not known then.
    pub async fn count(&self, tenant: &TenantId, limit: Option<u64>) -> Result<Counted, ApiCallsError> {
        let month = Month::of(self.clock.now());
        let scope = Scope::Tenant(tenant.clone());
        let (key, resets_at) = (key(&scope, &month), month.end());
        let used = match &self.table {
            Table::DynamoDb(ephemeral) => {
                let client = ephemeral.client(&scope).await.map_err(|e| failed("counted", e))?;
                let expires_at = resets_at.plus(KEEP).0 / 1_000;
                let counted = client
                    .update_item()
                    .table_name(ephemeral.table())
                    .key("pk", AttributeValue::S(key))
                    .update_expression("ADD calls :one SET expiresAt = :expires")
                    .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
                    .expression_attribute_values(":expires", AttributeValue::N(expires_at.to_string()))
                    .return_values(ReturnValue::UpdatedNew)
                    .send()
                    .await
                    .map_err(|e| failed("counted", e.into_service_error()))?;
                let calls = counted.attributes.as_ref().and_then(calls);
                calls.ok_or_else(|| failed("counted", "the answer has no calls"))?
            }
            #[cfg(any(test, feature = "test-support"))]
            Table::Memory(counts) => {
                let mut counts = counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let calls = counts.entry(key).or_default();
                *calls += 1;
                *calls
            }
        };
        Ok(Counted { used, limit, resets_at })
    }

    /// The calls of a month, one count for each of `tenants`; one request for a hundred, with the function's
    /// own rights.
    ///
    /// # Errors
    /// [`ApiCallsError`].
    pub async fn used(&self, tenants: &[TenantId], month: &Month) -> Result<Vec<u64>, ApiCallsError> {
        let keys: Vec<String> =
            tenants.iter().map(|tenant| key(&Scope::Tenant(tenant.clone()), month)).collect();
        let mut counts = HashMap::new();
        for keys in keys.chunks(BATCH) {
            self.read(keys, &mut counts).await?;
        }
        Ok(keys.iter().map(|key| counts.get(key).copied().unwrap_or_default()).collect())
    }

    async fn read(&self, keys: &[String], counts: &mut HashMap<String, u64>) -> Result<(), ApiCallsError> {
        match &self.table {
            Table::DynamoDb(ephemeral) => {
                let keys =
                    keys.iter().map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))]));
                let wanted = KeysAndAttributes::builder().set_keys(Some(keys.collect())).build();
                let mut wanted =
                    HashMap::from([(ephemeral.table().to_owned(), wanted.map_err(|e| failed("read", e))?)]);
                for _ in 0..ATTEMPTS {
                    let read = ephemeral.own().batch_get_item().set_request_items(Some(wanted)).send().await;
                    let read = read.map_err(|e| failed("read", e.into_service_error()))?;
                    for item in read.responses.unwrap_or_default().into_values().flatten() {
                        let key = item.get("pk").and_then(|key| key.as_s().ok());
                        if let (Some(key), Some(calls)) = (key, calls(&item)) {
                            counts.insert(key.clone(), calls);
                        }
                    }
                    wanted = read.unprocessed_keys.unwrap_or_default();
                    if wanted.is_empty() {
                        return Ok(());
                    }
                }
                Err(failed("read", "DynamoDB left some unprocessed again and again"))
            }
            #[cfg(any(test, feature = "test-support"))]
            Table::Memory(known) => {
                let known = known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                counts.extend(keys.iter().filter_map(|key| Some((key.clone(), *known.get(key)?))));
                Ok(())
            }
        }
    }
}

fn key(scope: &Scope, month: &Month) -> String {
    format!("{scope}APICALLS#{month}")
}

fn calls(item: &HashMap<String, AttributeValue>) -> Option<u64> {
    item.get("calls")?.as_n().ok()?.parse().ok()
}

fn failed(
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ApiCallsError {
    ApiCallsError { action, source: source.into() }
}
