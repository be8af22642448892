//! Ending what was opened with a device, and taking a lock away.

use bson::doc;
use matome_store::entities::{Device, RevokedBecause};
use matome_store::{Id, StoreError};

use super::Accounts;

impl Accounts {
    /// Ends the sessions of a device of an account; whether it has such a device. It may be logged in with
    /// again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_device(&self, account: Id, device: Id) -> Result<bool, StoreError> {
        let (_, at) = self.now();
        let devices = self.store.platform_collection::<Device>();
        let filter = doc! { "_id": device, "accountId": account, "revokedAt": null };
        let update = doc! { "$set": { "revokedAt": at, "updatedAt": at }, "$inc": { "__v": 1_i64 } };
        if devices.update_one(filter, update).await?.matched_count == 0 {
            return Ok(false);
        }
        let because = matome_store::value::to_bson(&RevokedBecause::Revoked)?;
        let filter = doc! { "deviceId": device, "accountId": account, "revokedAt": null };
        let set = doc! { "revokedAt": at, "revokedBecause": because, "updatedAt": at };
        self.sessions().update_many(filter, doc! { "$set": set, "$inc": { "__v": 1_i64 } }).await?;
        Ok(true)
    }

    /// Lets an account be tried again that wrong passwords have closed for a while; whether there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlock(&self, account: Id) -> Result<bool, StoreError> {
        let (_, at) = self.now();
        let update = doc! {
            "$set": { "failedAttempts": 0_i64, "updatedAt": at },
            "$unset": { "lockedUntil": "", "lastFailedAt": "" },
            "$inc": { "__v": 1_i64 },
        };
        Ok(self.credentials().update_one(doc! { "_id": account }, update).await?.matched_count == 1)
    }
}
