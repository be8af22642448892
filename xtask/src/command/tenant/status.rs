//! `cargo xtask tenant status`.

use bson::{Bson, doc};
use console::style;
use matome_domain::clock::Clock as _;
use matome_domain::ids::TenantId;
use matome_domain::limits::{Limit, Limits};
use matome_domain::month::Month;
use matome_runtime::clock::SystemClock;
use matome_store::collection::encode;
use matome_store::entities::{
    Channel, ChannelQuota, Connection, MonthlyUsage, Operation, Organization, usage_id,
};
use matome_store::time::timestamp;
use serde_json::{Value, json};

use super::table::render;
use super::{Desk, watch};

/// Operations shown.
const LAST: i64 = 5;

/// What is known of a tenant.
struct Known {
    organization: Option<Organization>,
    /// The directory's view: whether it is served, where, under which version of its key.
    directory: Option<Value>,
    usage: Option<MonthlyUsage>,
    channels: Vec<Channel>,
    operations: Vec<Operation>,
}

pub(super) async fn show(desk: &Desk, tenant: &TenantId, as_json: bool) -> anyhow::Result<()> {
    let known = look(desk, tenant).await?;
    if known.organization.is_none() && known.operations.is_empty() {
        anyhow::bail!("there is no tenant {tenant}");
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&known.json()?)?);
    } else {
        print!("{}", known.text(tenant));
    }
    Ok(())
}

async fn look(desk: &Desk, tenant: &TenantId) -> anyhow::Result<Known> {
    let platform = desk.tenants.platform();
    let of_tenant = doc! { "tenantId": tenant.as_str() };
    let record = desk.tenants.directory().newest_tenant(tenant).await?;
    let usage = match &record {
        Some(_) => {
            let month = usage_id(tenant, &Month::of(SystemClock.now()));
            let store = desk.tenants.store(tenant).await?;
            store.collection::<MonthlyUsage>().get(month).await?
        }
        None => None,
    };
    let mut channels = Vec::new();
    let mut all = platform.platform_collection::<Channel>().find(of_tenant.clone()).await?;
    while all.advance().await? {
        channels.push(all.deserialize_current()?);
    }
    let mut operations = Vec::new();
    let newest = doc! { "createdAt": -1 };
    let mut all = desk.operations().find(of_tenant.clone()).sort(newest).limit(LAST).await?;
    while all.advance().await? {
        operations.push(all.deserialize_current()?);
    }
    Ok(Known {
        organization: platform.platform_collection::<Organization>().find_one(of_tenant).await?,
        directory: record.map(|record| {
            json!({
                "status": record.status,
                "placement": record.placement,
                "cell": record.cell,
                "relocation": record.relocation,
                "keyVersion": record.key.key_version,
                "keyRotationUnderWay": record.previous_key.is_some(),
            })
        }),
        usage,
        channels,
        operations,
    })
}

/// An operation without its input, in which there are sealed secrets.
pub(super) fn operation(operation: &Operation) -> anyhow::Result<Value> {
    let mut document = encode(operation)?;
    document.remove("input");
    Ok(Bson::Document(document).into_relaxed_extjson())
}

/// A channel without its sealed secrets.
fn channel(channel: &Channel) -> anyhow::Result<Value> {
    let mut document = encode(channel)?;
    for secret in ["channelSecret", "channelAccessToken"] {
        document.remove(secret);
    }
    Ok(Bson::Document(document).into_relaxed_extjson())
}

impl Known {
    fn json(&self) -> anyhow::Result<Value> {
        let plain = |document: bson::Document| Bson::Document(document).into_relaxed_extjson();
        let organization = self.organization.as_ref().map(encode).transpose()?.map(plain);
        let usage = self.usage.as_ref().map(encode).transpose()?.map(plain);
        Ok(json!({
            "organization": organization,
            "directory": self.directory,
            "usage": usage,
            "channels": self.channels.iter().map(channel).collect::<anyhow::Result<Vec<_>>>()?,
            "operations": self.operations.iter().map(operation).collect::<anyhow::Result<Vec<_>>>()?,
        }))
    }

