//! All routes there are: the one list. The router, the OpenAPI file and the tests that walk over every
//! route are made of it.

mod account;
mod accounts;
mod api_keys;
mod audit;
mod auth;
mod channels;
mod docs;
mod invitations;
mod ip_rules;
mod members;
mod operations;
mod organizations;
mod owners;
mod rooms;
mod route;
mod security_policy;

use axum::Router;
use axum::routing::MethodRouter;
pub use route::Route;

use crate::context::App;
use crate::guard;

/// The one list.
#[must_use]
pub fn all() -> Vec<Route> {
    [
        docs::routes(),
        auth::routes(),
        account::routes(),
        accounts::routes(),
        rooms::routes(),
        organizations::routes(),
        members::routes(),
        invitations::routes(),
        api_keys::routes(),
        security_policy::routes(),
        ip_rules::routes(),
        audit::routes(),
        channels::routes(),
        operations::routes(),
        owners::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes, each behind the guard.
pub(crate) fn router(app: &App) -> Router {
    let mut paths = std::collections::BTreeMap::<String, MethodRouter<App>>::new();
    for route in all() {
        let (path, method) = route.guarded(app);
        let so_far = paths.remove(&path).unwrap_or_default();
        paths.insert(path, so_far.merge(method));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(&path, methods.options(guard::preflight).fallback(guard::wrong_method));
    }
    router.fallback(guard::unrouted).with_state(App::clone(app))
}
