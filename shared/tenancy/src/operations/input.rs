//! What each kind of operation needs to know. The names here are what `cargo xtask tenant` and the
//! API call their fields.

use bson::Document;
use matome_domain::ids::{CellName, ChannelId};
use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_runtime::keys::Sealed;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{OperationKind, OrganizationSettings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The input of one kind of operation.
pub trait Request: Serialize + DeserializeOwned {
    /// The kind.
    const KIND: OperationKind;

    /// As it is kept in the operation.
    ///
    /// # Errors
    /// [`StoreError::Encode`].
    fn to_document(&self) -> Result<Document, StoreError> {
        encode(self)
    }

    /// From an operation.
    ///
    /// # Errors
    /// [`StoreError::Decode`].
    fn from_document(input: &Document) -> Result<Self, StoreError> {
        bson::deserialize_from_document(input.clone())
            .map_err(|why| StoreError::Decode { collection: "tenant_operations".to_owned(), why })
    }
}

macro_rules! requests {
    ($($name:ident => $kind:ident),* $(,)?) => {
        $(impl Request for $name {
            const KIND: OperationKind = OperationKind::$kind;
        })*
    };
}

requests! {
    CreateTenant => Create,
    ConnectChannel => ConnectChannel,
    RotateChannelSecret => RotateChannelSecret,
    DisconnectChannel => DisconnectChannel,
    RotateDataKey => RotateDataKey,
    ChangeTier => ChangeTier,
    Move => Move,
    SettleTrial => SettleTrial,
    Suspend => Suspend,
    Resume => Resume,
    Offboard => Offboard,
}

/// A new tenant. Its organization's id is the operation's tenant id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTenant {
    /// The organization's name.
    pub name: String,
    /// `business`, `education`, `healthcare`, `retail` or `other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who pays. One with the same e-mail address is taken as it is.
    pub owner: NewOwner,
    /// Tier; decides the placement.
    pub tier: Tier,
    /// IANA name.
    pub timezone: String,
    /// Another cell than the first of its region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    /// Where in the world its data has to stay; where its cell is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_region: Option<String>,
    /// Other settings than the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<OrganizationSettings>,
}

/// See [`CreateTenant::owner`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewOwner {
    /// Unique among owners; kept in lower case.
    pub email: String,
    /// Full name.
    pub name: String,
}

/// A LINE Official Account to connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectChannel {
    /// LINE's channel id.
    pub channel_id: ChannelId,
    /// Its secret, sealed under the tenant's data key for `secret_field(channel_id)`.
    pub secret: Sealed,
}

/// The secret that LINE issued anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateChannelSecret {
    /// LINE's channel id.
    pub channel_id: ChannelId,
    /// As [`ConnectChannel::secret`].
    pub secret: Sealed,
}

/// A channel that is not to be served any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisconnectChannel {
    /// LINE's channel id.
    pub channel_id: ChannelId,
}

/// Nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RotateDataKey {}

/// Another tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeTier {
    /// The new one.
    pub tier: Tier,
}

/// Nothing to say: what there is to be done is found out when it is done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SettleTrial {}

/// Another placement or cell, whatever the tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where to.
    pub placement: Placement,
    /// Another cell; the one it is in when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
}

/// Why it is not served any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspend {
    /// For people; shown in its status.
    pub reason: String,
}

/// Nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resume {}

/// The end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offboard {
    /// For people; shown in its status and in the certificate.
    pub reason: String,
    /// For so many days it can be taken back.
    pub grace_days: u32,
}
