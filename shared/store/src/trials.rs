//! What the platform knows of trials: whether their owners pay, and what was said of their end.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::trial::TrialStage;
use serde::Deserialize;

use crate::collection::encode;
use crate::entities::{Organization, Owner, SubscriptionStatus, TrialNotice};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;
use crate::time::date;

#[derive(Deserialize)]
struct Subscribed {
    subscription: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    status: SubscriptionStatus,
}

impl Store {
    /// How an owner's subscription stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subscription(&self, owner: ObjectId) -> Result<Option<SubscriptionStatus>, StoreError> {
        let owners = self.platform().collection::<Subscribed>(Owner::COLLECTION);
        let find = owners.find_one(doc! { "_id": owner }).projection(doc! { "subscription.status": 1 });
        Ok(find.await?.map(|owner| owner.subscription.status))
    }

    /// Notes with the organization that its trial, ending at `ends_at`, came to this stage; whether nobody had
    /// before. Leaves `updatedAt` and `__v` alone: nobody's edit is to collide with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise_trial_notice(
        &self,
        organization: ObjectId,
        stage: TrialStage,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let same = doc! { "stage": stage.as_str(), "endsAt": date(ends_at) };
        let unsaid = doc! { "_id": organization, "trialNotices": { "$not": { "$elemMatch": same } } };
        let notice = TrialNotice { stage, ends_at: date(ends_at), at: date(now) };
        let organizations = self.platform().collection::<Document>(Organization::COLLECTION);
        let note = doc! { "$push": { "trialNotices": encode(&notice)? } };
        Ok(organizations.update_one(unsaid, note).await?.modified_count == 1)
    }
}
