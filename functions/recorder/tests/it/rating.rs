//! Stars that customers give.

use matome_domain::placement::Placement;
use matome_store::entities::{Feedback, OutboxEntry, Purpose, SessionStatus, Summary};
use matome_store::id::derived;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};
use serde_json::json;

use crate::recorder::{Recorder, all};

/// A summary that staff have written something about.
async fn summary(tenant: &TestTenant, conversation: &str) -> Summary {
    let session = fixtures::session(&fixtures::room(tenant, conversation), 1, SessionStatus::Closed, BEGIN);
    let feedback = Feedback {
        rating: Some(2),
        comment: Some("The date is wrong".to_owned()),
        rated_by: Some(derived(&["staff"])),
        rated_at: Some(matome_store::time::date(BEGIN)),
    };
    let summary = Summary { feedback: Some(feedback), ..fixtures::summary(&session) };
    tenant.store.collection().insert(&summary).await.expect("can be stored");
    summary
}

async fn rate(recorder: &Recorder, talk: &Talk<'_>, summary: &Summary, stars: u8) {
    let data = format!("m=rate&s={}&r={stars}", summary.id);
    let postback = json!({ "postback": { "data": data } });
    recorder.record(&[talk.event(&format!("{}-{stars}", summary.id), BEGIN, "postback", postback)]).await;
}

async fn stored(tenant: &TestTenant, summary: &Summary) -> Summary {
    tenant.store.collection::<Summary>().get(summary.id).await.expect("can be read").expect("is there")
}

#[tokio::test]
async fn a_customers_stars_are_their_whole_answer_and_thanked_for() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let recorder = Recorder::start(&system);
    let own = summary(&tenant, "Uaoi").await;
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    rate(&recorder, &talk, &own, 5).await;
    let rated = stored(&tenant, &own).await;
    let feedback = rated.feedback.unwrap();
    assert_eq!((feedback.rating, feedback.comment), (Some(5), None), "staff's words are not the customer's");
    assert_eq!(feedback.rated_by, Some(derived(&["user", tenant.id.as_str(), "Uaoi"])));
    assert_eq!(rated.version, own.version + 1);
    let outbox: Vec<OutboxEntry> = all(&tenant, "_id").await;
    let said: Vec<_> = outbox.iter().map(|e| &e.purpose).collect();
    assert_eq!(said, [&Purpose::RatingThanks { rating: 5 }]);
}

#[tokio::test]
async fn stars_for_another_rooms_another_tenants_and_a_deleted_summary_change_nothing() {
    let system = TestSystem::start().await;
    let (tenant, other) = (system.tenant(Placement::Shared).await, system.tenant(Placement::Shared).await);
    let recorder = Recorder::start(&system);
    let talk = Talk { tenant: &tenant, group: None, user: "Uaoi" };
    let theirs = summary(&other, "Uaoi").await;
    let elsewhere = summary(&tenant, "Cgroup").await;
    let mut deleted = summary(&tenant, "Uaoi").await;
    let update = bson::doc! { "$set": { "deletedAt": matome_store::time::date(BEGIN) } };
    tenant.store.collection::<Summary>().update(bson::doc! { "_id": deleted.id }, update).await.unwrap();
    deleted.deleted_at = Some(matome_store::time::date(BEGIN));
    for (tenant, summary) in [(&other, &theirs), (&tenant, &elsewhere), (&tenant, &deleted)] {
        rate(&recorder, &talk, summary, 1).await;
        assert_eq!(&stored(tenant, summary).await, summary);
    }
    assert_eq!(all::<OutboxEntry>(&tenant, "_id").await, [], "nobody is thanked");
}
