use std::sync::Arc;

use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_runtime::clock::ManualClock;
use matome_runtime::keys::{DataKeys, KeyError};
use matome_runtime::random::SystemRandom;
use secrecy::ExposeSecret;

use crate::services;

#[tokio::test]
async fn kms_wraps_a_data_key_for_one_tenant_only() {
    let aws = services::aws().await;
    let master = aws.kms().create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let keys = |id: Option<&String>| {
        DataKeys::from_client(aws.kms(), id.cloned(), clock.clone(), Arc::new(SystemRandom))
    };
    let (tenant, other) = (TenantId::new("t1").unwrap(), TenantId::new("t2").unwrap());
    let provisioner = keys(Some(&master));
    let key = provisioner.generate(&tenant, 1).await.unwrap();
    let sealed = provisioner.seal(&tenant, &key, "field", "secret").await.unwrap();

    // Another process, which may unwrap and not generate.
    let reader = keys(None);
    let opened = reader.open(&tenant, &key, "field", &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), "secret");
    let refused = reader.open(&other, &key, "field", &sealed).await;
    assert!(
        matches!(refused, Err(KeyError::Kms { action: "unwrap", .. })),
        "the encryption context is enforced"
    );
    assert!(matches!(reader.generate(&tenant, 1).await, Err(KeyError::NoKeyId)));
}
