//! All accounts, for who runs the platform.

use axum::extract::State;
use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::access::{Action, PlatformRole, Resource};
use matome_store::entities::{
    Account, AccountAuditEntry, AccountAuditEntryView, AccountPatch, AccountStatus, AccountView,
    RevokedBecause,
};
use matome_store::exposed::{Changed, Changes, Exposed, Patched};

use super::Route;
use super::account::SessionsEnded;
use crate::context::App;
use crate::crud::{Listing, PageOf, PathIds, Sparse, done, page};
use crate::guard::{Access, Rule, SignedIn, Trail};
use crate::http::problem::Code;
use crate::http::{IfMatch, Json, NoContent, Ok200, Problem, Shown};

/// The documentation's group.
const TAG: &str = "accounts";

pub(super) fn routes() -> Vec<Route> {
    let access = |action: Action| Access::Platform(Resource::Accounts.to(action));
    let (read, update, delete) = (access(Action::Read), access(Action::Update), access(Action::Delete));
    vec![
        Route::new(Rule::get("/accounts", "listAccounts", read).says(TAG, "List accounts"), list),
        Route::new(
            Rule::get("/accounts/{accountId}", "getAccount", read).says(TAG, "Show one account"),
            get,
        ),
        Route::new(
            Rule::patch("/accounts/{accountId}", "updateAccount", update)
                .says(TAG, "Change an account's state or its role on the platform")
                .describes(
                    "A JSON merge patch (RFC 7396). Nobody changes their own; the last one who runs the platform stays. \
                     An account that is not active any more is logged out everywhere.",
                ),
            patch,
        ),
        Route::new(
            Rule::delete("/accounts/{accountId}", "deleteAccount", delete)
                .says(TAG, "Delete an account")
                .describes("It is logged out everywhere, keeps its address, and can be restored."),
            remove,
        ),
        Route::new(
            Rule::post("/accounts/{accountId}/restore", "restoreAccount", delete)
                .says(TAG, "Take back that an account was deleted"),
            restore,
        ),
        Route::new(
            Rule::get("/accounts/{accountId}/audit", "listAccountAudit", read)
                .says(TAG, "List what was done to an account")
                .describes("Log-ins as well, also those that failed. Kept for a year."),
            audit,
        ),
        Route::new(
            Rule::delete("/accounts/{accountId}/sessions", "endAccountSessions", update)
                .says(TAG, "Log an account out everywhere"),
            end_sessions,
        ),
        Route::new(
            Rule::post("/accounts/{accountId}/unlock", "unlockAccount", update)
                .says(TAG, "Let an account be tried again that wrong passwords have closed for a while"),
            unlock,
        ),
    ]
}

async fn list(
    State(app): State<App>,
    listing: Listing<Account>,
) -> Result<Ok200<PageOf<Sparse<AccountView>>>, Problem> {
    page(&app.tenants.platform().of_platform(), listing, Document::new()).await
}

async fn get(State(app): State<App>, ids: PathIds) -> Result<Shown<AccountView>, Problem> {
    let found = app.tenants.platform().of_platform::<Account>().show(ids.last()?, false).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: found.version, document: found.view })
}

/// Whether the account runs the platform. Refuses what somebody would do to their own account, and to the last one
/// that runs the platform.
async fn check(app: &App, signed_in: &SignedIn, id: ObjectId) -> Result<bool, Problem> {
    if id == signed_in.id() {
        return Err(Problem::new(Code::Conflict, "Nobody does this to their own account"));
    }
    let accounts = app.tenants.platform().of_platform::<Account>();
    let target = accounts.get(id).await?.ok_or_else(Problem::not_found)?;
    if target.platform_role.is_none() || !target.is_active() {
        return Ok(false);
    }
    match who_runs_the_platform(app, doc! { "$ne": id }).await? {
        0 => Err(the_last()),
        _ => Ok(true),
    }
}

/// Accounts that run the platform, of those with such an id.
async fn who_runs_the_platform(app: &App, id: Document) -> Result<u64, Problem> {
    let role = matome_store::value::to_bson(&PlatformRole::SuperAdmin)?;
    let they = doc! { "platformRole": role, "status": "active", "deletedAt": null, "_id": id };
    Ok(app.tenants.platform().of_platform::<Account>().count(they).await?)
}

fn the_last() -> Problem {
    Problem::new(Code::Conflict, "This is the last account that runs the platform")
}

