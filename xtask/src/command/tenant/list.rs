//! `cargo xtask tenant list`.

use std::collections::BTreeMap;

use bson::doc;
use matome_local_stack::Progress;
use matome_store::entities::{Channel, Organization};
use serde_json::{Value, json};

use super::Desk;
use super::table::render;

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
    if as_json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        Progress::shown().line("There are no tenants.");
        return Ok(());
    }
    const COLUMNS: [&str; 7] = ["tenant", "name", "tier", "placement", "cell", "status", "channels"];
    let text = |row: &Value, column: &str| match &row[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| COLUMNS.iter().map(|column| text(row, column)).collect()).collect();
    print!("{}", render(&COLUMNS, &rows));
    Ok(())
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
