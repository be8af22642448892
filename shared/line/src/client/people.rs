//! Who writes, and where: profiles, group names, member counts.

use serde::Deserialize;

use super::request::{Call, segment};
use super::{LineChannel, LineError};

/// A person as the account sees them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// LINE's id of the person, the same for all channels of a provider.
    pub user_id: String,
    /// Name.
    pub display_name: String,
    /// Picture.
    #[serde(default)]
    pub picture_url: Option<String>,
    /// Status line; 1:1 profiles only.
    #[serde(default)]
    pub status_message: Option<String>,
    /// BCP 47 tag; 1:1 profiles only, and only with consent.
    #[serde(default)]
    pub language: Option<String>,
}

/// A group's name and picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSummary {
    /// LINE's id of the group.
    pub group_id: String,
    /// Name.
    pub group_name: String,
    /// Picture.
    #[serde(default)]
    pub picture_url: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

impl LineChannel {
    /// A friend's profile; `None` for people who blocked the account, never added it, or have not
    /// consented.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn profile(&self, user_id: &str) -> Result<Option<Profile>, LineError> {
        let path = format!("/v2/bot/profile/{}", segment("userId", user_id)?);
        self.find("profile", Call::get(path)).await
    }

    /// A group member's profile, friend or not; `None` when not a member.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn group_member_profile(
        &self,
        group_id: &str,
        user_id: &str,
    ) -> Result<Option<Profile>, LineError> {
        let (group, user) = (segment("groupId", group_id)?, segment("userId", user_id)?);
        self.find("group member profile", Call::get(format!("/v2/bot/group/{group}/member/{user}"))).await
    }

    /// A room member's profile, friend or not; `None` when not a member.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn room_member_profile(
        &self,
        room_id: &str,
        user_id: &str,
    ) -> Result<Option<Profile>, LineError> {
        let (room, user) = (segment("roomId", room_id)?, segment("userId", user_id)?);
        self.find("room member profile", Call::get(format!("/v2/bot/room/{room}/member/{user}"))).await
    }

    /// A group's name and picture; `None` when the account is not in it.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn group_summary(&self, group_id: &str) -> Result<Option<GroupSummary>, LineError> {
        let group = segment("groupId", group_id)?;
        self.find("group summary", Call::get(format!("/v2/bot/group/{group}/summary"))).await
    }

    /// How many people are in a group, the account not counted: what a push to it costs. `None`
    /// when the account is not in it.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn group_member_count(&self, group_id: &str) -> Result<Option<u32>, LineError> {
        let group = segment("groupId", group_id)?;
        let found = self
            .find("group member count", Call::get(format!("/v2/bot/group/{group}/members/count")))
            .await?;
        Ok(found.map(|c: Count| c.count))
    }

    /// How many people are in a room, the account not counted; `None` when the account is not in it.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn room_member_count(&self, room_id: &str) -> Result<Option<u32>, LineError> {
        let room = segment("roomId", room_id)?;
        let found =
            self.find("room member count", Call::get(format!("/v2/bot/room/{room}/members/count"))).await?;
        Ok(found.map(|c: Count| c.count))
    }
}
