//! JSON merge patches (RFC 7396) as types: what is absent stays, what is null goes.

use std::borrow::Cow;

use bson::{Bson, DateTime, Document};
use garde::{Path, Report, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::StoreError;
use crate::value::to_bson;

/// Why a request that is valid by itself is refused: with which field, as its path in the request's body
/// (dots between), and what is wrong. Never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refusal {
    /// The field or parameter.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Refusal {
    /// Of a field.
    pub fn of(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// A field that may be changed and removed. Needs `#[serde(default, skip_serializing_if = "Patched::is_absent")]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patched<T> {
    /// Not in the patch: stays as it is.
    #[default]
    Absent,
    /// Goes.
    Null,
    /// Is set.
    Value(T),
}

/// A field that may be changed but is always there: null is refused.
/// Needs `#[serde(default, skip_serializing_if = "Kept::is_absent")]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept<T> {
    /// Not in the patch: stays as it is.
    #[default]
    Absent,
    /// Is set.
    Value(T),
}

impl<T> Patched<T> {
    /// Not in the patch.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// What is set.
    pub const fn value(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

impl<T> Kept<T> {
    /// Not in the patch.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// What is set.
    pub const fn value(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

impl<T: Serialize> Serialize for Patched<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<T: Serialize> Serialize for Kept<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Value)
    }
}

impl<T: JsonSchema> JsonSchema for Patched<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Kept<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// garde's rules, for what is set.
macro_rules! rules {
    ($name:ident) => {
        impl<T: Validate> Validate for $name<T> {
            type Context = T::Context;

            fn validate_into(
                &self,
                context: &T::Context,
                parent: &mut dyn FnMut() -> Path,
                report: &mut Report,
            ) {
                if let Some(value) = self.value() {
                    value.validate_into(context, parent, report);
                }
            }
        }

        impl<T: garde::rules::length::chars::Chars> garde::rules::length::chars::Chars for $name<T> {
            fn validate_num_chars(&self, min: usize, max: usize) -> Result<(), garde::Error> {
                self.value().map_or(Ok(()), |value| value.validate_num_chars(min, max))
            }
        }

        impl<T: garde::rules::length::utf16::Utf16CodeUnits> garde::rules::length::utf16::Utf16CodeUnits
            for $name<T>
        {
            fn validate_num_code_units(&self, min: usize, max: usize) -> Result<(), garde::Error> {
                self.value().map_or(Ok(()), |value| value.validate_num_code_units(min, max))
            }
        }

        impl<T: garde::rules::length::simple::Simple> garde::rules::length::simple::Simple for $name<T> {
            fn validate_length(&self, min: usize, max: usize) -> Result<(), garde::Error> {
                self.value().map_or(Ok(()), |value| value.validate_length(min, max))
            }
        }

        impl<T: garde::rules::email::Email> garde::rules::email::Email for $name<T> {
            fn validate_email(&self) -> Result<(), garde::i18n::InvalidEmail> {
                self.value().map_or(Ok(()), T::validate_email)
            }
        }

        impl<T: garde::rules::range::Bounds> garde::rules::range::Bounds for $name<T> {
            type Size = T::Size;

            const MIN: Self::Size = T::MIN;
            const MAX: Self::Size = T::MAX;

            fn validate_bounds(
                &self,
                lower: Self::Size,
                upper: Self::Size,
            ) -> Result<(), garde::rules::range::OutOfBounds> {
                self.value().map_or(Ok(()), |value| value.validate_bounds(lower, upper))
            }
        }

        impl<T: PartialOrd> PartialOrd for $name<T> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                self.value().partial_cmp(&other.value())
            }
        }
    };
}

rules!(Patched);
rules!(Kept);

/// A MongoDB update that grows field by field. Paths have dots. `__v` and `updatedAt` are not its
/// business: see [`crate::Collection::patch_versioned`].
#[derive(Debug, Default)]
pub struct Update {
    set: Document,
    unset: Document,
    stamped: Vec<String>,
    failed: Option<StoreError>,
}

impl Update {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field.
    #[must_use]
    pub fn set<T: Serialize + ?Sized>(mut self, path: &str, value: &T) -> Self {
        match to_bson(value) {
            Ok(value) => _ = self.set.insert(path, value),
            Err(error) => _ = self.failed.get_or_insert(error),
        }
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn unset(mut self, path: &str) -> Self {
        self.unset.insert(path, Bson::String(String::new()));
        self
    }

    /// Sets a field to the time of the change.
    #[must_use]
    pub fn stamp(mut self, path: &str) -> Self {
        self.stamped.push(path.to_owned());
        self
    }

    /// As the patch says.
    #[must_use]
    pub fn patched<T: Serialize>(self, path: &str, field: &Patched<T>) -> Self {
        match field {
            Patched::Absent => self,
            Patched::Null => self.unset(path),
            Patched::Value(value) => self.set(path, value),
        }
    }

    /// As the patch says.
    #[must_use]
    pub fn kept<T: Serialize>(self, path: &str, field: &Kept<T>) -> Self {
        match field {
            Kept::Absent => self,
            Kept::Value(value) => self.set(path, value),
        }
    }

    /// An object within: its own fields are patched one by one; null puts back what it has as a default.
    #[must_use]
    pub fn nested<T>(self, path: &str, field: &Patched<T>, fields: impl FnOnce(Self, &T) -> Self) -> Self {
        match field {
            Patched::Absent => self,
            Patched::Null => self.unset(path),
            Patched::Value(value) => fields(self, value),
        }
    }

    /// Nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty() && self.stamped.is_empty() && self.failed.is_none()
    }

