//! What the routes of every entity do.

use axum::extract::{RawPathParams, State};
use bson::oid::ObjectId;
use bson::{Document, doc};
use http::Uri;
use matome_domain::access::Action;
use matome_store::Collection;
use matome_store::Time;
use matome_store::collection::encode;
use matome_store::exposed::{
    Changed, Changes, DeletePolicy, Exposed, New, NewContext, Outcome, PageQuery, Refusal, Shown as Seen,
};
use matome_store::time::date;

use crate::context::App;
use crate::crud::listing::write_cursor;
use crate::crud::{Listing, PageOf, Sparse};
use crate::guard::{Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Created, IfMatch, Json, NoContent, Ok200, Problem, Shown};

/// What the API looks at beyond an entity's declaration before one is made or changed. A type of the entity's
/// own routes has what is special about it; most of them have nothing, and do with [`Plain`].
pub trait Hooks<E: Exposed>: 'static {
    /// What of all documents the caller may see, as a filter: what is not in rooms hidden from them.
    fn visible(tenant: &Tenant) -> impl Future<Output = Result<Document, Problem>> + Send {
        async {
            match E::ROOM {
                Some(field) => tenant.visible(field).await,
                None => Ok(Document::new()),
            }
        }
    }

    /// What the audit keeps of one. It cannot be changed afterwards, not even when a person is to be forgotten:
    /// what people said and who they are has to be left out.
    fn audited(view: &E::View) -> serde_json::Value {
        without(view, &[])
    }

    /// What a view says of the time it is looked at.
    fn look(_view: &mut E::View, _now: Time) {}

    /// Looks at a new one before it is stored, such as for limits and references.
    fn before_create(
        _app: &App,
        _tenant: &Tenant,
        _ids: &PathIds,
        _new: &mut E,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }

    /// Looks once more when it is there, such as for limits: of several at once none stays that is one too many.
    fn after_create(
        _app: &App,
        _tenant: &Tenant,
        _new: &E,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }

    /// Looks at a change before it is made: who may do it to this one.
    fn before_change(
        _app: &App,
        _tenant: &Tenant,
        _id: ObjectId,
        _patch: Option<&E::Patch>,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }

    /// Looks at a deleted one before it is back: as at a new one, for time has passed.
    fn before_restore(
        _app: &App,
        _tenant: &Tenant,
        _id: ObjectId,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }
}

/// Nothing beyond the declaration.
#[derive(Debug)]
pub enum Plain {}

impl<E: Exposed> Hooks<E> for Plain {}

/// A view without what stands at these places (RFC 6901), for the audit: that it is there is all that is said.
pub(crate) fn without(view: &impl serde::Serialize, places: &[&str]) -> serde_json::Value {
    let mut value = serde_json::to_value(view).unwrap_or_default();
    for place in places {
        if let Some(said) = value.pointer_mut(place).filter(|said| !said.is_null()) {
            *said = matome_domain::audit::REDACTED.into();
        }
    }
    value
}

/// The ids in the path, by name.
pub struct PathIds(Vec<(String, String)>);

impl PathIds {
    /// The last one: the document's.
    ///
    /// # Errors
    /// 404 when it is no id, which the guard has looked at before.
    pub fn last(&self) -> Result<ObjectId, Problem> {
        self.0.last().and_then(|(_, id)| ObjectId::parse_str(id).ok()).ok_or_else(Problem::not_found)
    }

    /// One of them.
    ///
    /// # Errors
    /// 404 when it is no id.
    pub fn get(&self, name: &str) -> Result<ObjectId, Problem> {
        let id = self.0.iter().find(|(known, _)| known == name);
        id.and_then(|(_, id)| ObjectId::parse_str(id).ok()).ok_or_else(Problem::not_found)
    }

