//! Kinds of fields that several entities have, with their limits.

use std::borrow::Cow;

use bson::Document;
use garde::{Path, Report, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Patched, Refusal, Update};

const TAGS_MAX: usize = 50;
const TAG_MAX: usize = 64;

/// Bytes of all of a document's own fields together, as JSON.
const FIELDS_MAX: usize = 8 * 1024;
const KEY_MAX: usize = 64;
/// MongoDB ends at 100 in all.
const DEPTH_MAX: usize = 8;

/// Labels: at most 50, each of 1 to 64 characters, no two alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub Vec<String>);

/// The organization's own fields: any JSON of at most 8 KB and eight levels, whose keys have 1 to 64
/// characters, do not begin with `$` and contain neither `.` nor NUL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomFields(pub Map<String, Value>);

impl Validate for Tags {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if self.0.len() > TAGS_MAX {
            report.append(parent(), garde::Error::new(format!("more than {TAGS_MAX} tags")));
        }
        for (index, tag) in self.0.iter().enumerate() {
            let why = if tag.trim().is_empty() || tag.chars().count() > TAG_MAX {
                format!("must have 1 to {TAG_MAX} characters, not only spaces")
            } else if self.0[..index].contains(tag) {
                "is there twice".to_owned()
            } else {
                continue;
            };
            report.append(parent().join(index), garde::Error::new(why));
        }
    }
}

impl Validate for CustomFields {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Err(why) = self.check() {
            report.append(parent(), garde::Error::new(why));
        }
    }
}

impl CustomFields {
    fn check(&self) -> Result<(), String> {
        for (key, value) in &self.0 {
            check_key(key)?;
            check_value(value, 1)?;
        }
        let size = serde_json::to_string(&self.0).map_or(usize::MAX, |text| text.len());
        if size > FIELDS_MAX { Err(format!("more than {FIELDS_MAX} bytes")) } else { Ok(()) }
    }

    /// As they are stored.
    ///
    /// # Errors
    /// [`Refusal`] of `field` when BSON cannot hold them.
    pub fn document(&self, field: &str) -> Result<Document, Refusal> {
        crate::collection::encode(self).map_err(|_| Refusal::of(field, "cannot be stored"))
    }

    /// Patches those that are stored at `field`.
    ///
    /// # Errors
    /// [`Refusal`] of `field` when they become too large.
    pub fn patch(
        update: Update,
        field: &str,
        stored: &Document,
        patch: &Patched<Self>,
    ) -> Result<Update, Refusal> {
        if patch.is_absent() {
            return Ok(update);
        }
        let stored = bson::deserialize_from_document::<Self>(stored.clone());
        let stored = stored.map_err(|_| Refusal::of(field, "what is stored cannot be read"))?;
        Ok(update.set(field, &stored.merged(patch, field)?))
    }

    /// These with `patch` merged in, as RFC 7396 says.
    ///
    /// # Errors
    /// [`Refusal`] of `field` when they become too large.
    pub fn merged(&self, patch: &Patched<Self>, field: &str) -> Result<Self, Refusal> {
        let merged = match patch {
            Patched::Absent => return Ok(self.clone()),
            Patched::Null => return Ok(Self::default()),
            Patched::Value(patch) => {
                let mut merged = self.0.clone();
                merge(&mut merged, &patch.0);
                Self(merged)
            }
        };
        merged.check().map(|()| merged).map_err(|why| Refusal::of(field, why))
    }
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            // Keeps the order of the others; `remove` would move the last one into the gap.
            Value::Null => _ = target.shift_remove(key),
            Value::Object(patch) => {
                let inner = target.entry(key.as_str()).or_insert(Value::Null);
                if !inner.is_object() {
                    *inner = Value::Object(Map::new());
                }
                if let Value::Object(inner) = inner {
                    merge(inner, patch);
                }
            }
            other => _ = target.insert(key.clone(), other.clone()),
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() || key.chars().count() > KEY_MAX {
        return Err(format!("a key must have 1 to {KEY_MAX} characters"));
    }
    if key.starts_with('$') || key.contains(['.', '\0']) {
        return Err("a key must not begin with '$', nor contain '.' or NUL".to_owned());
    }
    Ok(())
}

