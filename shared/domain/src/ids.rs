//! Ids that name things outside our database, checked once where they come in.
//!
//! Names of databases, collections, keys and prefixes are built from these, so they refuse
//! `.`, `$`, `/`, NUL and everything else outside `[A-Za-z0-9_-]`. A tenant's id has no `_` either: that
//! stands between it and the rest of a name, and `a` with `ai_usage` would be `a_ai` with `usage`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an id was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidId {
    /// The field or setting that carried the id.
    pub field: &'static str,
    /// What is wrong with it; never repeats the value.
    pub reason: &'static str,
}

fn check(field: &'static str, value: &str, max: usize) -> Result<(), InvalidId> {
    let reason = if value.is_empty() {
        "must not be empty"
    } else if value.len() > max {
        "is too long"
    } else if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        "may contain only letters, digits, '-' and '_'"
    } else {
        return Ok(());
    };
    Err(InvalidId { field, reason })
}

/// What the platform's own databases are called after the prefix; a dedicated tenant's is called by its id.
const RESERVED: [&str; 3] = ["platform", "shared", "sets"];

fn tenant(value: &str) -> Result<(), InvalidId> {
    let refuse = |reason| Err(InvalidId { field: "tenantId", reason });
    if value.contains('_') {
        return refuse("must not contain '_'");
    }
    // MongoDB takes names of databases that differ in case only for the same.
    if RESERVED.iter().any(|reserved| value.eq_ignore_ascii_case(reserved)) {
        return refuse("is a name of the platform's own");
    }
    Ok(())
}

/// Its stack is called by it, and with the platform's name before it and a function's behind it that has to fit.
fn cell(value: &str) -> Result<(), InvalidId> {
    let fits = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits { Ok(()) } else { Err(InvalidId { field: "cell", reason: "may contain only a-z, 0-9 and '-'" }) }
}

fn any(_: &str) -> Result<(), InvalidId> {
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal, $more:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `value`; the error names the field.
            ///
            /// # Errors
            /// [`InvalidId`] when empty, too long, with a character outside `[A-Za-z0-9_-]`, or otherwise not
            /// what the type's own description asks for.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
                let value = value.into();
                check($field, &value, $max)?;
                $more(&value)?;
                Ok(Self(value))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The tenant: an organization's id. MongoDB database names end at 63 bytes, hence the limit. No `_`,
    /// and not `platform`, `shared` or `sets`.
    TenantId, "tenantId", 40, tenant
);
id!(
    /// A cell: one cluster, one set of queues. Small letters, digits and `-`.
    CellName, "cell", 20, cell
);
id!(
    /// LINE's channel id, the `{channelId}` of the webhook's path.
    ChannelId, "channelId", 40, any
);
id!(
    /// What a conversation is called on its platform: LINE's user, group or room id.
    ConversationId, "conversationId", 64, any
);
id!(
    /// A document's id (24 hexadecimal digits) as it travels in queues and URLs.
    DocumentId, "id", 24, any
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_escape_a_name_are_refused() {
        for bad in ["", "a.b", "$a", "a/b", "a\0b", "a b", "é", &"x".repeat(41)] {
            let err = TenantId::new(bad).unwrap_err();
            assert_eq!(err.field, "tenantId");
            assert!(serde_json::from_value::<TenantId>(serde_json::json!(bad)).is_err());
        }
        assert_eq!(TenantId::new("org-1-A").unwrap().as_str(), "org-1-A");
        assert_eq!(ChannelId::new("line_1-A").unwrap().as_str(), "line_1-A");
    }

    #[test]
    fn a_tenant_is_not_called_like_a_part_of_another_name() {
        for bad in ["a_ai", "_", "shared", "Sets", "PLATFORM"] {
            assert_eq!(TenantId::new(bad).unwrap_err().field, "tenantId", "{bad}");
        }
        assert!(TenantId::new("shared-1").is_ok());
    }
}
