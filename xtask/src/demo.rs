//! The demo tenant of `cargo xtask up`: created and connected by the deployed provisioner, as a customer's
//! tenant is.

use matome_domain::clock::Clock as _;
use matome_domain::ids::{ChannelId, InvalidId, TenantId};
use matome_local_stack::Progress;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::secret_field;
use matome_seeding::sets::DataSet;
use matome_store::id::derived;
use matome_store::time::date;
use matome_tenancy::operations::{ConnectChannel, CreateTenant, NewOwner};
use secrecy::SecretString;

use crate::command::tenant::Desk;
use crate::conversation::Cast;
use crate::stack_file::StackFile;

/// The tenant that the demo channel belongs to.
pub(crate) fn tenant_id(cast: &Cast) -> Result<TenantId, InvalidId> {
    TenantId::new(derived(&["demo", &cast.channel_id]).to_hex())
}

/// Has the tenant created and its channel connected, and shows every step.
pub(crate) async fn provision(
    file: &StackFile,
    tenant: &TenantId,
    cast: &Cast,
    progress: Progress,
) -> anyhow::Result<()> {
    let desk = Desk::of_stack(file).await?;
    let platform = desk.tenants.platform();
    platform.ensure_platform().await?;
    platform.ensure_plans(date(SystemClock.now())).await?;
    let [demo] = <[_; 1]>::try_from(DataSet::Demo.tenants())
        .map_err(|tenants| anyhow::anyhow!("the demo set has {} tenants instead of one", tenants.len()))?;
    let create = CreateTenant {
        name: demo.name.to_owned(),
        kind: "business".to_owned(),
        owner: NewOwner { email: "demo@example.com".to_owned(), name: demo.name.to_owned() },
        tier: demo.tier,
        timezone: demo.timezone.to_owned(),
        cell: None,
        settings: None,
    };
    desk.carry_out(tenant, &create, progress).await?;
    let channel_id = ChannelId::new(cast.channel_id.as_str())?;
    let secret = SecretString::from(cast.channel_secret.as_str());
    let secret = desk.seal(tenant, &secret_field(&channel_id), &secret).await?;
    desk.carry_out(tenant, &ConnectChannel { channel_id, secret }, progress).await
}
