//! Summaries: who sees them, what readers think of them, and written anew.

use axum::extract::State;
use bson::oid::ObjectId;
use bson::{Document, doc};
use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_domain::rate::Class;
use matome_store::entities::{Feedback, Summary, SummaryView};
use matome_store::exposed::Update;
use matome_store::time::date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Route;
use super::sessions::{self, Asked, Writing};
use crate::context::App;
use crate::crud::{Crud, Hooks, PathIds, changed, without};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Accepted, Json, Problem, Shown};

/// Who sees which, and what of them is kept in the audit.
enum Summaries {}

impl Hooks<Summary> for Summaries {
    /// Not what was said, which is written anew when a person is forgotten.
    fn audited(view: &SummaryView) -> serde_json::Value {
        without(view, &["/content", "/analysis", "/participants", "/citations", "/feedback"])
    }

    /// `organization`: all who may read summaries; `room`: who reads what is said in the room; `private`: who
    /// supervises, and who asked for it.
    async fn visible(tenant: &Tenant) -> Result<Document, Problem> {
        let Some(account) = tenant.bounded_viewer() else {
            return tenant.visible("roomId").await;
        };
        let in_rooms = tenant.visible("roomId").await?;
        let mut theirs = in_rooms.clone();
        theirs.insert("visibility", "room");
        let mut own = in_rooms;
        own.extend(doc! { "visibility": "private", "triggeredBy": account });
        let deleted = tenant.store.deleted_rooms().await?;
        let everybodys = doc! { "visibility": "organization", "roomId": { "$nin": deleted } };
        Ok(doc! { "$or": [everybodys, theirs, own] })
    }
}

pub(super) fn routes() -> Vec<Route> {
    let one = "/organizations/{organizationId}/summaries/{summaryId}";
    let access = || Access::Tenant(Resource::Summaries.to(Action::Update));
    let mut routes = Crud::<Summary, Summaries>::at("/summaries", "summaryId").routes();
    routes.extend([
        Route::new(
            Rule::post(format!("{one}/feedback"), "rateSummary", access())
                .says("summaries", "Say what you think of a summary")
                .describes("The last word counts: it takes the place of what was said before."),
            feedback,
        ),
        Route::new(
            Rule::post(
                format!("{one}/regenerate"),
                "regenerateSummary",
                Access::Tenant(Resource::Summaries.to(Action::Create)),
            )
            .says("summaries", "Have a summary written anew")
            .describes("In another language or style, if wanted. Until it is written, the old one is shown.")
            .counts_as(Class::Summarize),
            regenerate,
        ),
    ]);
    routes
}

/// Refuses to have the summary of a session written anew that the caller does not see (404), since it would be theirs
/// then, or that was deleted (409): what is written in its place would be as deleted as it is, and seen by nobody.
pub(super) async fn may_be_written_anew(tenant: &Tenant, session: ObjectId) -> Result<(), Problem> {
    let summaries = tenant.store.collection::<Summary>();
    let Some(summary) = summaries.find_one(doc! { "sessionId": session }).await? else { return Ok(()) };
    let seen = doc! { "_id": summary.id, "$and": [Summaries::visible(tenant).await?] };
    if summaries.find_one(seen).await?.is_none() {
        return Err(Problem::not_found());
    }
    match summary.deleted_at {
        None => Ok(()),
        Some(_) => Err(Problem::new(Code::Conflict, "Its summary was deleted: restore it first")),
    }
}

/// A summary that the caller may see and change in its room.
async fn find(tenant: &Tenant, ids: &PathIds, action: Action) -> Result<Summary, Problem> {
    let mut filter = doc! { "_id": ids.get("summaryId")?, "deletedAt": null };
    filter.insert("$and", vec![Summaries::visible(tenant).await?]);
    let found = tenant.store.collection::<Summary>().find_one(filter).await?;
    let summary = found.ok_or_else(Problem::not_found)?;
    tenant.require_in_room(summary.room_id, Resource::Summaries.to(action)).await?;
    Ok(summary)
}

/// What somebody thinks of a summary.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = rating_example())]
struct Rating {
    /// 1 (of no use) to 5.
    #[garde(range(min = 1, max = 5))]
    rating: i32,
    /// Words.
    #[garde(length(chars, min = 1, max = 2000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

fn rating_example() -> Value {
    json!({ "rating": 4, "comment": "The date is missing" })
}

async fn feedback(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    Json(Rating { rating, comment }): Json<Rating>,
) -> Result<Shown<SummaryView>, Problem> {
    let summary = find(&tenant, &ids, Action::Update).await?;
    trail.target("summary", summary.id.to_hex());
    let now = date(app.clock.now());
    let feedback =
        Feedback { rating: Some(rating), comment, rated_by: tenant.caller.id(), rated_at: Some(now) };
    let change = |_: &Summary| Ok(Update::new().set("feedback", &feedback));
    let summaries = tenant.store.collection::<Summary>();
    changed::<_, Summaries>(&trail, summaries.patch_versioned(summary.id, None, now, change).await?)
}

async fn regenerate(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    Json(writing): Json<Writing>,
) -> Result<Accepted<Asked>, Problem> {
    let summary = find(&tenant, &ids, Action::Create).await?;
    sessions::write_anew(&app, &tenant, &trail, summary.session_id, writing).await
}
