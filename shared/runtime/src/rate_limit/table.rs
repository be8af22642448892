//! Where the times are kept. Two conditional writes say what `max(wholeAt, now) + cost` would, which an
//! update expression cannot: first the one for somebody who was quiet, which most calls are.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use matome_domain::clock::Timestamp;
use matome_domain::rate::{Quota, Verdict, WholeAt};

use crate::ephemeral::{Ephemeral, Scope};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Item = HashMap<String, AttributeValue>;

/// Rounds of two writes. A second one is needed only if the item vanished in between: TTL took it, or
/// another clock is ahead of ours.
const ROUNDS: usize = 3;

pub(super) enum Table {
    DynamoDb(Ephemeral),
    #[cfg(any(test, feature = "test-support"))]
    Memory(std::sync::Arc<std::sync::Mutex<HashMap<String, WholeAt>>>),
}

impl Table {
    #[cfg(any(test, feature = "test-support"))]
    pub(super) fn dump(&self) -> impl Fn() -> String + Send + Sync + use<> {
        let Self::Memory(times) = self else { panic!("only what is in memory can be dumped") };
        let times = std::sync::Arc::clone(times);
        move || format!("{:?}", times.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) async fn take(
        &self,
        scope: &Scope,
        key: &str,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Verdict, Failure> {
        match self {
            Self::DynamoDb(ephemeral) => {
                let client = ephemeral.client(scope).await?;
                let update = || {
                    client
                        .update_item()
                        .table_name(ephemeral.table())
                        .key("pk", AttributeValue::S(key.to_owned()))
                        .expression_attribute_values(":now", number(WholeAt::from(now).0))
                        .expression_attribute_values(":expires", number(expires_at(quota, now)))
                        .return_values(ReturnValue::UpdatedNew)
                        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                };
                take(update, quota, now).await
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(times) => {
                let mut times = times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let time = times.entry(key.to_owned()).or_default();
                let verdict = quota.take(*time, now);
                if let Verdict::Allowed { whole_at, .. } = verdict {
                    *time = whole_at;
                }
                Ok(verdict)
            }
        }
    }
}

async fn take(
    update: impl Fn() -> UpdateItemFluentBuilder,
    quota: Quota,
    now: Timestamp,
) -> Result<Verdict, Failure> {
    let (_, latest) = quota.bounds(now);
    for _ in 0..ROUNDS {
        let quiet = update()
            .update_expression("SET wholeAt = :fresh, expiresAt = :expires")
            .condition_expression("attribute_not_exists(wholeAt) OR wholeAt <= :now")
            .expression_attribute_values(":fresh", number(quota.fresh(now).0));
        let Err(busy) = written(quiet).await? else {
            return Ok(quota.take(WholeAt::from(now), now));
        };
        let verdict = quota.take(busy, now);
        if let Verdict::Refused { .. } = verdict {
            return Ok(verdict);
        }
        let burst = update()
            .update_expression("SET wholeAt = wholeAt + :step, expiresAt = :expires")
            .condition_expression("wholeAt > :now AND wholeAt <= :latest")
            .expression_attribute_values(":step", number(quota.step()))
            .expression_attribute_values(":latest", number(latest.0));
        match written(burst).await? {
            // What others took in between is in it.
            Ok(after) => return Ok(quota.take(WholeAt(after.0 - quota.step()), now)),
            Err(before) if before > latest => return Ok(quota.take(before, now)),
            Err(_) => {}
        }
    }
    Err("the item came and went again and again".into())
}

/// The time after the write, or the time that stood in its way.
async fn written(update: UpdateItemFluentBuilder) -> Result<Result<WholeAt, WholeAt>, Failure> {
    match update.send().await {
        Ok(output) => {
            Ok(Ok(output.attributes.as_ref().and_then(whole_at).ok_or("the answer has no wholeAt")?))
        }
        Err(SdkError::ServiceError(e)) => match e.into_err() {
            // Without the item: it is gone, and whoever it was of was quiet.
            UpdateItemError::ConditionalCheckFailedException(e) => {
                Ok(Err(e.item.as_ref().and_then(whole_at).unwrap_or_default()))
            }
            e => Err(e.into()),
        },
        Err(e) => Err(e.into_service_error().into()),
    }
}

fn whole_at(item: &Item) -> Option<WholeAt> {
    item.get("wholeAt")?.as_n().ok()?.parse().ok().map(WholeAt)
}

/// When TTL may remove the item, seconds: no sooner than its quota can be whole.
fn expires_at(quota: Quota, now: Timestamp) -> i128 {
    let whole_at = WholeAt::from(now).0 + quota.step() * i128::from(quota.limit());
    i128::from(WholeAt(whole_at).timestamp().0) / 1_000 + 1
}

fn number(value: i128) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
