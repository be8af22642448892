//! How often the API may be called: classes of routes, who is counted, the table of limits, and the
//! arithmetic of one limit. The counting itself is `runtime::rate_limit`'s.
//!
//! The arithmetic is GCRA (ITU-T I.371, the "virtual scheduling" form; what the crate `governor` does in
//! memory): one time for each holder, at which the quota will be whole again. It needs no counters that
//! begin anew, so nobody gets twice the quota around the end of a window, and a refusal knows when the
//! next call is allowed. Whoever was quiet may spend a whole quota at once; in no period does anybody
//! get more than the quota and what of it grew back meanwhile.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::tier::Tier;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What kind of work a route is: the table of limits goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads by key or by page.
    Read,
    /// Changes something.
    Write,
    /// Looks through much: search, analytics.
    Search,
    /// Has a model write something: each call costs money.
    Summarize,
    /// Tries a password, a code or a token, or has a mail sent.
    Auth,
    /// Makes files of much: exports, erasures.
    Export,
}

/// What becomes of a call that could not be counted, because the table did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// It goes on: the limit protects the service and must not be what takes it down.
    Allowed,
    /// It is refused: uncounted attempts are as many guesses as somebody likes.
    Refused,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::Search, Self::Summarize, Self::Auth, Self::Export];

    /// As it stands in keys, headers and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Search => "search",
            Self::Summarize => "summarize",
            Self::Auth => "auth",
            Self::Export => "export",
        }
    }

    /// See [`Uncounted`].
    #[must_use]
    pub fn uncounted(self) -> Uncounted {
        match self {
            Self::Auth => Uncounted::Refused,
            Self::Read | Self::Write | Self::Search | Self::Summarize | Self::Export => Uncounted::Allowed,
        }
    }

    /// Whether each route of the class has quotas of its own. Little is allowed of what is costly: whoever used
    /// up one such route has the others still. Of the rest there is enough for all routes together, and in the
    /// class of attempts a second route would be a second round of guesses.
    #[must_use]
    pub fn is_by_route(self) -> bool {
        match self {
            Self::Search | Self::Summarize | Self::Export => true,
            Self::Read | Self::Write | Self::Auth => false,
        }
    }
}

/// What is counted together: the routes of a class, or one route of a class that is counted by route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    class: Class,
    route: Option<Cow<'static, str>>,
}

impl Work {
    /// A call of the route of this name in a class.
    #[must_use]
    pub fn of(class: Class, route: Cow<'static, str>) -> Self {
        Self { class, route: class.is_by_route().then_some(route) }
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }
}

/// All of a class.
impl From<Class> for Work {
    fn from(class: Class) -> Self {
        Self { class, route: None }
    }
}

/// As it stands in keys and headers: the class or the route, such as `read` or `eraseUser`.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.route.as_deref().unwrap_or(self.class.as_str()))
    }
}

/// Whose calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// One account or API key: a script that runs wild does not take its colleagues' share.
    Caller,
    /// All callers of a tenant.
    Tenant,
    /// One address: whoever is not signed in. IPv6 by its first 64 bits, which one customer has.
    Address,
    /// One e-mail address that somebody tries to sign in with, from wherever.
    Email,
}

impl Holder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Caller, Self::Tenant, Self::Address, Self::Email];

    /// As it stands in headers and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Tenant => "tenant",
            Self::Address => "address",
            Self::Email => "email",
        }
    }
}

/// So many calls in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    period: Duration,
}

impl Quota {
    /// `limit` calls in `period`.
    ///
    /// # Panics
    /// When the limit is 0 or the period shorter than a second or longer than 31 days: a quota is written
    /// down in a program, and these are mistakes in it.
    #[must_use]
    pub const fn new(limit: u32, period: Duration) -> Self {
        assert!(limit > 0, "a quota allows something");
        assert!(period.as_secs() >= 1 && period.as_secs() <= 31 * 24 * 60 * 60, "a quota's period");
        Self { limit, period }
    }

