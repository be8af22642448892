//! Records as DynamoDB items and back. Pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;

use super::DirectoryError;
use super::record::{
    ChannelRecord, PreviousSecret, Relocation, Status, TenantRecord, channel_key, tenant_key,
};
use crate::keys::{Sealed, WrappedKey};

/// The attributes of one item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The table's key attribute.
pub(super) const KEY: &str = "pk";

pub(super) fn of_channel(record: &ChannelRecord) -> Item {
    let ChannelRecord {
        channel_id,
        tenant_id,
        bot_user_id,
        secret,
        previous_secret,
        key,
        placement,
        cell,
        status,
        inbound_queue_url,
        version,
    } = record;
    let mut item = common(tenant_id, key, *placement, cell, *status, *version);
    item.insert(KEY.to_owned(), AttributeValue::S(channel_key(channel_id)));
    item.insert("channelId".to_owned(), AttributeValue::S(channel_id.to_string()));
    item.insert("botUserId".to_owned(), AttributeValue::S(bot_user_id.clone()));
    item.insert("secret".to_owned(), AttributeValue::S(secret.as_str().to_owned()));
    if let Some(previous) = previous_secret {
        item.insert("previousSecret".to_owned(), AttributeValue::S(previous.secret.as_str().to_owned()));
        item.insert("previousSecretUntil".to_owned(), AttributeValue::N(previous.until.0.to_string()));
    }
    if let Some(url) = inbound_queue_url {
        item.insert("inboundQueueUrl".to_owned(), AttributeValue::S(url.clone()));
    }
    item
}

pub(super) fn of_tenant(record: &TenantRecord) -> Item {
    let TenantRecord {
        tenant_id,
        key,
        previous_key,
        placement,
        cell,
        status,
        relocation,
        inbound_queue_url,
        bucket,
        version,
    } = record;
    let mut item = common(tenant_id, key, *placement, cell, *status, *version);
    item.insert(KEY.to_owned(), AttributeValue::S(tenant_key(tenant_id)));
    item.insert("relocation".to_owned(), AttributeValue::S(relocation.name().to_owned()));
    if let Some(previous) = previous_key {
        item.insert("previousWrappedKey".to_owned(), AttributeValue::S(previous.wrapped_key.clone()));
        item.insert("previousKeyVersion".to_owned(), AttributeValue::N(previous.key_version.to_string()));
    }
    if let Some(url) = inbound_queue_url {
        item.insert("inboundQueueUrl".to_owned(), AttributeValue::S(url.clone()));
    }
    if let Some(bucket) = bucket {
        item.insert("bucket".to_owned(), AttributeValue::S(bucket.clone()));
    }
    item
}

fn common(
    tenant: &TenantId,
    key: &WrappedKey,
    placement: Placement,
    cell: &str,
    status: Status,
    version: u64,
) -> Item {
    let text = |s: &str| AttributeValue::S(s.to_owned());
    HashMap::from([
        ("tenantId".to_owned(), text(tenant.as_str())),
        ("wrappedKey".to_owned(), text(&key.wrapped_key)),
        ("keyVersion".to_owned(), AttributeValue::N(key.key_version.to_string())),
        ("placement".to_owned(), text(placement_name(placement))),
        ("cell".to_owned(), text(cell)),
        ("status".to_owned(), text(status.name())),
        ("version".to_owned(), AttributeValue::N(version.to_string())),
    ])
}

pub(super) fn to_channel(item: &Item) -> Result<ChannelRecord, DirectoryError> {
    let read = Reader(item);
    Ok(ChannelRecord {
        channel_id: read.parsed("channelId", |s| ChannelId::new(s).ok())?,
        tenant_id: read.tenant()?,
        bot_user_id: read.parsed("botUserId", |s| Some(s.to_owned()).filter(|s| !s.is_empty()))?,
        secret: read.parsed("secret", |s| Some(Sealed::from(s.to_owned())))?,
        previous_secret: read.previous_secret()?,
        key: read.key()?,
        placement: read.placement()?,
        cell: read.parsed("cell", |s| Some(s.to_owned()))?,
        status: read.parsed("status", Status::from_name)?,
        inbound_queue_url: read.text("inboundQueueUrl").map(ToOwned::to_owned),
        version: read.number("version")?,
    })
}

pub(super) fn to_tenant(item: &Item) -> Result<TenantRecord, DirectoryError> {
    let read = Reader(item);
    Ok(TenantRecord {
        tenant_id: read.tenant()?,
        key: read.key()?,
        previous_key: read.previous_key()?,
        placement: read.placement()?,
        cell: read.parsed("cell", |s| Some(s.to_owned()))?,
        status: read.parsed("status", Status::from_name)?,
        relocation: read.relocation()?,
        inbound_queue_url: read.text("inboundQueueUrl").map(ToOwned::to_owned),
        bucket: read.text("bucket").map(ToOwned::to_owned),
        version: read.number("version")?,
    })
}

const PLACEMENTS: [Placement; 3] = [Placement::Shared, Placement::CollectionSet, Placement::Dedicated];

fn placement_name(placement: Placement) -> &'static str {
    match placement {
        Placement::Shared => "shared",
        Placement::CollectionSet => "collection_set",
        Placement::Dedicated => "dedicated",
    }
}

struct Reader<'a>(&'a Item);

