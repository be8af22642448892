//! What staff ask for by hand.

use bson::doc;
use matome_domain::placement::Placement;
use matome_domain::summary::SummaryStyle;
use matome_store::entities::{
    Message, OutboxEntry, Session, SessionStatus, Summary, SummaryStatus, SummaryWish,
};
use matome_testing::TestSystem;

use crate::summarizer::{Summarizer, all, closed_session, only};

#[tokio::test]
async fn a_summary_is_written_in_the_language_that_staff_ask_for_and_says_who_asked() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    let summarizer = Summarizer::builtin(&system);
    summarizer.done(&job).await;
    assert_eq!(only::<Summary>(&tenant).await.language, "en");

    let by = bson::oid::ObjectId::from_bytes([7; 12]);
    let wish = SummaryWish { language: Some("ja".into()), style: Some(SummaryStyle::Brief), by: Some(by) };
    let wish = matome_store::value::to_bson(&wish).expect("BSON");
    let again =
        doc! { "$set": { "status": "summarizing", "summaryWish": wish }, "$inc": { "revision": 1_i64 } };
    tenant.store.collection::<Session>().update(doc! {}, again).await.expect("stored");
    summarizer.done(&job).await;
    let summary = only::<Summary>(&tenant).await;
    assert_eq!((summary.language.as_str(), summary.revision), ("ja", 1));
    assert_eq!((summary.generated_by.as_str(), summary.triggered_by), ("manual", Some(by)));
}

#[tokio::test]
async fn a_session_that_staff_close_is_not_answered_in_the_room_where_summaries_are_not_shown() {
    use matome_store::entities::DeliveryTarget;
    let system = TestSystem::start().await;
    let tenant = system.tenant_with(Placement::Shared, |s| s.delivery.target = DeliveryTarget::None).await;
    let job = closed_session(&tenant).await;
    let by = bson::oid::ObjectId::from_bytes([7; 12]);
    let update = doc! { "$set": { "closedBy": by } };
    tenant.store.collection::<Session>().update(doc! {}, update).await.expect("stored");
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(only::<Summary>(&tenant).await.triggered_by, Some(by));
    assert_eq!(all::<OutboxEntry>(&tenant).await, []);
}

#[tokio::test]
async fn a_summary_does_not_outlive_the_last_of_its_messages() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    let summarizer = Summarizer::builtin(&system);
    summarizer.done(&job).await;
    let messages = tenant.store.collection::<Message>();
    for message in all::<Message>(&tenant).await {
        let gone = doc! { "$set": { "status": "deleted" }, "$unset": { "content": "" } };
        messages.update(doc! { "_id": message.id }, gone).await.expect("stored");
    }
    let again = doc! { "$set": { "status": "summarizing" }, "$inc": { "revision": 1_i64 } };
    tenant.store.collection::<Session>().update(doc! {}, again).await.expect("stored");
    summarizer.done(&job).await;
    let summary = only::<Summary>(&tenant).await;
    assert_eq!(summary.status, SummaryStatus::Draft);
    assert_eq!((summary.content, summary.search), (Default::default(), Vec::new()));
    assert!(summary.participants.iter().all(|participant| participant.key_points.is_empty()));
    let session = only::<Session>(&tenant).await;
    assert_eq!((session.status, session.ai_analysis), (SessionStatus::Closed, None));
}
