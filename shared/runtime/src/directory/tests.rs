use matome_domain::clock::Timestamp;
use matome_domain::placement::Placement;

use super::*;
use crate::clock::ManualClock;
use crate::keys::{Sealed, WrappedKey};

fn setup() -> (Arc<ManualClock>, Directory, MemoryTable) {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let (directory, table) = Directory::in_memory(clock.clone());
    (clock, directory, table)
}

fn channel(version: u64) -> ChannelRecord {
    ChannelRecord {
        channel_id: ChannelId::new("c1").unwrap(),
        tenant_id: TenantId::new("t1").unwrap(),
        bot_user_id: "Ubot".to_owned(),
        secret: Sealed::from("v1.1.x".to_owned()),
        previous_secret: None,
        key: WrappedKey { key_version: 1, wrapped_key: "AAAA".to_owned() },
        placement: Placement::Shared,
        cell: "main".to_owned(),
        status: Status::Active,
        inbound_queue_url: None,
        version,
    }
}

#[tokio::test]
async fn a_channel_is_read_once_a_minute() {
    let (clock, directory, table) = setup();
    directory.put_channel(&channel(1)).await.unwrap();
    let id = ChannelId::new("c1").unwrap();
    for _ in 0..2 {
        assert_eq!(*directory.channel(&id).await.unwrap().unwrap(), channel(1));
        clock.advance(KEEP_HIT - Duration::from_millis(1));
        assert!(directory.channel(&id).await.unwrap().is_some());
        clock.advance(Duration::from_millis(1));
    }
    assert_eq!(table.reads(), 2);
}

#[tokio::test]
async fn an_unknown_channel_is_asked_for_again_after_five_seconds() {
    let (clock, directory, table) = setup();
    let id = ChannelId::new("c1").unwrap();
    assert!(directory.channel(&id).await.unwrap().is_none());
    clock.advance(KEEP_MISS - Duration::from_millis(1));
    assert!(directory.channel(&id).await.unwrap().is_none());
    assert_eq!(table.reads(), 1);
    clock.advance(Duration::from_millis(1));
    assert!(directory.channel(&id).await.unwrap().is_none());
    assert_eq!(table.reads(), 2);
}

#[tokio::test]
async fn a_failed_read_is_not_an_unknown_channel() {
    let (_, directory, table) = setup();
    directory.put_channel(&channel(1)).await.unwrap();
    let id = ChannelId::new("c1").unwrap();
    table.fail(true);
    assert!(matches!(directory.channel(&id).await, Err(DirectoryError::Table { action: "read", .. })));
    table.fail(false);
    assert!(directory.channel(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn an_older_version_does_not_replace_a_newer_one() {
    let (_, directory, _) = setup();
    directory.put_channel(&channel(2)).await.unwrap();
    directory.put_channel(&channel(2)).await.unwrap();
    assert!(matches!(
        directory.put_channel(&channel(1)).await,
        Err(DirectoryError::Stale { version: 1, .. })
    ));
}

#[tokio::test]
async fn channels_and_tenants_do_not_meet() {
    let (_, directory, _) = setup();
    directory.put_channel(&channel(1)).await.unwrap();
    assert!(directory.tenant(&TenantId::new("t1").unwrap()).await.unwrap().is_none());
    assert!(directory.tenant(&TenantId::new("c1").unwrap()).await.unwrap().is_none());
}

fn tenant(relocation: Relocation, version: u64) -> TenantRecord {
    let ChannelRecord { tenant_id, key, placement, cell, status, .. } = channel(version);
    TenantRecord {
        tenant_id,
        key,
        previous_key: None,
        placement,
        cell,
        status,
        relocation,
        inbound_queue_url: None,
        bucket: None,
        version,
    }
}

#[tokio::test]
async fn a_tenant_that_moves_is_asked_for_every_second_and_one_that_is_fenced_always() {
    let (clock, directory, table) = setup();
    let id = TenantId::new("t1").unwrap();
    directory.put_tenant(&tenant(Relocation::Moving, 1)).await.unwrap();
    for _ in 0..2 {
        directory.tenant(&id).await.unwrap();
        clock.advance(KEEP_MOVING - Duration::from_millis(1));
        directory.tenant(&id).await.unwrap();
        clock.advance(Duration::from_millis(1));
    }
    // Each time twice: what says `moving` is asked for again, to be sure.
    assert_eq!(table.reads(), 4);
    directory.put_tenant(&tenant(Relocation::Fenced, 2)).await.unwrap();
    directory.tenant(&id).await.unwrap();
    directory.tenant(&id).await.unwrap();
    assert_eq!(table.reads(), 8);
}

#[tokio::test]
async fn what_was_removed_or_forgotten_is_read_again() {
    let (_, directory, table) = setup();
    let (channel_id, tenant_id) = (ChannelId::new("c1").unwrap(), TenantId::new("t1").unwrap());
    directory.put_channel(&channel(1)).await.unwrap();
    directory.put_tenant(&tenant(Relocation::Settled, 1)).await.unwrap();
    assert!(directory.tenant(&tenant_id).await.unwrap().is_some());
    directory.forget_tenant(&tenant_id);
    assert!(directory.tenant(&tenant_id).await.unwrap().is_some());
    assert_eq!(table.reads(), 2);
    for _ in 0..2 {
        directory.remove_channel(&channel_id).await.unwrap();
        directory.remove_tenant(&tenant_id).await.unwrap();
    }
    assert!(directory.channel(&channel_id).await.unwrap().is_none());
    assert!(directory.tenant(&tenant_id).await.unwrap().is_none());
}
