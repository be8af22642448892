//! The owner that one is: who pays, as they themselves see and change it.
//!
//! By the account's verified address, not by a role in an organization: an owner's record says what all of its
//! organizations use, and a member of one need not know of the others.

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use http::Method;
use matome_store::entities::{Owner, OwnerView, PayerPatch};
use matome_store::exposed::{Changed, Changes, Exposed};

use super::rule;
use crate::context::App;
use crate::crud::done;
use crate::guard::{SignedIn, Trail};
use crate::http::{IfMatch, Json, Problem, Shown};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    const PATH: &str = "/account/owner";
    vec![
        Route::new(
            rule(&Method::GET, PATH, "getOwnOwner", "Show the owner that one is, with plan and subscription")
                .describes("By the account's verified e-mail address; 404 for whoever pays for nothing."),
            get,
        ),
        Route::new(
            rule(&Method::PATCH, PATH, "updateOwnOwner", "Change how one is reached as an owner").describes(
                "A JSON merge patch (RFC 7396): what is absent stays, `null` removes. Plan, limits and subscription are for \
                 who runs the platform to change.",
            ),
            patch,
        ),
    ]
}

async fn own(app: &App, signed_in: &SignedIn) -> Result<ObjectId, Problem> {
    let account = &signed_in.account;
    if !account.email_verified {
        return Err(Problem::not_found());
    }
    let owners = app.tenants.platform().of_platform::<Owner>();
    let found = owners.find_one(doc! { "email": &account.email }).await?;
    Ok(found.ok_or_else(Problem::not_found)?.id)
}

async fn get(State(app): State<App>, signed_in: SignedIn) -> Result<Shown<OwnerView>, Problem> {
    let id = own(&app, &signed_in).await?;
    let found = app.tenants.platform().of_platform::<Owner>().show(id, false).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: found.version, document: found.view })
}

async fn patch(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<PayerPatch>,
) -> Result<Shown<OwnerView>, Problem> {
    let id = own(&app, &signed_in).await?;
    trail.target(Owner::NAME, id.to_hex());
    let owners = app.tenants.platform().of_platform::<Owner>();
    let changed = owners.patch_versioned(id, version, app.now().into(), |before| body.update(before));
    let Changed { before, after } = done(changed.await?)?;
    trail.before(&before.view);
    trail.after(&after.view);
    Ok(Shown { version: after.version, document: after.view })
}
