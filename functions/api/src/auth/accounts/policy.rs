//! How long sessions last: as long as every organization of the account allows.

use matome_domain::access::session::Lifetimes;
use matome_store::{Id, StoreError};

use super::Accounts;

impl Accounts {
    /// The shortest of what the platform and the account's organizations want.
    pub(super) async fn lifetimes(&self, account: Id) -> Result<Lifetimes, StoreError> {
        let policies = self.store.policies_of(account).await?;
        Ok(policies.iter().fold(Lifetimes::default(), |lifetimes, policy| {
            lifetimes.shortened(policy.session_idle_minutes, policy.session_max_minutes)
        }))
    }
}
