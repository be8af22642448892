//! What is stored, and where it goes.

use bson::doc;
use matome_domain::placement::Placement;
use matome_domain::queue::OutboundJob;
use matome_domain::summary::FallbackReason;
use matome_store::entities::{
    AiUsage, DeliveryTarget, Message, OutboxEntry, OutboxState, Purpose, Room, Session, SessionStatus,
    Summary, SummaryStatus,
};
use matome_testing::TestSystem;

use crate::summarizer::{MINUTE, Summarizer, all, assert_rests_on_its_session, closed_session, only};

#[tokio::test]
async fn a_closed_session_gets_a_summary_and_its_way_into_line() {
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(placement).await;
        let job = closed_session(&tenant).await;
        let summarizer = Summarizer::builtin(&system);
        summarizer.done(&job).await;
        let summary: Summary = only(&tenant).await;
        assert_eq!(summary.status, SummaryStatus::Completed);
        assert!(!summary.content.brief.is_empty() && !summary.content.bullet_points.is_empty());
        assert_eq!(summary.language, "en");
        assert!(
            summary.search.contains(&"wrapping".to_owned()),
            "found by its open question: {:?}",
            summary.search
        );
        assert_eq!(summary.ai_metadata.provider, "builtin");
        assert_eq!(summary.ai_metadata.fallback_reason, Some(FallbackReason::NoProvider));
        assert_eq!(summary.participants.iter().map(|p| p.message_count).collect::<Vec<_>>(), [4, 2]);
        assert!(summary.content.open_questions.iter().any(|q| q.contains("gift wrapping")), "{summary:?}");
        assert_rests_on_its_session(&tenant, &summary).await;
        let of_people: usize = summary.participants.iter().map(|p| p.key_points.len()).sum();
        let cited = summary.citations.iter().filter(|c| c.field == "keyPoints").count();
        assert!(of_people > 0 && cited == of_people, "{of_people} key points, {cited} of them cited");
        let session: Session = only(&tenant).await;
        assert_eq!((session.status, session.summary), (SessionStatus::Closed, Some(summary.id)));
        assert_eq!(session.reply_token, None, "tokens are not kept");
        assert!(session.ai_analysis.is_some());
        let activity = session.activity.expect("is counted");
        let said: u64 = activity.iter().flat_map(|quarter| &quarter.kinds).map(|kind| kind.count).sum();
        assert_eq!(said, all::<Message>(&tenant).await.len() as u64);
        assert!(activity.iter().any(|quarter| !quarter.answers.is_empty()), "{activity:?}");
        let entry: OutboxEntry = only(&tenant).await;
        assert_eq!(entry.purpose, Purpose::Summary { summary_id: summary.id });
        assert_eq!(entry.reply_token.map(|t| t.token).as_deref(), Some("reply-token"));
        assert!(!entry.reply_only);
        assert_eq!(summarizer.sent.distinct::<OutboundJob>().len(), 1);
    }
}

#[tokio::test]
async fn a_job_done_twice_writes_once_and_spends_once() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    Summarizer::builtin(&system).done(&job).await;
    let before: Summary = only(&tenant).await;
    system.clock.advance(10 * MINUTE);
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(only::<Summary>(&tenant).await, before);
    assert_eq!(only::<AiUsage>(&tenant).await.summaries, 1);
    assert_eq!(all::<OutboxEntry>(&tenant).await.len(), 1);
}

#[tokio::test]
async fn an_unsent_message_is_not_in_the_summary_written_anew_which_is_not_shown_again() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let mut job = closed_session(&tenant).await;
    Summarizer::builtin(&system).done(&job).await;
    let sent = doc! { "$set": { "state": "accepted" } };
    tenant.store.collection::<OutboxEntry>().update(doc! {}, sent).await.unwrap();
    let gift = doc! { "content": doc! { "$regex": "gift" } };
    let unsent = doc! { "$set": { "status": "deleted" }, "$unset": { "content": "" } };
    assert!(tenant.store.collection::<Message>().update(gift, unsent).await.unwrap());
    let again = doc! { "$set": { "status": "summarizing", "revision": 1_i64 } };
    tenant.store.collection::<Session>().update(doc! {}, again).await.unwrap();
    job.revision = 1;
    let summarizer = Summarizer::builtin(&system);
    summarizer.done(&job).await;
    let summary: Summary = only(&tenant).await;
    assert_eq!((summary.revision, summary.version), (1, 1));
    assert!(!format!("{:?}", summary.content).contains("gift"), "{:?}", summary.content);
    let entry: OutboxEntry = only(&tenant).await;
    assert_eq!(entry.state, OutboxState::Accepted);
    assert_eq!(summarizer.sent.sent::<OutboundJob>(), []);
}

