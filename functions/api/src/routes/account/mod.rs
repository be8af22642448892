//! One's own account: who one is, how one logs in, where one is logged in. For people, not for API keys.

mod audit;
mod devices;
mod factor;
mod identities;
mod organizations;
mod own;
mod owner;
mod password;
mod sessions;

use http::Method;
use matome_domain::rate::Class;

use crate::guard::{Access, Rule};
use crate::routes::Route;

pub(super) use sessions::SessionsEnded;

/// The documentation's group.
const TAG: &str = "account";

pub(super) fn routes() -> Vec<Route> {
    [
        own::routes(),
        owner::routes(),
        password::routes(),
        factor::routes(),
        sessions::routes(),
        devices::routes(),
        organizations::routes(),
        identities::routes(),
        audit::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A rule of these routes.
fn rule(method: &Method, path: &'static str, id: &'static str, summary: &'static str) -> Rule {
    let rule = match *method {
        Method::GET => Rule::get(path, id, Access::Account),
        Method::PATCH => Rule::patch(path, id, Access::Account),
        Method::DELETE => Rule::delete(path, id, Access::Account),
        _ => Rule::post(path, id, Access::Account),
    };
    rule.says(TAG, summary)
}

/// The same for what tries a password, a code or a token.
fn trying(method: &Method, path: &'static str, id: &'static str, summary: &'static str) -> Rule {
    rule(method, path, id, summary).counts_as(Class::Auth)
}
