//! What a channel may send this month, as LINE says it when the channel is taken into use. Later the sender asks.

use matome_line::client::{LineChannel, Quota};
use matome_runtime::lambda::Chain;
use matome_store::entities::ChannelQuota;
use matome_store::time::date;

use crate::step::Work;

/// `None` when LINE does not say: nobody waits for it.
pub(crate) async fn ask(work: &Work<'_>, line: &LineChannel) -> Option<ChannelQuota> {
    let (limit, used) = match tokio::try_join!(line.quota(), line.quota_consumption()) {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(tenant.id = %work.tenant, error = %Chain(&error), "LINE did not say the quota");
            return None;
        }
    };
    let limit = match limit {
        Quota::Unlimited => None,
        Quota::Limited(limit) => Some(i64::try_from(limit).unwrap_or(i64::MAX)),
    };
    let used = i64::try_from(used).unwrap_or(i64::MAX);
    Some(ChannelQuota { limit, used, as_of: date(work.context.clock.now()) })
}
