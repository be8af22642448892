//! What organizations have of an account: copies of its name and picture, and rules about its sessions.

use bson::doc;
use futures::TryStreamExt;

use crate::entities::{Member, SecurityPolicy};
use crate::error::StoreError;
use crate::store::Store;
use crate::value::{Id, Time};

impl Store {
    /// Writes an account's name and picture into its memberships, as colleagues see them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn copy_to_members(
        &self,
        account: Id,
        name: &str,
        avatar_url: Option<&str>,
        now: Time,
    ) -> Result<(), StoreError> {
        let mut update = doc! { "$set": { "name": name, "updatedAt": now }, "$inc": { "__v": 1_i64 } };
        match avatar_url {
            Some(url) => _ = update.get_document_mut("$set").map(|set| set.insert("avatarUrl", url)),
            None => _ = update.insert("$unset", doc! { "avatarUrl": "" }),
        }
        self.across_tenants::<Member>().update_many(doc! { "accountId": account }, update).await?;
        Ok(())
    }

    /// The security policies of the organizations that an account is an active member of; those that never
    /// made one have none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn policies_of(&self, account: Id) -> Result<Vec<SecurityPolicy>, StoreError> {
        let members = self.memberships(account).await?;
        let tenants: Vec<String> =
            members.into_iter().filter(Member::is_active).map(|member| member.tenant_id).collect();
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "tenantId": { "$in": tenants } };
        Ok(self.across_tenants::<SecurityPolicy>().find(filter).await?.try_collect().await?)
    }
}
