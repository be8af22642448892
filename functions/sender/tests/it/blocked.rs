//! Nobody talks where nobody listens.

use bson::doc;
use matome_line_simulator::Endpoint;
use matome_store::entities::{OutboxState, Room};

use crate::stage::Stage;

#[tokio::test]
async fn a_room_the_bot_is_not_in_is_not_called() {
    for stage in [Stage::chat().await, Stage::group(2).await] {
        let rooms = stage.tenant.store.collection::<Room>();
        rooms.update(doc! { "_id": stage.room.id }, doc! { "$set": { "presence": "absent" } }).await.unwrap();
        for token in [None, Some(stage.token())] {
            let after = stage.deliver(&stage.queue(stage.the_summary(), token).await).await;
            assert_eq!((after.state, after.error.as_deref()), (OutboxState::Blocked, Some("absent")));
        }
        assert_eq!(stage.all_calls(), 0);
    }
}

#[tokio::test]
async fn a_channel_that_is_no_longer_the_tenants_ends_its_entries() {
    let stage = Stage::chat().await;
    let other = stage.system.tenant(matome_domain::placement::Placement::Shared).await;
    for channel in ["unknown", other.channel.as_str()] {
        let entry = stage.queue_with(stage.the_summary(), None, |e| e.channel_id = channel.to_owned()).await;
        let after = stage.deliver(&entry).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("no_channel")));
    }
    assert_eq!(stage.calls(Endpoint::Push), 0);
}
