//! What a caller is told of its quotas: `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10) and `Retry-After` (RFC 9110, 10.2.3).

use std::fmt::Write;
use std::time::Duration;

use matome_domain::rate::Standing;

/// How a caller stands with one quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The quota's name: work and holder, such as `read-caller` or `eraseUser-caller`.
    pub name: String,
    /// The standing.
    pub standing: Standing,
}

/// What became of a call that was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The quotas it took from, in the order that was asked for; a refusing one is the last.
    pub parts: Vec<Part>,
    pub(super) wait: Option<Duration>,
}

impl Taken {
    /// Whether the call may go on. 429 otherwise.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.wait.is_none()
    }

    /// Seconds for `Retry-After`, rounded up; `None` for a call that may go on.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.wait.map(seconds)
    }

    /// The value of `RateLimit-Policy`, such as `"read-caller";q=300;w=60`; `None` when nothing was
    /// counted, for the field must not be empty.
    #[must_use]
    pub fn policy(&self) -> Option<String> {
        self.list(|part| {
            let quota = part.standing.quota;
            format!("\"{}\";q={};w={}", part.name, quota.limit(), quota.period().as_secs())
        })
    }

    /// The value of `RateLimit`, such as `"read-caller";r=299;t=1`: calls left at once, and seconds until
    /// the quota is whole, or until the next call where there was a refusal.
    #[must_use]
    pub fn limit(&self) -> Option<String> {
        self.list(|Part { name, standing }| {
            format!("\"{name}\";r={};t={}", standing.remaining, seconds(standing.reset))
        })
    }

    fn list(&self, item: impl Fn(&Part) -> String) -> Option<String> {
        let (first, rest) = self.parts.split_first()?;
        let mut list = item(first);
        for part in rest {
            write!(list, ", {}", item(part)).expect("a String takes everything");
        }
        Some(list)
    }
}

/// Rounded up: whoever comes back a part of a second too early is refused again.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use matome_domain::rate::Quota;

    #[test]
    fn headers_name_each_quota_and_round_up() {
        let part = |name: &str, limit, remaining, reset| Part {
            name: name.to_owned(),
            standing: Standing {
                quota: Quota::new(limit, Duration::from_secs(60)),
                remaining,
                reset: Duration::from_millis(reset),
            },
        };
        let mut taken = Taken::default();
        assert_eq!((taken.policy(), taken.limit(), taken.retry_after()), (None, None, None));
        assert!(taken.is_allowed());
        taken.parts = vec![part("read-caller", 300, 299, 200), part("read-tenant", 1200, 0, 60_000)];
        assert_eq!(taken.policy().as_deref(), Some(r#""read-caller";q=300;w=60, "read-tenant";q=1200;w=60"#));
        assert_eq!(taken.limit().as_deref(), Some(r#""read-caller";r=299;t=1, "read-tenant";r=0;t=60"#));
        taken.wait = Some(Duration::from_millis(1));
        assert_eq!((taken.is_allowed(), taken.retry_after()), (false, Some(1)));
    }
}