    /// What a class allows a holder in a tenant of `tier`; `None` where no tenant is concerned (an
    /// account's own things, what the platform's people do). The table of limits is here.
    #[must_use]
    pub fn of(class: Class, holder: Holder, tier: Option<Tier>) -> Self {
        // Free, basic, pro, enterprise.
        let by_tier = |limits: [u32; 4], period| {
            let limit = match tier {
                Some(Tier::Free) => limits[0],
                Some(Tier::Basic) => limits[1],
                // Outside of tenants there are people, not programs; pro's is plenty.
                Some(Tier::Pro) | None => limits[2],
                Some(Tier::Enterprise) => limits[3],
            };
            Self::new(limit, period)
        };
        match (class, holder) {
            (Class::Read, Holder::Caller) => by_tier([120, 300, 600, 1_200], MINUTE),
            (Class::Read, Holder::Tenant) => by_tier([300, 1_200, 3_000, 12_000], MINUTE),
            (Class::Write, Holder::Caller) => by_tier([60, 120, 300, 600], MINUTE),
            (Class::Write, Holder::Tenant) => by_tier([120, 600, 1_500, 6_000], MINUTE),
            (Class::Search, Holder::Caller) => by_tier([20, 30, 60, 120], MINUTE),
            (Class::Search, Holder::Tenant) => by_tier([40, 120, 300, 1_200], MINUTE),
            (Class::Summarize, Holder::Caller) => by_tier([10, 15, 30, 60], MINUTE),
            (Class::Summarize, Holder::Tenant) => by_tier([20, 60, 150, 600], MINUTE),
            (Class::Export, Holder::Caller) => by_tier([5, 10, 20, 60], HOUR),
            (Class::Export, Holder::Tenant) => by_tier([10, 20, 60, 240], HOUR),
            (Class::Read, Holder::Address) => Self::new(300, MINUTE),
            (Class::Write | Class::Search | Class::Summarize, Holder::Address) => Self::new(60, MINUTE),
            (Class::Export, Holder::Address) => Self::new(10, HOUR),
            // An office signs in from one address; a list of leaked passwords is longer. Lockout by account is
            // `access::lockout`'s, and comes before this does.
            (Class::Auth, Holder::Address) => Self::new(30, Duration::from_secs(5 * 60)),
            (Class::Auth, Holder::Tenant) => Self::new(120, MINUTE),
            (Class::Auth, Holder::Caller) | (_, Holder::Email) => Self::new(10, Duration::from_secs(15 * 60)),
        }
    }

    /// Calls in the period.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// The period.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// What one call costs in time, nanoseconds; rounded up, so that rounding never allows more.
    fn cost(self) -> i128 {
        i128::try_from(self.period.as_nanos().div_ceil(u128::from(self.limit)))
            .expect("31 days are few nanoseconds")
    }

    /// How far the whole quota may lie ahead, nanoseconds.
    fn tolerance(self) -> i128 {
        self.cost() * i128::from(self.limit)
    }

    /// One call at `now` by a holder whose quota is whole at `whole_at`.
    #[must_use]
    pub fn take(self, whole_at: WholeAt, now: Timestamp) -> Verdict {
        let now = WholeAt::from(now).0;
        let before = whole_at.0.max(now);
        let after = before + self.cost();
        let ahead = after - now;
        if ahead <= self.tolerance() {
            let remaining = (self.tolerance() - ahead) / self.cost();
            Verdict::Allowed {
                whole_at: WholeAt(after),
                standing: Standing {
                    quota: self,
                    remaining: u32::try_from(remaining).unwrap_or(self.limit),
                    reset: nanoseconds(ahead),
                },
            }
        } else {
            let wait = nanoseconds(ahead - self.tolerance());
            Verdict::Refused { standing: Standing { quota: self, remaining: 0, reset: wait }, wait }
        }
    }

    /// The times between which `whole_at` may lie for a call at `now` to be allowed and to cost time on
    /// top of it: after the first, at the second at most. For a conditional write; at the first or before,
    /// [`Quota::fresh`] is what to write.
    #[must_use]
    pub fn bounds(self, now: Timestamp) -> (WholeAt, WholeAt) {
        let now = WholeAt::from(now);
        (now, WholeAt(now.0 + self.tolerance() - self.cost()))
    }