    /// As MongoDB takes it, made at `now`.
    ///
    /// # Errors
    /// [`StoreError::Encode`] when a value could not be written as BSON.
    pub fn operators(mut self, now: DateTime) -> Result<Document, StoreError> {
        self.set.extend(self.stamped.into_iter().map(|path| (path, now.into())));
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut update = Document::new();
        for (operator, fields) in [("$set", self.set), ("$unset", self.unset)] {
            if !fields.is_empty() {
                update.insert(operator, fields);
            }
        }
        Ok(update)
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
    #[serde(deny_unknown_fields)]
    struct Patch {
        #[garde(length(chars, min = 1, max = 3))]
        #[serde(default, skip_serializing_if = "Kept::is_absent")]
        name: Kept<String>,
        #[garde(length(chars, max = 3))]
        #[serde(default, skip_serializing_if = "Patched::is_absent")]
        note: Patched<String>,
        #[garde(range(min = 1, max = 9))]
        #[serde(default, skip_serializing_if = "Patched::is_absent")]
        count: Patched<i64>,
        #[garde(dive)]
        #[serde(default, skip_serializing_if = "Patched::is_absent")]
        more: Patched<More>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
    #[serde(deny_unknown_fields)]
    struct More {
        #[garde(email)]
        #[serde(default, skip_serializing_if = "Patched::is_absent")]
        email: Patched<String>,
    }

    fn read(json: serde_json::Value) -> Patch {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn absent_stays_null_goes_and_a_value_is_set() {
        let update = |json| {
            let patch = read(json);
            Update::new()
                .kept("name", &patch.name)
                .patched("note", &patch.note)
                .nested("more", &patch.more, |update, more| update.patched("more.email", &more.email))
                .operators(bson::DateTime::MIN)
                .unwrap()
        };
        assert_eq!(update(json!({})), doc! {});
        assert_eq!(
            update(json!({ "name": "n", "note": null, "more": { "email": "a@example.com" } })),
            doc! { "$set": { "name": "n", "more.email": "a@example.com" }, "$unset": { "note": "" } },
        );
        assert_eq!(update(json!({ "more": { "email": null } })), doc! { "$unset": { "more.email": "" } });
        assert_eq!(update(json!({ "more": null })), doc! { "$unset": { "more": "" } });
        assert_eq!(update(json!({ "more": {} })), doc! {});
    }

    #[test]
    fn what_is_always_there_cannot_be_removed_and_unknown_fields_are_named() {
        serde_json::from_value::<Patch>(json!({ "name": null })).unwrap_err();
        let error = serde_json::from_value::<Patch>(json!({ "nmae": "x" })).unwrap_err().to_string();
        assert!(error.contains("`nmae`"), "{error}");
    }

    #[test]
    fn rules_hold_for_what_is_set() {
        assert!(read(json!({ "note": null, "more": null, "count": null })).validate().is_ok());
        assert!(read(json!({ "name": "abc", "count": 9 })).validate().is_ok());
        for (bad, field) in [
            (json!({ "name": "" }), "name"),
            (json!({ "note": "abcd" }), "note"),
            (json!({ "count": 10 }), "count"),
            (json!({ "more": { "email": "nobody" } }), "more.email"),
        ] {
            let report = read(bad).validate().unwrap_err();
            let paths: Vec<String> = report.iter().map(|(path, _)| path.to_string()).collect();
            assert_eq!(paths, [field]);
        }
    }

    #[test]
    fn the_schema_tells_what_may_be_null_and_what_is_allowed() {
        let schema = schemars::schema_for!(Patch);
        let at = |pointer: &str| schema.pointer(pointer).cloned();
        assert_eq!(at("/required"), None);
        assert_eq!(at("/properties/name/type"), Some(json!("string")));
        assert_eq!(at("/properties/name/maxLength"), Some(json!(3)));
        assert_eq!(at("/properties/note/type"), Some(json!(["string", "null"])));
        assert_eq!(at("/properties/count/maximum"), Some(json!(9)));
        assert_eq!(at("/additionalProperties"), Some(json!(false)));
    }

    #[test]
    fn an_example_is_written_as_it_would_be_sent() {
        let sent = json!({ "name": "n", "note": null });
        assert_eq!(serde_json::to_value(read(sent.clone())).unwrap(), sent);
    }
}
