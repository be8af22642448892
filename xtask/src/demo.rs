//! The demo tenant of `cargo xtask up`: created and connected by the deployed provisioner, as a customer's
//! tenant is.

use matome_domain::access::Role;
use matome_domain::clock::Clock as _;
use matome_domain::ids::{ChannelId, InvalidId, TenantId};
use matome_local_stack::Progress;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::secret_field;
use matome_seeding::sets::DataSet;
use matome_store::Store;
use matome_store::id::derived;
use matome_store::time::date;
use matome_tenancy::operations::{ConnectChannel, CreateTenant, NewOwner};
use secrecy::SecretString;

use crate::account::{self, Membership, NewAccount};
use crate::command::tenant::Desk;
use crate::conversation::Cast;
use crate::stack_file::StackFile;

/// The tenant that the demo channel belongs to.
pub(crate) fn tenant_id(cast: &Cast) -> Result<TenantId, InvalidId> {
    TenantId::new(derived(&["demo", &cast.channel_id]).to_hex())
}

/// Somebody who may do everything in the demo tenant.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) email: &'static str,
    pub(crate) password: SecretString,
}

/// Who logs in to the demo; `.example` is nobody's.
const EMAIL: &str = "owner@demo.example";

/// Makes the demo's login, with a password that is new each time.
pub(crate) async fn login(file: &StackFile, tenant: &TenantId) -> anyhow::Result<Login> {
    let store = Store::connect(&file.mongodb_uri, &file.database_prefix, 2).await?;
    let password = account::generate_password();
    if account::change_password(&store, EMAIL, &password).await? {
        return Ok(Login { email: EMAIL, password });
    }
    let desk = Desk::of_stack(file).await?;
    let owner = NewAccount {
        email: EMAIL.to_owned(),
        name: "Demo".to_owned(),
        language: "en".to_owned(),
        timezone: "Asia/Tokyo".to_owned(),
        super_admin: false,
        membership: Some(Membership::of(&desk.tenants, tenant, Role::Owner).await?),
    };
    account::create(&store, &owner, &password).await?;
    Ok(Login { email: EMAIL, password })
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
        data_region: None,
        settings: None,
    };
    desk.carry_out(tenant, &create, progress).await?;
    let channel_id = ChannelId::new(cast.channel_id.as_str())?;
    let secret = SecretString::from(cast.channel_secret.as_str());
    let secret = desk.seal(tenant, &secret_field(&channel_id), &secret).await?;
    desk.carry_out(tenant, &ConnectChannel { channel_id, secret }, progress).await
}
