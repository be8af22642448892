//! What each tier brings. These are the terms a new platform starts with; the `plans` collection is
//! what is in force, and an organization carries the limits it was given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::limits::Limits;
use crate::tier::Tier;

/// What an owner gets for its money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// For each organization.
    pub limits: Limits,
    /// For the owner.
    pub owner_limits: OwnerLimits,
    /// What can be used.
    pub features: Features,
    /// What it costs; empty = nothing, or as agreed.
    #[serde(default)]
    pub prices: Vec<Price>,
    /// Days a new organization has before it is to be paid for; 0 = none.
    #[serde(default)]
    pub trial_days: u32,
    /// How long audit entries are kept (the seed's `audit_log_retention_days`).
    #[serde(default = "default_audit_retention_days")]
    pub audit_retention_days: u32,
}

/// The seed's `audit_log_retention_days`, for whoever has not agreed on something else.
#[must_use]
pub fn default_audit_retention_days() -> u32 {
    90
}

/// `owner.limits` and `plan.ownerLimits`: an absent one is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerLimits {
    /// Organizations (the seed's `max_projects`). A further one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_organizations: Option<u64>,
    /// Members over all its organizations (the seed's `max_users`). A further one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_members: Option<u64>,
}

/// What can be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Features {
    /// Summaries by an AI provider; by the built-in summarizer otherwise.
    pub ai_summaries: bool,
    /// Exports as PDF, DOCX, …
    pub exports: bool,
    /// Queue, agents, ratings.
    pub live_chat: bool,
    /// The REST API with keys of its own.
    pub api_access: bool,
    /// Outgoing webhooks.
    pub webhooks: bool,
    /// A data key of its own that can be rotated on demand.
    pub own_key: bool,
    /// A stack of its own: queues, bucket, KMS key, reserved concurrency.
    pub own_stack: bool,
}

impl Features {
    /// Whether a plan has it.
    #[must_use]
    pub fn allows(&self, feature: Feature) -> bool {
        match feature {
            Feature::AiSummaries => self.ai_summaries,
            Feature::Exports => self.exports,
            Feature::LiveChat => self.live_chat,
            Feature::ApiAccess => self.api_access,
            Feature::Webhooks => self.webhooks,
            Feature::OwnKey => self.own_key,
            Feature::OwnStack => self.own_stack,
        }
    }
}

/// One of [`Features`], by the name it has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Feature {
    /// See [`Features::ai_summaries`].
    AiSummaries,
    /// See [`Features::exports`].
    Exports,
    /// See [`Features::live_chat`].
    LiveChat,
    /// See [`Features::api_access`].
    ApiAccess,
    /// See [`Features::webhooks`].
    Webhooks,
    /// See [`Features::own_key`].
    OwnKey,
    /// See [`Features::own_stack`].
    OwnStack,
}

impl Feature {
    /// As it is called in a plan and to a client.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// `owner.subscription.billingCycle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BillingCycle {
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// One price of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// How often.
    pub billing_cycle: BillingCycle,
    /// ISO 4217.
    pub currency: String,
    /// In the currency's smallest unit: cents, yen, satang.
    pub amount: u64,
}

impl Terms {
    /// What a tier brings on a new platform.
    #[must_use]
    pub fn of(tier: Tier) -> Self {
        let limits = |rooms, members, messages, gigabytes, agents, calls| Limits {
            max_rooms: Some(rooms),
            max_members_per_room: Some(members),
            max_messages_per_month: Some(messages),
            max_storage_gb: Some(gigabytes),
            max_agents: Some(agents),
            api_calls_per_month: Some(calls),
        };
        let owner = |organizations, members| OwnerLimits {
            max_organizations: Some(organizations),
            max_members: Some(members),
        };
        let usd = |monthly: u64| {
            let price = |billing_cycle, amount| Price { billing_cycle, currency: "USD".to_owned(), amount };
            // Ten months for a year.
            vec![price(BillingCycle::Monthly, monthly), price(BillingCycle::Yearly, monthly * 10)]
        };
        let basic = Features {
            ai_summaries: true,
            exports: true,
            live_chat: true,
            api_access: true,
            ..Features::default()
        };
        match tier {
            // Agents as the live-chat seed's default; the rest as the projects seed's.
            Tier::Free => Self {
                limits: limits(100, 500, 10_000, 1.0, 1, 10_000),
                owner_limits: owner(3, 10),
                features: Features { ai_summaries: true, exports: true, ..Features::default() },
                prices: Vec::new(),
                trial_days: 0,
                audit_retention_days: default_audit_retention_days(),
            },
            Tier::Basic => Self {
                limits: limits(1_000, 500, 100_000, 10.0, 5, 100_000),
                owner_limits: owner(5, 25),
                features: basic,
                prices: usd(2_900),
                trial_days: 14,
                audit_retention_days: default_audit_retention_days(),
            },
            Tier::Pro => Self {
                limits: limits(10_000, 500, 1_000_000, 100.0, 50, 1_000_000),
                owner_limits: owner(20, 200),
                features: Features { webhooks: true, own_key: true, ..basic },
                prices: usd(19_900),
                trial_days: 14,
                audit_retention_days: 365,
            },
            Tier::Enterprise => Self {
                limits: Limits::default(),
                owner_limits: OwnerLimits::default(),
                features: Features { webhooks: true, own_key: true, own_stack: true, ..basic },
                prices: Vec::new(),
                trial_days: 30,
                audit_retention_days: 730,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;
    use crate::placement::Placement;

    #[test]
    fn a_higher_tier_never_brings_less() {
        let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        for pair in Tier::ALL.windows(2) {
            let (lower, higher) = (Terms::of(pair[0]), Terms::of(pair[1]));
            for limit in Limit::ALL {
                assert!(most(lower.limits.of(limit)) <= most(higher.limits.of(limit)), "{pair:?} {limit:?}");
            }
            let owner = |l: OwnerLimits| (most(l.max_organizations), most(l.max_members));
            assert!(owner(lower.owner_limits) <= owner(higher.owner_limits));
            assert!(lower.audit_retention_days <= higher.audit_retention_days);
            let (a, b) = (serde_json::json!(lower.features), serde_json::json!(higher.features));
            for (name, on) in a.as_object().unwrap() {
                assert!(!on.as_bool().unwrap() || b[name].as_bool().unwrap(), "{pair:?} loses {name}");
            }
        }
    }

    #[test]
    fn each_feature_is_allowed_by_the_field_of_its_name_alone() {
        assert_eq!(
            serde_json::json!(Features::default()).as_object().unwrap().len(),
            Feature::VARIANTS.len()
        );
        for one in Feature::VARIANTS {
            let only: Features = serde_json::from_value(serde_json::json!({ one.as_str(): true })).unwrap();
            for feature in Feature::VARIANTS {
                assert_eq!(only.allows(*feature), feature == one, "{one:?} {feature:?}");
            }
        }
    }

    #[test]
    fn a_stack_of_its_own_goes_with_a_database_of_its_own() {
        for tier in Tier::ALL {
            let features = Terms::of(tier).features;
            assert_eq!(features.own_stack, tier.placement() == Placement::Dedicated);
            assert_eq!(features.own_key, tier.placement() != Placement::Shared);
        }
    }
}
