//! Keys of machines. A key's text is in the answer that made it and nowhere else: what is kept is its tag, and
//! an answer that is kept for a repeat of the request is sealed under the tenant's data key.

use std::time::Duration;

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use garde::Validate;
use http::Uri;
use matome_domain::access::{Action, Resource, Scopes};
use matome_domain::plan::Feature;
use matome_store::entities::{ApiKey, ApiKeyPatch, ApiKeyView};
use matome_store::exposed::{Shown as Seen, Update};
use matome_store::time::date;
use matome_store::{Id, Time};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::Route;
use crate::auth::api_key::ApiKeyToken;
use crate::context::App;
use crate::crud::{Crud, Hooks, PathIds, done};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Created, IfMatch, Json, NoContent, Problem};

/// A key is good for a year at most, leap days included.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// For so long a key that was replaced holds on, at most, in minutes.
const GRACE_MINUTES: u32 = 24 * 60;
const TAG: &str = "api-keys";
const ALL: &str = "/organizations/{organizationId}/api-keys";
const ONE: &str = "/organizations/{organizationId}/api-keys/{apiKeyId}";

/// A key holds a year at most.
enum ApiKeys {}

impl Hooks<ApiKey> for ApiKeys {
    async fn before_change(
        app: &App,
        _: &Tenant,
        _: ObjectId,
        patch: Option<&ApiKeyPatch>,
    ) -> Result<(), Problem> {
        check_expiry(app, patch.and_then(|patch| patch.expires_at.value()).copied())
    }
}

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::ApiKeys.to(action));
    let mut routes = Crud::<ApiKey, ApiKeys>::at("/api-keys", "apiKeyId").routes();
    routes.extend([
        Route::new(
            Rule::post(ALL, "createApiKey", may(Action::Create)).says(TAG, "Make an API key").describes(
                "`key` is shown this once. A key may do nothing that its maker may not (403 `escalation`), and nothing \
                 by which it could make itself more. What is taken from its maker is taken from it; when they are \
                 suspended or leave it is refused (403 `key_maker_gone`), and every key of an organization whose plan \
                 has no `apiAccess` is (403 `feature_not_in_plan`).",
            ),
            create,
        ),
        Route::new(
            Rule::post(format!("{ONE}/rotate"), "rotateApiKey", may(Action::Create))
                .says(TAG, "Replace an API key by another one")
                .describes(
                    "The new one may do the same, and is the key of whoever asks for it, who has to have its scopes; \
                     the old one holds on for up to 24 hours.",
                ),
            rotate,
        ),
        Route::new(
            Rule::delete(ONE, "revokeApiKey", may(Action::Delete))
                .says(TAG, "Revoke an API key")
                .describes("At once and for good; it stays in the list."),
            revoke,
        ),
    ]);
    routes
}

/// A new key.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Back office", "scopes": ["rooms:read", "summaries:read"] }))]
struct NewApiKey {
    /// What it is for.
    #[garde(length(chars, min = 1, max = 200))]
    name: String,
    /// More about it.
    #[garde(length(chars, max = 2000))]
    #[serde(default)]
    description: Option<String>,
    /// What it may do.
    #[garde(custom(some))]
    scopes: Scopes,
    /// Not taken afterwards: within a year; until revoked when absent.
    #[garde(skip)]
    #[serde(default)]
    expires_at: Option<Time>,
}

fn some(scopes: &Scopes, (): &()) -> garde::Result {
    if scopes.permissions().is_empty() { Err(garde::Error::new("must not be empty")) } else { Ok(()) }
}

/// How a key is replaced.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "graceMinutes": 60 }))]
struct Rotation {
    /// For so many minutes the old one holds on.
    #[garde(range(max = GRACE_MINUTES))]
    #[serde(default = "grace")]
    grace_minutes: u32,
}

fn grace() -> u32 {
    GRACE_MINUTES
}

/// A key and its text.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShownOnce {
    /// The whole key, sent as `Authorization: Bearer …`. It cannot be shown again.
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String", example = &"mtm_k7m2p9x4w3ab_secret")]
    key: SecretString,
    /// What can be shown of it.
    api_key: ApiKeyView,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

fn check_expiry(app: &App, end: Option<Time>) -> Result<(), Problem> {
    let Some(end) = end else { return Ok(()) };
    let now = app.clock.now();
    if end <= Time::from(now) || end > Time::from(now.plus(LONGEST)) {
        return Err(Problem::field("expiresAt", "must be within a year from now"));
    }
    Ok(())
}

