//! From where: the organization's IP lists.

use matome_domain::access::network::Refused;

use crate::guard::authenticate::Identity;
use crate::guard::{Caller, Trace};
use crate::http::problem::{Code, Problem};

/// Refuses who comes from elsewhere than the IP lists allow. Where somebody comes from is always known on AWS.
/// Who runs the platform is not bound by a tenant's lists, and so can help where one has run out.
pub(crate) fn check(trace: &Trace, identity: &Identity, caller: &Caller) -> Result<(), Problem> {
    let is_operator = matches!(caller, Caller::Account(signed_in) if signed_in.is_super_admin());
    if is_operator {
        return Ok(());
    }
    identity.rules.check(trace.address).map_err(|refused| match refused {
        Refused::Address => Code::AddressNotAllowed.into(),
        Refused::AllowListExpired => Code::AllowListExpired.into(),
    })
}
