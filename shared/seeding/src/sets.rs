//! The seeds' data sets: small, and the same every time. A set says which tenants there are; who
//! writes them brings the channels, because only LINE, or its simulator, makes those.

use std::fmt;
use std::str::FromStr;

use matome_domain::tier::Tier;
use matome_store::entities::OrganizationSettings;
use matome_store::id::derived;

use crate::Tenant;

/// A set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSet {
    /// One tenant of each tier, in three languages: for working on the code.
    Development,
    /// One tenant in each placement: for trying what differs between them.
    Test,
    /// The one tenant that `cargo xtask up` shows.
    Demo,
}

impl DataSet {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Test, Self::Demo];

    /// As it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Demo => "demo",
        }
    }

    /// Its tenants.
    #[must_use]
    pub fn tenants(self) -> Vec<SeedTenant> {
        let tenant = |key, name, tier, timezone, summary_language| SeedTenant {
            set: self,
            key,
            name,
            tier,
            timezone,
            summary_language,
        };
        match self {
            Self::Development => vec![
                tenant("cafe", "Cafe Lanna", Tier::Free, "Asia/Bangkok", Some("th")),
                tenant("ramen", "Ramen Sakura", Tier::Basic, "Asia/Tokyo", Some("ja")),
                tenant("clinic", "Riverside Clinic", Tier::Pro, "Asia/Singapore", Some("en")),
                tenant("retail", "Northern Retail Group", Tier::Enterprise, "Asia/Tokyo", None),
            ],
            Self::Test => vec![
                tenant("shared", "Shared test tenant", Tier::Free, "UTC", None),
                tenant("set", "Collection set test tenant", Tier::Pro, "UTC", None),
                tenant("dedicated", "Dedicated test tenant", Tier::Enterprise, "UTC", None),
            ],
            Self::Demo => vec![tenant("demo", "Matome Demo", Tier::Free, "Asia/Bangkok", None)],
        }
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data set: must be development, test or demo")]
pub struct UnknownSet;

impl FromStr for DataSet {
    type Err = UnknownSet;

    fn from_str(name: &str) -> Result<Self, UnknownSet> {
        Self::ALL.into_iter().find(|set| set.as_str() == name).ok_or(UnknownSet)
    }
}

/// A tenant of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedTenant {
    /// Its set.
    pub set: DataSet,
    /// Its name in the set; ids are derived from it.
    pub key: &'static str,
    /// Name.
    pub name: &'static str,
    /// What it is served as; its data lives where the tier says.
    pub tier: Tier,
    /// IANA name.
    pub timezone: &'static str,
    /// BCP 47 tag of its summaries; the talk's language without one.
    pub summary_language: Option<&'static str>,
}

/// What LINE knows of a tenant's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedChannel {
    /// LINE's channel id.
    pub channel_id: String,
    /// The channel secret.
    pub channel_secret: String,
    /// The bot's user id.
    pub bot_user_id: String,
    /// Where LINE posts webhooks.
    pub webhook_url: String,
}

impl SeedTenant {
    /// A channel id of its own, ten digits as at LINE; the same every time.
    #[must_use]
    pub fn channel_id(&self) -> String {
        let [a, b, c, d, ..] = derived(&["channel", self.set.as_str(), self.key]).bytes();
        format!("16{:08}", u32::from_be_bytes([a, b, c, d]) % 100_000_000)
    }

    /// The tenant, with its channel.
    #[must_use]
    pub fn with(&self, channel: SeedChannel) -> Tenant {
        let mut settings = OrganizationSettings::default();
        settings.ai_settings.summary_language = self.summary_language.map(str::to_owned);
        Tenant {
            organization: derived(&[self.set.as_str(), &channel.channel_id]),
            name: self.name.to_owned(),
            settings,
            tier: self.tier,
            placement: self.tier.placement(),
            timezone: self.timezone.to_owned(),
            channel_id: channel.channel_id,
            channel_secret: channel.channel_secret,
            bot_user_id: channel.bot_user_id,
            webhook_url: channel.webhook_url,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_tenant_has_a_channel_and_an_id_of_its_own_and_keeps_them() {
        let all = || DataSet::ALL.into_iter().flat_map(DataSet::tenants);
        let channels: BTreeSet<String> = all().map(|tenant| tenant.channel_id()).collect();
        assert_eq!(channels.len(), all().count());
        assert!(channels.iter().all(|id| id.len() == 10), "{channels:?}");
        assert_eq!(channels, all().map(|tenant| tenant.channel_id()).collect());
    }

    #[test]
    fn the_test_set_has_every_placement_and_the_development_set_every_tier() {
        let tiers = |set: DataSet| set.tenants().into_iter().map(|t| t.tier).collect::<Vec<_>>();
        assert_eq!(tiers(DataSet::Development), Tier::ALL);
        let placements: BTreeSet<_> =
            tiers(DataSet::Test).into_iter().map(|tier| format!("{:?}", tier.placement())).collect();
        assert_eq!(placements.len(), 3);
    }

    #[test]
    fn sets_are_found_by_name() {
        for set in DataSet::ALL {
            assert_eq!(set.as_str().parse(), Ok(set));
        }
        assert_eq!("production".parse::<DataSet>(), Err(UnknownSet));
    }
}
