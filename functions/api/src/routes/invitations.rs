//! Asking people into an organization. Accepting is `/v1/auth/invitations/accept`'s: whoever does it may have
//! no account yet.

use std::time::Duration;

use axum::extract::State;
use bson::doc;
use garde::Validate;
use http::Uri;
use matome_domain::access::{Action, Overrides, Resource, Role, may_change, may_grant};
use matome_domain::language::Language;
use matome_domain::limits::Limit;
use matome_domain::rate::Class;
use matome_store::entities::{Account, Invitation, InvitationStatus, InvitationView, Member};
use matome_store::exposed::{Refusal, Shown as Seen, Update};
use matome_store::time::date;
use matome_store::{Id, Time};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::Route;
use super::members::{escalation, rank};
use crate::auth::mac::Purpose;
use crate::auth::mail::Letter;
use crate::auth::one_time_token::OneTimeToken;
use crate::context::App;
use crate::crud::{Crud, PathIds, done};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Created, Json, NoContent, Problem, Shown};

/// For how long one can be accepted.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const TAG: &str = "invitations";
const ALL: &str = "/organizations/{organizationId}/invitations";
const ONE: &str = "/organizations/{organizationId}/invitations/{invitationId}";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::Members.to(action));
    let mut routes = Crud::<Invitation>::at("/invitations", "invitationId").reading();
    routes.extend([
        Route::new(
            Rule::post(ALL, "createInvitation", may(Action::Create))
                .says(TAG, "Ask somebody into the organization, by e-mail")
                .describes(
                    "The mail has a link with a token that is good for seven days, as long as whoever sent it may still send it. Nobody gives \
                     more than they have (403 `escalation`); one open invitation for each address (409).",
                )
                .counts_as(Class::Auth),
            create,
        ),
        Route::new(
            Rule::post(format!("{ONE}/resend"), "resendInvitation", may(Action::Create))
                .says(TAG, "Send an invitation again")
                .describes("With another token, for another seven days; the one before is no good any more.")
                .counts_as(Class::Auth),
            resend,
        ),
        Route::new(
            Rule::delete(ONE, "revokeInvitation", may(Action::Delete)).says(TAG, "Take an invitation back"),
            revoke,
        ),
    ]);
    routes
}

/// Whom to ask, and as what.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "email": "bun@example.com", "role": "agent", "title": "Support", "language": "ja" }))]
struct NewInvitation {
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    email: String,
    /// As what.
    #[garde(skip)]
    role: Role,
    /// What makes their permissions differ from the role's.
    #[garde(skip)]
    #[serde(default)]
    permissions: Overrides,
    /// Department.
    #[garde(skip)]
    #[serde(default)]
    department_id: Option<Id>,
    /// Job title.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default)]
    title: Option<String>,
    /// What the mail is written in; the organization's own language when absent.
    #[garde(skip)]
    #[serde(default)]
    language: Option<Language>,
}

async fn create(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    uri: Uri,
    Json(body): Json<NewInvitation>,
) -> Result<Created<InvitationView>, Problem> {
    may_grant(&tenant.permissions, rank(&tenant), body.role, &body.permissions).map_err(escalation)?;
    let email = Account::normalized_email(&body.email);
    let policy = tenant.platform.security_policy(&tenant.id).await?;
    let domains = policy.map(|policy| policy.allowed_email_domains).unwrap_or_default();
    let domain = email.rsplit('@').next().unwrap_or_default();
    if !domains.is_empty() && !domains.iter().any(|allowed| allowed == domain) {
        return Err(Problem::field("email", "the security policy does not allow addresses of this domain"));
    }
    let theirs = doc! { "email": &email, "deletedAt": null };
    if tenant.collection::<Member>().find_one(theirs).await?.is_some() {
        return Err(Problem::new(Code::Conflict, "Somebody with this address is a member already"));
    }
    let most = tenant.organization.limits.of(Limit::Agents);
    if let (true, Some(most)) = (body.role.is_agent(), most)
        && tenant.platform.agents(&tenant.id).await? >= most
    {
        return Err(Problem::new(Code::LimitReached, format!("The plan allows {most} members who answer")));
    }
    let language = body.language.or_else(|| Language::from_tag(&tenant.organization.primary_language));
    let invitation = Draft {
        tenant_id: tenant.id.to_string(),
        email,
        role: body.role,
        permissions: body.permissions,
        department_id: body.department_id,
        title: body.title,
        invited_by: tenant.caller.id().map(Id::from),
    };
    let made = send_new(&app, invitation, &tenant.organization.name, language.unwrap_or_default()).await?;
    let id = made.view.id.to_hex();
    trail.target("invitation", &id);
    trail.after(&made.view);
    Ok(Created { location: format!("{}/{id}", uri.path()), version: made.version, document: made.view })
}

