//! What an operator's command talks to: the platform's database, the directory, KMS, `tenants.fifo`.

use std::sync::Arc;

use anyhow::{Context, bail};
use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;
use matome_domain::queue::TenantJob;
use matome_local_stack::{Checkout, Progress, REGION};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::keys::{DataKeys, Sealed};
use matome_runtime::queue::Queues;
use matome_runtime::random::{Random, SystemRandom};
use matome_store::audit::{NewAuditEntry, append_audit};
use matome_store::entities::{Operation, OperationState, Organization};
use matome_store::{Id, TenantStore};
use matome_tenancy::operations::{self, Request};
use matome_tenancy::{TenancyError, Tenants};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{OPERATOR, watch};
use crate::audit;
use crate::stack_file::StackFile;

/// See the module.
pub(crate) struct Desk {
    pub(crate) tenants: Tenants,
    pub(crate) queues: Queues,
    keys: DataKeys,
}

/// What an operator is doing to a tenant, as far as its audit trail has heard.
pub(crate) struct Deed {
    store: TenantStore,
    pub(crate) organization: Arc<Organization>,
    entry: NewAuditEntry,
    begun: Id,
}

impl Deed {
    /// Tells what became of which kind of thing, and of which.
    pub(crate) async fn end(
        self,
        target: (&str, Id),
        before: Option<Value>,
        after: Option<Value>,
    ) -> anyhow::Result<()> {
        let ended = audit::ended(self.begun, self.entry, Some(target), after);
        let ended = NewAuditEntry { before, ..ended };
        append_audit(&self.store, self.organization.audit_tail.as_ref(), ended).await?;
        Ok(())
    }
}

impl Desk {
    /// Of the running local stack.
    pub(crate) async fn local() -> anyhow::Result<Self> {
        Self::of_stack(&StackFile::read(&Checkout::find()?)?).await
    }

    /// Of a local stack that a file tells about.
    pub(crate) async fn of_stack(file: &StackFile) -> anyhow::Result<Self> {
        let settings = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", &file.aws_endpoint),
            ("MONGODB_URI", &file.mongodb_uri),
            ("DATABASE_PREFIX", &file.database_prefix),
            ("DIRECTORY_TABLE", &file.directory_table),
            ("KMS_KEY_ID", &file.tenant_key_arn),
            ("TENANTS_QUEUE_URL", &file.tenants_queue_url),
        ];
        Self::from_env(&Env::from_map(settings)).await
    }

    /// Of what the environment says.
    pub(crate) async fn from_environment() -> anyhow::Result<Self> {
        let env = Env::from_process();
        // Named before anything is connected to.
        for setting in ["MONGODB_URI", "DIRECTORY_TABLE", "KMS_KEY_ID", "TENANTS_QUEUE_URL", "AWS_REGION"] {
            env.required(setting).context("--aws takes everything from the environment")?;
        }
        Self::from_env(&env).await
    }

    async fn from_env(env: &Env) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        Ok(Self {
            queues: Queues::new(&aws, Arc::clone(&random)).with::<TenantJob>(env)?,
            keys: DataKeys::from_env(env, &aws, Arc::clone(&clock), random)?,
            tenants: Tenants::from_env(env, &aws, clock).await?,
        })
    }

    /// Asks for an operation. The tenant's audit trail, where there is one already, hears of it.
    pub(crate) async fn ask<R: Request>(&self, tenant: &TenantId, request: &R) -> anyhow::Result<Operation> {
        let now = SystemClock.now();
        let platform = self.tenants.platform();
        let is_listed = self.tenants.directory().newest_tenant(tenant).await?.is_some();
        match self.tenants.organization(tenant).await {
            Ok(_) if is_listed => {}
            // Not made yet, or never: its creation failed.
            Ok(_) | Err(TenancyError::NoOrganization(_)) => {
                return Ok(operations::ask(platform, &self.queues, tenant, request, OPERATOR, now).await?);
            }
            Err(error) => return Err(error.into()),
        }
        let kind = serde_json::to_value(R::KIND)?;
        let deed = self.begin(tenant, &format!("operations.{}", kind.as_str().unwrap_or_default())).await?;
        let operation = operations::ask(platform, &self.queues, tenant, request, OPERATOR, now).await?;
        deed.end(("operation", operation.id.into()), None, None).await?;
        Ok(operation)
    }

    /// Tells the tenant's audit trail that something is about to be done; nothing may be where this fails.
    pub(crate) async fn begin(&self, tenant: &TenantId, operation: &str) -> anyhow::Result<Deed> {
        let (store, organization) =
            (self.tenants.store(tenant).await?, self.tenants.organization(tenant).await?);
        let now = SystemClock.now();
        let entry = audit::begun(operation, now.into(), organization.audit_retention_days);
        let begun = append_audit(&store, organization.audit_tail.as_ref(), entry.clone()).await?;
        Ok(Deed { store, organization, entry, begun: begun.id })
    }

    /// Asks for an operation and waits for its end.
    pub(crate) async fn carry_out<R: Request>(
        &self,
        tenant: &TenantId,
        request: &R,
        progress: Progress,
    ) -> anyhow::Result<()> {
        let asked = self.ask(tenant, request).await?;
        let operation = watch::watch(self, &asked, progress).await?;
        match operation.state {
            OperationState::Done => Ok(()),
            _ if operation.open => bail!("{}", watch::waits(&operation)),
            _ => bail!("{}", watch::why(&operation)),
        }
    }

    /// Seals a secret for a field of the tenant.
    pub(crate) async fn seal(
        &self,
        tenant: &TenantId,
        field: &str,
        secret: &SecretString,
    ) -> anyhow::Result<Sealed> {
        Ok(self.tenants.seal(&self.keys, tenant, field, secret.expose_secret()).await?)
    }

    pub(crate) fn operations(&self) -> mongodb::Collection<Operation> {
        self.tenants.platform().platform_collection::<Operation>()
    }
}