    /// When the quota of a holder is whole who takes the first of it at `now`.
    #[must_use]
    pub fn fresh(self, now: Timestamp) -> WholeAt {
        WholeAt(WholeAt::from(now).0 + self.cost())
    }

    /// What one call adds to [`WholeAt`], in its unit.
    #[must_use]
    pub fn step(self) -> i128 {
        self.cost()
    }
}

/// When a holder's quota is whole again: GCRA's "theoretical arrival time". Nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WholeAt(pub i128);

impl WholeAt {
    /// In milliseconds, rounded up.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp(i64::try_from((self.0 + 999_999).div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for WholeAt {
    fn from(at: Timestamp) -> Self {
        Self(i128::from(at.0) * 1_000_000)
    }
}

/// Whether a call may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and this is when the quota is whole now.
    Allowed {
        /// To be kept.
        whole_at: WholeAt,
        /// After the call.
        standing: Standing,
    },
    /// It may not, and is not counted.
    Refused {
        /// As it was.
        standing: Standing,
        /// After this time one call is allowed.
        wait: Duration,
    },
}

/// How a holder stands with a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The quota.
    pub quota: Quota,
    /// Calls that are allowed at once.
    pub remaining: u32,
    /// Until the quota is whole; after a refusal, until one call is allowed (`Retry-After` and `t` of
    /// `RateLimit` are to name the same moment: draft-ietf-httpapi-ratelimit-headers-10, §5).
    pub reset: Duration,
}

