//! What the API shows of an entity and lets be changed, declared beside the entity.
//!
//! From one [`Exposed`] come routes, OpenAPI, ETag/If-Match, soft delete and restore, paging, filters,
//! sorting, sparse fields and audit. A [`Exposed::View`] is a white list: what it does not name is not
//! even fetched, so a field added to an entity is secret until somebody shows it.

mod change;
mod fields;
mod filter;
mod page;
mod patch;
mod plain;
mod view;

use bson::DateTime;
use bson::oid::ObjectId;
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::ids::TenantId;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::entity::Entity;

pub use change::{Changed, Outcome};
pub use fields::{CustomFields, Tags};
pub use filter::{Bound, Filter, FilterKind, Parameter, Sort};
pub use page::{Cursor, Page, PageQuery};
pub use patch::{Kept, Patched, Refusal, Update};
pub(crate) use plain::is_plain;
pub use view::{Shown, projection, view_fields};

/// An entity that the API serves.
pub trait Exposed: Entity {
    /// What one is called: singular, camelCase (`roomMember`). Used in operation ids, problems and audit.
    const NAME: &'static str;
    /// What permissions call it.
    const RESOURCE: Resource;
    /// What deleting does.
    const DELETE: DeletePolicy;
    /// The stored field with the id of the room it belongs to, so that what is in rooms hidden from the
    /// caller can be left out; `_id` for rooms themselves.
    const ROOM: Option<&'static str> = None;

    /// What is shown. Field names as stored, except `id` (`#[serde(alias = "_id")]`) and `version`
    /// (`#[serde(alias = "__v")]`); no flattened fields.
    type View: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;
    /// What one is made from; [`NotCreatable`] when the API cannot make one.
    type Create: New<Self>;
    /// What can be changed, as a JSON merge patch (RFC 7396); [`NotPatchable`] when nothing can.
    type Patch: Changes<Self>;

    /// Query parameters of its list.
    fn filters() -> Vec<Filter>;

    /// By what its list can be sorted; the first is the default. `_id` comes last in each by itself.
    fn sorts() -> Vec<Sort>;

    /// For OpenAPI.
    fn examples() -> Examples<Self>;
}

/// What deleting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletePolicy {
    /// `deletedAt` and `deletedBy` are set; it can be restored.
    Soft,
    /// It is gone.
    Hard,
    /// The API cannot delete one.
    Never,
}

/// What a new document is made with.
#[derive(Debug, Clone)]
pub struct NewContext {
    /// Its id.
    pub id: ObjectId,
    /// Whose it will be; `None` for the platform's.
    pub tenant: Option<TenantId>,
    /// The account that makes it; `None` for a machine.
    pub by: Option<ObjectId>,
    /// When.
    pub now: DateTime,
}

impl NewContext {
    /// Whose it will be, for a tenant's entity.
    ///
    /// # Panics
    /// When there is no tenant: a tenant's entity is made in a tenant's collection alone.
    #[must_use]
    pub fn tenant_id(&self) -> String {
        self.tenant.as_ref().expect("a tenant's entity is made in a tenant").to_string()
    }
}

/// A request's body that becomes an entity. It refuses unknown fields and is valid by itself (garde).
pub trait New<E>:
    Serialize + DeserializeOwned + JsonSchema + Validate<Context = ()> + Send + Sync + 'static
{
    /// Whether there is such a request.
    const POSSIBLE: bool = true;

    /// The entity.
    ///
    /// # Errors
    /// [`Refusal`] when its parts do not fit each other.
    fn build(self, new: &NewContext) -> Result<E, Refusal>;
}

/// A JSON merge patch of an entity. It refuses unknown fields and is valid by itself (garde).
pub trait Changes<E>:
    Serialize + DeserializeOwned + JsonSchema + Validate<Context = ()> + Send + Sync + 'static
{
    /// Whether there is such a request.
    const POSSIBLE: bool = true;

    /// What to change in `before`. Runs again when somebody else was faster.
    ///
    /// # Errors
    /// [`Refusal`] when the entity as it is does not allow it.
    fn update(&self, before: &E) -> Result<Update, Refusal>;
}

/// One of each for OpenAPI, and for the tests that walk over all entities.
pub struct Examples<E: Exposed> {
    /// Shown.
    pub view: E::View,
    /// Made from; `None` with [`NotCreatable`].
    pub create: Option<E::Create>,
    /// Changed by; `None` with [`NotPatchable`].
    pub patch: Option<E::Patch>,
}

/// A value from how it looks in JSON: an example is shorter and clearer that way.
///
/// # Panics
/// When it is no such value. [`Exposed::examples`] of every entity is called by a test.
#[must_use]
pub fn example<T: DeserializeOwned>(json: serde_json::Value) -> T {
    serde_json::from_value(json).unwrap_or_else(|why| panic!("an example is wrong: {why}"))
}

macro_rules! impossible {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                match *self {}
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(D::Error::custom("there is no such request"))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                false.into()
            }
        }

        impl Validate for $name {
            type Context = ();

            fn validate_into(&self, (): &(), _: &mut dyn FnMut() -> garde::Path, _: &mut garde::Report) {
                match *self {}
            }
        }
    };
}

impossible!(
    /// There is none: the API cannot make the entity.
    NotCreatable
);
impossible!(
    /// There is none: the API cannot change the entity.
    NotPatchable
);

impl<E> New<E> for NotCreatable {
    const POSSIBLE: bool = false;

    fn build(self, _: &NewContext) -> Result<E, Refusal> {
        match self {}
    }
}

impl<E> Changes<E> for NotPatchable {
    const POSSIBLE: bool = false;

    fn update(&self, _: &E) -> Result<Update, Refusal> {
        match *self {}
    }
}
