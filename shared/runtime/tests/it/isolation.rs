//! Isolation of tenants outside of MongoDB: blobs, directory items, ephemeral items, data keys, FIFO groups. Tenants,
//! channels and documents have ids that were made to meet: one begins like another, ends like another,
//! is called like a part of a key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, ConversationId, DocumentId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::queue::{
    CloseSession, CloseTrigger, Inbound, InboundEvent, OpenSession, OutboundJob, QueueMessage, SummaryJob,
    TenantJob,
};
use matome_domain::rate::{Class, Quota};
use matome_domain::tier::Tier;
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::blobs::{BlobKey, BlobPrefix, Blobs, MediaPart};
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::{
    ChannelRecord, Directory, MemoryTable, Relocation, Status, TenantRecord, secret_field,
};
use matome_runtime::ephemeral::Ephemeral;
use matome_runtime::ephemeral::Scope;
use matome_runtime::idempotency::{Begun, Fingerprint, Idempotency, IdempotencyKey, Request};
use matome_runtime::keys::{DataKeys, KeyError, MemoryKms, Sealed, WrappedKey};
use matome_runtime::random::SystemRandom;
use matome_runtime::rate_limit::{RateLimits, Who, Window};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::services;

const TENANTS: [&str; 6] = ["t1", "t10", "t", "1", "TENANT", "media"];
const PARTS: [MediaPart; 2] = [MediaPart::Original, MediaPart::Thumbnail];

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn id() -> impl Strategy<Value = String> {
    const PARTS: [&str; 11] =
        ["t", "1", "0", "-", "media", "tenants", "backups", "original", "CHANNEL", "TENANT", "close"];
    prop::collection::vec(prop::sample::select(&PARTS[..]), 1..4)
        .prop_map(|parts| parts.concat())
        .prop_filter("DocumentId ends there", |id| id.len() <= 24)
}

/// Every kind of key a tenant's blob can have. One that is not listed here has no test.
fn keys(tenant: &TenantId, message: &str) -> Vec<BlobKey> {
    let message = DocumentId::new(message).unwrap();
    let media = |part: MediaPart| {
        // A new part is a new key: this fails to compile until it is among PARTS.
        match part {
            MediaPart::Original | MediaPart::Thumbnail => BlobKey::media(tenant, &message, part),
        }
    };
    let mut keys: Vec<_> = PARTS.into_iter().map(media).collect();
    keys.push(BlobKey::export(tenant, &message, &message));
    keys.push(BlobKey::backup(tenant, message.as_str()));
    keys
}