#[tokio::test]
async fn summaries_go_where_settings_say() {
    let system = TestSystem::start().await;
    let to = |target: DeliveryTarget| {
        move |s: &mut matome_store::entities::OrganizationSettings| {
            s.delivery.target = target;
            s.delivery.recipients = vec!["Uowner".to_owned(), "Umanager".to_owned()];
        }
    };
    let recipients = system.tenant_with(Placement::Shared, to(DeliveryTarget::Recipients)).await;
    Summarizer::builtin(&system).done(&closed_session(&recipients).await).await;
    let mut who: Vec<_> =
        all::<OutboxEntry>(&recipients).await.into_iter().map(|e| e.conversation_id).collect();
    who.sort();
    assert_eq!(who, ["Umanager", "Uowner"]);

    let nobody = system.tenant_with(Placement::Shared, to(DeliveryTarget::None)).await;
    let job = closed_session(&nobody).await;
    let by_time = doc! { "$set": { "trigger": "time_limit" } };
    nobody.store.collection::<Session>().update(doc! {}, by_time).await.unwrap();
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(all::<OutboxEntry>(&nobody).await, []);
    assert_eq!(all::<Summary>(&nobody).await.len(), 1);

    let muted = system.tenant(Placement::Shared).await;
    let job = closed_session(&muted).await;
    let mute = doc! { "$set": { "settings.notificationEnabled": false } };
    muted.store.collection::<Room>().update(doc! {}, mute).await.unwrap();
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(all::<OutboxEntry>(&muted).await, []);
}

#[tokio::test]
async fn a_summary_says_whether_somebody_the_schedule_or_the_system_wanted_it() {
    let system = TestSystem::start().await;
    for (trigger, by) in [
        ("manual", "manual"),
        ("schedule", "scheduled"),
        ("time_limit", "system"),
        ("message_count", "system"),
    ] {
        let tenant = system.tenant(Placement::Shared).await;
        let job = closed_session(&tenant).await;
        let sessions = tenant.store.collection::<Session>();
        sessions.update(doc! {}, doc! { "$set": { "trigger": trigger } }).await.unwrap();
        Summarizer::builtin(&system).done(&job).await;
        let (summary, session): (Summary, Session) = (only(&tenant).await, only(&tenant).await);
        let scheduled_for = (by == "scheduled").then_some(session.closes_at);
        assert_eq!((summary.generated_by.as_str(), summary.scheduled_for), (by, scheduled_for), "{trigger}");
    }
}

#[tokio::test]
async fn what_settings_want_no_summary_of_is_counted_and_closed() {
    let system = TestSystem::start().await;
    let tenant = system.tenant_with(Placement::Shared, |s| s.auto_summarize = false).await;
    let job = closed_session(&tenant).await;
    let sessions = tenant.store.collection::<Session>();
    sessions.update(doc! {}, doc! { "$set": { "trigger": "time_limit" } }).await.unwrap();
    let summarizer = Summarizer::builtin(&system);
    summarizer.done(&job).await;
    let session: Session = only(&tenant).await;
    assert_eq!((session.status, session.summary, session.ai_analysis), (SessionStatus::Closed, None, None));
    assert!(session.activity.is_some_and(|activity| !activity.is_empty()));
    assert_eq!((all::<Summary>(&tenant).await, all::<OutboxEntry>(&tenant).await), (vec![], vec![]));
    assert_eq!(all::<AiUsage>(&tenant).await, []);

    // By hand it is written, unless the room is kept from AI.
    let rooms = tenant.store.collection::<Room>();
    rooms.update(doc! {}, doc! { "$set": { "settings.aiEnabled": false } }).await.unwrap();
    let by_hand = doc! { "$set": { "status": "summarizing", "trigger": "manual" } };
    sessions.update(doc! {}, by_hand.clone()).await.unwrap();
    summarizer.done(&job).await;
    assert_eq!((all::<Summary>(&tenant).await, all::<OutboxEntry>(&tenant).await), (vec![], vec![]));
    rooms.update(doc! {}, doc! { "$unset": { "settings.aiEnabled": "" } }).await.unwrap();
    sessions.update(doc! {}, by_hand).await.unwrap();
    summarizer.done(&job).await;
    assert_eq!(all::<Summary>(&tenant).await.len(), 1);
}

#[tokio::test]
async fn a_session_of_nothing_but_commands_is_closed_and_the_asker_told() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    for message in all::<Message>(&tenant).await {
        let command = doc! { "$set": { "command": "summarize" } };
        tenant.store.collection::<Message>().update(doc! { "_id": message.id }, command).await.unwrap();
    }
    Summarizer::builtin(&system).done(&job).await;
    assert_eq!(all::<Summary>(&tenant).await, []);
    assert_eq!(only::<Session>(&tenant).await.status, SessionStatus::Closed);
    assert_eq!(only::<OutboxEntry>(&tenant).await.purpose, Purpose::NothingToSummarize);
}
