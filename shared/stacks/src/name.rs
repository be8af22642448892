//! What a dedicated tenant's stack is called: policies of the platform know it by that name.

use matome_domain::ids::{InvalidId, TenantId};

/// A role of the stack is called `<stack>-summarizer`, and IAM ends names at 64 characters.
const LONGEST: usize = 64 - "-summarizer".len();

/// `<platform stack>-tenant-<tenant id>`.
///
/// # Errors
/// [`InvalidId`] when the name would be longer than the names that are built from it may be.
pub fn stack_name(platform: &str, tenant: &TenantId) -> Result<String, InvalidId> {
    let refused = |reason| InvalidId { field: "tenantId", reason };
    let name = format!("{platform}-tenant-{tenant}");
    if name.len() > LONGEST {
        return Err(refused("is too long for the names of a stack's resources"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cloudformation_or_iam_would_refuse_is_refused_here() {
        let of = |id: &str| stack_name("matome-prod", &TenantId::new(id).unwrap());
        assert_eq!(of("65f0c0ffee").unwrap(), "matome-prod-tenant-65f0c0ffee");
        assert!(of(&"a".repeat(34)).is_ok());
        assert!(of(&"a".repeat(35)).unwrap_err().to_string().starts_with("tenantId: "));
    }
}