/// Every kind of message of `inbound.fifo`, about the same.
fn inbound(
    tenant_id: &TenantId,
    channel_id: &ChannelId,
    conversation: &ConversationId,
    id: &str,
) -> [Inbound; 3] {
    let (tenant_id, channel_id, conversation_id) =
        (tenant_id.clone(), channel_id.clone(), conversation.clone());
    let id = DocumentId::new(id).unwrap();
    let event = Inbound::Event(InboundEvent {
        tenant_id: tenant_id.clone(),
        channel_id: channel_id.clone(),
        conversation_id: conversation_id.clone(),
        event_id: "e".to_owned(),
        received_at: Timestamp(0),
        event: serde_json::Value::Null,
    });
    // A new kind of message fails to compile until it is in here.
    match event {
        Inbound::Event(_) | Inbound::Close(_) | Inbound::Open(_) => {}
    }
    let close = Inbound::Close(CloseSession {
        tenant_id: tenant_id.clone(),
        channel_id: channel_id.clone(),
        conversation_id: conversation_id.clone(),
        session_id: id.clone(),
        trigger: CloseTrigger::Manual,
        closed_by: None,
    });
    let open = Inbound::Open(OpenSession { tenant_id, channel_id, conversation_id, wish_id: id });
    [event, close, open]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_blob_of_a_tenant_lies_under_a_prefix_of_another(a in id(), b in id(), message in id()) {
        prop_assume!(a != b);
        let (a, b) = (tenant(&a), tenant(&b));
        let ours = [format!("tenants/{a}/"), format!("backups/{a}/")];
        let theirs = [format!("tenants/{b}/"), format!("backups/{b}/")];
        for key in keys(&a, &message) {
            let key = key.as_str();
            prop_assert!(ours.iter().any(|prefix| key.starts_with(prefix)), "{key}");
            prop_assert!(!theirs.iter().any(|prefix| key.starts_with(prefix)), "{key}");
            prop_assert!(BlobKey::of_tenant(&b, key).is_none());
        }
        for stored in keys(&a, &message) {
            // A backup is not the tenant's to read: it outlives it.
            let expected = stored.as_str().starts_with("tenants/").then(|| stored.clone());
            prop_assert_eq!(BlobKey::of_tenant(&a, stored.as_str()), expected);
        }
        for forged in [
            format!("tenants/{a}/../{b}/media/{message}/original"),
            format!("tenants/{a}/./media/{message}/original"),
            format!("tenants/{a}//{b}/original"),
            format!("/tenants/{a}/media/{message}/original"),
            format!("tenants/{a}/media/{message}/..\0"),
            format!("tenants/{a}/media\\..\\..\\{b}"),
            format!("tenants/{a}/media/%2e%2e/{b}"),
            format!("backups/{a}/{message}"),
            format!("tenants/{a}/"),
            format!("tenants/{a}"),
            String::new(),
        ] {
            prop_assert!(BlobKey::of_tenant(&a, &forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn no_two_tenants_share_a_fifo_group(
        a in (id(), id(), id()), b in (id(), id(), id()),
    ) {
        prop_assume!(a.0 != b.0);
        let groups = |(t, c, d): &(String, String, String)| {
            let (tenant_id, channel_id) = (tenant(t), ChannelId::new(&**c).unwrap());
            let conversation_id = ConversationId::new(&**d).unwrap();
            let inbound = inbound(&tenant_id, &channel_id, &conversation_id, d);
            let session_id = DocumentId::new(&**d).unwrap();
            let summary = SummaryJob { tenant_id: tenant_id.clone(), session_id, revision: 0 };
            let outbound = OutboundJob {
                tenant_id: tenant_id.clone(),
                conversation_id: ConversationId::new(&**d).unwrap(),
                outbox_id: DocumentId::new("o").unwrap(),
            };
            let job = TenantJob { tenant_id, operation_id: DocumentId::new("o").unwrap() };
            let others = [summary.group_id(), outbound.group_id(), job.group_id()];
            inbound.iter().map(QueueMessage::group_id).chain(others).map(Option::unwrap).collect::<Vec<_>>()
        };
        for (a, b) in groups(&a).into_iter().zip(groups(&b)) {
            prop_assert_ne!(a, b);
        }
    }

    #[test]
    fn no_message_of_one_channel_is_taken_for_a_repeat_of_anothers(
        a in (id(), id()), b in (id(), id()), session in id(),
    ) {
        prop_assume!(a != b);
        let event = |(channel, event): &(String, String)| {
            let event = Inbound::Event(InboundEvent {
                tenant_id: tenant("t1"),
                channel_id: ChannelId::new(&**channel).unwrap(),
                conversation_id: ConversationId::new("U1").unwrap(),
                event_id: event.clone(),
                received_at: Timestamp(0),
                event: serde_json::Value::Null,
            });
            event.deduplication_id().unwrap()
        };
        prop_assert_ne!(event(&a), event(&b));
        let (channel, conversation) = (ChannelId::new("c1").unwrap(), ConversationId::new("U1").unwrap());
        let [_, close, open] = inbound(&tenant("t1"), &channel, &conversation, &session);
        let (close, open) = (close.deduplication_id().unwrap(), open.deduplication_id().unwrap());
        prop_assert_ne!(event(&("close".to_owned(), format!("{session}-manual"))), close.clone());
        prop_assert_ne!(event(&("close".to_owned(), format!("{session}#manual"))), close.clone());
        prop_assert_ne!(event(&("open".to_owned(), session)), open.clone());
        prop_assert_ne!(close, open);
    }
}

#[tokio::test]
async fn each_tenants_blobs_are_found_and_erased_alone() {
    let (aws, name) = (services::aws().await, services::name());
    let region = aws_sdk_s3::types::BucketLocationConstraint::from(matome_local_stack::REGION);
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region).build();
    aws.s3().create_bucket().bucket(&name).create_bucket_configuration(place).send().await.unwrap();
    let blobs = Blobs::from_client(aws.s3(), name);
    // The same message id for all.
    for id in TENANTS {
        for key in keys(&tenant(id), "m1") {
            blobs.put(&key, "text/plain", Bytes::from(id)).await.unwrap();
        }
    }
    let under = async |prefix: &BlobPrefix| -> BTreeSet<String> {
        let page = blobs.versions_under(prefix, None).await.unwrap();
        page.versions.into_iter().map(|version| version.key).collect()
    };
    let mut left: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for id in TENANTS {
        let of = tenant(id);
        let mut found = under(&BlobPrefix::tenant(&of)).await;
        found.extend(under(&BlobPrefix::backups(&of)).await);
        let expected = keys(&of, "m1").iter().map(|key| key.as_str().to_owned()).collect();
        assert_eq!(found, expected, "{id}");
        left.insert(id, found);
    }
    for id in TENANTS {
        while !blobs.erase_under(&BlobPrefix::tenant(&tenant(id))).await.unwrap() {}
        while !blobs.erase_under(&BlobPrefix::backups(&tenant(id))).await.unwrap() {}
        left.remove(id);
        for (other, keys) in &left {
            let mut found = under(&BlobPrefix::tenant(&tenant(other))).await;
            found.extend(under(&BlobPrefix::backups(&tenant(other))).await);
            assert_eq!(&found, keys, "{other} after {id} was erased");
        }
    }
}

/// Records that say whose they are by more than their key.
fn records(id: &str, version: u64) -> (ChannelRecord, TenantRecord) {
    let key = WrappedKey { key_version: 1, wrapped_key: format!("key of {id}") };
    let channel = ChannelRecord {
        // A channel may be called like a tenant.
        channel_id: ChannelId::new(id).unwrap(),
        tenant_id: tenant(id),
        bot_user_id: format!("U{id}"),
        secret: Sealed::from(format!("secret of {id}")),
        previous_secret: None,
        key: key.clone(),
        placement: Placement::Shared,
        cell: "main".to_owned(),
        status: Status::Active,
        inbound_queue_url: None,
        version,
    };
    let tenant = TenantRecord {
        tenant_id: tenant(id),
        key,
        previous_key: None,
        placement: Placement::Shared,
        cell: "main".to_owned(),
        status: Status::Active,
        relocation: Relocation::Settled,
        inbound_queue_url: None,
        bucket: None,
        version,
    };
    (channel, tenant)
}

#[tokio::test]
async fn directory_items_of_tenants_and_channels_never_meet() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let memory = MemoryTable::default();
    let real = || Directory::from_client(aws.dynamodb(), table.clone(), clock.clone());
    let in_memory = || Directory::over_memory(memory.clone(), clock.clone());
    let open: [&dyn Fn() -> Directory; 2] = [&real, &in_memory];
    for open in open {
        for id in TENANTS {
            let (channel, tenant) = records(id, 1);
            open().put_channel(&channel).await.unwrap();
            open().put_tenant(&tenant).await.unwrap();
        }
        let directory = open();
        for id in TENANTS {
            let (channel, record) = records(id, 1);
            // Twice: also what is remembered is told apart.
            for _ in 0..2 {
                let found = directory.channel(&channel.channel_id).await.unwrap().unwrap();
                assert_eq!(*found, channel);
                assert_eq!(*directory.tenant(&record.tenant_id).await.unwrap().unwrap(), record);
            }
        }
        for (gone, id) in TENANTS.into_iter().enumerate() {
            let (channel, record) = records(id, 1);
            open().remove_channel(&channel.channel_id).await.unwrap();
            let stays = open().newest_tenant(&record.tenant_id).await.unwrap();
            assert_eq!(stays, Some(record.clone()), "a tenant goes with no channel");
            open().remove_tenant(&record.tenant_id).await.unwrap();
            for other in &TENANTS[gone + 1..] {
                let (channel, record) = records(other, 1);
                assert_eq!(open().newest_channel(&channel.channel_id).await.unwrap(), Some(channel));
                assert_eq!(open().newest_tenant(&record.tenant_id).await.unwrap(), Some(record));
            }
        }
    }
}

#[tokio::test]
async fn ephemeral_items_of_tenants_never_meet() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let (clock, random) = (Arc::new(ManualClock::at(Timestamp(0))), Arc::new(SystemRandom));
    let ephemeral = || Ephemeral::from_client(aws.dynamodb(), table.clone());
    let calls = ApiCalls::new(ephemeral(), clock.clone());
    let limits = RateLimits::new(ephemeral(), clock.clone());
    let keys = Arc::new(DataKeys::over_memory(MemoryKms::default(), clock.clone(), random.clone()));
    let idempotency = Idempotency::new(ephemeral(), keys, clock.clone(), random);
    // Everybody is the only caller, the same one with the same key, and one call is all there is.
    let once = Quota::new(1, Duration::from_secs(60));
    for id in TENANTS {
        let (of, scope) = (tenant(id), Scope::Tenant(tenant(id)));
        assert_eq!(calls.count(&of, None).await.unwrap().used, 1, "{id}");
        let windows = [Window::in_tenant(of, Tier::Free, Class::Read, Who::Tenant).with_quota(once)];
        assert!(limits.take(&windows).await.unwrap().is_allowed(), "{id}");
        assert!(!limits.take(&windows).await.unwrap().is_allowed(), "{id}");
        let key = IdempotencyKey::parse("key").unwrap();
        let fingerprint = Fingerprint::of(&key, "POST", "/", b"");
        let request = Request { scope: &scope, caller: "caller", key: &key, fingerprint, sealing: None };
        assert!(matches!(idempotency.begin(request).await.unwrap(), Begun::New(_)), "{id}");
    }
    let items = aws.dynamodb().scan().table_name(&table).send().await.unwrap().items.unwrap();
    for id in TENANTS {
        let prefix = Scope::Tenant(tenant(id)).to_string();
        let of = items.iter().filter_map(|item| item["pk"].as_s().unwrap().strip_prefix(&prefix));
        let kinds: BTreeSet<&str> = of.filter_map(|rest| rest.split('#').next()).collect();
        assert_eq!(kinds, BTreeSet::from(["APICALLS", "IDEMPOTENCY", "RATE"]), "{id}");
    }
    assert_eq!(items.len(), 3 * TENANTS.len());
}

#[tokio::test]
async fn no_tenants_data_key_opens_or_unwraps_for_another() {
    let aws = services::aws().await;
    let master = aws.kms().create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let memory = MemoryKms::default();
    // A new process each time: what one has unwrapped it remembers.
    let real =
        || DataKeys::from_client(aws.kms(), Some(master.clone()), clock.clone(), Arc::new(SystemRandom));
    let in_memory = || DataKeys::over_memory(memory.clone(), clock.clone(), Arc::new(SystemRandom));
    let open: [&dyn Fn() -> DataKeys; 2] = [&real, &in_memory];
    for open in open {
        let mut sealed = BTreeMap::new();
        for id in TENANTS {
            let field = secret_field(&ChannelId::new("c1").unwrap());
            let key = open().generate(&tenant(id), 1).await.unwrap();
            let secret = open().seal(&tenant(id), &key, &field, id).await.unwrap();
            sealed.insert(id, (key, field, secret));
        }
        for own in TENANTS {
            let (own_key, field, _) = &sealed[own];
            for other in TENANTS {
                let (key, _, secret) = &sealed[other];
                if own == other {
                    let opened = open().open(&tenant(own), key, field, secret).await.unwrap();
                    assert_eq!(opened.expose_secret(), own);
                    continue;
                }
                // The other's key, as one's own: KMS knows for whom it was wrapped.
                let refused = open().open(&tenant(own), key, field, secret).await;
                assert!(matches!(refused, Err(KeyError::Kms { action: "unwrap", .. })), "{own} {other}");
                // Also in a process that has unwrapped it for the other just now.
                let warm = open();
                warm.open(&tenant(other), key, field, secret).await.unwrap();
                let refused = warm.open(&tenant(own), key, field, secret).await;
                assert!(matches!(refused, Err(KeyError::Kms { action: "unwrap", .. })), "{own} {other}");
                // The other's secret, with one's own key: it was sealed with another one, for another tenant.
                let refused = open().open(&tenant(own), own_key, field, secret).await;
                assert!(matches!(refused, Err(KeyError::Open)), "{own} {other}");
                let refused = open().open(&tenant(other), own_key, field, secret).await;
                assert!(matches!(refused, Err(KeyError::Kms { .. })), "{own} {other}");
            }
        }
    }
}
