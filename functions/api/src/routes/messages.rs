//! Messages: read; and links to their media.

use axum::extract::State;
use matome_domain::access::{Action, Resource};
use matome_store::entities::Message;

use super::Route;
use super::media_links::{self, MediaLinks};
use crate::context::App;
use crate::crud::{Crud, PathIds};
use crate::guard::{Access, Rule, Tenant};
use crate::http::problem::Code;
use crate::http::{Ok200, Problem};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = Crud::<Message>::at("/messages", "messageId").routes();
    routes.push(Route::new(
        Rule::get(
            "/organizations/{organizationId}/messages/{messageId}/media",
            "getMessageMedia",
            Access::Tenant(Resource::Messages.to(Action::Read)),
        )
        .says("messages", "Get a link to a message's picture, video, voice or file")
        .describes("It ends after five minutes. 404 when the message has none, or none any more."),
        media,
    ));
    routes
}

async fn media(State(app): State<App>, tenant: Tenant, ids: PathIds) -> Result<Ok200<MediaLinks>, Problem> {
    let found = tenant.store.collection::<Message>().get(ids.get("messageId")?).await?;
    let message = found.ok_or_else(Problem::not_found)?;
    tenant.require_in_room(message.room_id, Resource::Messages.to(Action::Read)).await?;
    let links = media_links::of_message(&app, &tenant, &message).await?;
    let none = || Problem::new(Code::NotFound, "The message has no media that can be fetched");
    links.map(Ok200).ok_or_else(none)
}
