//! Keeps the channels' health records (`channels.health`, and how much was sent) without making them hot: what one environment
//! learns of a channel is gathered in memory and written at most once a minute.
//!
//! A record is for people to look at, and its counts need not be exact: what an environment has gathered
//! when Lambda takes it away is lost, and what a queue delivers twice is counted twice. That it cannot be
//! written is no reason to fail a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures::future::join_all;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::queue::InboundEvent;
use matome_store::entities::{Channel, ChannelQuota, TokenState};
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_store::{Store, StoreError};

/// How often one environment writes one channel's record.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long a batch waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Channels remembered at once; beyond it those with nothing to tell are forgotten.
const CAPACITY: usize = 10_000;
/// The code of a call that LINE refused for its credentials.
const UNAUTHORIZED: &str = "unauthorized";

/// See the module.
pub struct HealthRecords {
    clock: Arc<dyn Clock>,
    channels: Mutex<HashMap<Key, Held>>,
}

/// Tenant and channel id.
type Key = (String, String);

/// One channel.
#[derive(Default)]
struct Held {
    news: News,
    tried_at: Option<Timestamp>,
    /// The last try did not succeed.
    failing: bool,
    /// As it was written last.
    token: Option<TokenState>,
    /// As it was written last.
    quota: Option<(Option<i64>, i64)>,
}

/// What is to be written.
#[derive(Default, Clone, PartialEq)]
struct News {
    received: i64,
    redelivered: i64,
    /// When the newest event came, and whether LINE's mode was `standby`.
    newest: Option<(Timestamp, bool)>,
    error: Option<(Timestamp, String)>,
    token: Option<(Timestamp, TokenState)>,
    quota: Option<ChannelQuota>,
    sent: i64,
}

impl HealthRecords {
    /// Nothing known yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, channels: Mutex::default() }
    }

    /// An event came.
    pub fn received(&self, event: &InboundEvent) {
        let again = event.event.pointer("/deliveryContext/isRedelivery").and_then(serde_json::Value::as_bool);
        let standby = event.event.get("mode").and_then(serde_json::Value::as_str) == Some("standby");
        let mut channels = self.held();
        let news = &mut entry(&mut channels, event.tenant_id.as_str(), event.channel_id.as_str()).news;
        news.received += 1;
        news.redelivered += i64::from(again == Some(true));
        if news.newest.is_none_or(|(at, _)| at <= event.received_at) {
            news.newest = Some((event.received_at, standby));
        }
    }

    /// LINE was called as a channel. `error` is what went wrong, as a short code such as `unauthorized`
    /// or `rate_limited`.
    pub fn called(&self, tenant: &str, channel: &str, error: Option<&str>) {
        let now = self.clock.now();
        let mut channels = self.held();
        let held = entry(&mut channels, tenant, channel);
        let token = match error {
            None => TokenState::Valid,
            Some(code) => {
                held.news.error = Some((now, code.to_owned()));
                if code != UNAUTHORIZED {
                    return;
                }
                TokenState::Refused
            }
        };
        held.news.token = (held.token != Some(token)).then_some((now, token));
    }

    /// LINE took a reply or a push.
    pub fn sent(&self, tenant: &str, channel: &str) {
        entry(&mut self.held(), tenant, channel).news.sent += 1;
    }

    /// LINE told what is left of a month's messages; `limit` is absent where there is none.
    pub fn quota(&self, tenant: &str, channel: &str, limit: Option<i64>, used: i64) {
        let as_of = date(self.clock.now());
        let mut channels = self.held();
        let held = entry(&mut channels, tenant, channel);
        if held.quota != Some((limit, used)) {
            held.news.quota = Some(ChannelQuota { limit, used, as_of });
        }
    }

    /// Writes what is due. To be called at the end of a batch, outside any transaction. A failure is
    /// logged, and what was to be written is kept for the next time.
    pub async fn flush(&self, platform: &Store) {
        let now = self.clock.now();
        join_all(self.due(now).into_iter().map(|(key, news)| self.write(platform, key, news, now))).await;
    }

    /// What is due, taken out. A channel that was written just now is written again only because its
    /// token state changed: that is rare, and somebody should know.
    fn due(&self, now: Timestamp) -> Vec<(Key, News)> {
        let is_due = |held: &Held| {
            let waited = held.tried_at.is_none_or(|at| now.since(at) >= INTERVAL);
            let urgent = held.news.token.is_some() && !held.failing;
            urgent || (waited && held.news != News::default())
        };
        let mut channels = self.held();
        let due = channels.iter_mut().filter(|(_, held)| is_due(held));
        let due = due.map(|(key, held)| (key.clone(), std::mem::take(&mut held.news))).collect();
        if channels.len() > CAPACITY {
            channels.retain(|_, held| held.news != News::default());
        }
        due
    }

    async fn write(&self, platform: &Store, (tenant, channel): Key, news: News, now: Timestamp) {
        let outcome = tokio::time::timeout(PATIENCE, store(platform, &tenant, &channel, &news, now)).await;
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        let mut channels = self.held();
        let held = entry(&mut channels, &tenant, &channel);
        held.tried_at = Some(now);
        // A database in trouble is not asked again with every batch.
        held.failing = error.is_some();
        let Some(error) = error else {
            held.token = news.token.map(|(_, token)| token).or(held.token);
            held.quota = news.quota.map(|q| (q.limit, q.used)).or(held.quota);
            return;
        };
        held.news = news.before(std::mem::take(&mut held.news));
        metrics::counter!("ChannelHealthNotWritten").increment(1);
        tracing::warn!(
            tenant.id = tenant,
            channel.id = channel,
            error,
            "the channel's health was not written"
        );
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry<'a>(channels: &'a mut HashMap<Key, Held>, tenant: &str, channel: &str) -> &'a mut Held {
    channels.entry((tenant.to_owned(), channel.to_owned())).or_default()
}

