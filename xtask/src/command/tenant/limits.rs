//! `cargo xtask tenant limits`: what was agreed on with a tenant, whatever its plan's limits are.

use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use matome_domain::clock::Clock as _;
use matome_domain::ids::TenantId;
use matome_domain::limits::{Limit, Limits, MOST, MOST_GIGABYTES};
use matome_runtime::clock::SystemClock;
use matome_store::entities::Organization;
use matome_store::exposed::{Outcome, Update};
use matome_store::time::date;
use serde_json::json;

use super::table::render;
use super::{Desk, status};

/// The API's name for it, so that a trail is searched by one.
const OPERATION: &str = "setLimits";
/// What is typed for no limit.
const NONE: &str = "none";

/// Each is a number, or `none` for no limit; one that is left out stays as it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Agreed {
    /// Rooms in use.
    #[arg(long, value_name = "NUMBER|none", value_parser = number)]
    max_rooms: Option<Most<u64>>,
    /// Members of any one room.
    #[arg(long, value_name = "NUMBER|none", value_parser = number)]
    max_members_per_room: Option<Most<u64>>,
    /// Messages recorded in a month.
    #[arg(long, value_name = "NUMBER|none", value_parser = number)]
    max_messages_per_month: Option<Most<u64>>,
    /// Gigabytes of media.
    #[arg(long, value_name = "NUMBER|none", value_parser = gigabytes)]
    max_storage_gb: Option<Most<f64>>,
    /// Active agents.
    #[arg(long, value_name = "NUMBER|none", value_parser = number)]
    max_agents: Option<Most<u64>>,
    /// Calls of the API in a month.
    #[arg(long, value_name = "NUMBER|none", value_parser = number)]
    api_calls_per_month: Option<Most<u64>>,
}

/// A limit as it is typed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Most<T>(Option<T>);

impl<T: FromStr> FromStr for Most<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Self(None));
        }
        text.parse().map(|most| Self(Some(most))).map_err(|_| format!("must be a number or {NONE}"))
    }
}

fn number(text: &str) -> Result<Most<u64>, String> {
    let most: Most<u64> = text.parse()?;
    match most.0 {
        Some(most) if most > MOST => Err(format!("must be 0 to {MOST} or {NONE}")),
        _ => Ok(most),
    }
}

fn gigabytes(text: &str) -> Result<Most<f64>, String> {
    let most: Most<f64> = text.parse()?;
    match most.0 {
        Some(most) if !(0.0..=MOST_GIGABYTES).contains(&most) => {
            Err(format!("must be 0 to {MOST_GIGABYTES} or {NONE}"))
        }
        _ => Ok(most),
    }
}

impl Agreed {
    /// The limits there are, with those that were named in their place.
    fn over(&self, limits: Limits) -> Limits {
        fn either<T>(agreed: Option<Most<T>>, there: Option<T>) -> Option<T> {
            agreed.map_or(there, |most| most.0)
        }
        Limits {
            max_rooms: either(self.max_rooms, limits.max_rooms),
            max_members_per_room: either(self.max_members_per_room, limits.max_members_per_room),
            max_messages_per_month: either(self.max_messages_per_month, limits.max_messages_per_month),
            max_storage_gb: either(self.max_storage_gb, limits.max_storage_gb),
            max_agents: either(self.max_agents, limits.max_agents),
            api_calls_per_month: either(self.api_calls_per_month, limits.api_calls_per_month),
        }
    }
}

pub(super) async fn agree(
    desk: &Desk,
    tenant: &TenantId,
    agreed: &Agreed,
    as_json: bool,
) -> anyhow::Result<()> {
    let deed = desk.begin(tenant, OPERATION).await?;
    let id = deed.organization.id;
    let organizations = desk.tenants.platform().of_tenant::<Organization>(tenant);
    let change = |there: &Organization| Ok(Update::new().set("limits", &agreed.over(there.limits)));
    let changed = organizations.patch_versioned(id, None, date(SystemClock.now()), change).await?;
    let Outcome::Done(changed) = changed else { bail!("tenant {tenant} has no organization") };
    let (before, after) = (changed.before.view.limits, changed.after.view.limits);
    let told = |limits: Limits| Some(json!({ "limits": limits }));
    deed.end(("organization", id.into()), told(before), told(after)).await?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&json!({ "tenant": tenant, "limits": after }))?);
    } else {
        let rows: Vec<_> =
            Limit::ALL.iter().map(|limit| vec![status::word(limit), status::most(&after, *limit)]).collect();
        print!("{}", render(&["limit", "most"], &rows));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        agreed: Agreed,
    }

    fn typed(line: &str) -> Result<Agreed, clap::Error> {
        let words = std::iter::once("limits").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.agreed)
    }

    #[test]
    fn what_is_named_is_agreed_on_and_the_rest_stays() {
        let there = Limits {
            max_rooms: Some(100),
            max_agents: Some(5),
            max_storage_gb: Some(1.0),
            ..Limits::default()
        };
        let agreed = typed("--max-rooms 2000 --max-agents none --max-storage-gb 0.5").unwrap().over(there);
        let wanted = Limits { max_rooms: Some(2_000), max_storage_gb: Some(0.5), ..Limits::default() };
        assert_eq!(agreed, wanted);
        assert_eq!(typed("--api-calls-per-month 0").unwrap().over(there).max_agents, Some(5));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for line in [
            "",
            "--max-rooms",
            "--max-rooms many",
            "--max-rooms -1",
            "--max-rooms=-1",
            "--max-rooms 1.5",
            "--max-rooms 9007199254740992",
            "--max-storage-gb=-1",
            "--max-storage-gb NaN",
            "--max-storage-gb inf",
            "--max-storage-gb 1000001",
        ] {
            assert!(typed(line).is_err(), "{line}");
        }
    }
}
