//! What somebody missed.

use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use serde_json::Value;

use crate::talk::{Talk, field, hex, told};

#[tokio::test]
async fn what_is_summarized_is_told_by_its_summary_and_the_rest_here_and_now() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let (closed, open) = (Talk::closed(&tenant, "Cclosed").await, Talk::open(&tenant, "Copen").await);
    let since = async |talk: &Talk, since: &str| -> Value {
        let path = of(&tenant, &talk.room(&format!("/catch-up?since={since}")));
        world.get(path).by(&viewer).send().await.ok()
    };
    let missed = since(&closed, "2026-11-20T08:59:59Z").await;
    assert_eq!((missed["messages"].as_u64(), missed["truncated"].as_bool()), (Some(3), Some(false)));
    assert_eq!(missed["sessions"][0]["summaryId"], hex(closed.summary.id));
    assert_eq!(missed["sessions"][0]["told"]["brief"], "A picnic on Saturday.");

    let missed = since(&open, "2026-11-20T09:00:00Z").await;
    let session = &missed["sessions"][0];
    assert_eq!((session["messages"].as_u64(), session["summaryId"].as_str()), (Some(2), None));
    let told_now = session["told"].to_string();
    assert!(
        told_now.contains("tea") && !told_now.contains("Saturday"),
        "only what was said since: {told_now}"
    );
    assert_eq!(since(&open, "2026-11-20T10:00:00Z").await["sessions"], serde_json::json!([]));

    let without = world.get(of(&tenant, &open.room("/catch-up"))).by(&viewer).send().await;
    assert_eq!((told(&without), field(&without)), ((400, "invalid_parameter"), "since"));
}