    /// One of them as text.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn text(&self, name: &str) -> Result<&str, Problem> {
        let id = self.0.iter().find(|(known, _)| known == name);
        id.map(|(_, id)| id.as_str()).ok_or_else(Problem::not_found)
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for PathIds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        Ok(Self(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl crate::http::documented::Takes for PathIds {}

/// What the path says of the documents: the room they are in.
fn from_path<E: Exposed>(ids: &PathIds) -> Document {
    match (E::ROOM, ids.get("roomId")) {
        (Some(field), Ok(room)) if field != "_id" => doc! { field: room },
        _ => Document::new(),
    }
}

/// What the caller may see of the documents.
async fn scope<E: Exposed, H: Hooks<E>>(tenant: &Tenant, ids: &PathIds) -> Result<Document, Problem> {
    let mut scope = H::visible(tenant).await?;
    scope.extend(from_path::<E>(ids));
    Ok(scope)
}

pub(super) async fn list<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    listing: Listing<E>,
) -> Result<Ok200<PageOf<Sparse<E::View>>>, Problem> {
    let scope = scope::<E, H>(&tenant, &ids).await?;
    let now = app.now();
    page_of(&tenant.collection::<E>(), listing, scope, |view| H::look(view, now)).await
}

/// A page of a list: of what `scope` says, whatever else is asked for.
pub(crate) async fn page<E: Exposed>(
    documents: &Collection<E>,
    listing: Listing<E>,
    scope: Document,
) -> Result<Ok200<PageOf<Sparse<E::View>>>, Problem> {
    page_of(documents, listing, scope, |_| {}).await
}

async fn page_of<E: Exposed>(
    documents: &Collection<E>,
    listing: Listing<E>,
    scope: Document,
    look: impl Fn(&mut E::View),
) -> Result<Ok200<PageOf<Sparse<E::View>>>, Problem> {
    let mut filter = listing.filter;
    if !scope.is_empty() {
        filter.insert("$and", vec![scope]);
    }
    let query = PageQuery {
        filter,
        sort: listing.sort,
        after: listing.after,
        limit: listing.limit,
        deleted: listing.deleted,
    };
    let mut page = documents.page(&query).await?;
    page.items.iter_mut().for_each(|seen| look(&mut seen.view));
    let items =
        page.items.iter().map(|seen| Sparse::of(&seen.view, &listing.fields)).collect::<Result<_, _>>();
    Ok(Ok200(PageOf {
        items: items.map_err(Problem::internal)?,
        next_cursor: page.next.map(|next| write_cursor(&next, listing.sort)),
    }))
}

/// An entity as the API shows it.
///
/// # Errors
/// A defect: it does not fit its own view.
pub(crate) fn view<E: Exposed>(entity: &E) -> Result<E::View, Problem> {
    bson::deserialize_from_document(matome_store::collection::encode(entity)?).map_err(Problem::internal)
}

/// A document that the caller may see.
async fn find<E: Exposed, H: Hooks<E>>(
    tenant: &Tenant,
    ids: &PathIds,
    deleted: bool,
) -> Result<Seen<E>, Problem> {
    let id = ids.last()?;
    let scope = scope::<E, H>(tenant, ids).await?;
    let found = tenant.collection::<E>().show_within(id, scope, deleted).await?;
    found.ok_or_else(Problem::not_found)
}

/// A document that the caller may see and do this to: in its room as well.
async fn permitted<E: Exposed, H: Hooks<E>>(
    tenant: &Tenant,
    ids: &PathIds,
    action: Action,
    deleted: bool,
) -> Result<Seen<E>, Problem> {
    let found = find::<E, H>(tenant, ids, deleted).await?;
    if let (Some(room), false) = (found.room, deleted && E::ROOM == Some("_id")) {
        tenant.require_in_room(room, E::RESOURCE.to(action)).await?;
    }
    Ok(found)
}

pub(super) async fn get<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
) -> Result<Shown<E::View>, Problem> {
    let mut found = find::<E, H>(&tenant, &ids, false).await?;
    H::look(&mut found.view, app.now());
    Ok(Shown { version: found.version, document: found.view })
}

pub(super) async fn create<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    uri: Uri,
    Json(body): Json<E::Create>,
) -> Result<Created<E::View>, Problem> {
    let context = NewContext {
        id: app.new_id(),
        tenant: Some(tenant.id.clone()),
        by: tenant.caller.id(),
        now: date(app.clock.now()),
    };
    let mut new: E = body.build(&context)?;
    H::before_create(&app, &tenant, &ids, &mut new).await?;
    // Some derive their own, so that others who know of the same thing find it.
    let id = encode(&new)?.get_object_id("_id").map_err(Problem::internal)?;
    trail.target(E::NAME, id.to_hex());
    let documents = tenant.collection::<E>();
    let made = documents.create(&new).await?;
    if let Err(refused) = H::after_create(&app, &tenant, &new).await {
        documents.withdraw(id).await?;
        return Err(refused);
    }
    let id = id.to_hex();
    trail.after(&H::audited(&made.view));
    Ok(Created { location: format!("{}/{id}", uri.path()), version: made.version, document: made.view })
}

pub(super) async fn patch<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<E::Patch>,
) -> Result<Shown<E::View>, Problem> {
    permitted::<E, H>(&tenant, &ids, Action::Update, false).await?;
    let id = ids.last()?;
    H::before_change(&app, &tenant, id, Some(&body)).await?;
    trail.target(E::NAME, id.to_hex());
    let now = date(app.clock.now());
    let outcome =
        tenant.collection::<E>().patch_versioned(id, version, now, |before| body.update(before)).await?;
    changed::<E, H>(&trail, outcome)
}

pub(super) async fn delete<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<NoContent, Problem> {
    permitted::<E, H>(&tenant, &ids, Action::Delete, false).await?;
    let id = ids.last()?;
    H::before_change(&app, &tenant, id, None).await?;
    trail.target(E::NAME, id.to_hex());
    let documents = tenant.collection::<E>();
    let before = if E::DELETE == DeletePolicy::Soft {
        let now = date(app.clock.now());
        done(documents.soft_delete(id, version, tenant.caller.id(), now).await?)?.before
    } else {
        done(documents.hard_delete(id, version).await?)?
    };
    trail.before(&H::audited(&before.view));
    Ok(NoContent)
}

pub(super) async fn restore<E: Exposed, H: Hooks<E>>(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<E::View>, Problem> {
    permitted::<E, H>(&tenant, &ids, Action::Delete, true).await?;
    let id = ids.last()?;
    H::before_restore(&app, &tenant, id).await?;
    trail.target(E::NAME, id.to_hex());
    let restored = tenant.collection::<E>().restore(id, version, date(app.clock.now())).await?;
    let Changed { after, .. } = done(restored)?;
    trail.after(&H::audited(&after.view));
    Ok(Shown { version: after.version, document: after.view })
}

/// What a change made of an entity, with how it was and is in the trail; or why it was not made.
pub(crate) fn changed<E: Exposed, H: Hooks<E>>(
    trail: &Trail,
    outcome: Outcome<Changed<E>>,
) -> Result<Shown<E::View>, Problem> {
    let Changed { before, after } = done(outcome)?;
    trail.before(&H::audited(&before.view));
    trail.after(&H::audited(&after.view));
    Ok(Shown { version: after.version, document: after.view })
}

/// What was done, or why it was not.
pub(crate) fn done<T>(outcome: Outcome<T>) -> Result<T, Problem> {
    match outcome {
        Outcome::Done(done) => Ok(done),
        Outcome::NotFound => Err(Problem::not_found()),
        Outcome::VersionMismatch { .. } => Err(Code::VersionMismatch.into()),
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::field(refusal.field, refusal.reason)
    }
}