/// An invitation that has no token yet.
pub(super) struct Draft {
    pub(super) tenant_id: String,
    pub(super) email: String,
    pub(super) role: Role,
    pub(super) permissions: Overrides,
    pub(super) department_id: Option<Id>,
    pub(super) title: Option<String>,
    pub(super) invited_by: Option<Id>,
}

/// Writes an invitation down and sends it. One that cannot be sent is taken back.
pub(super) async fn send_new(
    app: &App,
    draft: Draft,
    organization: &str,
    language: Language,
) -> Result<Seen<Invitation>, Problem> {
    let (id, now) = (Id::from(app.new_id()), app.now());
    let (tag, token) = token(app, id).await?;
    let tenant = matome_domain::ids::TenantId::new(&*draft.tenant_id).map_err(Problem::internal)?;
    let invitation = Invitation {
        id,
        tenant_id: draft.tenant_id,
        email: draft.email,
        role: draft.role,
        permissions: draft.permissions,
        department_id: draft.department_id,
        title: draft.title,
        tag,
        invited_by: draft.invited_by,
        status: InvitationStatus::Pending,
        expires_at: expiry(app),
        accepted_at: None,
        accepted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    };
    let invitations = app.tenants.platform().of_tenant::<Invitation>(&tenant);
    let made = match invitations.create(&invitation).await {
        Err(error) if error.is_duplicate() => {
            return Err(Problem::new(
                Code::Conflict,
                "There is an open invitation for this address: send it again",
            ));
        }
        made => made?,
    };
    let letter = Letter::Invitation { organization: organization.to_owned(), token };
    if let Err(error) = app.accounts.mail().send(&invitation.email, language, &letter).await {
        let revoked = doc! { "$set": { "status": "revoked", "updatedAt": now }, "$inc": { "__v": 1_i64 } };
        invitations.update(doc! { "_id": id }, revoked).await?;
        return Err(Problem::unavailable(error));
    }
    Ok(made)
}

/// A token's tag, and the token for the mail.
async fn token(app: &App, invitation: Id) -> Result<(String, SecretString), Problem> {
    let token = OneTimeToken::generate(&*app.random, invitation);
    let secrets = app.vault.secrets().await.map_err(Problem::unavailable)?;
    Ok((token.tag(&secrets.mac, Purpose::Invitation).into(), token.text().clone()))
}

fn expiry(app: &App) -> Time {
    app.clock.now().plus(LIFETIME).into()
}

/// Only an open one, and only who could have made it.
fn open(tenant: &Tenant, invitation: &Invitation) -> Result<(), Problem> {
    may_change(rank(tenant), invitation.role).map_err(escalation)?;
    if invitation.status != InvitationStatus::Pending {
        return Err(Problem::new(Code::Conflict, "The invitation is not open any more"));
    }
    Ok(())
}

async fn find(tenant: &Tenant, ids: &PathIds) -> Result<Invitation, Problem> {
    let found = tenant.collection::<Invitation>().get(ids.get("invitationId")?).await?;
    found.ok_or_else(Problem::not_found)
}

async fn resend(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Shown<InvitationView>, Problem> {
    let invitation = find(&tenant, &ids).await?;
    trail.target("invitation", invitation.id);
    open(&tenant, &invitation)?;
    may_grant(&tenant.permissions, rank(&tenant), invitation.role, &invitation.permissions)
        .map_err(escalation)?;
    let (tag, token) = token(&app, invitation.id).await?;
    let expires_at = expiry(&app);
    let invitations = tenant.collection::<Invitation>();
    let now = date(app.clock.now());
    // Who sends it answers for it from now on.
    let by = tenant.caller.id().map(Id::from);
    let changed = invitations.patch_versioned(invitation.id, Some(invitation.version), now, |_| {
        Ok(Update::new().set("tag", &tag).set("expiresAt", &expires_at).set("invitedBy", &by))
    });
    let changed = done(changed.await?)?;
    let language = Language::from_tag(&tenant.organization.primary_language).unwrap_or_default();
    let letter = Letter::Invitation { organization: tenant.organization.name.clone(), token };
    let sent = app.accounts.mail().send(&invitation.email, language, &letter).await;
    sent.map_err(Problem::unavailable)?;
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}

async fn revoke(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<NoContent, Problem> {
    let invitation = find(&tenant, &ids).await?;
    trail.target("invitation", invitation.id);
    open(&tenant, &invitation)?;
    let invitations = tenant.collection::<Invitation>();
    let now = date(app.clock.now());
    let revoked = invitations.patch_versioned(invitation.id, None, now, |before| match before.status {
        InvitationStatus::Pending => Ok(Update::new().set("status", &InvitationStatus::Revoked)),
        _ => Err(Refusal::of("status", "is not open any more")),
    });
    let changed = done(revoked.await?)?;
    trail.before(&changed.before.view);
    Ok(NoContent)
}
