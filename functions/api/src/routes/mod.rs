//! All routes there are: the one list. The router, the OpenAPI file and the tests that walk over every
//! route are made of it.

mod account;
mod accounts;
mod analytics;
mod api_keys;
mod audit;
mod auth;
mod catch_up;
mod channels;
mod data_subjects;
mod docs;
mod invitations;
mod ip_rules;
mod media_links;
mod members;
mod messages;
mod operations;
mod organizations;
mod owners;
mod plain;
mod room_members;
mod rooms;
mod route;
mod search;
mod security_policy;
mod sessions;
mod summaries;
mod timeline;
mod usage;
mod users;

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
        room_members::routes(),
        catch_up::routes(),
        timeline::routes(),
        sessions::routes(),
        messages::routes(),
        summaries::routes(),
        users::routes(),
        plain::routes(),
        data_subjects::routes(),
        search::routes(),
        analytics::routes(),
        usage::routes(),
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

/// Routes, each behind the guard.
pub(crate) fn router(app: &App, routes: Vec<Route>) -> Router {
    let mut paths = std::collections::BTreeMap::<String, MethodRouter<App>>::new();
    for route in routes {
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
