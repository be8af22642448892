//! Ids and times that are right on both sides: BSON's own types in MongoDB, text in JSON.
//!
//! `bson`'s types write themselves as `{"$oid": …}` and `{"$date": …}` wherever they are written, which
//! is right for MongoDB's tools and for nobody who reads an API. These two ask the format
//! (`is_human_readable`) and are what entities and views that the API shows are made of.
//!
//! **Trap**: `bson::serialize_to_document` and `serialize_to_bson` say that they are human-readable, and
//! so would store text. [`crate::collection::encode`] and [`to_bson`] go by way of bytes, which do not:
//! use these. Text that got in nevertheless cannot be read, so that a test shows it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bson::oid::ObjectId;
use bson::{Bson, DateTime};
use matome_domain::clock::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::StoreError;

/// What was given in place of an [`Id`] or a [`Time`]; says what is wanted, never what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct InvalidValue(&'static str);

const AN_ID: InvalidValue = InvalidValue("an id of 24 hexadecimal digits");
const A_TIME: InvalidValue =
    InvalidValue("a time as RFC 3339 writes it, such as \"2026-11-20T09:30:00.000Z\"");

/// A document's id: an ObjectId in BSON, 24 hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub ObjectId);

/// A point in time: a BSON date (milliseconds), RFC 3339 in UTC with milliseconds in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub DateTime);

/// A value as BSON, with ids and times as BSON's own types.
///
/// # Errors
/// [`StoreError::Encode`].
pub fn to_bson<T: Serialize + ?Sized>(value: &T) -> Result<Bson, StoreError> {
    #[derive(Serialize)]
    struct Wrapped<'a, T: ?Sized> {
        v: &'a T,
    }
    let mut document = crate::collection::encode(&Wrapped { v: value })?;
    Ok(document.remove("v").unwrap_or(Bson::Null))
}

impl Id {
    /// As 24 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.to_hex()
    }
}

impl Time {
    /// Of milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(DateTime::from_millis(millis))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// RFC 3339; `None` outside the years that it can write, 0 to 9999.
    fn rfc3339(self) -> Option<String> {
        let at = jiff::Timestamp::from_millisecond(self.millis()).ok()?;
        let text = format!("{at:.3}");
        (!text.starts_with('-')).then_some(text)
    }
}

impl FromStr for Id {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        ObjectId::parse_str(text).map(Self).map_err(|_| AN_ID)
    }
}

impl FromStr for Time {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let time = DateTime::parse_rfc3339_str(text).map(Self).map_err(|_| A_TIME)?;
        // What cannot be written again, in the last two hours of the year 9999, could be stored and never be shown.
        if time.rfc3339().is_some() { Ok(time) } else { Err(A_TIME) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rfc3339() {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.millis()),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({self})")
    }
}

macro_rules! between {
    ($ours:ident, $theirs:ty, $variant:ident) => {
        impl From<$theirs> for $ours {
            fn from(value: $theirs) -> Self {
                Self(value)
            }
        }

        impl From<$ours> for $theirs {
            fn from(value: $ours) -> Self {
                value.0
            }
        }

        impl From<$ours> for Bson {
            fn from(value: $ours) -> Self {
                Self::$variant(value.0)
            }
        }
    };
}

between!(Id, ObjectId, ObjectId);
between!(Time, DateTime, DateTime);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(crate::time::date(at))
    }
}

impl From<Time> for Timestamp {
    fn from(at: Time) -> Self {
        crate::time::timestamp(at.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let text =
                self.rfc3339().ok_or_else(|| S::Error::custom("a time outside the years 0 to 9999"))?;
            serializer.serialize_str(&text)
        } else {
            self.0.serialize(serializer)
        }
    }
}

// What is read by way of serde's own buffer (flattened fields, tagged enums) and of `bson::Document`
// calls itself human-readable as well, and has BSON's types in it: both forms are taken there. Bytes of
// BSON have the BSON type and nothing else: text there is a document that was written wrongly.

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return deserializer.deserialize_bytes(TwelveBytes);
        }
        match Bson::deserialize(deserializer) {
            Ok(Bson::ObjectId(id)) => Ok(Self(id)),
            Ok(Bson::String(text)) => text.parse().map_err(D::Error::custom),
            Ok(_) | Err(_) => Err(D::Error::custom(AN_ID)),
        }
    }
}

/// `bson`'s own visitor would take text as well.
struct TwelveBytes;

