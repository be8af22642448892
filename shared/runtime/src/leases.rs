//! Leases in DynamoDB's `ephemeral` table: one of many may do something for a while. A saving (two
//! schedulers need not sweep at once), never the authority on whether something was done.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use matome_domain::clock::{Clock, Timestamp};

use crate::aws::Aws;
use crate::config::{ConfigError, Env};
use crate::random::Random;

/// A lease that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    name: String,
    holder: String,
    /// Until when nobody else gets it.
    pub until: Timestamp,
}

/// Why a lease could not be asked for or given back.
#[derive(Debug, thiserror::Error)]
#[error("the lease {name} could not be {action}")]
pub struct LeaseError {
    /// The lease.
    pub name: String,
    /// `taken` or `given back`.
    pub action: &'static str,
    /// The SDK's error.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The table of leases.
pub struct Leases {
    client: aws_sdk_dynamodb::Client,
    table: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Leases {
    /// In the table that `EPHEMERAL_TABLE` names.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(
        env: &Env,
        aws: &Aws,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ConfigError> {
        Ok(Self::from_client(aws.dynamodb(), env.required("EPHEMERAL_TABLE")?, clock, random))
    }

    /// Over a table and a client made elsewhere (tests, tools).
    #[must_use]
    pub fn from_client(
        client: aws_sdk_dynamodb::Client,
        table: String,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { client, table, clock, random }
    }

    /// Takes `name` for `time`; `None` while somebody else has it. An expired lease is free: TTL
    /// removes items late, so the time in the item decides, not its presence.
    ///
    /// # Errors
    /// [`LeaseError`] when DynamoDB did not answer.
    pub async fn take(&self, name: &str, time: Duration) -> Result<Option<Lease>, LeaseError> {
        let now = self.clock.now();
        let lease =
            Lease { name: name.to_owned(), holder: self.random.uuid().to_string(), until: now.plus(time) };
        let taken = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", AttributeValue::S(key(name)))
            .item("holder", AttributeValue::S(lease.holder.clone()))
            .item("until", AttributeValue::N(lease.until.0.to_string()))
            // TTL counts seconds; one more, so that it never removes a lease that still holds.
            .item("expiresAt", AttributeValue::N((lease.until.0 / 1_000 + 1).to_string()))
            .condition_expression("attribute_not_exists(pk) OR #until <= :now")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", AttributeValue::N(now.0.to_string()))
            .send()
            .await;
        match taken {
            Ok(_) => Ok(Some(lease)),
            Err(SdkError::ServiceError(e))
                if matches!(e.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(None)
            }
            Err(e) => Err(failed(name, "taken", e.into_service_error())),
        }
    }

    /// Gives a lease back before its time. Fine when it has run out and somebody else holds it now.
    ///
    /// # Errors
    /// [`LeaseError`] when DynamoDB did not answer; the lease then runs out by itself.
    pub async fn give_back(&self, lease: Lease) -> Result<(), LeaseError> {
        let gone = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(key(&lease.name)))
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", AttributeValue::S(lease.holder))
            .send()
            .await;
        match gone {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(e))
                if matches!(e.err(), DeleteItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(())
            }
            Err(e) => Err(failed(&lease.name, "given back", e.into_service_error())),
        }
    }
}

fn key(name: &str) -> String {
    format!("LEASE#{name}")
}

fn failed(
    name: &str,
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LeaseError {
    LeaseError { name: name.to_owned(), action, source: source.into() }
}