/// Two that take the platform from each other at once would leave it to nobody: who finds that takes it back.
async fn leave_somebody(app: &App, id: ObjectId) -> Result<(), Problem> {
    if who_runs_the_platform(app, doc! { "$exists": true }).await? > 0 {
        return Ok(());
    }
    let role = matome_store::value::to_bson(&PlatformRole::SuperAdmin)?;
    let back = doc! {
        "$set": { "platformRole": role, "status": "active" }, "$unset": { "deletedAt": "", "deletedBy": "" },
        "$inc": { "__v": 1_i64 },
    };
    app.tenants.platform().of_platform::<Account>().update(doc! { "_id": id }, back).await?;
    Err(the_last())
}

async fn patch(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<AccountPatch>,
) -> Result<Shown<AccountView>, Problem> {
    let id = ids.last()?;
    let closes = body.status.value().is_some_and(|status| *status != AccountStatus::Active);
    let ran_it = (closes || body.platform_role != Patched::Absent) && check(&app, &signed_in, id).await?;
    trail.target(Account::NAME, id.to_hex());
    let accounts = app.tenants.platform().of_platform::<Account>();
    let change = |before: &Account| body.update(before);
    let changed = accounts.patch_versioned(id, version, app.now().into(), change).await?;
    let Changed { before, after } = done(changed)?;
    if ran_it {
        leave_somebody(&app, id).await?;
    }
    if closes {
        app.accounts.revoke_sessions(id.into(), None, RevokedBecause::AccountClosed).await?;
    }
    trail.account(id);
    trail.before(&before.view);
    trail.after(&after.view);
    Ok(Shown { version: after.version, document: after.view })
}

async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<NoContent, Problem> {
    let id = ids.last()?;
    let ran_it = check(&app, &signed_in, id).await?;
    trail.target(Account::NAME, id.to_hex());
    let accounts = app.tenants.platform().of_platform::<Account>();
    let now = app.now().into();
    let Changed { before, .. } = done(accounts.soft_delete(id, version, Some(signed_in.id()), now).await?)?;
    if ran_it {
        leave_somebody(&app, id).await?;
    }
    app.accounts.revoke_sessions(id.into(), None, RevokedBecause::AccountClosed).await?;
    trail.account(id);
    trail.before(&before.view);
    Ok(NoContent)
}

async fn restore(
    State(app): State<App>,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<AccountView>, Problem> {
    let id = ids.last()?;
    trail.target(Account::NAME, id.to_hex());
    let accounts = app.tenants.platform().of_platform::<Account>();
    let Changed { after, .. } = done(accounts.restore(id, version, app.now().into()).await?)?;
    trail.account(id);
    trail.after(&after.view);
    Ok(Shown { version: after.version, document: after.view })
}

/// The same list that [`super::account`] shows to whose account it is.
async fn audit(
    State(app): State<App>,
    ids: PathIds,
    mut listing: Listing<AccountAuditEntry>,
) -> Result<Ok200<PageOf<Sparse<AccountAuditEntryView>>>, Problem> {
    let id = ids.get("accountId")?;
    exists(&app, id).await?;
    listing.filter.insert("accountId", id);
    page(&app.tenants.platform().of_platform(), listing, Document::new()).await
}

async fn end_sessions(
    State(app): State<App>,
    ids: PathIds,
    trail: Trail,
) -> Result<Ok200<SessionsEnded>, Problem> {
    let id = ids.get("accountId")?;
    exists(&app, id).await?;
    trail.target(Account::NAME, id.to_hex());
    trail.account(id);
    let ended = app.accounts.revoke_sessions(id.into(), None, RevokedBecause::Revoked).await?;
    Ok(Ok200(SessionsEnded { ended }))
}

async fn unlock(State(app): State<App>, ids: PathIds, trail: Trail) -> Result<NoContent, Problem> {
    let id = ids.get("accountId")?;
    exists(&app, id).await?;
    trail.target(Account::NAME, id.to_hex());
    trail.account(id);
    if app.accounts.unlock(id.into()).await? { Ok(NoContent) } else { Err(Problem::not_found()) }
}

async fn exists(app: &App, id: ObjectId) -> Result<(), Problem> {
    let found = app.tenants.platform().of_platform::<Account>().get_live(id).await?;
    found.map(drop).ok_or_else(Problem::not_found)
}