impl News {
    /// These, and then those that came later.
    fn before(self, later: Self) -> Self {
        Self {
            received: self.received + later.received,
            redelivered: self.redelivered + later.redelivered,
            newest: self.newest.max(later.newest),
            error: later.error.or(self.error),
            token: later.token.or(self.token),
            quota: later.quota.or(self.quota),
            sent: self.sent + later.sent,
        }
    }
}

/// One update by its channel's id; nothing where the tenant has no such channel (any more).
async fn store(
    platform: &Store,
    tenant: &str,
    channel: &str,
    news: &News,
    now: Timestamp,
) -> Result<(), StoreError> {
    let filter = doc! { "channelId": channel, "tenantId": tenant };
    let channels = platform.platform_collection::<Channel>();
    channels.update_one(filter, vec![doc! { "$set": set(news, now)? }]).await?;
    Ok(())
}

/// As expressions over the stored record: of several environments the newest event's word counts.
fn set(news: &News, now: Timestamp) -> Result<Document, StoreError> {
    let mut set = Document::new();
    let sum = |field: &str, n: i64| doc! { "$add": [{ "$ifNull": [format!("${field}"), 0_i64] }, n] };
    if news.sent > 0 {
        set.insert("statistics.messagesSent", sum("statistics.messagesSent", news.sent));
    }
    if let Some((at, standby)) = news.newest {
        let stored = doc! { "$ifNull": ["$health.lastWebhookAt", date(Timestamp(0))] };
        let newer = doc! { "$gte": [date(at), stored] };
        set.insert("health.received", sum("health.received", news.received));
        set.insert("health.redelivered", sum("health.redelivered", news.redelivered));
        set.insert("health.countedSince", doc! { "$ifNull": ["$health.countedSince", date(now)] });
        set.insert(
            "health.standby",
            doc! { "$cond": [newer, standby, { "$ifNull": ["$health.standby", false] }] },
        );
        set.insert("health.lastWebhookAt", doc! { "$max": ["$health.lastWebhookAt", date(at)] });
    }
    if let Some((at, code)) = &news.error {
        set.insert("health.lastError", literal(doc! { "at": date(*at), "code": code }));
    }
    if let Some((at, token)) = news.token {
        let token = to_bson(&token)?;
        set.insert("health.tokenState", literal(token));
        set.insert("health.tokenCheckedAt", date(at));
    }
    if let Some(quota) = news.quota {
        let quota = to_bson(&quota)?;
        set.insert("health.quota", literal(quota));
    }
    Ok(set)
}

/// A value that is no expression, and takes the place of a document instead of being merged into it.
fn literal(value: impl Into<Bson>) -> Document {
    doc! { "$literal": value.into() }
}
