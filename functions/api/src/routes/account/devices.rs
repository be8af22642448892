//! What one is logged in with.

use axum::extract::State;
use bson::doc;
use http::Method;
use matome_store::entities::{Device, DevicePatch, DeviceView};
use matome_store::exposed::{Changed, Changes, Exposed};

use super::rule;
use crate::context::App;
use crate::crud::{Listing, PageOf, PathIds, Sparse, done, page};
use crate::guard::{SignedIn, Trail};
use crate::http::{IfMatch, Json, NoContent, Ok200, Problem, Shown};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule(&Method::GET, "/account/devices", "listOwnDevices", "List what one is logged in with"),
            list,
        ),
        Route::new(
            rule(&Method::PATCH, "/account/devices/{deviceId}", "updateOwnDevice", "Name a device"),
            patch,
        ),
        Route::new(
            rule(&Method::DELETE, "/account/devices/{deviceId}", "endOwnDevice", "Log out on a device")
                .describes("All of its sessions are ended. Logging in with it again is as with a new one."),
            end,
        ),
    ]
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    mut listing: Listing<Device>,
) -> Result<Ok200<PageOf<Sparse<DeviceView>>>, Problem> {
    listing.filter.insert("accountId", signed_in.id());
    page(&app.tenants.platform().of_platform(), listing, doc! { "revokedAt": null }).await
}

async fn patch(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<DevicePatch>,
) -> Result<Shown<DeviceView>, Problem> {
    let id = ids.last()?;
    let devices = app.tenants.platform().of_platform::<Device>();
    let own = doc! { "accountId": signed_in.id(), "revokedAt": null };
    devices.show_within(id, own, false).await?.ok_or_else(Problem::not_found)?;
    trail.target(Device::NAME, id.to_hex());
    let change = |before: &Device| body.update(before);
    let changed = devices.patch_versioned(id, version, app.now().into(), change).await?;
    let Changed { before, after } = done(changed)?;
    trail.before(&before.view);
    trail.after(&after.view);
    Ok(Shown { version: after.version, document: after.view })
}

async fn end(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
) -> Result<NoContent, Problem> {
    let device = ids.last()?.into();
    trail.target(Device::NAME, device);
    if app.accounts.revoke_device(signed_in.account.id, device).await? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found())
    }
}
