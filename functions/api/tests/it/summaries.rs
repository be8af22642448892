//! Who sees summaries, and what is done with them.

use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_domain::queue::SummaryJob;
use matome_store::entities::Summary;
use serde_json::json;

use crate::talk::{Talk, each, field, hex, told};

#[tokio::test]
async fn visibility_decides_who_sees_a_summary() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let (public, private) = (Talk::closed(&tenant, "Cpub").await, Talk::private(&tenant, "Cpriv").await);
    let set = async |talk: &Talk, visibility: &str| {
        let change = json!({ "visibility": visibility });
        world.patch(of(&tenant, &talk.summary(""))).by(&manager).json(&change).send().await.ok();
    };
    let sees = async |who, talk: &Talk| {
        let one = world.get(of(&tenant, &talk.summary(""))).by(who).send().await.status == 200;
        let list = world.get(of(&tenant, "/summaries")).by(who).send().await.ok();
        assert_eq!(each(&list, "id").contains(&hex(talk.summary.id).as_str()), one);
        one
    };
    for (visibility, in_public, in_private) in
        [("room", true, false), ("organization", true, true), ("private", false, false)]
    {
        set(&public, visibility).await;
        set(&private, visibility).await;
        assert_eq!(
            (sees(&agent, &public).await, sees(&agent, &private).await),
            (in_public, in_private),
            "{visibility}"
        );
        assert!(sees(&manager, &public).await && sees(&manager, &private).await);
    }
    // Who asked for it sees it.
    let own = bson::doc! { "$set": { "triggeredBy": bson::Bson::from(agent.account) } };
    tenant.store.collection::<Summary>().update(bson::doc! { "_id": public.summary.id }, own).await.unwrap();
    assert!(sees(&agent, &public).await);
    let wrong =
        world.patch(of(&tenant, &public.summary(""))).by(&manager).json(&json!({ "visibility": "all" }));
    let wrong = wrong.send().await;
    assert_eq!((told(&wrong), field(&wrong)), ((422, "invalid_field"), "visibility"));
}

#[tokio::test]
async fn a_summary_is_rated_and_written_anew() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (agent, viewer) =
        (world.member(&tenant, Role::Agent).await, world.member(&tenant, Role::Viewer).await);
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let path = of(&tenant, &talk.summary("/feedback"));
    let words = json!({ "rating": 4, "comment": "The date is missing" });
    assert_eq!(told(&world.post(&path).by(&viewer).json(&words).send().await), (403, "permission_denied"));
    for rating in [0, 6] {
        let reply = world.post(&path).by(&agent).json(&json!({ "rating": rating })).send().await;
        assert_eq!((told(&reply), field(&reply)), ((422, "invalid_field"), "rating"));
    }
    let rated = world.post(&path).by(&agent).json(&words).send().await;
    assert_eq!(rated.header("etag"), Some("\"1\""));
    let feedback = &rated.body["feedback"];
    assert_eq!(
        (feedback["rating"].as_i64(), feedback["ratedBy"].as_str()),
        (Some(4), Some(agent.account.to_hex().as_str()))
    );
    assert!(feedback["ratedAt"].is_string());

    let again = world.post(of(&tenant, &talk.summary("/regenerate"))).by(&agent);
    let again = again.json(&json!({ "language": "th" })).send().await;
    assert_eq!((again.status.as_u16(), again.body["revision"].as_i64()), (202, Some(1)), "{}", again.body);
    assert_eq!(world.queued.sent::<SummaryJob>()[0].session_id.as_str(), hex(talk.session.id));
}

#[tokio::test]
async fn a_session_whose_summary_was_deleted_is_summarized_anew_once_it_is_restored() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let talk = Talk::closed(&tenant, "Cgroup").await;
    assert_eq!(world.delete(of(&tenant, &talk.summary(""))).by(&admin).send().await.status, 204);
    let ask =
        async || world.post(of(&tenant, &talk.session("/summary"))).by(&admin).json(&json!({})).send().await;
    // What would be written would be as deleted as this one, paid for and seen by nobody.
    assert_eq!(told(&ask().await), (409, "conflict"));
    assert!(world.queued.sent::<SummaryJob>().is_empty());
    let restored = world.post(of(&tenant, &talk.summary("/restore"))).by(&admin).send().await;
    assert_eq!(restored.status, 200, "{}", restored.body);
    assert_eq!(ask().await.status, 202);
    assert_eq!(world.queued.sent::<SummaryJob>().len(), 1);
}

#[tokio::test]
async fn nobody_takes_over_a_summary_that_they_do_not_see_by_having_it_written_anew() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let hide =
        world.patch(of(&tenant, &talk.summary(""))).by(&manager).json(&json!({ "visibility": "private" }));
    hide.send().await.ok();
    let ask = async |person| {
        world.post(of(&tenant, &talk.session("/summary"))).by(person).json(&json!({})).send().await
    };
    assert_eq!(told(&ask(&agent).await), (404, "not_found"));
    assert!(world.queued.sent::<SummaryJob>().is_empty());
    assert_eq!(ask(&manager).await.status, 202);
}
