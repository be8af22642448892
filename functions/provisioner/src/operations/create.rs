//! A new tenant: a stack of its own where the tier has one, data key, collections, owner and organization
//! with its default room. The stack comes first, because its KMS key wraps the data key.
//!
//! Nobody is served before the last step: until then the directory calls the tenant suspended, and it
//! has no channel. What fails for good stays as it is, with the organization `failed` and the reason in
//! it, or with this operation alone where there is none yet (`Store::failed_creations`): a retry goes on at
//! the step that failed, and offboarding removes what there is. It is given up
//! only while nothing is made, because a tenant that was never served is harmless.

use std::time::Duration;

use bson::{Bson, doc};
use matome_domain::ids::{CellName, TenantId};
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_domain::zone::is_zone;
use matome_runtime::directory::{HOME_CELL, Relocation, Status, TenantRecord};
use matome_store::entities::{
    NewOrganization, Operation, Organization, OrganizationType, Owner, OwnerSettings, OwnerUsage,
    Subscription, SubscriptionStatus,
};
use matome_store::id::derived;
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_store::{StoreError, TenantStore};
use matome_tenancy::operations::{CreateTenant, Request};

use crate::error::ProvisionError;
use crate::operations::stack;
use crate::standing;
use crate::step::{Progress, Step, Work, step};

/// The steps.
pub(super) const STEPS: &[Step] = &[
    CHECK,
    step!("stack", stack::ensure),
    step!(data_key),
    step!(collections),
    step!(organization),
    step!(activate),
];

/// The one step that makes nothing.
const CHECK: Step = step!(check);

/// Back while nothing is made; there is nothing to undo then.
pub(super) fn way_back(operation: &Operation) -> Option<&'static [Step]> {
    let is_nothing_made = operation.steps.iter().all(|step| step.name == CHECK.name);
    is_nothing_made.then_some(&[])
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Refuses what cannot be done before anything is made.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = input(work)?;
    organization_id(work.tenant)?;
    kind(&input)?;
    if input.name.trim().is_empty() {
        return Err(refused("name", "is empty"));
    }
    if !is_zone(&input.timezone) {
        return Err(refused("timezone", "is not an IANA name"));
    }
    let email = email(&input)?;
    let cell = chosen_cell(work, &input)?;
    work.context.tenants.cells().store(cell).await?.ping().await?;
    let owners = work.context.tenants.platform().platform_collection::<Owner>();
    let owner = owners.find_one(doc! { "email": &email }).await.map_err(StoreError::from)?;
    if let Some(owner) = owner {
        may_have_another(work, &owner).await?;
    }
    Ok(Progress::Done(doc! { "cell": cell }))
}

/// The cell that was asked for, which is in the region that was asked for; or the first one there.
fn chosen_cell<'a>(work: &Work<'a>, input: &'a CreateTenant) -> Result<&'a str, ProvisionError> {
    let cells = work.context.tenants.cells();
    match (&input.cell, &input.data_region) {
        (None, None) => Ok(HOME_CELL),
        (None, Some(region)) => cells
            .in_region(region)
            .ok_or_else(|| refused("dataRegion", "no cell of this deployment is there")),
        (Some(cell), Some(region)) if cells.region(cell.as_str())? != region => {
            Err(refused("dataRegion", "is not where the cell is"))
        }
        (Some(cell), _) => Ok(cell.as_str()),
    }
}

/// An owner has as many organizations as its plan allows; those that are gone do not count.
async fn may_have_another(work: &Work<'_>, owner: &Owner) -> Result<(), ProvisionError> {
    let Some(most) = owner.limits.max_organizations else { return Ok(()) };
    let others = doc! {
        "ownerId": owner.id, "tenantId": { "$ne": work.tenant.as_str() }, "status": { "$ne": "offboarded" },
    };
    let organizations = work.context.tenants.platform().platform_collection::<Organization>();
    let count = organizations.count_documents(others).await.map_err(StoreError::from)?;
    if count < most {
        return Ok(());
    }
    Err(refused("owner.email", &format!("has {count} organizations, and its plan allows {most}")))
}

async fn data_key(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = input(work)?;
    let directory = work.context.tenants.directory();
    let version = match directory.newest_tenant(work.tenant).await? {
        Some(record) => record.key.key_version,
        None => {
            let own = of_stack(work, "keyArn");
            let key = work.context.keys.generate_under(work.tenant, 1, own.as_deref()).await?;
            let record = TenantRecord {
                tenant_id: work.tenant.clone(),
                key,
                previous_key: None,
                placement: input.tier.placement(),
                cell: cell(work, &input).to_owned(),
                status: Status::Suspended,
                relocation: Relocation::Settled,
                inbound_queue_url: of_stack(work, "inboundQueueUrl"),
                bucket: of_stack(work, "bucket"),
                version: 1,
            };
            directory.put_tenant(&record).await?;
            1
        }
    };
    Ok(Progress::Done(doc! { "keyVersion": i64::from(version) }))
}

/// What the step `stack` remembers of the tenant's own.
fn of_stack(work: &Work<'_>, resource: &str) -> Option<String> {
    let detail = work.operation.detail("stack")?;
    detail.get_str(resource).ok().map(str::to_owned)
}

async fn collections(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = input(work)?;
    work.context.tenants.platform().ensure_platform().await?;
    let store = store(work, &input).await?;
    store.ensure_collections().await?;
    store.begin_migrated(date(work.context.clock.now())).await?;
    Ok(Progress::done())
}

