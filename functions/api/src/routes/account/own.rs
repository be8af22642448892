//! What an account says of its owner.

use axum::extract::State;
use http::Method;
use matome_store::entities::{Account, AccountView, OwnAccountPatch};
use matome_store::exposed::{Changed, Changes, Exposed};

use super::rule;
use crate::context::App;
use crate::crud::done;
use crate::guard::{SignedIn, Trail};
use crate::http::{IfMatch, Json, Problem, Shown};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(rule(&Method::GET, "/account", "getOwnAccount", "Show one's own account"), get),
        Route::new(
            rule(&Method::PATCH, "/account", "updateOwnAccount", "Change one's own account")
                .describes("A JSON merge patch (RFC 7396): what is absent stays, `null` removes."),
            patch,
        ),
    ]
}

async fn get(State(app): State<App>, signed_in: SignedIn) -> Result<Shown<AccountView>, Problem> {
    let accounts = app.tenants.platform().of_platform::<Account>();
    let found = accounts.show(signed_in.id(), false).await?.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: found.version, document: found.view })
}

async fn patch(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<OwnAccountPatch>,
) -> Result<Shown<AccountView>, Problem> {
    let platform = app.tenants.platform();
    let (id, now) = (signed_in.id(), app.now());
    trail.target(Account::NAME, id.to_hex());
    let accounts = platform.of_platform::<Account>();
    let change = |before: &Account| body.update(before);
    let Changed { before, after } = done(accounts.patch_versioned(id, version, now.into(), change).await?)?;
    let shown = |view: &AccountView| (view.name.clone(), view.avatar_url.clone());
    if shown(&before.view) != shown(&after.view) {
        let (name, picture) = shown(&after.view);
        platform.copy_to_members(signed_in.account.id, &name, picture.as_deref(), now).await?;
    }
    trail.before(&before.view);
    trail.after(&after.view);
    Ok(Shown { version: after.version, document: after.view })
}
