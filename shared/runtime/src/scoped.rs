//! AWS with the rights of one tenant: whoever acts for a tenant asks for a session that reaches this tenant's
//! prefix, items and keys and nothing else, so that a wrong id in a request meets IAM and not only our own
//! checks. The API's role for it is `TenantAccessRole`; the media function's and the summarizer's allow less.
//!
//! Two locks. The role's policy (`template.yaml`) names the session's tag `tenantId`; the session
//! brings a policy of its own with the tenant's id in words. A right must be in both. The emulator
//! knows no policy variables, so there the second one decides alone.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::config::Credentials;
use aws_sdk_sts::types::Tag;
use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::blobs::Blobs;
use crate::cache::Cache;
use crate::config::{ConfigError, Env};

/// The shortest session STS gives.
const SESSION: Duration = Duration::from_secs(15 * 60);
/// How long a session is used: what is begun with it then has five minutes to end.
const KEEP: Duration = Duration::from_secs(10 * 60);
/// Sessions held at once.
const CAPACITY: usize = 1_000;
/// The session's tag, and the key of KMS' encryption context.
const TAG: &str = "tenantId";
/// Where STS ends the names of sessions.
const LONGEST_NAME: usize = 64;

/// Why there is no session for a tenant.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// STS did not answer, or refused.
    #[error("no session could be had for tenant {tenant}")]
    Sts {
        /// The tenant.
        tenant: TenantId,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Sessions of a role for tenants, one for each tenant.
pub struct TenantAccess {
    aws: Aws,
    sts: aws_sdk_sts::Client,
    role_arn: String,
    bucket: String,
    sessions: Cache<Aws>,
}

impl TenantAccess {
    /// The variable that names the role.
    pub const SETTING: &str = "TENANT_ACCESS_ROLE_ARN";

    /// How long at least a session of [`TenantAccess::of`] still lives, and with it a link that it signs.
    pub const REMAINING: Duration = Duration::from_secs(SESSION.as_secs() - KEEP.as_secs());

    /// The role that [`Self::SETTING`] names, for the bucket that `BLOBS_BUCKET` names.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let role_arn = env.required(Self::SETTING)?;
        let bucket = env.required(Blobs::SETTING)?;
        Ok(Self::new(aws, role_arn, bucket, clock))
    }

    /// From parts. `aws` must be allowed to assume the role.
    #[must_use]
    pub fn new(aws: &Aws, role_arn: String, bucket: String, clock: Arc<dyn Clock>) -> Self {
        let sts = aws_sdk_sts::Client::new(aws.config());
        Self { aws: aws.clone(), sts, role_arn, bucket, sessions: Cache::new(clock, CAPACITY) }
    }

    /// AWS with the rights of `tenant`, whose media are in `own_bucket` where it has one
    /// ([`TenantRecord::bucket`](crate::directory::TenantRecord::bucket)), and else in the deployment's. Do not
    /// keep it: ask again for each piece of work.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn of(&self, tenant: &TenantId, own_bucket: Option<&str>) -> Result<Aws, AccessError> {
        let bucket = self.bucket(own_bucket);
        let session = async { Ok((self.assume(tenant, bucket).await?, KEEP)) };
        // No id and no bucket has a slash in its name.
        Ok(self.sessions.get_or_load(&format!("{tenant}/{bucket}"), session).await?.value)
    }

    /// The tenant's media, reached as [`Self::of`] says.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn blobs(&self, tenant: &TenantId, own_bucket: Option<&str>) -> Result<Blobs, AccessError> {
        let aws = self.of(tenant, own_bucket).await?;
        Ok(Blobs::from_client(aws.s3(), self.bucket(own_bucket).to_owned()))
    }

    fn bucket<'a>(&'a self, own: Option<&'a str>) -> &'a str {
        own.unwrap_or(&self.bucket)
    }

    async fn assume(&self, tenant: &TenantId, bucket: &str) -> Result<Aws, AccessError> {
        let refused = |source: Box<dyn std::error::Error + Send + Sync>| AccessError::Sts {
            tenant: tenant.clone(),
            source,
        };
        let tag = Tag::builder().key(TAG).value(tenant.as_str()).build();
        // Seen in CloudTrail beside everything that is done with it.
        let name: String = format!("tenant-{tenant}").chars().take(LONGEST_NAME).collect();
        let answer = self
            .sts
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(name)
            .duration_seconds(SESSION.as_secs().try_into().expect("fifteen minutes are few seconds"))
            .tags(tag.map_err(|error| refused(error.into()))?)
            .policy(policy(partition(&self.role_arn), bucket, tenant).to_string())
            .send()
            .await
            .map_err(|error| refused(error.into_service_error().into()))?;
        let given = answer.credentials.ok_or_else(|| refused("STS answered without credentials".into()))?;
        Ok(self.aws.with_credentials(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "tenant",
        )))
    }
}