/// Owner, organization and default room; the latter two at once where one cluster has both.
async fn organization(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = input(work)?;
    let platform = work.context.tenants.platform();
    let terms = platform.terms(input.tier).await?;
    let owner = owner(work, &input, &terms).await?;
    let organization = new_organization(work, &input, &owner, &terms)?;
    if cell(work, &input) == HOME_CELL {
        platform.create_organization(&organization).await?;
    } else {
        store(work, &input).await?.create_default_room(organization.created_at).await?;
        platform.create_organization_only(&organization).await?;
    }
    // Once more, now that others see this one: of several that were checked at once none is one too many.
    may_have_another(work, &owner).await?;
    Ok(Progress::Done(doc! { "ownerId": owner.id, "placement": placement_name(input.tier) }))
}

async fn activate(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    standing::set(work.context, work.tenant, Status::Active).await?;
    let set = doc! { "status": "active", "updatedAt": date(work.context.clock.now()) };
    standing::change_organization(work.context, work.tenant, set, &["statusReason"]).await?;
    Ok(Progress::done())
}

/// The owner with this e-mail address, made when there is none.
async fn owner(work: &Work<'_>, input: &CreateTenant, terms: &Terms) -> Result<Owner, ProvisionError> {
    let email = email(input)?;
    let at = work.operation.created_at;
    // On the free plan as well: a trial that comes later is not paid for by that.
    let nothing_owed = terms.trial_days > 0 || input.tier == Tier::Free;
    let owner = Owner {
        id: derived(&["owner", &email]),
        email: email.clone(),
        name: input.owner.name.clone(),
        slug: None,
        phone_number: None,
        plan: input.tier,
        limits: terms.owner_limits,
        settings: OwnerSettings { timezone: input.timezone.clone(), ..OwnerSettings::default() },
        subscription: Subscription {
            status: if nothing_owed { SubscriptionStatus::Trial } else { SubscriptionStatus::Active },
            start_date: at,
            end_date: None,
            billing_cycle: None,
        },
        usage: OwnerUsage::default(),
        created_at: at,
        updated_at: at,
        version: 0,
    };
    let owners = work.context.tenants.platform().platform_collection::<Owner>();
    let new = doc! { "$setOnInsert": matome_store::collection::encode(&owner)? };
    match owners.update_one(doc! { "email": &email }, new).upsert(true).await.map_err(StoreError::from) {
        // Somebody else made it at the same time.
        Err(error) if !error.is_duplicate() => return Err(error.into()),
        _ => {}
    }
    let found = owners.find_one(doc! { "email": &email }).await.map_err(StoreError::from)?;
    found.ok_or_else(|| ProvisionError::NotYet("the owner cannot be read back".to_owned()))
}

fn new_organization(
    work: &Work<'_>,
    input: &CreateTenant,
    owner: &Owner,
    terms: &Terms,
) -> Result<Organization, ProvisionError> {
    let created_at = work.operation.created_at;
    let new = NewOrganization {
        id: organization_id(work.tenant)?,
        owner_id: owner.id,
        name: input.name.trim().to_owned(),
        tier: input.tier,
        limits: terms.limits,
        placement: input.tier.placement(),
    };
    let trial = DAY * terms.trial_days;
    let trial_ends_at = matome_store::time::timestamp(created_at).plus(trial);
    Ok(Organization {
        kind: kind(input)?,
        features: Some(terms.features),
        settings: input.settings.clone().unwrap_or_default(),
        timezone: input.timezone.clone(),
        data_region: work.context.tenants.cells().region(cell(work, input))?.to_owned(),
        cell: cell(work, input).to_owned(),
        trial_ends_at: (!trial.is_zero()).then(|| date(trial_ends_at)),
        audit_retention_days: terms.audit_retention_days,
        ..new.provisioning(created_at)
    })
}

async fn store(work: &Work<'_>, input: &CreateTenant) -> Result<TenantStore, ProvisionError> {
    let cell = work.context.tenants.cells().store(cell(work, input)).await?;
    Ok(cell.tenant(work.tenant, input.tier.placement()))
}

fn input(work: &Work<'_>) -> Result<CreateTenant, ProvisionError> {
    Ok(CreateTenant::from_document(&work.operation.input)?)
}

/// The cell that `check` chose.
fn cell<'a>(work: &Work<'a>, input: &'a CreateTenant) -> &'a str {
    let chosen = work.operation.detail("check").and_then(|check| check.get_str("cell").ok());
    // Operations that were checked before cells were chosen say nothing of it.
    chosen.unwrap_or_else(|| input.cell.as_ref().map_or(HOME_CELL, CellName::as_str))
}

/// Kept in lower case: nobody has two mailboxes that differ in case only.
fn email(input: &CreateTenant) -> Result<String, ProvisionError> {
    let email = input.owner.email.trim().to_lowercase();
    match email.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(email),
        _ => Err(refused("owner.email", "is not an e-mail address")),
    }
}

fn kind(input: &CreateTenant) -> Result<OrganizationType, ProvisionError> {
    let kind = bson::deserialize_from_bson(Bson::String(input.kind.clone()));
    kind.map_err(|_| refused("type", "is no type of organization"))
}

fn organization_id(tenant: &TenantId) -> Result<bson::oid::ObjectId, ProvisionError> {
    let id = bson::oid::ObjectId::parse_str(tenant.as_str()).ok();
    // Written with capitals it would be another tenant of the same organization.
    let id = id.filter(|id| id.to_hex() == tenant.as_str());
    id.ok_or_else(|| refused("tenantId", "is not an organization's id: 24 hexadecimal digits, in lower case"))
}

fn placement_name(tier: Tier) -> Bson {
    to_bson(&tier.placement()).unwrap_or(Bson::Null)
}

fn refused(field: &'static str, reason: &str) -> ProvisionError {
    ProvisionError::Refused { field, reason: reason.to_owned() }
}