impl serde::de::Visitor<'_> for TwelveBytes {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ObjectId")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Id, E> {
        let bytes = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))?;
        Ok(Id(ObjectId::from_bytes(bytes)))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return DateTime::deserialize(deserializer).map(Self);
        }
        match Bson::deserialize(deserializer) {
            Ok(Bson::DateTime(at)) => Ok(Self(at)),
            Ok(Bson::String(text)) => text.parse().map_err(D::Error::custom),
            Ok(_) | Err(_) => Err(D::Error::custom(A_TIME)),
        }
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F]{24}$" })
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        id: Id,
        at: Time,
        #[serde(skip_serializing_if = "Option::is_none")]
        then: Option<Time>,
        #[serde(flatten)]
        kind: Tagged,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        One { other: Id, when: Time },
    }

    #[test]
    fn a_time_that_cannot_be_written_is_not_taken() {
        for (text, is_one) in [
            ("9999-12-30T22:00:00Z", true),
            ("9999-12-31T23:59:59Z", false),
            ("2026-11-20T09:00:00+09:00", true),
            ("soon", false),
        ] {
            assert_eq!(text.parse::<Time>().is_ok(), is_one, "{text}");
        }
    }

    fn both() -> Both {
        let (id, at) = (Id(ObjectId::from_bytes([0xab; 12])), Time::from_millis(1_795_167_000_000));
        Both { id, at, then: Some(Time::from_millis(5)), kind: Tagged::One { other: id, when: at } }
    }

    #[test]
    fn json_has_text_and_comes_back() {
        let json = serde_json::to_value(both()).unwrap();
        let id = "abababababababababababab";
        let expected = serde_json::json!({
            "id": id, "at": "2026-11-20T09:30:00.000Z", "then": "1970-01-01T00:00:00.005Z",
            "kind": "One", "other": id, "when": "2026-11-20T09:30:00.000Z",
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Both>(json.clone()).unwrap(), both());
        assert_eq!(serde_json::from_str::<Both>(&json.to_string()).unwrap(), both());
    }

    #[test]
    fn bson_has_its_own_types_and_comes_back_both_ways() {
        let (id, at) = (ObjectId::from_bytes([0xab; 12]), DateTime::from_millis(1_795_167_000_000));
        let expected = doc! {
            "id": id, "at": at, "then": DateTime::from_millis(5), "kind": "One", "other": id, "when": at,
        };
        assert_eq!(crate::collection::encode(&both()).unwrap(), expected);
        let bytes = bson::serialize_to_vec(&both()).unwrap();
        assert_eq!(bson::deserialize_from_slice::<Both>(&bytes).unwrap(), both());
        assert_eq!(bson::deserialize_from_document::<Both>(expected).unwrap(), both());
        assert_eq!(to_bson(&Id(id)).unwrap(), Bson::ObjectId(id));
        assert_eq!(to_bson(&Some(Time(at))).unwrap(), Bson::DateTime(at));
        assert_eq!(to_bson(&None::<Time>).unwrap(), Bson::Null);
    }

    #[test]
    fn stored_text_is_not_taken_for_an_id() {
        #[derive(Debug, Deserialize)]
        struct One {
            #[expect(dead_code, reason = "only whether it can be read matters")]
            id: Id,
        }
        let bytes = bson::serialize_to_vec(&doc! { "id": "abababababababababababab" }).unwrap();
        bson::deserialize_from_slice::<One>(&bytes).unwrap_err();
    }

    #[test]
    fn a_time_with_another_offset_is_the_same_moment() {
        let at: Time = serde_json::from_str("\"2026-11-20T16:30:00+07:00\"").unwrap();
        assert_eq!(at, both().at);
    }

    #[test]
    fn what_is_wrong_is_told_what_is_wanted() {
        for bad in ["\"room-1\"", "7", "null", "{}", "{\"$oid\": \"x\"}", "\"\""] {
            let error = serde_json::from_str::<Id>(bad).unwrap_err().to_string();
            assert!(error.starts_with("expected an id of 24 hexadecimal digits"), "{bad}: {error}");
            let error = serde_json::from_str::<Time>(bad).unwrap_err().to_string();
            assert!(error.starts_with("expected a time as RFC 3339 writes it"), "{bad}: {error}");
        }
        assert_eq!("yesterday".parse::<Time>(), Err(A_TIME));
    }

    #[test]
    fn a_time_that_text_cannot_hold_is_an_error_and_not_a_wrong_text() {
        serde_json::to_string(&Time(DateTime::MAX)).unwrap_err();
        serde_json::to_string(&Time(DateTime::MIN)).unwrap_err();
        serde_json::to_string(&Time::from_millis(-99_999_999_999_999)).unwrap_err();
    }
}
