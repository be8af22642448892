//! Anyone can make a client send any postback: nothing of anybody else's is shown.

use bson::oid::ObjectId;
use matome_domain::placement::Placement;
use matome_store::entities::{OutboxState, Purpose, SessionStatus};
use matome_store::id::derived;
use matome_testing::fixtures;
use matome_testing::tenant::BEGIN;

use crate::stage::Stage;

async fn assert_not_shown(stage: &Stage, summary_id: ObjectId) {
    for purpose in [
        Purpose::Summary { summary_id },
        Purpose::Details { summary_id },
        Purpose::SummaryReady { summary_id },
    ] {
        for token in [Some(stage.token()), None] {
            let after = stage.deliver(&stage.queue(purpose.clone(), token).await).await;
            assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("not_found")));
        }
    }
    assert!(stage.seen().is_empty());
}

#[tokio::test]
async fn a_summary_of_another_tenant_is_not_found() {
    let stage = Stage::chat().await;
    let other = stage.system.tenant(Placement::Shared).await;
    let room = fixtures::room(&other, stage.place.id());
    let session = fixtures::session(&room, 1, SessionStatus::Closed, BEGIN);
    let summary = fixtures::summary(&session);
    other.store.collection().insert(&room).await.unwrap();
    other.store.collection().insert(&session).await.unwrap();
    other.store.collection().insert(&summary).await.unwrap();
    assert_not_shown(&stage, summary.id).await;
}

#[tokio::test]
async fn a_summary_of_another_room_is_not_found() {
    let stage = Stage::chat().await;
    let room = fixtures::room(&stage.tenant, "Cother");
    let session = fixtures::session(&room, 1, SessionStatus::Closed, BEGIN);
    let summary = fixtures::summary(&session);
    stage.insert(&room).await;
    stage.insert(&session).await;
    stage.insert(&summary).await;
    assert_not_shown(&stage, summary.id).await;
}

#[tokio::test]
async fn a_summary_that_does_not_exist_is_not_found() {
    assert_not_shown(&Stage::chat().await, derived(&["no summary"])).await;
}
