//! What an organization's security policy asks of logins: how somebody logged in, and how long ago. Looked
//! at on every request, so that a stricter policy holds at once.

use matome_domain::access::session::Lifetimes;
use matome_domain::clock::Timestamp;
use matome_store::entities::SecurityPolicy;

use crate::guard::{Caller, SignedIn};
use crate::http::Problem;
use crate::http::problem::Code;

/// Refuses a login that the policy does not take. Keys are machines; who runs the platform is bound by the
/// second factor alone.
pub(crate) fn check(policy: Option<&SecurityPolicy>, caller: &Caller, now: Timestamp) -> Result<(), Problem> {
    let (Some(policy), Caller::Account(signed_in)) = (policy, caller) else { return Ok(()) };
    if policy.second_factor_required && !signed_in.has_second_factor() {
        return Err(show_second_factor());
    }
    if signed_in.is_super_admin() {
        return Ok(());
    }
    if !logged_in_by(signed_in, &policy.allowed_login_methods) {
        let how = format!("Log in by one of: {}", policy.allowed_login_methods.join(", "));
        return Err(Problem::new(Code::LoginNotAllowed, how));
    }
    let lifetimes = Lifetimes::default().shortened(policy.session_idle_minutes, policy.session_max_minutes);
    let session = &signed_in.session;
    if lifetimes.is_over(session.created_at.into(), session.last_used_at.into(), now) {
        return Err(Code::Unauthenticated.into());
    }
    Ok(())
}

/// 403 that says how a second factor is set up.
pub(crate) fn show_second_factor() -> Problem {
    let how = "Set up a second factor under /v1/account/totp and sign in with it";
    Problem::new(Code::SecondFactorRequired, how)
}

/// Whether a session was opened in one of these ways; none named are all.
fn logged_in_by(signed_in: &SignedIn, allowed: &[String]) -> bool {
    allowed.is_empty() || signed_in.session.amr.iter().any(|method| allowed.contains(method))
}