fn check_value(value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("more than {DEPTH_MAX} levels"));
    }
    match value {
        Value::Number(number) if number.as_i64().is_none() && number.is_u64() => {
            Err(format!("a number above {}", i64::MAX))
        }
        Value::Array(values) => values.iter().try_for_each(|value| check_value(value, depth + 1)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            check_key(key)?;
            check_value(value, depth + 1)
        }),
        _ => Ok(()),
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array", "maxItems": TAGS_MAX, "uniqueItems": true,
            "items": { "type": "string", "minLength": 1, "maxLength": TAG_MAX },
        })
    }
}

impl JsonSchema for CustomFields {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CustomFields".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object", "additionalProperties": true,
            "propertyNames": { "pattern": "^[^$.\\u0000][^.\\u0000]{0,63}$" },
            "description": "Any JSON, 8 KB and eight levels at most.",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(json: Value) -> CustomFields {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn own_fields_cannot_be_operators_paths_or_a_burden() {
        assert!(
            fields(json!({ "顧客": { "a-b c$": [1, -2, 1.5, null, true, { "x": "y" }] } }))
                .validate()
                .is_ok()
        );
        for bad in [
            json!({ "$set": 1 }),
            json!({ "a.b": 1 }),
            json!({ "": 1 }),
            json!({ "a\u{0}": 1 }),
            json!({ "a": [{ "$where": 1 }] }),
            json!({ "n": u64::MAX }),
            json!({ "k".repeat(65): 1 }),
            json!({ "text": "x".repeat(FIELDS_MAX) }),
            json!({ "1": { "2": { "3": { "4": { "5": { "6": { "7": { "8": { "9": 1 } } } } } } } } }),
        ] {
            assert!(fields(bad.clone()).validate().is_err(), "{bad}");
        }
    }

    #[test]
    fn own_fields_are_merged_and_the_whole_is_limited() {
        let before = fields(json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": 4 }));
        let patch = Patched::Value(fields(json!({ "a": null, "b": { "c": null, "x": 5 }, "f": [null] })));
        let after = before.merged(&patch, "metadata.customFields").unwrap();
        assert_eq!(after, fields(json!({ "b": { "d": 3, "x": 5 }, "e": 4, "f": [null] })));
        assert_eq!(before.merged(&Patched::Absent, "").unwrap(), before);
        assert_eq!(before.merged(&Patched::Null, "").unwrap(), CustomFields::default());
        let half = |key: &str| fields(json!({ key: "x".repeat(FIELDS_MAX / 2) }));
        let refused = half("a").merged(&Patched::Value(half("b")), "metadata.customFields").unwrap_err();
        assert_eq!(refused.field, "metadata.customFields");
    }

    #[test]
    fn own_fields_come_back_from_mongodb_as_they_were() {
        let fields = fields(
            json!({ "n": 1, "f": 1.5, "t": "x", "l": [true, null], "o": { "k": -9_000_000_000_i64 } }),
        );
        let stored = crate::collection::encode(&fields).unwrap();
        assert_eq!(bson::deserialize_from_document::<CustomFields>(stored).unwrap(), fields);
    }

    #[test]
    fn tags_are_few_short_and_different() {
        let tags = |tags: &[&str]| Tags(tags.iter().map(|&t| t.to_owned()).collect());
        assert!(tags(&["vip", "予約"]).validate().is_ok());
        for bad in [tags(&[""]), tags(&[" "]), tags(&["a", "a"]), tags(&[&"x".repeat(65)])] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
        assert!(Tags((0..51).map(|n| n.to_string()).collect()).validate().is_err());
    }
}
