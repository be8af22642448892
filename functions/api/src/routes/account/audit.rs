//! One's own trail: log-ins, also those that failed, passwords, factors.

use axum::extract::State;
use bson::doc;
use http::Method;
use matome_store::entities::{AccountAuditEntry, AccountAuditEntryView};

use super::rule;
use crate::context::App;
use crate::crud::{Listing, PageOf, Sparse, page};
use crate::guard::SignedIn;
use crate::http::{Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        rule(&Method::GET, "/account/audit", "listOwnAudit", "List what was done to one's own account")
            .describes("Log-ins as well, also those that failed. Kept for a year."),
        list,
    )]
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    mut listing: Listing<AccountAuditEntry>,
) -> Result<Ok200<PageOf<Sparse<AccountAuditEntryView>>>, Problem> {
    listing.filter.insert("accountId", signed_in.id());
    page(&app.tenants.platform().of_platform(), listing, doc! {}).await
}
