use std::sync::Arc;

use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::{ChannelRecord, Directory, DirectoryError, Relocation, Status, TenantRecord};
use matome_runtime::keys::{Sealed, WrappedKey};

use crate::services;

fn channel(version: u64) -> ChannelRecord {
    ChannelRecord {
        channel_id: ChannelId::new("c1").unwrap(),
        tenant_id: TenantId::new("t1").unwrap(),
        bot_user_id: "Ubot".to_owned(),
        secret: Sealed::from("v1.1.x".to_owned()),
        previous_secret: None,
        key: WrappedKey { key_version: 1, wrapped_key: "AAAA".to_owned() },
        placement: Placement::CollectionSet,
        cell: "main".to_owned(),
        status: Status::Active,
        inbound_queue_url: Some("http://localhost/q".to_owned()),
        version,
    }
}

fn tenant() -> TenantRecord {
    let ChannelRecord { tenant_id, key, placement, cell, status, inbound_queue_url, version, .. } =
        channel(7);
    TenantRecord {
        tenant_id,
        previous_key: Some(key.clone()),
        key,
        placement,
        cell,
        status,
        relocation: Relocation::Moving,
        inbound_queue_url,
        bucket: Some("b".to_owned()),
        version,
    }
}

#[tokio::test]
async fn what_one_process_writes_another_reads() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let open = || Directory::from_client(aws.dynamodb(), table.clone(), clock.clone());
    let writer = open();
    writer.put_channel(&channel(2)).await.unwrap();
    writer.put_tenant(&tenant()).await.unwrap();

    let reader = open();
    let id = ChannelId::new("c1").unwrap();
    assert_eq!(*reader.channel(&id).await.unwrap().unwrap(), channel(2));
    assert_eq!(*reader.tenant(&TenantId::new("t1").unwrap()).await.unwrap().unwrap(), tenant());
    assert!(reader.channel(&ChannelId::new("c2").unwrap()).await.unwrap().is_none());

    let stale = writer.put_channel(&channel(1)).await.unwrap_err();
    assert!(matches!(stale, DirectoryError::Stale { version: 1, .. }), "{stale:?}");
    assert_eq!(open().channel(&id).await.unwrap().unwrap().version, 2);
    writer.put_channel(&channel(3)).await.unwrap();
    assert_eq!(open().channel(&id).await.unwrap().unwrap().version, 3);
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_an_error_and_not_an_unknown_channel() {
    let aws = services::aws().await;
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let directory = Directory::from_client(aws.dynamodb(), services::name(), clock);
    let err = directory.channel(&ChannelId::new("c1").unwrap()).await.unwrap_err();
    assert!(matches!(err, DirectoryError::Table { action: "read", .. }));
}
