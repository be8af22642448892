//! From where: the organization's IP lists.

use crate::guard::authenticate::Identity;
use crate::guard::{Caller, Trace};
use crate::http::problem::{Code, Problem};

/// Refuses who comes from elsewhere than the IP lists allow. Who runs the platform is not bound by a tenant's
/// lists.
pub(crate) fn check(trace: &Trace, identity: &Identity, caller: &Caller) -> Result<(), Problem> {
    let is_operator = matches!(caller, Caller::Account(signed_in) if signed_in.is_super_admin());
    if !is_operator && !identity.rules.0.is_empty() {
        // Where somebody comes from is always known on AWS; who cannot be seen is not let past a list.
        let allowed = trace.address.is_some_and(|address| identity.rules.allows(address));
        if !allowed {
            return Err(Code::AddressNotAllowed.into());
        }
    }
    Ok(())
}
