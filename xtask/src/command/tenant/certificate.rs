//! `cargo xtask tenant certificate`: what was erased of a tenant that was offboarded, to be handed to whom it may concern.

use anyhow::Context;
use bson::{Bson, doc};
use matome_domain::audit::canonical;
use matome_domain::ids::TenantId;
use matome_store::collection::encode;
use matome_store::entities::ErasureCertificate;
use matome_store::time::timestamp;

use super::Desk;

pub(super) async fn show(desk: &Desk, tenant: &TenantId, as_json: bool) -> anyhow::Result<()> {
    let certificates = desk.tenants.platform().platform_collection::<ErasureCertificate>();
    let of_tenant = doc! { "tenantId": tenant.as_str() };
    let found = certificates.find_one(of_tenant).sort(doc! { "createdAt": -1 }).await?;
    let found =
        found.with_context(|| format!("tenant {tenant} was not offboarded: there is no certificate"))?;
    if as_json {
        // The very text that its `sha256` is over, but for that field.
        println!("{}", canonical(&Bson::Document(encode(&found)?).into_relaxed_extjson()));
    } else {
        print!("{}", text(&found));
    }
    Ok(())
}

fn text(of: &ErasureCertificate) -> String {
    let mut text = format!(
        "Certificate of erasure {}\n\ntenant     {}\nasked for  {} by {}: {}\nerased     {}\nsha256     {}\n\nErased:\n",
        of.id,
        of.tenant_id,
        timestamp(of.requested_at),
        of.requested_by,
        of.reason,
        timestamp(of.created_at),
        of.sha256,
    );
    for (collection, count) in &of.erased.documents {
        text.push_str(&format!("  {count:>9} documents of {collection}\n"));
    }
    let erased = &of.erased;
    text.push_str(&format!(
        "  {:>9} objects in {} versions, {} bytes\n  the data key, version {}\n",
        erased.objects, erased.versions, erased.bytes, erased.key_version
    ));
    if let Some(stack) = &erased.stack {
        text.push_str(&format!("  the stack {stack}\n"));
    }
    text.push_str("\nKept:\n");
    for kept in &of.kept {
        let until = kept.until.map(|until| format!(" (until {})", timestamp(until))).unwrap_or_default();
        text.push_str(&format!("  {}{until}\n", kept.what));
    }
    text
}
