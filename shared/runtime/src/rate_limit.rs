//! Limits how often the API is called, over DynamoDB's `ephemeral` table: one item for each holder of a
//! quota, with the time at which it is whole again (`matome_domain::rate`). A call of somebody who was
//! quiet is one write; one in a burst is two; a refused call changes nothing.
//!
//! When DynamoDB does not answer, what happens is the class's to say ([`Class::uncounted`]): reads and
//! writes go on uncounted, with a warning and the metric `CallsUncounted`; attempts to sign in do not.

mod table;
mod taken;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::ids::{DocumentId, TenantId};
use matome_domain::rate::{Class, Holder, Quota, Uncounted, Verdict, Work};
use matome_domain::tier::Tier;

use self::table::Table;
pub use self::taken::{Part, Taken};
use crate::ephemeral::{Ephemeral, Scope};

/// How long a call waits to be counted, all attempts and retries of one window together. Counting takes
/// some milliseconds; a limit that makes everybody wait is worse than none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who takes from a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An account, by its id.
    Account(DocumentId),
    /// An API key, by its id.
    ApiKey(DocumentId),
    /// Everybody of the tenant in the scope.
    Tenant,
    /// Whoever calls from an address.
    Address(IpAddr),
    /// Whoever tries this e-mail address: an HMAC of it, so that the table is no list of addresses.
    Email([u8; 32]),
}

impl Who {
    fn holder(&self) -> Holder {
        match self {
            Self::Account(_) | Self::ApiKey(_) => Holder::Caller,
            Self::Tenant => Holder::Tenant,
            Self::Address(_) => Holder::Address,
            Self::Email(_) => Holder::Email,
        }
    }

    /// A part of a key: without `#`, and never the same for two.
    fn key(&self) -> String {
        match self {
            Self::Account(id) => format!("account-{id}"),
            Self::ApiKey(id) => format!("key-{id}"),
            Self::Tenant => "all".to_owned(),
            Self::Address(address) => match address.to_canonical() {
                IpAddr::V4(v4) => format!("ip-{v4}"),
                // A customer of a provider has all of these 64 bits (RFC 6177), and would be as many callers.
                IpAddr::V6(v6) => {
                    let [a, b, c, d, ..] = v6.segments();
                    format!("ip-{a:x}:{b:x}:{c:x}:{d:x}")
                }
            },
            Self::Email(hmac) => {
                format!("email-{}", hmac.iter().map(|b| format!("{b:02x}")).collect::<String>())
            }
        }
    }
}

/// One quota that a call takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    scope: Scope,
    work: Work,
    who: Who,
    quota: Quota,
}

impl Window {
    /// One holder's quota of `work` in a tenant, by the table of [`Quota::of`].
    #[must_use]
    pub fn in_tenant(tenant: TenantId, tier: Tier, work: impl Into<Work>, who: Who) -> Self {
        let work = work.into();
        let quota = Quota::of(work.class(), who.holder(), Some(tier));
        Self { scope: Scope::Tenant(tenant), work, who, quota }
    }

    /// The same outside of any tenant: attempts to sign in, an account's own things, public routes, and what
    /// the platform's people do. [`Who::Tenant`] is everybody here.
    #[must_use]
    pub fn on_platform(work: impl Into<Work>, who: Who) -> Self {
        let work = work.into();
        let quota = Quota::of(work.class(), who.holder(), None);
        Self { scope: Scope::Platform, work, who, quota }
    }

    /// With another quota than the table's.
    #[must_use]
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// `TENANT#{id}#RATE#{work}#{who}#{seconds}`, `PLATFORM#RATE#…`. The period is part of it: a
    /// quota of another period is another quota.
    fn key(&self) -> String {
        let Self { scope, work, who, quota } = self;
        format!("{scope}RATE#{work}#{}#{}", who.key(), quota.period().as_secs())
    }

    fn name(&self) -> String {
        format!("{}-{}", self.work, self.who.holder().as_str())
    }
}

