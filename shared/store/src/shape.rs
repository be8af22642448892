//! What MongoDB checks of a document before it takes it: the fields that code and indexes rest on,
//! and nothing more.
//!
//! A validator that is too strict turns a message into poison, and is evaluated on every write. So
//! only fields that every version of the code has always written are required, other fields may
//! come and go, and what LINE may extend at any time (kinds of messages, say) is a string like any other.

use bson::{Bson, Document, doc};
use serde::Serialize;
use strum::VariantArray;

/// The top-level fields of an entity's documents that are checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    required: Vec<&'static str>,
    fields: Document,
}

impl Shape {
    /// Nothing is checked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A field that must be there, since every version of the code has written it.
    #[must_use]
    pub fn required(mut self, name: &'static str, kind: Document) -> Self {
        self.required.push(name);
        self.optional(name, kind)
    }

    /// A field that may be absent; never null.
    #[must_use]
    pub fn optional(mut self, name: &'static str, kind: Document) -> Self {
        self.fields.insert(name, kind);
        self
    }

    /// The names of all checked fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// The fields whose values are enumerated.
    pub fn enumerated(&self) -> impl Iterator<Item = &str> {
        let of_enum = |kind: &Bson| kind.as_document().is_some_and(|kind| kind.contains_key("enum"));
        self.fields.iter().filter(move |(_, kind)| of_enum(kind)).map(|(name, _)| name.as_str())
    }

    /// The names of the fields that must be there.
    #[must_use]
    pub fn required_fields(&self) -> &[&'static str] {
        &self.required
    }

    /// As MongoDB's `$jsonSchema` wants it.
    #[must_use]
    pub(crate) fn json_schema(&self) -> Document {
        let mut schema = doc! { "bsonType": "object" };
        if !self.required.is_empty() {
            schema.insert("required", self.required.clone());
        }
        if !self.fields.is_empty() {
            schema.insert("properties", self.fields.clone());
        }
        schema
    }
}

/// Text.
#[must_use]
pub fn string() -> Document {
    doc! { "bsonType": "string" }
}

/// An ObjectId.
#[must_use]
pub fn object_id() -> Document {
    doc! { "bsonType": "objectId" }
}

/// A point in time.
#[must_use]
pub fn date() -> Document {
    doc! { "bsonType": "date" }
}

/// A number, however BSON holds it.
#[must_use]
pub fn number() -> Document {
    doc! { "bsonType": "number" }
}

/// True or false.
#[must_use]
pub fn boolean() -> Document {
    doc! { "bsonType": "bool" }
}

/// A nested document.
#[must_use]
pub fn object() -> Document {
    doc! { "bsonType": "object" }
}

/// One of an enum's values, as serde writes them: a new variant is allowed by being there.
///
/// # Panics
/// When a variant is not written as text, which a test over all entities would show.
#[must_use]
pub fn one_of<E: VariantArray + Serialize>() -> Document {
    let text = |variant: &E| match crate::value::to_bson(variant) {
        Ok(Bson::String(text)) => text,
        other => panic!("{} is not written as text: {other:?}", std::any::type_name::<E>()),
    };
    doc! { "enum": E::VARIANTS.iter().map(text).collect::<Vec<_>>() }
}
