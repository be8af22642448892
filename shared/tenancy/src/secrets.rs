//! A tenant's stored secrets. While its data key is being replaced, what is sealed under either of the
//! two opens, and whatever is sealed is sealed under the newer one.

use matome_domain::ids::TenantId;
use matome_runtime::directory::TenantRecord;
use matome_runtime::keys::{DataKeys, KeyError, Sealed};
use secrecy::SecretString;

use crate::{TenancyError, Tenants};

impl Tenants {
    /// Seals `plaintext` for one field of the tenant under its current data key.
    ///
    /// # Errors
    /// [`TenancyError::UnknownTenant`], or the failure of directory or KMS.
    pub async fn seal(
        &self,
        keys: &DataKeys,
        tenant: &TenantId,
        field: &str,
        plaintext: &str,
    ) -> Result<Sealed, TenancyError> {
        let record = self.directory().tenant(tenant).await?;
        let record = record.ok_or_else(|| TenancyError::UnknownTenant(tenant.clone()))?;
        Ok(keys.seal(tenant, &record.key, field, plaintext).await?)
    }

    /// Opens what is sealed for one field of the tenant, under whichever of its data keys.
    ///
    /// # Errors
    /// [`TenancyError::Key`] when it does not open; [`TenancyError::UnknownTenant`], or the failure of
    /// directory or KMS.
    pub async fn open(
        &self,
        keys: &DataKeys,
        tenant: &TenantId,
        field: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, TenancyError> {
        let unknown = || TenancyError::UnknownTenant(tenant.clone());
        let record = self.directory().tenant(tenant).await?.ok_or_else(unknown)?;
        match open_with(&record, keys, field, sealed).await {
            // The key may be newer than what is remembered of the tenant.
            Err(KeyError::OtherVersion { .. }) => {
                let record = self.directory().newest_tenant(tenant).await?.ok_or_else(unknown)?;
                Ok(open_with(&record, keys, field, sealed).await?)
            }
            other => Ok(other?),
        }
    }
}

async fn open_with(
    record: &TenantRecord,
    keys: &DataKeys,
    field: &str,
    sealed: &Sealed,
) -> Result<SecretString, KeyError> {
    keys.open(&record.tenant_id, record.key_of(sealed)?, field, sealed).await
}