/// A call could not be counted, and is of a class that must be. 503.
#[derive(Debug, thiserror::Error)]
#[error("a call of class {} could not be counted", .class.as_str())]
pub struct RateLimitError {
    /// The class.
    pub class: Class,
    /// The SDK's error, or what was missing.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// See the module.
pub struct RateLimits {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl RateLimits {
    /// In that table.
    #[must_use]
    pub fn new(ephemeral: Ephemeral, clock: Arc<dyn Clock>) -> Self {
        Self { table: Table::DynamoDb(ephemeral), clock }
    }

    /// In memory.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { table: Table::Memory(std::sync::Arc::default()), clock }
    }

    /// Every window there is whenever it is called, as text: for tests that look for what must not be kept.
    ///
    /// # Panics
    /// When it is not [`Self::in_memory`].
    #[cfg(any(test, feature = "test-support"))]
    pub fn dump(&self) -> impl Fn() -> String + Send + Sync + use<> {
        self.table.dump()
    }

    /// Takes one call from each window, in their order, until one refuses. Narrow ones belong first:
    /// then a caller who is refused takes nothing from the tenant's quota, which others live on.
    ///
    /// # Errors
    /// [`RateLimitError`] when a call of a class that must be counted could not be. Other classes' are
    /// allowed then, and their window is not among [`Taken::parts`].
    pub async fn take(&self, windows: &[Window]) -> Result<Taken, RateLimitError> {
        let mut taken = Taken::default();
        for window in windows {
            let key = window.key();
            let taking = self.table.take(&window.scope, &key, window.quota, self.clock.now());
            let verdict = match tokio::time::timeout(PATIENCE, taking).await {
                Ok(verdict) => verdict,
                Err(elapsed) => Err(elapsed.into()),
            };
            match verdict {
                Ok(Verdict::Allowed { standing, .. }) => {
                    taken.parts.push(Part { name: window.name(), standing });
                }
                Ok(Verdict::Refused { standing, wait }) => {
                    metrics::counter!("CallsOverRate").increment(1);
                    taken.parts.push(Part { name: window.name(), standing });
                    taken.wait = Some(wait);
                    break;
                }
                Err(source) => {
                    metrics::counter!("CallsUncounted").increment(1);
                    let class = window.work.class();
                    if class.uncounted() == Uncounted::Refused {
                        return Err(RateLimitError { class, source });
                    }
                    tracing::warn!(rate.window = window.name(), error = %source, "a call was not counted");
                }
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(who: Who) -> String {
        Window::on_platform(Class::Auth, who).key()
    }

    fn address(text: &str) -> Who {
        Who::Address(text.parse().unwrap())
    }

    #[test]
    fn keys_name_scope_work_holder_and_period() {
        let tenant = TenantId::new("t1").unwrap();
        let id = DocumentId::new("a1").unwrap();
        let of = |class, who| {
            let work = Work::of(class, "doIt".into());
            Window::in_tenant(tenant.clone(), Tier::Free, work, who).key()
        };
        assert_eq!(of(Class::Read, Who::Account(id.clone())), "TENANT#t1#RATE#read#account-a1#60");
        assert_eq!(of(Class::Export, Who::ApiKey(id)), "TENANT#t1#RATE#doIt#key-a1#3600");
        assert_eq!(of(Class::Search, Who::Tenant), "TENANT#t1#RATE#doIt#all#60");
        assert_eq!(key(Who::Email([0xab; 32])), format!("PLATFORM#RATE#auth#email-{}#900", "ab".repeat(32)));
        assert_eq!(key(address("192.0.2.1")), "PLATFORM#RATE#auth#ip-192.0.2.1#300");
    }

    #[test]
    fn addresses_of_one_customer_are_one_caller() {
        assert_eq!(key(address("2001:db8:1:2::1")), key(address("2001:db8:1:2:ffff:ffff:ffff:ffff")));
        assert_ne!(key(address("2001:db8:1:2::1")), key(address("2001:db8:1:3::1")));
        assert_eq!(key(address("::ffff:192.0.2.1")), key(address("192.0.2.1")));
        assert_ne!(key(address("192.0.2.2")), key(address("192.0.2.1")));
    }
}