fn nanoseconds(count: i128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_165_200_000);

    fn allowed(verdict: Verdict) -> Option<(WholeAt, Standing)> {
        match verdict {
            Verdict::Allowed { whole_at, standing } => Some((whole_at, standing)),
            Verdict::Refused { .. } => None,
        }
    }

    #[test]
    fn a_quota_can_be_spent_at_once_and_grows_back_call_by_call() {
        let quota = Quota::new(3, Duration::from_secs(60));
        let mut whole_at = WholeAt::default();
        for (remaining, reset) in [(2, 20), (1, 40), (0, 60)] {
            let (after, standing) = allowed(quota.take(whole_at, NOW)).unwrap();
            assert_eq!((standing.remaining, standing.reset), (remaining, Duration::from_secs(reset)));
            whole_at = after;
        }
        let Verdict::Refused { standing, wait } = quota.take(whole_at, NOW.plus(Duration::from_secs(5)))
        else {
            panic!("a fourth call was allowed")
        };
        assert_eq!((wait, standing.reset, standing.remaining), (Duration::from_secs(15), wait, 0));
        let (_, standing) = allowed(quota.take(whole_at, NOW.plus(Duration::from_secs(20)))).unwrap();
        assert_eq!(standing.remaining, 0);
        let (_, standing) = allowed(quota.take(whole_at, NOW.plus(Duration::from_secs(60)))).unwrap();
        assert_eq!(standing.remaining, 2);
    }

    #[test]
    fn a_higher_tier_is_never_allowed_less_and_a_tenant_never_less_than_one_of_its_callers() {
        for class in Class::ALL {
            for holder in Holder::ALL {
                let limits = Tier::ALL.map(|tier| Quota::of(class, holder, Some(tier)).limit());
                assert!(limits.is_sorted(), "{class:?} {holder:?}");
            }
            for tier in Tier::ALL {
                let of = |holder| Quota::of(class, holder, Some(tier));
                let (caller, tenant) = (of(Holder::Caller), of(Holder::Tenant));
                // By the time that one call costs: their periods may differ.
                assert!(tenant.step() < caller.step(), "{class:?} {tier}");
            }
        }
    }

    #[test]
    fn only_attempts_to_sign_in_are_refused_when_they_cannot_be_counted() {
        let refused: Vec<_> =
            Class::ALL.into_iter().filter(|c| c.uncounted() == Uncounted::Refused).collect();
        assert_eq!(refused, [Class::Auth]);
    }

    #[test]
    fn what_is_costly_is_counted_route_by_route_and_the_rest_together() {
        let work = |class, route| Work::of(class, Cow::Borrowed(route));
        for class in Class::ALL {
            let is_apart = work(class, "one") != work(class, "other");
            let is_costly = matches!(class, Class::Search | Class::Summarize | Class::Export);
            assert_eq!((is_apart, class.is_by_route()), (is_costly, is_costly), "{class:?}");
            assert_eq!(work(class, "one") == Work::from(class), !is_costly, "{class:?}");
        }
        assert_eq!(work(Class::Read, "listRooms").to_string(), "read");
        assert_eq!(work(Class::Export, "eraseUser").to_string(), "eraseUser");
    }

    fn quota() -> impl Strategy<Value = Quota> {
        (1_u32..50, 1_u64..4_000).prop_map(|(limit, period)| Quota::new(limit, Duration::from_secs(period)))
    }

    proptest! {
        #[test]
        fn in_no_period_is_more_allowed_than_the_quota_and_what_grew_back(
            quota in quota(), gaps in prop::collection::vec(0_u64..120_000, 1..300),
        ) {
            let (mut whole_at, mut now, mut times) = (WholeAt::default(), NOW, Vec::new());
            for gap in gaps {
                now = now.plus(Duration::from_millis(gap));
                if let Some((after, _)) = allowed(quota.take(whole_at, now)) {
                    whole_at = after;
                    times.push(now);
                }
            }
            for (from, first) in times.iter().enumerate() {
                for (to, last) in times.iter().enumerate().skip(from) {
                    let grown = i128::try_from(last.since(*first).as_nanos()).unwrap() / quota.step();
                    let count = i128::try_from(to - from + 1).unwrap();
                    prop_assert!(count <= i128::from(quota.limit()) + grown);
                }
            }
        }

        #[test]
        fn whoever_waits_as_told_is_allowed_and_whoever_comes_sooner_is_not(
            quota in quota(), ahead in 0_i64..8_000_000,
        ) {
            let whole_at = WholeAt::from(Timestamp(NOW.0 + ahead));
            if let Verdict::Refused { wait, .. } = quota.take(whole_at, NOW) {
                let ready = Timestamp(NOW.0 + i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap());
                prop_assert!(allowed(quota.take(whole_at, ready)).is_some());
                prop_assert!(allowed(quota.take(whole_at, Timestamp(ready.0 - 1))).is_none());
            }
        }

        #[test]
        fn as_many_calls_are_allowed_at_once_as_remain(quota in quota(), ahead in 0_i64..4_000_000) {
            let start = WholeAt::from(Timestamp(NOW.0 + ahead));
            if let Some((mut whole_at, standing)) = allowed(quota.take(start, NOW)) {
                for _ in 0..standing.remaining {
                    whole_at = allowed(quota.take(whole_at, NOW)).unwrap().0;
                }
                prop_assert!(allowed(quota.take(whole_at, NOW)).is_none());
            }
        }

        #[test]
        fn a_conditional_write_by_the_bounds_decides_as_the_arithmetic_does(
            quota in quota(), ahead in -1_000_000_i64..8_000_000,
        ) {
            let start = WholeAt::from(Timestamp(NOW.0 + ahead));
            let (from, to) = quota.bounds(NOW);
            let written = if start <= from {
                Some(quota.fresh(NOW))
            } else {
                (start <= to).then(|| WholeAt(start.0 + quota.step()))
            };
            prop_assert_eq!(allowed(quota.take(start, NOW)).map(|(whole_at, _)| whole_at), written);
        }

        #[test]
        fn a_quiet_holder_has_the_whole_quota(quota in quota(), ago in 0_i64..1_000_000) {
            let (_, standing) = allowed(quota.take(WholeAt::from(Timestamp(NOW.0 - ago)), NOW)).unwrap();
            prop_assert_eq!(standing.remaining, quota.limit() - 1);
        }
    }
}
