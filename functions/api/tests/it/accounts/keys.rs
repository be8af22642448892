//! The keys that tokens are signed with.

use super::*;

#[tokio::test]
async fn two_processes_that_start_at_once_agree_on_the_keys() {
    let system = TestSystem::start().await;
    let processes: Vec<_> = (0..5).map(|_| accounts(&system, None).0).collect();
    let documents = futures::future::join_all(processes.iter().map(Accounts::jwks)).await;
    let first = documents[0].as_ref().unwrap();
    assert_eq!(first.keys.len(), 2);
    for document in &documents {
        assert_eq!(document.as_ref().unwrap(), first);
    }
    let secrets = system.store.platform_collection::<PlatformSecret>();
    assert_eq!(secrets.count_documents(doc! {}).await.unwrap(), 4);
    assert_eq!(accounts(&system, None).0.jwks().await.unwrap(), *first);
}

#[tokio::test]
async fn keys_are_rotated_and_kms_is_asked_once_in_five_minutes() {
    let system = TestSystem::start().await;
    let (process, _) = accounts(&system, None);
    let before = process.jwks().await.unwrap();
    for _ in 0..50 {
        process.jwks().await.unwrap();
    }
    assert_eq!(system.keys_unwrapped(), 0);
    system.clock.advance(Duration::from_secs(301));
    for _ in 0..50 {
        process.jwks().await.unwrap();
    }
    assert_eq!(system.keys_unwrapped(), 1);
    system.clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
    let after = process.jwks().await.unwrap();
    assert_eq!(after.keys.len(), 2);
    assert_eq!(after.keys[0], before.keys[1]);
    assert_ne!(after.keys[1], before.keys[0]);
}
