//! What who runs the platform does.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};

pub(super) async fn accounts(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let somebody = on.somebody("account").await?;
    let owner = json!({ "email": somebody.email, "name": "Keiko Example" });
    let owner = on.as_operator("createOwner", &[], owner).await?;
    let at = [id(&owner)];
    on.as_operator("getOwner", &at, Value::Null).await?;
    on.as_operator("updateOwner", &at, json!({ "settings": { "language": "ja" } })).await?;
    on.as_operator("listOrganizationsOfOwner", &at, Value::Null).await?;
    on.ask(Some(somebody.token()), "getOwnOwner", &[], Value::Null).await?;
    let reached = json!({ "phoneNumber": "+81 3 0000 0000" });
    on.ask(Some(somebody.token()), "updateOwnOwner", &[], reached).await?;
    let at = [somebody.account.as_str()];
    on.as_operator("getAccount", &at, Value::Null).await?;
    on.as_operator("listAccountAudit", &at, Value::Null).await?;
    on.as_operator("unlockAccount", &at, Value::Null).await?;
    on.as_operator("endAccountSessions", &at, Value::Null).await?;
    on.as_operator("updateAccount", &at, json!({ "status": "suspended" })).await?;
    on.as_operator("deleteAccount", &at, Value::Null).await?;
    on.as_operator("restoreAccount", &at, Value::Null).await?;
    Ok(())
}

pub(super) async fn organizations(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let payer = json!({ "email": on.email("founder"), "name": "Keiko Example" });
    let new = json!({ "name": on.name("Shop"), "timezone": "Asia/Tokyo", "owner": payer });
    let coming = on.as_operator("createOrganization", &[], new).await?;
    let creation = coming.get("operation").context("an operation")?;
    on.as_operator("followOperation", &[id(creation)], Value::Null).await?;
    on.as_operator("abortOperation", &[id(creation)], Value::Null).await?;
    let limits = json!({ "maxRooms": 100_000, "maxMessagesPerMonth": 10_000_000, "maxStorageGB": 500.0 });
    on.as_operator("setLimits", &[], limits).await?;
    let operation = on.as_operator("changeTier", &[], json!({ "tier": "enterprise" })).await?;
    on.ended(&operation, "failed").await?;
    on.as_operator("retryOperation", &[id(&operation)], Value::Null).await?;
    on.ended(&operation, "done").await?;
    let operation = on.as_operator("suspendOrganization", &[], json!({ "reason": "unpaid" })).await?;
    on.ended(&operation, "done").await?;
    let operation = on.as_operator("resumeOrganization", &[], Value::Null).await?;
    on.ended(&operation, "done").await?;
    let end = json!({ "reason": "cancelled by the owner", "graceDays": 30 });
    let operation = on.as_operator("offboardOrganization", &[], end).await?;
    on.ended(&operation, "done").await?;
    Ok(())
}