/// The deployment's bucket, reached for one tenant at a time.
pub enum TenantBlobs {
    /// With the function's own rights: where its stack is one tenant's, or a cell's, there is no role to take.
    Own(Blobs),
    /// With the rights of the tenant alone.
    PerTenant(Arc<TenantAccess>),
}

impl TenantBlobs {
    /// The bucket that `BLOBS_BUCKET` names, as the tenant where [`TenantAccess::SETTING`] names a role.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        Ok(match env.optional(TenantAccess::SETTING)? {
            Some(_) => Self::PerTenant(Arc::new(TenantAccess::from_env(env, aws, clock)?)),
            None => Self::Own(Blobs::from_env(env, aws)?),
        })
    }

    /// What is `tenant`'s. Ask again for each piece of work.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn of(&self, tenant: &TenantId) -> Result<Blobs, AccessError> {
        match self {
            Self::Own(blobs) => Ok(blobs.clone()),
            Self::PerTenant(access) => access.blobs(tenant, None).await,
        }
    }
}

impl From<Blobs> for TenantBlobs {
    fn from(blobs: Blobs) -> Self {
        Self::Own(blobs)
    }
}

/// `aws`, or what it is called in China and for governments.
fn partition(role_arn: &str) -> &str {
    role_arn.split(':').nth(1).unwrap_or("aws")
}

/// What a session may at most. An id has no character that a policy takes for more than itself.
fn policy(partition: &str, bucket: &str, tenant: &TenantId) -> Value {
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload",
                    "s3:DeleteObject", "s3:DeleteObjectVersion"
                ],
                "Resource": format!("{bucket}/tenants/{tenant}/*"),
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucketVersions", "s3:ListBucket"],
                "Resource": bucket,
                "Condition": { "StringLike": { "s3:prefix": format!("tenants/{tenant}/*") } },
            },
            {
                "Effect": "Allow",
                "Action": [
                    "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
                    "dynamodb:DeleteItem"
                ],
                "Resource": "*",
                "Condition": { "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [format!("TENANT#{tenant}"), format!("TENANT#{tenant}#*")],
                } },
            },
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": "*",
                // "If exists" for the emulator, which does not know the key; the role wants it to exist.
                "Condition": { "StringEqualsIfExists": { "kms:EncryptionContext:tenantId": tenant.as_str() } },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STS's limit for a session's policy, in characters.
    const LONGEST_POLICY: usize = 2_048;

    #[test]
    fn every_statement_names_the_tenant_and_fits() {
        let tenant = TenantId::new("65f0c0ffee0000000000beef").unwrap();
        let policy = policy("aws-cn", &"b".repeat(63), &tenant);
        for statement in policy["Statement"].as_array().unwrap() {
            let bound = format!("{} {}", statement["Resource"], statement["Condition"]);
            assert!(bound.contains(tenant.as_str()), "{statement}");
            for action in statement["Action"].as_array().into_iter().flatten() {
                assert!(!action.as_str().unwrap().contains('*'), "{action}");
            }
        }
        assert!(policy["Statement"][0]["Resource"].as_str().unwrap().starts_with("arn:aws-cn:s3:::b"));
        assert!(policy.to_string().len() <= LONGEST_POLICY);
    }

    #[test]
    fn the_partition_is_the_roles() {
        assert_eq!(partition("arn:aws-us-gov:iam::1:role/x"), "aws-us-gov");
        assert_eq!(partition("role"), "aws");
    }
}
