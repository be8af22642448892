//! Proving who one is: nobody is signed in yet, and no answer tells whether an address has an account. Same
//! status, same body, about the same time; besides the guard's limit by address there is one by e-mail
//! address.

mod answers;
mod external;
mod invitations;
mod keys;
mod login;
mod password;
mod problem;
mod quota;
mod register;
mod tokens;

pub(super) use login::proof;
pub(super) use problem::{field_problem, problem};

use answers::MailSent;

use crate::auth::accounts::Origin;
use crate::guard::{Access, Rule, Trace};
use crate::routes::Route;
use matome_domain::rate::Class;

/// The documentation's group.
const TAG: &str = "auth";

pub(super) fn routes() -> Vec<Route> {
    [
        register::routes(),
        login::routes(),
        tokens::routes(),
        password::routes(),
        external::routes(),
        invitations::routes(),
        keys::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A rule of these routes.
fn rule(path: &'static str, id: &'static str, summary: &'static str) -> Rule {
    Rule::post(path, id, Access::Public).says(TAG, summary).counts_as(Class::Auth)
}

/// Where a request comes from, for sessions and devices.
fn origin(trace: &Trace, device: Option<String>) -> Origin {
    Origin {
        ip: trace.address.map(|address| address.to_string()),
        user_agent: trace.user_agent.clone(),
        device,
    }
}
