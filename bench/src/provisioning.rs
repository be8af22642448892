//! How long a tenant of each tier takes to be made.

use std::time::Instant;

use matome_domain::tier::Tier;
use matome_tenancy::operations::{CreateTenant, NewOwner};
use matome_testing::TestSystem;

use crate::figure::{Figure, quantile};
use crate::provisioner::{new_id, operate};

/// Tenants of each tier, one after the other; the median counts.
const TENANTS: usize = 9;

/// Through the real engine, from the request to the last step. Directory and KMS are in memory: each
/// adds a call or two of some milliseconds. Of an enterprise tenant's own stack CloudFormation alone
/// decides.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let system = TestSystem::start().await;
    let mut figures = Vec::new();
    for tier in Tier::ALL {
        let mut times = Vec::with_capacity(TENANTS);
        for _ in 0..TENANTS {
            let id = new_id(&system)?;
            let request = CreateTenant {
                name: "A shop".to_owned(),
                kind: "retail".to_owned(),
                owner: NewOwner { email: format!("{id}@example.com"), name: "Aoi".to_owned() },
                tier,
                timezone: "Asia/Tokyo".to_owned(),
                cell: None,
                data_region: None,
                settings: None,
            };
            let begin = Instant::now();
            operate(&system, &id, &request).await?;
            times.push(begin.elapsed().as_secs_f64());
        }
        let apart = if tier == Tier::Enterprise { ", its own stack apart" } else { "" };
        let name = format!("provisioning a tenant, {}{apart} (median of {TENANTS})", tier.as_str());
        figures.push(Figure::known(name, "ms", quantile(&mut times, 0.5) * 1e3));
    }
    Ok(figures)
}
