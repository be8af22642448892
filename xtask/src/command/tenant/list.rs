//! `cargo xtask tenant list`: the organizations, and after them what failed before it became one.

use std::collections::BTreeMap;

use bson::doc;
use matome_domain::ids::CellName;
use matome_local_stack::Progress;
use matome_store::entities::{Channel, Operation, Organization, OrganizationStatus};
use matome_tenancy::operations::{CreateTenant, Request as _};
use serde_json::{Value, json};

use super::Desk;
use super::table::render;

const COLUMNS: [&str; 7] = ["tenant", "name", "tier", "placement", "cell", "status", "channels"];

pub(super) async fn show(desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    let platform = desk.tenants.platform();
    let mut channels: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = platform.platform_collection::<Channel>().find(doc! {}).await?;
    while all.advance().await? {
        *channels.entry(all.deserialize_current()?.tenant_id).or_default() += 1;
    }
    let mut rows = Vec::new();
    let mut all =
        platform.platform_collection::<Organization>().find(doc! {}).sort(doc! { "_id": 1 }).await?;
    while all.advance().await? {
        let organization = all.deserialize_current()?;
        let count = channels.get(&organization.tenant_id).copied().unwrap_or(0);
        rows.push(row(&organization, count)?);
    }
    for creation in platform.failed_creations().await? {
        rows.push(never_made(&creation)?);
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        Progress::shown().line("There are no tenants.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| COLUMNS.iter().map(|column| text(row, column)).collect()).collect();
    print!("{}", render(&COLUMNS, &rows));
    Ok(())
}

fn text(row: &Value, column: &str) -> String {
    match &row[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn row(organization: &Organization, channels: usize) -> anyhow::Result<Value> {
    Ok(json!({
        "tenant": organization.tenant_id,
        "name": organization.name,
        "tier": organization.tier,
        "placement": organization.placement,
        "cell": organization.cell,
        "status": organization.status,
        "channels": channels,
    }))
}

/// As [`row`], of a tenant whose creation failed before it had an organization.
fn never_made(creation: &Operation) -> anyhow::Result<Value> {
    let wanted = CreateTenant::from_document(&creation.input)?;
    Ok(json!({
        "tenant": creation.tenant_id,
        "name": wanted.name,
        "tier": wanted.tier,
        "placement": wanted.tier.placement(),
        "cell": wanted.cell.as_ref().map_or("-", CellName::as_str),
        "status": OrganizationStatus::Failed,
        "channels": 0,
    }))
}

#[cfg(test)]
mod tests {
    use matome_store::entities::{OperationKind, OperationState};

    use super::*;

    #[test]
    fn a_tenant_that_was_never_made_has_a_row_like_others() {
        let now = bson::DateTime::from_millis(0);
        let creation = Operation {
            id: bson::oid::ObjectId::from_bytes([1; 12]),
            tenant_id: "t1".to_owned(),
            kind: OperationKind::Create,
            input: doc! {
                "name": "A shop", "type": "retail", "owner": { "email": "a@example.com", "name": "Aoi" },
                "tier": "pro", "timezone": "Asia/Bangkok",
            },
            state: OperationState::Failed,
            open: false,
            abort_requested: false,
            taken_back: false,
            retries: 0,
            steps: Vec::new(),
            not_before: None,
            requested_by: "operator".to_owned(),
            created_at: now,
            updated_at: now,
            finished_at: Some(now),
            version: 1,
        };
        let row = never_made(&creation).unwrap();
        assert_eq!(
            COLUMNS.map(|column| text(&row, column)),
            ["t1", "A shop", "pro", "collection_set", "-", "failed", "0"]
        );
    }
}
