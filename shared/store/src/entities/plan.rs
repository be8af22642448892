//! What can be bought.

use bson::{DateTime, doc};
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::shape::{Shape, date, object, string};
use crate::store::Store;

/// A plan: what a tier brings now. Changing one changes what organizations get from then on, not
/// what they have: each carries the limits it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The tier is the id.
    #[serde(rename = "_id")]
    pub id: Tier,
    /// What it is called to customers.
    pub name: String,
    /// What it brings and costs.
    pub terms: Terms,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Plan {
    /// A tier's plan as a new platform starts with it.
    #[must_use]
    pub fn initial(tier: Tier, now: DateTime) -> Self {
        let name = match tier {
            Tier::Free => "Free",
            Tier::Basic => "Basic",
            Tier::Pro => "Pro",
            Tier::Enterprise => "Enterprise",
        };
        Self {
            id: tier,
            name: name.to_owned(),
            terms: Terms::of(tier),
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }
}

impl Entity for Plan {
    const COLLECTION: &'static str = "plans";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        Vec::new()
    }

    fn shape() -> Shape {
        Shape::new().required("name", string()).required("terms", object()).required("createdAt", date())
    }
}

impl Store {
    /// Writes the plans that are missing; one that is there is left as its operator made it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_plans(&self, now: DateTime) -> Result<(), StoreError> {
        let plans = self.platform_collection::<Plan>();
        for tier in Tier::ALL {
            let plan = crate::collection::encode(&Plan::initial(tier, now))?;
            let filter = doc! { "_id": tier.as_str() };
            plans.update_one(filter, doc! { "$setOnInsert": plan }).upsert(true).await?;
        }
        Ok(())
    }

    /// What a tier brings now: the plan in force, or the initial one where none was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn terms(&self, tier: Tier) -> Result<Terms, StoreError> {
        let found = self.platform_collection::<Plan>().find_one(doc! { "_id": tier.as_str() }).await?;
        Ok(found.map_or_else(|| Terms::of(tier), |plan| plan.terms))
    }
}
