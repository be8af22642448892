//! How a person stands with an organization, and in one of its rooms. Staff are something else
//! (`matome_store::entities::MemberStatus`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// `user.status`: whether our messages reach them, as far as LINE says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PersonStatus {
    /// They can be written to.
    #[default]
    Active,
    /// They have blocked the account. The seeds also say `suspended`; nobody here does.
    #[serde(alias = "blocked", alias = "suspended")]
    Inactive,
    /// They were forgotten at their own request; nothing but the id is left.
    Erased,
}

/// `roomMember.status`: whether they are in the room.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RoomMemberStatus {
    /// They are.
    #[default]
    Active,
    /// They left.
    Inactive,
    /// Staff have banned them; that outlasts coming and going.
    Banned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_called_otherwise_before_is_read_as_what_it_means() {
        for (text, status) in [
            ("active", PersonStatus::Active),
            ("inactive", PersonStatus::Inactive),
            ("blocked", PersonStatus::Inactive),
            ("suspended", PersonStatus::Inactive),
            ("erased", PersonStatus::Erased),
        ] {
            assert_eq!(serde_json::from_value::<PersonStatus>(text.into()).unwrap(), status, "{text}");
        }
        let written: Vec<_> = PersonStatus::VARIANTS.iter().map(|s| serde_json::json!(s)).collect();
        assert_eq!(written, ["active", "inactive", "erased"]);
    }
}
