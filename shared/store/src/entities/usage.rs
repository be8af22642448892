//! What a tenant used in a month, compared with what it may use.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::limits::{Level, Levels, Standing, Usage};
use matome_domain::month::Month;
use serde::{Deserialize, Serialize};

use crate::entities::Organization;
use crate::entity::{Entity, Index};
use crate::id::derived;
use crate::shape::{Shape, date, number, string};

/// One document a month. Measured by [`crate::TenantStore::measure_usage`], which the scheduler calls
/// every hour, and once more for the month before when a new one has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthlyUsage {
    /// Id; see [`usage_id`].
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Month.
    pub month: Month,
    /// What counts against limits.
    #[serde(flatten)]
    pub used: Usage,
    /// Tokens that AI providers took in the month; limited by `aiSettings.monthlyTokenLimit`.
    #[serde(default)]
    pub ai_tokens: i64,
    /// Where each limit stood.
    #[serde(default)]
    pub levels: Levels,
    /// The highest of `levels`, for lists and filters.
    #[serde(default)]
    pub level: Level,
    /// When it was measured.
    pub computed_at: DateTime,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v", default)]
    pub version: i64,
}

/// `organization.usage`: what was measured last, so that whoever serves the tenant knows it without a
/// question of its own, and lists of tenants can show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastUsage {
    /// The month it was measured for.
    pub month: Month,
    /// What counts against limits.
    #[serde(flatten)]
    pub used: Usage,
    /// Since the organization was made.
    #[serde(default)]
    pub totals: UsageTotals,
    /// When.
    pub measured_at: DateTime,
}

/// What an organization ever used; summed up in `owner.usage`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageTotals {
    /// Messages recorded.
    pub messages: i64,
    /// Sessions opened.
    pub sessions: i64,
    /// Summaries written.
    pub summaries: i64,
    /// Tokens that AI providers took.
    pub ai_tokens: i64,
}

impl Organization {
    /// What it uses at `now`, as far as is known: what was measured last, at most an hour ago, without
    /// what belongs to a month that has ended.
    #[must_use]
    pub fn used_at(&self, now: Timestamp) -> Usage {
        match &self.usage {
            None => Usage::default(),
            Some(last) if last.month == Month::of(now) => last.used,
            Some(last) => last.used.at_month_begin(),
        }
    }

    /// Where its limits stand at `now`, as far as is known. Follows a change of limits at once.
    #[must_use]
    pub fn levels_at(&self, now: Timestamp) -> Levels {
        Levels::of(&self.used_at(now), &self.limits)
    }

    /// Every limit beside its usage, for whoever shows them: see [`Standing`] for the shape, and
    /// `usage.measuredAt` for how old it is.
    #[must_use]
    pub fn standings_at(&self, now: Timestamp) -> [Standing; 6] {
        self.used_at(now).beside(&self.limits)
    }
}

/// Id of a tenant's usage in a month.
#[must_use]
pub fn usage_id(tenant: &TenantId, month: &Month) -> ObjectId {
    derived(&["usage", tenant.as_str(), month.as_str()])
}

impl Entity for MonthlyUsage {
    const COLLECTION: &'static str = "usage";

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1, "month": -1 })]
    }

    fn shape() -> Shape {
        Shape::new().required("month", string()).optional("messages", number()).required("computedAt", date())
    }
}

#[cfg(test)]
mod tests {
    use matome_domain::limits::{Limit, Limits};

    use super::*;
    use crate::entities::NewOrganization;

    #[test]
    fn what_is_known_of_a_month_ends_with_it_and_what_is_stored_stays() {
        let new = NewOrganization {
            id: ObjectId::from_bytes([1; 12]),
            owner_id: ObjectId::from_bytes([2; 12]),
            name: "A shop".to_owned(),
            tier: matome_domain::tier::Tier::Free,
            limits: Limits { max_messages_per_month: Some(10), max_rooms: Some(3), ..Limits::default() },
            placement: matome_domain::placement::Placement::Shared,
        };
        let mut organization = new.provisioning(DateTime::MIN);
        let now = Timestamp(1_795_165_200_000);
        assert_eq!(organization.levels_at(now), Levels::default(), "never measured");
        organization.usage = Some(LastUsage {
            month: Month::of(now),
            used: Usage { messages: 11, rooms: 3, ..Usage::default() },
            totals: UsageTotals::default(),
            measured_at: DateTime::MIN,
        });
        let over = organization.levels_at(now);
        assert_eq!((over.messages_per_month, over.rooms), (Level::Over, Level::Reached));
        let next = organization.levels_at(Month::of(now).end());
        assert_eq!((next.messages_per_month, next.rooms), (Level::Ok, Level::Reached));
        organization.limits.max_messages_per_month = Some(100);
        assert!(organization.levels_at(now).may_use_ai(), "more was bought");
        let messages = organization.standings_at(now)[2];
        assert_eq!(
            (messages.limit, messages.used, messages.allowed),
            (Limit::MessagesPerMonth, 11, Some(100))
        );
    }
}
