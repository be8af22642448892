//! No summary is written for a tenant that is suspended; it stays due.

use matome_domain::placement::Placement;
use matome_runtime::directory::Status;
use matome_store::entities::{OutboxEntry, Session, SessionStatus, Summary};
use matome_testing::TestSystem;

use crate::summarizer::{Summarizer, all, closed_session, only};

#[tokio::test]
async fn a_session_of_a_suspended_tenant_stays_due_until_it_is_served_again() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    let before: Session = only(&tenant).await;
    system.set_status(&tenant, Status::Suspended).await;
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(only::<Session>(&tenant).await, before);
    assert!(all::<Summary>(&tenant).await.is_empty() && all::<OutboxEntry>(&tenant).await.is_empty());

    system.set_status(&tenant, Status::Active).await;
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(only::<Session>(&tenant).await.status, SessionStatus::Closed);
    assert_eq!(all::<Summary>(&tenant).await.len(), 1);
}