fn within(scopes: Scopes, tenant: &Tenant) -> Result<Scopes, Problem> {
    scopes.within(&tenant.permissions).map_err(|why| Problem::new(Code::Escalation, why.to_string()))
}

async fn create(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    uri: Uri,
    Json(body): Json<NewApiKey>,
) -> Result<Created<ShownOnce>, Problem> {
    tenant.require_feature(Feature::ApiAccess)?;
    check_expiry(&app, body.expires_at)?;
    let scopes = within(body.scopes, &tenant)?;
    let (made, text) =
        make(&app, &tenant, app.new_id(), body.name, body.description, scopes, body.expires_at).await?;
    answer(uri.path(), made, text, &trail)
}

async fn make(
    app: &App,
    tenant: &Tenant,
    id: ObjectId,
    name: String,
    description: Option<String>,
    scopes: Scopes,
    expires_at: Option<Time>,
) -> Result<(Seen<ApiKey>, SecretString), Problem> {
    let token = ApiKeyToken::generate(&*app.random);
    let secrets = app.vault.secrets().await.map_err(Problem::unavailable)?;
    let now = app.now();
    let key = ApiKey {
        id: id.into(),
        tenant_id: tenant.id.to_string(),
        name,
        description,
        prefix: token.prefix().to_owned(),
        tag: token.tag(&secrets.mac).into(),
        scopes,
        expires_at,
        last_used_at: None,
        last_used_ip: None,
        created_by: tenant.caller.id().map(Id::from),
        replaced_by: None,
        revoked_at: None,
        revoked_by: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        deleted_by: None,
        version: 0,
    };
    Ok((tenant.collection::<ApiKey>().create(&key).await?, token.text().clone()))
}

fn answer(
    keys: &str,
    made: Seen<ApiKey>,
    key: SecretString,
    trail: &Trail,
) -> Result<Created<ShownOnce>, Problem> {
    let id = made.view.id.to_hex();
    trail.target("apiKey", &id);
    trail.after(&made.view);
    Ok(Created {
        location: format!("{keys}/{id}"),
        version: made.version,
        document: ShownOnce { key, api_key: made.view },
    })
}

async fn rotate(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    Json(body): Json<Rotation>,
) -> Result<Created<ShownOnce>, Problem> {
    tenant.require_feature(Feature::ApiAccess)?;
    let old = tenant.collection::<ApiKey>().get(ids.get("apiKeyId")?).await?;
    let old = old.ok_or_else(Problem::not_found)?;
    if !old.is_live(app.now()) || old.replaced_by.is_some() {
        return Err(Problem::new(Code::Conflict, "The key is revoked, over or replaced already"));
    }
    // Who gets a key's text gets its rights.
    let scopes = within(old.scopes, &tenant)?;
    let replaces = app.new_id();
    let until = app.clock.now().plus(Duration::from_secs(u64::from(body.grace_minutes) * 60));
    let until = old.expires_at.map_or(until.into(), |end| end.min(until.into()));
    // The old one first, at its version: of two that rotate at once only one goes on. Should the new one then
    // fail to be made, the old one ends without a successor, which its expiry shows; nobody has two.
    let keys = tenant.collection::<ApiKey>();
    let ends = keys.patch_versioned(old.id, Some(old.version), date(app.clock.now()), |_| {
        Ok(Update::new().set("expiresAt", &until).set("replacedBy", &Id::from(replaces)))
    });
    trail.before(&done(ends.await?)?.before.view);
    let (made, text) =
        make(&app, &tenant, replaces, old.name, old.description, scopes, old.expires_at).await?;
    answer(&format!("/v1/organizations/{}/api-keys", tenant.id), made, text, &trail)
}

async fn revoke(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<NoContent, Problem> {
    let id = ids.get("apiKeyId")?;
    trail.target("apiKey", id.to_hex());
    let by = tenant.caller.id().map(Id::from);
    let keys = tenant.collection::<ApiKey>();
    let revoked = keys.patch_versioned(id, version, date(app.clock.now()), |before| {
        if before.revoked_at.is_some() {
            return Ok(Update::new());
        }
        let update = Update::new().stamp("revokedAt");
        Ok(by.iter().fold(update, |update, by| update.set("revokedBy", by)))
    });
    let changed = done(revoked.await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(NoContent)
}