    fn text(&self, tenant: &TenantId) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: String| {
            text.push_str(&format!("{} {value}\n", style(format!("{label:<11}")).dim()));
        };
        line("tenant", tenant.to_string());
        if let Some(o) = &self.organization {
            line("name", o.name.clone());
            line("tier", format!("{}, {}, cell {}", o.tier, word(&o.placement), o.cell));
            if let Some(at) = o.trial_ended_at {
                line("trial", format!("ended unpaid, on the free plan since {}", timestamp(at)));
            } else if let Some(at) = o.trial_ends_at {
                line("trial", format!("until {}", timestamp(at)));
            }
            let reason = o.status_reason.as_ref().map(|r| format!(": {}", r.message)).unwrap_or_default();
            line("status", format!("{}{reason}", word(&o.status)));
        }
        match &self.directory {
            Some(d) => line(
                "directory",
                format!(
                    "{}, {}, key version {}",
                    bare(&d["status"]),
                    bare(&d["relocation"]),
                    d["keyVersion"]
                ),
            ),
            None => line("directory", "not in it".to_owned()),
        }
        if let Some(organization) = &self.organization {
            text.push_str(&self.limits(organization));
        }
        if !self.channels.is_empty() {
            let rows: Vec<_> = self.channels.iter().map(channel_row).collect();
            let heading = [
                "channel",
                "name",
                "status",
                "token",
                "quota",
                "standby",
                "last webhook",
                "redelivered",
                "last error",
            ];
            text.push_str(&format!("\n{}", render(&heading, &rows)));
        }
        for operation in &self.operations {
            let at = timestamp(operation.created_at);
            let state = word(&operation.state);
            text.push_str(&format!(
                "\n{} {state}, asked for {at} by {}\n",
                watch::kind(operation),
                operation.requested_by
            ));
            for step in &operation.steps {
                let mark = if step.done { "✓" } else { "·" };
                let took = step.finished_at.map_or_else(String::new, |end| {
                    let took = timestamp(end).since(timestamp(step.started_at));
                    format!(" ({:.1} s)", took.as_secs_f64())
                });
                let error = step.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                text.push_str(&format!("  {mark} {}{took}{error}\n", step.name));
            }
        }
        text
    }

    /// Limits beside what of them is used, as the scheduler last measured it.
    fn limits(&self, organization: &Organization) -> String {
        let row = |limit: &Limit| {
            let used = self.usage.as_ref().map(|usage| usage.used.of(*limit).to_string());
            let level = self.usage.as_ref().map(|usage| word(&usage.levels.level(*limit)));
            let unknown = || "not measured".to_owned();
            let most = most(&organization.limits, *limit);
            vec![word(limit), used.unwrap_or_else(unknown), most, level.unwrap_or_default()]
        };
        let rows: Vec<_> = Limit::ALL.iter().map(row).collect();
        format!("\n{}", render(&["limit", "used", "most", "level"], &rows))
    }
}

fn channel_row(channel: &Channel) -> Vec<String> {
    let Connection::Line(_) = &channel.connection;
    let health = &channel.health;
    let never = || "never".to_owned();
    vec![
        channel.channel_id.clone(),
        channel.name.clone(),
        word(&channel.status),
        word(&health.token_state),
        health.quota.as_ref().map_or_else(|| "-".to_owned(), quota),
        if health.standby { "yes" } else { "no" }.to_owned(),
        health.last_webhook_at.map_or_else(never, |at| timestamp(at).to_string()),
        health.redelivery_rate().map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", rate * 100.0)),
        health
            .last_error
            .as_ref()
            .map_or_else(|| "-".to_owned(), |e| format!("{} {}", timestamp(e.at), e.code)),
    ]
}

/// What may be used of a limit, in the unit that it is counted in.
pub(super) fn most(limits: &Limits, limit: Limit) -> String {
    limits.of(limit).map_or_else(|| "unlimited".to_owned(), |most| most.to_string())
}

/// What was sent of what may be sent in the month.
fn quota(quota: &ChannelQuota) -> String {
    match quota.limit {
        Some(limit) => format!("{} of {limit}", quota.used),
        None => format!("{}, unlimited", quota.used),
    }
}

/// An enum's value as it is stored.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().map(|value| bare(&value)).unwrap_or_default()
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_says_what_is_used_of_what() {
        let of = |limit| ChannelQuota { limit, used: 12, as_of: bson::DateTime::from_millis(0) };
        assert_eq!(quota(&of(Some(200))), "12 of 200");
        assert_eq!(quota(&of(None)), "12, unlimited");
    }
}
