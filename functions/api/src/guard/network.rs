//! From where, and how surely: the organization's security policy and its IP lists.

use crate::guard::authenticate::Identity;
use crate::guard::{Caller, Trace};
use crate::http::problem::{Code, Problem};

/// Refuses who comes from elsewhere than the IP lists allow, or without the second factor that the policy
/// asks for. Who runs the platform is not bound by a tenant's lists, but by the second factor.
pub(crate) fn check(trace: &Trace, identity: &Identity, caller: &Caller) -> Result<(), Problem> {
    let is_operator = matches!(caller, Caller::Account(signed_in) if signed_in.is_super_admin());
    if !is_operator && !identity.rules.0.is_empty() {
        // Where somebody comes from is always known on AWS; who cannot be seen is not let past a list.
        let allowed = trace.address.is_some_and(|address| identity.rules.allows(address));
        if !allowed {
            return Err(Code::AddressNotAllowed.into());
        }
    }
    let Some(policy) = &identity.policy else { return Ok(()) };
    if let Caller::Account(signed_in) = caller
        && policy.second_factor_required
        && !signed_in.has_second_factor()
    {
        let how = "Set up a second factor under /v1/account/totp and sign in with it";
        return Err(Problem::new(Code::SecondFactorRequired, how));
    }
    Ok(())
}
