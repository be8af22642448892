//! Connections to LINE. A channel's secret is sealed under the tenant's data key before it goes anywhere: into
//! the operation, and from there to the provisioner.

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_domain::ids::ChannelId;
use matome_domain::plan::Feature;
use matome_runtime::directory::secret_field;
use matome_runtime::keys::Sealed;
use matome_store::entities::{Channel, ChannelPatch, ChannelView, OperationView};
use matome_store::exposed::{Changes, Shown as Seen};
use matome_store::time::date;
use matome_tenancy::operations::{ConnectChannel, DisconnectChannel, RotateChannelSecret, RotateDataKey};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::Route;
use super::operations::ask;
use crate::context::App;
use crate::crud::{Listing, PageOf, PathIds, Sparse, done, page};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::secret::SecretText;
use crate::http::{Accepted, IfMatch, Json, Ok200, Problem, Shown};

const TAG: &str = "channels";
const ALL: &str = "/organizations/{organizationId}/channels";
const ONE: &str = "/organizations/{organizationId}/channels/{channelId}";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::Channels.to(action));
    vec![
        Route::new(Rule::get(ALL, "listChannels", may(Action::Read)).says(TAG, "List channels"), list),
        Route::new(
            Rule::get(ONE, "getChannel", may(Action::Read)).says(TAG, "Show one channel, with its health"),
            get,
        ),
        Route::new(
            Rule::post(ALL, "connectChannel", may(Action::Create))
                .says(TAG, "Connect a LINE Official Account, or connect it again")
                .describes(
                    "The secret is tried at LINE, the webhook endpoint set and tested there. Follow the operation: it fails \
                     where LINE does not know the secret.",
                ),
            connect,
        ),
        Route::new(
            Rule::patch(ONE, "updateChannel", may(Action::Update))
                .says(TAG, "Change a channel")
                .describes("A JSON merge patch (RFC 7396): what is absent stays, `null` removes."),
            patch,
        ),
        Route::new(
            Rule::delete(ONE, "disconnectChannel", may(Action::Delete))
                .says(TAG, "Disconnect a channel")
                .describes(
                    "Its webhook answers 404, nothing is sent, its secret is forgotten. What was recorded stays, and the \
                     channel too, `inactive`: it can be connected again. LINE's API cannot stop LINE from posting: switch \
                     \"Use webhook\" off in LINE's console. Also while the organization is suspended.",
                )
                .while_suspended(),
            disconnect,
        ),
        Route::new(
            Rule::post(format!("{ONE}/rotate-secret"), "rotateChannelSecret", may(Action::Update))
                .says(TAG, "Take the secret into use that LINE issued anew"),
            rotate_secret,
        ),
        Route::new(
            Rule::post(
                "/organizations/{organizationId}/rotate-key",
                "rotateDataKey",
                Access::Tenant(Resource::SecurityPolicies.to(Action::Update)),
            )
            .says(TAG, "Give the organization a new data key")
            .describes(
                "Everything sealed is sealed under it; the service goes on meanwhile. On a plan without `ownKey` only who \
                 runs the platform has it done.",
            ),
            rotate_key,
        ),
    ]
}

/// A LINE Official Account.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "channelId": "1650000001", "secret": "0123456789abcdef0123456789abcdef" }))]
struct NewChannel {
    /// LINE's channel id.
    #[garde(custom(is_channel_id))]
    channel_id: String,
    /// LINE's channel secret.
    #[garde(length(chars, min = 1, max = 200), custom(is_one_word))]
    secret: SecretText,
}

/// A channel's secret.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "secret": "0123456789abcdef0123456789abcdef" }))]
struct NewSecret {
    /// LINE's channel secret.
    #[garde(length(chars, min = 1, max = 200), custom(is_one_word))]
    secret: SecretText,
}

fn is_channel_id(text: &str, (): &()) -> garde::Result {
    let fits = text.len() <= 40 && ChannelId::new(text).is_ok();
    if fits { Ok(()) } else { Err(garde::Error::new("must be a channel id as LINE gives it")) }
}

fn is_one_word(secret: &SecretText, (): &()) -> garde::Result {
    if secret.expose().contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(garde::Error::new("must not have spaces"));
    }
    Ok(())
}

async fn list(
    tenant: Tenant,
    listing: Listing<Channel>,
) -> Result<Ok200<PageOf<Sparse<ChannelView>>>, Problem> {
    page(&tenant.collection(), listing, bson::Document::new()).await
}

/// The tenant's channel that the path names.
async fn find(tenant: &Tenant, ids: &PathIds) -> Result<Seen<Channel>, Problem> {
    let named = doc! { "channelId": ids.text("channelId")? };
    let channels = tenant.collection::<Channel>();
    let id: Option<ObjectId> = channels.ids(named).await?.pop();
    let found = channels.show(id.ok_or_else(Problem::not_found)?, false).await?;
    found.ok_or_else(Problem::not_found)
}

async fn get(tenant: Tenant, ids: PathIds) -> Result<Shown<ChannelView>, Problem> {
    let found = find(&tenant, &ids).await?;
    Ok(Shown { version: found.version, document: found.view })
}

async fn patch(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<ChannelPatch>,
) -> Result<Shown<ChannelView>, Problem> {
    let id = ObjectId::from(find(&tenant, &ids).await?.view.id);
    trail.target("channel", ids.text("channelId")?);
    let channels = tenant.collection::<Channel>();
    let changed = channels.patch_versioned(id, version, date(app.clock.now()), |before| body.update(before));
    let changed = done(changed.await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}

async fn sealed(
    app: &App,
    tenant: &Tenant,
    channel: &ChannelId,
    secret: &SecretText,
) -> Result<Sealed, Problem> {
    Ok(app.tenants.seal(&app.keys, &tenant.id, &secret_field(channel), secret.expose()).await?)
}

async fn connect(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    Json(body): Json<NewChannel>,
) -> Result<Accepted<OperationView>, Problem> {
    let channel_id = ChannelId::new(body.channel_id)
        .map_err(|_| Problem::field("channelId", "must be a channel id as LINE gives it"))?;
    let secret = sealed(&app, &tenant, &channel_id, &body.secret).await?;
    let request = ConnectChannel { channel_id, secret };
    Ok(Accepted(ask(&app, &tenant.id, &request, &tenant.caller, &trail).await?))
}

async fn disconnect(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Accepted<OperationView>, Problem> {
    let found = find(&tenant, &ids).await?;
    let channel_id = ChannelId::new(found.view.channel_id).map_err(Problem::internal)?;
    Ok(Accepted(ask(&app, &tenant.id, &DisconnectChannel { channel_id }, &tenant.caller, &trail).await?))
}

async fn rotate_secret(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    Json(body): Json<NewSecret>,
) -> Result<Accepted<OperationView>, Problem> {
    let found = find(&tenant, &ids).await?;
    let channel_id = ChannelId::new(found.view.channel_id).map_err(Problem::internal)?;
    let secret = sealed(&app, &tenant, &channel_id, &body.secret).await?;
    let request = RotateChannelSecret { channel_id, secret };
    Ok(Accepted(ask(&app, &tenant.id, &request, &tenant.caller, &trail).await?))
}

async fn rotate_key(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
) -> Result<Accepted<OperationView>, Problem> {
    tenant.require_feature(Feature::OwnKey)?;
    Ok(Accepted(ask(&app, &tenant.id, &RotateDataKey {}, &tenant.caller, &trail).await?))
}
