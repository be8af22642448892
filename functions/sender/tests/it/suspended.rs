//! Nothing is sent for a tenant that is suspended, and nothing of it is lost.

use std::time::Duration;

use matome_domain::fault::Faults;
use matome_line_simulator::Endpoint;
use matome_runtime::directory::Status;
use matome_store::entities::{OutboxKind, OutboxState};

use crate::stage::Stage;

#[tokio::test]
async fn an_entry_of_a_suspended_tenant_waits_untouched_and_is_pushed_once_it_is_served_again() {
    let stage = Stage::chat().await;
    stage.system.set_status(&stage.tenant, Status::Suspended).await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    for _ in 0..20 {
        let returned = stage.deliver_with(&entry, Faults::none()).await;
        assert!(!returned, "SQS would give a job up that comes back too often");
        assert_eq!(stage.stored(&entry).await, entry);
        stage.system.clock.advance(Duration::from_secs(60 * 60));
    }
    assert_eq!(stage.all_calls(), 0);

    stage.system.set_status(&stage.tenant, Status::Active).await;
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.sent_as), (OutboxState::Accepted, Some(OutboxKind::Push)));
    assert_eq!((stage.calls(Endpoint::Reply), stage.calls(Endpoint::Push)), (0, 1), "the token is stale");
}
