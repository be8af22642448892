//! The routes of an entity, from its declaration ([`Exposed`]): list, get, create, patch, delete and restore,
//! with paging, filters, order, sparse fields, ETags and what the audit wants to know. What is special about
//! an entity is an ordinary route of `routes/`.

mod handlers;
pub mod listing;
pub mod sparse;

use std::borrow::Cow;
use std::marker::PhantomData;

use matome_domain::access::Action;
use matome_store::exposed::{Changes, DeletePolicy, Exposed, New};
use schemars::JsonSchema;
use serde::Serialize;

pub use handlers::{Hooks, PathIds, Plain};
pub(crate) use handlers::{changed, done, page, view, without};
pub use listing::Listing;
pub use sparse::Sparse;

use crate::guard::{Access, Rule};
use crate::routes::Route;

/// One page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PageOf{T}")]
pub struct PageOf<T> {
    /// The documents, in order.
    pub items: Vec<T>,
    /// Asks for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The routes of `E`, with what is special about it; see the module.
pub struct Crud<E, H = Plain> {
    /// The collection's path below the organization, such as `/rooms`.
    path: Cow<'static, str>,
    /// The document's name in the path, such as `roomId`.
    id: Cow<'static, str>,
    /// In the path: the room that the documents are in.
    in_room: bool,
    entity: PhantomData<fn() -> (E, H)>,
}

impl<E: Exposed> Crud<E> {
    /// Where a plain entity is: the path is its collection's name, the id in it is called by its own
    /// (`knowledge_entries`, `knowledgeEntry`: `/knowledge-entries/{knowledgeEntryId}`).
    #[must_use]
    pub fn plain() -> Self {
        Self::new(format!("/{}", E::COLLECTION.replace('_', "-")), format!("{}Id", E::NAME))
    }
}

impl<E: Exposed, H: Hooks<E>> Crud<E, H> {
    /// Below `/v1/organizations/{organizationId}`.
    #[must_use]
    pub fn at(path: &'static str, id: &'static str) -> Self {
        Self::new(path, id)
    }

    fn new(path: impl Into<Cow<'static, str>>, id: impl Into<Cow<'static, str>>) -> Self {
        let path = path.into();
        Self { in_room: path.contains("{roomId}"), path, id: id.into(), entity: PhantomData }
    }

    /// The documentation's group: the last word of the path.
    fn tag(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().to_owned()
    }

    fn access(&self, action: Action, with_id: bool) -> Access {
        let permission = E::RESOURCE.to(action);
        // The room's own routes have the room in the path as well.
        if self.in_room || (with_id && self.id == "roomId") {
            Access::Room(permission)
        } else {
            Access::Tenant(permission)
        }
    }

    /// The routes that change nothing: list and get.
    #[must_use]
    pub fn reading(&self) -> Vec<Route> {
        let name = E::NAME;
        let title = title(name);
        let plural = title_plural(&self.path);
        let all = format!("/organizations/{{organizationId}}{}", self.path);
        let one = format!("{all}/{{{}}}", self.id);
        vec![
            Route::new(
                Rule::get(all.clone(), format!("list{plural}"), self.access(Action::Read, false))
                    .says(self.tag(), format!("List {}", words(&plural))),
                handlers::list::<E, H>,
            ),
            Route::new(
                Rule::get(one.clone(), format!("get{title}"), self.access(Action::Read, true))
                    .says(self.tag(), format!("Show one {}", words(name))),
                handlers::get::<E, H>,
            ),
        ]
    }

    /// The routes.
    #[must_use]
    pub fn routes(self) -> Vec<Route> {
        let name = E::NAME;
        let title = title(name);
        let all = format!("/organizations/{{organizationId}}{}", self.path);
        let one = format!("{all}/{{{}}}", self.id);
        let mut routes = self.reading();
        if <E::Create as New<E>>::POSSIBLE {
            routes.push(Route::new(
                Rule::post(all, format!("create{title}"), self.access(Action::Create, false))
                    .says(self.tag(), format!("Make a {}", words(name))),
                handlers::create::<E, H>,
            ));
        }
        if <E::Patch as Changes<E>>::POSSIBLE {
            routes.push(Route::new(
                Rule::patch(one.clone(), format!("update{title}"), self.access(Action::Update, true))
                    .says(self.tag(), format!("Change a {}", words(name)))
                    .describes("A JSON merge patch (RFC 7396): what is absent stays, `null` removes."),
                handlers::patch::<E, H>,
            ));
        }
        if E::DELETE != DeletePolicy::Never {
            let text = match E::DELETE {
                DeletePolicy::Soft => "It can be restored.",
                _ => "It cannot be restored.",
            };
            routes.push(Route::new(
                Rule::delete(one.clone(), format!("delete{title}"), self.access(Action::Delete, true))
                    .says(self.tag(), format!("Delete a {}", words(name)))
                    .describes(text),
                handlers::delete::<E, H>,
            ));
        }
        if E::DELETE == DeletePolicy::Soft {
            // Not a room's route: the room is deleted.
            let permission = E::RESOURCE.to(Action::Delete);
            let access = if self.in_room { Access::Room(permission) } else { Access::Tenant(permission) };
            routes.push(Route::new(
                Rule::post(format!("{one}/restore"), format!("restore{title}"), access)
                    .says(self.tag(), format!("Take back that a {} was deleted", words(name))),
                handlers::restore::<E, H>,
            ));
        }
        routes
    }
}

/// `roomMember` → `RoomMember`.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// `/rooms/{roomId}/members` → `RoomMembers`; `/api-keys` → `ApiKeys`.
fn title_plural(path: &str) -> String {
    let parent = if path.contains("{roomId}") { "room-" } else { "" };
    let last = path.rsplit('/').next().unwrap_or(path);
    format!("{parent}{last}").split('-').map(title).collect()
}

/// `RoomMember` → `room member`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
