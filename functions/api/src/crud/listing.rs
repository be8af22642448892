//! What a list is asked for: filters and order that the entity declares, a page, and fields.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bson::Document;
use http::request::Parts;
use matome_store::exposed::{Cursor, DeletePolicy, Exposed, FilterKind, Parameter, Sort, view_fields};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::http::documented::{Operation, Takes, parameter};
use crate::http::problem::{Code, Problem};
use crate::http::query;

/// Documents on a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Documents on a page at most.
pub(crate) const MAX_LIMIT: u32 = 200;

/// See the module.
#[derive(Debug)]
pub struct Listing<E> {
    /// What the filters say.
    pub filter: Document,
    /// The order.
    pub sort: Sort,
    /// The document after which the page begins.
    pub after: Option<Cursor>,
    /// Documents on the page.
    pub limit: u32,
    /// The fields to be shown; all of them when empty.
    pub fields: Vec<String>,
    /// Show the deleted ones, and no others.
    pub deleted: bool,
    entity: PhantomData<fn() -> E>,
}

impl<S: Send + Sync, E: Exposed> FromRequestParts<S> for Listing<E> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut pairs = query::pairs(parts)?;
        let limit = match pairs.remove("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit.ok_or_else(|| {
                    Problem::parameter("limit", format!("must be between 1 and {MAX_LIMIT}"))
                })?
            }
        };
        let sorts = E::sorts();
        let sort = match pairs.remove("sort") {
            None => sorts.first().copied().unwrap_or(Sort::ascending("_id")),
            Some(text) => Sort::among(&sorts, &text).ok_or_else(|| {
                Problem::parameter("sort", format!("must be one of {}", names::<E>().join(", ")))
            })?,
        };
        let fields = pairs.remove("fields").map(|text| fields::<E>(&text)).transpose()?.unwrap_or_default();
        let deleted = match pairs.remove("deleted").as_deref() {
            None | Some("false") => false,
            Some("true") if E::DELETE == DeletePolicy::Soft => true,
            Some(_) => {
                return Err(Problem::parameter(
                    "deleted",
                    "must be true or false, and of a list that has deleted ones",
                ));
            }
        };
        let after = pairs
            .remove("cursor")
            .map(|text| read_cursor(&text, sort).ok_or(Code::InvalidCursor))
            .transpose()?;
        let mut filter = Document::new();
        let declared = E::filters();
        for (name, value) in &pairs {
            let known = declared.iter().find_map(|declared| {
                Some((declared, declared.parameters().into_iter().find(|parameter| parameter.name == *name)?))
            });
            let (declared, parameter) =
                known.ok_or_else(|| Problem::parameter(name, "is not a parameter of this list"))?;
            declared
                .apply(parameter.bound, value, &mut filter)
                .map_err(|refusal| Problem::parameter(refusal.field, refusal.reason))?;
        }
        Ok(Self { filter, sort, after, limit, fields, deleted, entity: PhantomData })
    }
}

fn names<E: Exposed>() -> Vec<String> {
    E::sorts().iter().flat_map(|sort| [sort.path.to_owned(), format!("-{}", sort.path)]).collect()
}

/// The fields that a client wants to see.
fn fields<E: Exposed>(text: &str) -> Result<Vec<String>, Problem> {
    let known = view_fields::<E>();
    let field = |field: &str| {
        let field = field.trim();
        let unknown = || Problem::parameter("fields", "has a field that the document does not have");
        known.iter().any(|known| known == field).then(|| field.to_owned()).ok_or_else(unknown)
    };
    text.split(',').map(field).collect()
}

/// As the client gets it: to it, a word without a meaning. It is not signed: whoever makes one up gets
/// another page of what they may see anyway.
#[must_use]
pub(crate) fn write_cursor(cursor: &Cursor, sort: Sort) -> String {
    URL_SAFE_NO_PAD.encode([sort.to_string().as_bytes(), b"\0", &cursor.to_bytes()].concat())
}

/// From what the client sends; `None` when it is not one of a list in this order.
fn read_cursor(text: &str, sort: Sort) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let bytes = bytes.strip_prefix(sort.to_string().as_bytes())?.strip_prefix(b"\0")?;
    Cursor::from_bytes(bytes)
}

fn schema(parameter: &Parameter) -> Value {
    match &parameter.kind {
        FilterKind::Text | FilterKind::Words => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
        // One, or several with commas between them.
        FilterKind::Enum(values) => {
            let one = format!("({})", values.join("|"));
            json!({ "type": "string", "pattern": format!("^{one}(,{one})*$"), "examples": [values[0]] })
        }
        FilterKind::Id => json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" }),
        FilterKind::Bool => json!({ "type": "boolean" }),
        FilterKind::Number => json!({ "type": "integer", "format": "int64" }),
        FilterKind::Time => json!({ "type": "string", "format": "date-time" }),
    }
}

impl<E: Exposed> Takes for Listing<E> {
    fn document(_: &mut SchemaGenerator, operation: &mut Operation) {
        let mut add = |name: &str, text: &str, schema: Value| {
            operation.parameters.push(parameter("query", name, text, false, &schema));
        };
        for declared in E::filters().iter().flat_map(matome_store::exposed::Filter::parameters) {
            add(&declared.name, &declared.description, schema(&declared));
        }
        let default = E::sorts().first().map(ToString::to_string);
        let sort = json!({ "type": "string", "enum": names::<E>(), "default": default });
        add("sort", "The order; with `-`, the greatest first.", sort);
        let limit =
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
        add("limit", "Documents on a page.", limit);
        let text = json!({ "type": "string", "minLength": 1, "maxLength": 1024 });
        add("cursor", "`nextCursor` of the page before, with the same filters and order.", text.clone());
        add("fields", "The fields to be shown, with commas between them; `id` always is.", text);
        if E::DELETE == DeletePolicy::Soft {
            let deleted = json!({ "type": "boolean", "default": false });
            add("deleted", "The deleted ones instead, which can be restored.", deleted);
        }
    }
}