impl Reader<'_> {
    fn text(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute)?.as_s().ok().map(String::as_str)
    }

    fn wrong(&self, attribute: &'static str) -> DirectoryError {
        DirectoryError::Item { key: self.text(KEY).unwrap_or_default().to_owned(), attribute }
    }

    fn parsed<T>(
        &self,
        attribute: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, DirectoryError> {
        self.text(attribute).and_then(parse).ok_or_else(|| self.wrong(attribute))
    }

    fn number<T: std::str::FromStr>(&self, attribute: &'static str) -> Result<T, DirectoryError> {
        let number = self.0.get(attribute).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok());
        number.ok_or_else(|| self.wrong(attribute))
    }

    fn tenant(&self) -> Result<TenantId, DirectoryError> {
        self.parsed("tenantId", |s| TenantId::new(s).ok())
    }

    fn key(&self) -> Result<WrappedKey, DirectoryError> {
        Ok(WrappedKey {
            key_version: self.number("keyVersion")?,
            wrapped_key: self.parsed("wrappedKey", |s| Some(s.to_owned()))?,
        })
    }

    fn previous_key(&self) -> Result<Option<WrappedKey>, DirectoryError> {
        let Some(wrapped_key) = self.text("previousWrappedKey") else { return Ok(None) };
        let key_version = self.number("previousKeyVersion")?;
        Ok(Some(WrappedKey { key_version, wrapped_key: wrapped_key.to_owned() }))
    }

    fn previous_secret(&self) -> Result<Option<PreviousSecret>, DirectoryError> {
        let Some(secret) = self.text("previousSecret") else { return Ok(None) };
        let until = Timestamp(self.number("previousSecretUntil")?);
        Ok(Some(PreviousSecret { secret: Sealed::from(secret.to_owned()), until }))
    }

    /// Items written before tenants could be moved have none.
    fn relocation(&self) -> Result<Relocation, DirectoryError> {
        if !self.0.contains_key("relocation") {
            return Ok(Relocation::Settled);
        }
        self.parsed("relocation", |s| Relocation::ALL.into_iter().find(|r| r.name() == s))
    }

    fn placement(&self) -> Result<Placement, DirectoryError> {
        self.parsed("placement", |s| PLACEMENTS.into_iter().find(|p| placement_name(*p) == s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> ChannelRecord {
        ChannelRecord {
            channel_id: ChannelId::new("c1").unwrap(),
            tenant_id: TenantId::new("t1").unwrap(),
            bot_user_id: "Ubot".to_owned(),
            secret: Sealed::from("v1.1.x".to_owned()),
            previous_secret: Some(PreviousSecret {
                secret: Sealed::from("v1.1.w".to_owned()),
                until: Timestamp(7),
            }),
            key: WrappedKey { key_version: 1, wrapped_key: "AAAA".to_owned() },
            placement: Placement::CollectionSet,
            cell: "main".to_owned(),
            status: Status::Suspended,
            inbound_queue_url: Some("http://localhost/q".to_owned()),
            version: 3,
        }
    }

    #[test]
    fn a_channel_comes_back_as_it_went() {
        let plain = ChannelRecord {
            inbound_queue_url: None,
            previous_secret: None,
            status: Status::Active,
            ..channel()
        };
        for record in [channel(), plain] {
            assert_eq!(to_channel(&of_channel(&record)).unwrap(), record);
        }
    }

    #[test]
    fn a_tenant_comes_back_as_it_went() {
        for (placement, relocation) in PLACEMENTS.into_iter().zip(Relocation::ALL) {
            let ChannelRecord { tenant_id, key, cell, status, version, .. } = channel();
            let previous_key = (placement == Placement::Shared).then(|| key.clone());
            let inbound_queue_url = (placement == Placement::Dedicated).then(|| "q".to_owned());
            let bucket = (placement == Placement::Dedicated).then(|| "b".to_owned());
            let record = TenantRecord {
                tenant_id,
                key,
                previous_key,
                placement,
                cell,
                status,
                relocation,
                inbound_queue_url,
                bucket,
                version,
            };
            assert_eq!(to_tenant(&of_tenant(&record)).unwrap(), record);
        }
    }

    #[test]
    fn an_item_from_before_tenants_could_be_moved_is_settled() {
        let ChannelRecord { tenant_id, key, placement, cell, status, version, .. } = channel();
        let record = TenantRecord {
            tenant_id,
            key,
            previous_key: None,
            placement,
            cell,
            status,
            relocation: Relocation::Moving,
            inbound_queue_url: None,
            bucket: None,
            version,
        };
        let mut item = of_tenant(&record);
        item.remove("relocation");
        assert_eq!(to_tenant(&item).unwrap().relocation, Relocation::Settled);
        item.insert("relocation".to_owned(), AttributeValue::S("lost".to_owned()));
        assert!(to_tenant(&item).is_err());
    }

    #[test]
    fn a_missing_or_malformed_attribute_is_named() {
        let whole = of_channel(&channel());
        for left_out in
            whole.keys().filter(|k| !["pk", "inboundQueueUrl", "previousSecret"].contains(&k.as_str()))
        {
            let mut item = whole.clone();
            item.remove(left_out);
            let err = to_channel(&item).unwrap_err().to_string();
            assert_eq!(err, format!("directory item CHANNEL#c1: {left_out} is missing or malformed"));
        }
        for (attribute, bad) in
            [("tenantId", "../x"), ("placement", "moon"), ("status", "?"), ("botUserId", "")]
        {
            let mut item = whole.clone();
            item.insert(attribute.to_owned(), AttributeValue::S(bad.to_owned()));
            assert!(to_channel(&item).unwrap_err().to_string().contains(attribute));
        }
    }

    #[test]
    fn placements_are_called_as_in_the_domain() {
        for placement in PLACEMENTS {
            assert_eq!(serde_json::to_value(placement).unwrap(), placement_name(placement));
        }
    }
}
