//! The demo tenant of `cargo xtask up`.

use matome_domain::ids::TenantId;
use matome_local_stack::REGION;
use matome_local_stack::sam::Outputs;
use matome_seeding::sets::{DataSet, SeedChannel};
use matome_seeding::{Target, seed};

use crate::conversation::Cast;
use crate::settings::DATABASE_PREFIX;

/// Writes the demo tenant, its channel and what the directory knows of them.
pub(crate) async fn demo_tenant(
    cast: &Cast,
    webhook_url: &str,
    mongodb_uri: &str,
    aws_endpoint: &str,
    outputs: &Outputs,
) -> anyhow::Result<TenantId> {
    let target = Target {
        mongodb_uri: mongodb_uri.to_owned(),
        database_prefix: DATABASE_PREFIX.to_owned(),
        aws_endpoint: aws_endpoint.to_owned(),
        region: REGION.to_owned(),
        directory_table: outputs.get("DirectoryTable")?.to_owned(),
        kms_key_id: outputs.get("TenantKeyArn")?.to_owned(),
    };
    let channel = SeedChannel {
        channel_id: cast.channel_id.clone(),
        channel_secret: cast.channel_secret.clone(),
        bot_user_id: cast.bot_user_id.clone(),
        webhook_url: webhook_url.to_owned(),
    };
    let [demo] = <[_; 1]>::try_from(DataSet::Demo.tenants())
        .map_err(|tenants| anyhow::anyhow!("the demo set has {} tenants instead of one", tenants.len()))?;
    let tenant = demo.with(channel);
    Ok(seed(&target, &tenant).await?)
}
