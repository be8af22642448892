//! Where keys are kept. TTL removes items late, so the times in an item decide, not its presence.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use matome_domain::clock::Timestamp;

use crate::ephemeral::{Ephemeral, Scope};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Attributes = HashMap<String, AttributeValue>;

/// A key's item.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) fingerprint: String,
    /// The attempt that wrote it.
    pub(super) holder: String,
    /// End of the lease.
    pub(super) until: Timestamp,
    pub(super) keep_until: Timestamp,
    /// Of the answer, once there is one.
    pub(super) status: Option<u16>,
    /// The answer, sealed, if it is kept.
    pub(super) answer: Option<String>,
}

/// What stood where an attempt was to begin.
pub(super) enum Found {
    /// Nothing that counts any more.
    Free,
    /// Another one's item.
    Other(Item),
}

pub(super) enum Table {
    DynamoDb(Ephemeral),
    #[cfg(any(test, feature = "test-support"))]
    Memory(std::sync::Arc<std::sync::Mutex<HashMap<String, Item>>>),
}

#[cfg(any(test, feature = "test-support"))]
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Table {
    #[cfg(any(test, feature = "test-support"))]
    pub(super) fn dump(&self) -> impl Fn() -> String + Send + Sync + use<> {
        let Self::Memory(items) = self else { panic!("only what is in memory can be dumped") };
        let items = std::sync::Arc::clone(items);
        move || format!("{:?}", lock(&items))
    }

    /// Puts `item` where there is none, where one is no longer kept, or where the same request's lease has
    /// ended without an answer.
    pub(super) async fn begin(
        &self,
        scope: &Scope,
        pk: &str,
        item: &Item,
        now: Timestamp,
    ) -> Result<Found, Failure> {
        match self {
            Self::DynamoDb(ephemeral) => {
                let client = ephemeral.client(scope).await?;
                let put = client
                    .put_item()
                    .table_name(ephemeral.table())
                    .set_item(Some(item.attributes(pk)))
                    .condition_expression(
                        "attribute_not_exists(pk) OR keepUntil <= :now \
                         OR (attribute_not_exists(answered) AND leaseUntil <= :now AND fingerprint = :fingerprint)",
                    )
                    .expression_attribute_values(":now", number(now.0))
                    .expression_attribute_values(":fingerprint", AttributeValue::S(item.fingerprint.clone()))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
                match put.send().await {
                    Ok(_) => Ok(Found::Free),
                    Err(SdkError::ServiceError(e)) => match e.into_err() {
                        PutItemError::ConditionalCheckFailedException(e) => {
                            let old = e.item.as_ref().and_then(Item::read);
                            Ok(Found::Other(old.ok_or("the item is not one of an idempotency key")?))
                        }
                        e => Err(e.into()),
                    },
                    Err(e) => Err(e.into_service_error().into()),
                }
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(items) => {
                let mut items = lock(items);
                if let Some(old) = items.get(pk) {
                    let has_ended =
                        old.status.is_none() && old.until <= now && old.fingerprint == item.fingerprint;
                    if old.keep_until > now && !has_ended {
                        return Ok(Found::Other(old.clone()));
                    }
                }
                items.insert(pk.to_owned(), item.clone());
                Ok(Found::Free)
            }
        }
    }

    /// Puts the answered `item` in the place of what its holder began; whether that was still there.
    pub(super) async fn complete(&self, scope: &Scope, pk: &str, item: Item) -> Result<bool, Failure> {
        match self {
            Self::DynamoDb(ephemeral) => {
                let client = ephemeral.client(scope).await?;
                let put = client
                    .put_item()
                    .table_name(ephemeral.table())
                    .set_item(Some(item.attributes(pk)))
                    .condition_expression("holder = :holder")
                    .expression_attribute_values(":holder", AttributeValue::S(item.holder));
                match put.send().await {
                    Ok(_) => Ok(true),
                    Err(SdkError::ServiceError(e))
                        if matches!(e.err(), PutItemError::ConditionalCheckFailedException(_)) =>
                    {
                        Ok(false)
                    }
                    Err(e) => Err(e.into_service_error().into()),
                }
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(items) => {
                let mut items = lock(items);
                let is_ours = items.get(pk).is_some_and(|old| old.holder == item.holder);
                if is_ours {
                    items.insert(pk.to_owned(), item);
                }
                Ok(is_ours)
            }
        }
    }

    /// Removes what `holder` began; whether nobody else has it.
    pub(super) async fn abandon(&self, scope: &Scope, pk: &str, holder: &str) -> Result<bool, Failure> {
        match self {
            Self::DynamoDb(ephemeral) => {
                let client = ephemeral.client(scope).await?;
                let delete = client
                    .delete_item()
                    .table_name(ephemeral.table())
                    .key("pk", AttributeValue::S(pk.to_owned()))
                    // One that is gone is well gone: the SDK tries again after an answer that was lost.
                    .condition_expression("attribute_not_exists(pk) OR holder = :holder")
                    .expression_attribute_values(":holder", AttributeValue::S(holder.to_owned()));
                match delete.send().await {
                    Ok(_) => Ok(true),
                    Err(SdkError::ServiceError(e))
                        if matches!(e.err(), DeleteItemError::ConditionalCheckFailedException(_)) =>
                    {
                        Ok(false)
                    }
                    Err(e) => Err(e.into_service_error().into()),
                }
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(items) => {
                let mut items = lock(items);
                let is_ours = items.get(pk).is_none_or(|old| old.holder == holder);
                if is_ours {
                    items.remove(pk);
                }
                Ok(is_ours)
            }
        }
    }
}

impl Item {
    fn attributes(&self, pk: &str) -> Attributes {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let required = [
            ("pk", text(pk)),
            ("fingerprint", text(&self.fingerprint)),
            ("holder", text(&self.holder)),
            ("leaseUntil", number(self.until.0)),
            ("keepUntil", number(self.keep_until.0)),
            // TTL counts seconds; one more, so that it never removes what is still kept.
            ("expiresAt", number(self.keep_until.0 / 1_000 + 1)),
        ];
        let status = self.status.map(|status| ("answered", number(status.into())));
        let answer = self.answer.as_deref().map(|answer| ("answer", text(answer)));
        required
            .into_iter()
            .chain(status)
            .chain(answer)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn read(attributes: &Attributes) -> Option<Self> {
        let text = |name| attributes.get(name)?.as_s().ok().cloned();
        let number = |name| attributes.get(name)?.as_n().ok()?.parse::<i64>().ok();
        Some(Self {
            fingerprint: text("fingerprint")?,
            holder: text("holder")?,
            until: Timestamp(number("leaseUntil")?),
            keep_until: Timestamp(number("keepUntil")?),
            status: number("answered").and_then(|status| status.try_into().ok()),
            answer: text("answer"),
        })
    }
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
