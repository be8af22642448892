//! `cargo xtask tenant`: what operators do to tenants. Everything that changes a tenant is an operation
//! that the provisioner carries out; the command writes it down, then shows how it goes on.

mod certificate;
mod desk;
mod limits;
mod list;
pub(super) mod secret;
mod status;
mod table;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bson::doc;
use clap::{Args, Subcommand};
use matome_domain::clock::Clock as _;
use matome_domain::ids::{CellName, ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_local_stack::Progress;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::secret_field;
use matome_runtime::random::{Random as _, SystemRandom};
use matome_store::entities::{Operation, OperationState};
use matome_tenancy::operations::{
    self, ChangeTier, ConnectChannel, CreateTenant, DisconnectChannel, Move, NewOwner, Offboard, Request,
    Resume, RotateChannelSecret, RotateDataKey, Suspend,
};

pub(crate) use self::desk::Desk;
use self::limits::Agreed;

/// Who asks, as the operation notes it.
const OPERATOR: &str = "operator";

#[derive(Debug, Args)]
pub(crate) struct Tenant {
    #[command(subcommand)]
    action: Action,
    /// Print JSON instead of text; progress is not shown.
    #[arg(long, global = true)]
    json: bool,
    /// Do not wait for the operation's end.
    #[arg(long, global = true)]
    no_wait: bool,
    /// A stack on AWS, as the environment says: MONGODB_URI, DIRECTORY_TABLE, KMS_KEY_ID,
    /// TENANTS_QUEUE_URL, CELLS, and AWS_… for region and credentials. The running local stack otherwise.
    #[arg(long, global = true)]
    aws: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all tenants.
    List,
    /// Show one: limits and usage, channels and their health, the last operations.
    Status { tenant: TenantId },
    /// Make a new one; prints its id.
    Create(Create),
    /// Connect a LINE channel. Its secret is read from standard input, or from a file.
    Connect(WithSecret),
    /// Take a LINE channel out of service and forget its secret; what was recorded stays.
    Disconnect {
        tenant: TenantId,
        /// LINE's channel id.
        channel: ChannelId,
    },
    /// Move to another placement, whatever the tier.
    Move {
        tenant: TenantId,
        /// shared, collection_set or dedicated.
        #[arg(value_parser = parse_placement)]
        placement: Placement,
        /// Another cell than the one it is in.
        #[arg(long)]
        cell: Option<CellName>,
    },
    /// Change the tier: limits, and the placement that goes with it.
    Tier { tenant: TenantId, tier: Tier },
    /// Agree on other limits than the plan's, until the tier changes.
    Limits {
        tenant: TenantId,
        #[command(flatten)]
        agreed: Agreed,
    },
    /// Stop serving; what its customers write is kept.
    Suspend {
        tenant: TenantId,
        /// Shown in the tenant's status.
        #[arg(long)]
        reason: String,
    },
    /// Serve again.
    Resume { tenant: TenantId },
    /// Back up, wait for the days of grace, then erase everywhere.
    Offboard {
        tenant: TenantId,
        /// Shown in the tenant's status and in the certificate.
        #[arg(long)]
        reason: String,
        /// For so many days it can be aborted.
        #[arg(long, default_value_t = 30)]
        grace_days: u32,
    },
    /// Show the certificate of what was erased of one that was offboarded; with `--json`, the text that its hash is over.
    Certificate { tenant: TenantId },
    /// Give the operation up that is under way, where that leaves nothing half done.
    Abort { tenant: TenantId },
    /// Have the last operation, which failed, go on where it stopped.
    Retry { tenant: TenantId },
    /// Take a channel's new secret into use, read from standard input or from a file.
    RotateSecret(WithSecret),
    /// Give the tenant a new data key.
    RotateKey { tenant: TenantId },
}

#[derive(Debug, Args)]
struct Create {
    /// The organization's name.
    #[arg(long)]
    name: String,
    /// The owner's e-mail address; an owner who has it already is taken.
    #[arg(long)]
    email: String,
    /// The owner's name; the organization's when left out.
    #[arg(long)]
    owner: Option<String>,
    /// free, basic, pro or enterprise.
    #[arg(long, default_value = "free")]
    tier: Tier,
    /// business, education, healthcare, retail, ecommerce, service, saas, finance or other.
    #[arg(long = "type", default_value = "business")]
    kind: String,
    /// IANA name.
    #[arg(long, default_value = "Asia/Bangkok")]
    timezone: String,
    /// Another cell than the first of the region.
    #[arg(long)]
    cell: Option<CellName>,
    /// Where its data have to stay, as cells name it; where the cell is when left out.
    #[arg(long)]
    region: Option<String>,
}

#[derive(Debug, Args)]
struct WithSecret {
    tenant: TenantId,
    /// LINE's channel id.
    channel: ChannelId,
    /// Where the channel secret is; standard input when left out. Never an argument: those can be seen
    /// by everybody on the machine.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl Tenant {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let desk = if self.aws { Desk::from_environment().await? } else { Desk::local().await? };
        match &self.action {
            Action::List => list::show(&desk, self.json).await?,
            Action::Status { tenant } => status::show(&desk, tenant, self.json).await?,
            Action::Create(create) => return self.create(&desk, create).await,
            Action::Connect(of) => {
                let secret = sealed(&desk, of).await?;
                let request = ConnectChannel { channel_id: of.channel.clone(), secret };
                return self.ask(&desk, &of.tenant, &request).await;
            }
            Action::Disconnect { tenant, channel } => {
                return self.ask(&desk, tenant, &DisconnectChannel { channel_id: channel.clone() }).await;
            }
            Action::RotateSecret(of) => {
                let secret = sealed(&desk, of).await?;
                let request = RotateChannelSecret { channel_id: of.channel.clone(), secret };
                return self.ask(&desk, &of.tenant, &request).await;
            }
            Action::Move { tenant, placement, cell } => {
                let request = Move { placement: *placement, cell: cell.clone() };
                return self.ask(&desk, tenant, &request).await;
            }
            Action::Tier { tenant, tier } => {
                return self.ask(&desk, tenant, &ChangeTier { tier: *tier }).await;
            }
            Action::Limits { tenant, agreed } => limits::agree(&desk, tenant, agreed, self.json).await?,
            Action::Suspend { tenant, reason } => {
                return self.ask(&desk, tenant, &Suspend { reason: reason.clone() }).await;
            }
            Action::Resume { tenant } => return self.ask(&desk, tenant, &Resume {}).await,
            Action::Offboard { tenant, reason, grace_days } => {
                let request = Offboard { reason: reason.clone(), grace_days: *grace_days };
                return self.ask(&desk, tenant, &request).await;
            }
            Action::Certificate { tenant } => certificate::show(&desk, tenant, self.json).await?,
            Action::RotateKey { tenant } => return self.ask(&desk, tenant, &RotateDataKey {}).await,
            Action::Abort { tenant } => return self.abort(&desk, tenant).await,
            Action::Retry { tenant } => return self.retry(&desk, tenant).await,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn create(&self, desk: &Desk, create: &Create) -> anyhow::Result<ExitCode> {
        // The index that lets a tenant have one open operation must be there before the first one is.
        desk.tenants.platform().ensure_platform().await?;
        let tenant = new_id()?;
        let request = CreateTenant {
            name: create.name.clone(),
            kind: create.kind.clone(),
            owner: NewOwner {
                email: create.email.clone(),
                name: create.owner.clone().unwrap_or_else(|| create.name.clone()),
            },
            tier: create.tier,
            timezone: create.timezone.clone(),
            cell: create.cell.clone(),
            data_region: create.region.clone(),
            settings: None,
        };
        if !self.json {
            println!("tenant {tenant}");
        }
        self.ask(desk, &tenant, &request).await
    }

    async fn ask<R: Request>(&self, desk: &Desk, tenant: &TenantId, request: &R) -> anyhow::Result<ExitCode> {
        let operation = desk.ask(tenant, request).await?;
        self.follow(desk, operation, OperationState::Done).await
    }

    async fn abort(&self, desk: &Desk, tenant: &TenantId) -> anyhow::Result<ExitCode> {
        let open = doc! { "tenantId": tenant.as_str(), "open": true };
        let found = desk.operations().find_one(open).await?;
        let found = found.with_context(|| format!("nothing is being done to tenant {tenant}"))?;
        let now = SystemClock.now();
        let platform = desk.tenants.platform();
        let operation = operations::request_abort(platform, &desk.queues, tenant, found.id, now).await?;
        self.follow(desk, operation, OperationState::Aborted).await
    }

    async fn retry(&self, desk: &Desk, tenant: &TenantId) -> anyhow::Result<ExitCode> {
        let of_tenant = doc! { "tenantId": tenant.as_str() };
        let found = desk.operations().find_one(of_tenant).sort(doc! { "createdAt": -1 }).await?;
        let found = found.with_context(|| format!("nothing was ever done to tenant {tenant}"))?;
        if found.state != OperationState::Failed {
            bail!("the last operation on tenant {tenant} has not failed");
        }
        let now = SystemClock.now();
        let operation =
            operations::retry(desk.tenants.platform(), &desk.queues, tenant, found.id, now).await?;
        self.follow(desk, operation, OperationState::Done).await
    }

    /// Waits for the operation's end, which is to be `wanted`.
    async fn follow(
        &self,
        desk: &Desk,
        operation: Operation,
        wanted: OperationState,
    ) -> anyhow::Result<ExitCode> {
        let operation = if self.no_wait {
            operation
        } else {
            let progress = if self.json { Progress::quiet() } else { Progress::shown() };
            watch::watch(desk, &operation, progress).await?
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&status::operation(&operation)?)?);
        }
        if operation.open {
            if !self.json {
                println!("{}", watch::waits(&operation));
            }
            return Ok(ExitCode::SUCCESS);
        }
        if operation.state != wanted {
            bail!("{}", watch::why(&operation));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The channel secret, sealed under the tenant's data key before it goes anywhere.
async fn sealed(desk: &Desk, of: &WithSecret) -> anyhow::Result<matome_runtime::keys::Sealed> {
    let secret = secret::read(of.secret_file.as_deref())?;
    desk.seal(&of.tenant, &secret_field(&of.channel), &secret).await
}

/// An id that nobody has: as MongoDB's own, half a random UUID.
fn new_id() -> anyhow::Result<TenantId> {
    let random = SystemRandom.uuid().simple().to_string();
    Ok(TenantId::new(&random[..24])?)
}

fn parse_placement(name: &str) -> Result<Placement, String> {
    serde_json::from_value(name.into()).map_err(|_| "must be shared, collection_set or dedicated".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        tenant: Tenant,
    }

    #[test]
    fn the_command_line_is_well_formed_and_takes_no_secret() {
        Line::command().debug_assert();
        for action in ["connect", "rotate-secret"] {
            let given = Line::try_parse_from(["tenant", action, "t1", "c1", "a-secret"]);
            assert!(given.is_err(), "{action}");
            assert!(Line::try_parse_from(["tenant", action, "t1", "c1", "--json"]).is_ok());
        }
    }

    #[test]
    fn ids_and_names_are_checked_before_anything_is_asked_for() {
        for line in [
            "status a/b",
            "move t1 moon",
            "tier t1 starter",
            "connect t1 c.1",
            "disconnect t1",
            "create --name n --email e --cell Moon",
            "move t1 shared --cell a/b",
            "offboard t1",
            "suspend t1",
            "limits t1",
            "limits --max-rooms 1",
        ] {
            let words = std::iter::once("tenant").chain(line.split(' '));
            assert!(Line::try_parse_from(words).is_err(), "{line}");
        }
        assert!(Line::try_parse_from(["tenant", "move", "t1", "collection_set"]).is_ok());
    }
}
