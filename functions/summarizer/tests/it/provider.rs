//! A provider that fails in every way it can: a summary still arrives.

use std::time::Duration;

use bson::doc;
use matome_ai::AiConfig;
use matome_ai::fake::{FakeProvider, Step};
use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::summary::FallbackReason;
use matome_store::entities::{AiUsage, Message, OutboxEntry, Session, SessionStatus, Summary};
use matome_store::id::derived;
use matome_store::time::date;
use matome_summarizer::write::{Done, write};
use matome_testing::TestSystem;

use crate::summarizer::{Summarizer, all, assert_rests_on_its_session, closed_session, only};

async fn written_with(steps: Vec<Step>) -> Summary {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let job = closed_session(&tenant).await;
    let provider = FakeProvider::start(steps).await.expect("a loopback port is free");
    let config = AiConfig { timeout: Duration::from_millis(300), max_retries: 1, ..provider.config() };
    Summarizer::with(&system, config, Faults::none()).done(&job).await;
    let summary: Summary = only(&tenant).await;
    assert!(!summary.content.brief.is_empty());
    assert_rests_on_its_session(&tenant, &summary).await;
    only::<OutboxEntry>(&tenant).await;
    summary
}

#[tokio::test]
async fn a_provider_that_answers_writes_the_summary_and_its_tokens_are_counted() {
    let summary = written_with(vec![Step::Ok]).await;
    assert_ne!(summary.ai_metadata.provider, "builtin");
    assert_eq!(summary.ai_metadata.fallback_reason, None);
    assert!(summary.ai_metadata.tokens_used > 0);
    assert!(summary.ai_metadata.cost.is_some());
}

#[tokio::test]
async fn a_summary_arrives_whatever_the_provider_does() {
    use FallbackReason::{Malformed, Misconfigured, RateLimited, Refused, Timeout, Unavailable};
    let always = |step: Step| vec![step; 12];
    for (steps, reason) in [
        (always(Step::Status(429, None)), RateLimited),
        (always(Step::Status(503, None)), Unavailable),
        (always(Step::Hang), Timeout),
        (always(Step::Truncated), Malformed),
        (always(Step::Text("no JSON at all".to_owned())), Malformed),
        (always(Step::UnknownSources), Malformed),
        (always(Step::Refusal), Refused),
        (vec![Step::Status(401, None)], Misconfigured),
    ] {
        let summary = written_with(steps.clone()).await;
        assert_eq!(summary.ai_metadata.fallback_reason, Some(reason), "{:?}", steps[0]);
        assert_eq!(summary.ai_metadata.provider, "builtin");
    }
}

#[tokio::test]
async fn what_an_organization_has_used_in_this_month_counts_towards_its_limit() {
    const LIMIT: i64 = 100_000;
    for (month, used, reason) in [
        ("2026-11", LIMIT - 10, Some(FallbackReason::TokenLimit)),
        ("2026-11", 10, None),
        ("2026-10", LIMIT, None),
    ] {
        let system = TestSystem::start().await;
        let limit = |s: &mut matome_store::entities::OrganizationSettings| {
            s.ai_settings.monthly_token_limit = Some(LIMIT);
        };
        let tenant = system.tenant_with(Placement::Shared, limit).await;
        let job = closed_session(&tenant).await;
        let then = date(system.clock.now());
        let usage = AiUsage {
            id: derived(&["ai_usage", tenant.id.as_str(), month]),
            tenant_id: tenant.id.to_string(),
            month: month.to_owned(),
            summaries: 1,
            tokens_used: used,
            cost: 0.0,
            created_at: then,
            updated_at: then,
            version: 0,
        };
        tenant.store.collection::<AiUsage>().insert(&usage).await.expect("can be stored");
        let provider = FakeProvider::start([]).await.expect("a loopback port is free");
        Summarizer::with(&system, provider.config(), Faults::none()).done(&job).await;
        assert_eq!(only::<Summary>(&tenant).await.ai_metadata.fallback_reason, reason, "{used} in {month}");
        assert_eq!(provider.seen().is_empty(), reason.is_some(), "{used} in {month}");
    }
}

#[tokio::test]
async fn a_writing_that_an_unsend_overtakes_is_thrown_away_and_its_tokens_count() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let mut job = closed_session(&tenant).await;
    let provider = FakeProvider::start([Step::Held]).await.expect("a loopback port is free");
    let summarizer = Summarizer::with(&system, provider.config(), Faults::none());
    let unsend = async {
        while provider.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let gift = doc! { "content": doc! { "$regex": "gift" } };
        let unsent = doc! { "$set": { "status": "deleted" }, "$unset": { "content": "" } };
        assert!(tenant.store.collection::<Message>().update(gift, unsent).await.expect("can be stored"));
        let changed = doc! { "$inc": { "revision": 1_i64 } };
        assert!(tenant.store.collection::<Session>().update(doc! {}, changed).await.expect("can be stored"));
        provider.release();
    };
    let (outcome, ()) = tokio::join!(write(&summarizer.context, &job), unsend);
    assert_eq!(outcome.expect("the job is done"), Done::Outdated);
    assert_eq!(all::<Summary>(&tenant).await, []);
    assert_eq!(all::<OutboxEntry>(&tenant).await, []);
    assert_eq!(only::<Session>(&tenant).await.status, SessionStatus::Summarizing);
    let used = only::<AiUsage>(&tenant).await;
    assert_eq!((used.summaries, used.tokens_used), (0, 1200));

    job.revision = 1;
    summarizer.done(&job).await;
    let summary: Summary = only(&tenant).await;
    assert_eq!((summary.revision, summary.ai_metadata.fallback_reason), (1, None));
    assert_rests_on_its_session(&tenant, &summary).await;
    let document = provider.seen()[1].document().expect("a document was sent").to_string();
    assert!(!document.contains("gift"), "what was unsent is not shown again");
    let used = only::<AiUsage>(&tenant).await;
    assert_eq!((used.summaries, used.tokens_used), (1, 2400));
}

#[tokio::test]
async fn an_organization_over_its_monthly_token_limit_gets_the_built_in_summarizer() {
    let system = TestSystem::start().await;
    let limit =
        |s: &mut matome_store::entities::OrganizationSettings| s.ai_settings.monthly_token_limit = Some(1);
    let tenant = system.tenant_with(Placement::Shared, limit).await;
    let job = closed_session(&tenant).await;
    let provider = FakeProvider::start([]).await.expect("a loopback port is free");
    Summarizer::with(&system, provider.config(), Faults::none()).done(&job).await;
    let summary: Summary = only(&tenant).await;
    assert_eq!(summary.ai_metadata.fallback_reason, Some(FallbackReason::TokenLimit));
    assert_eq!(provider.seen().len(), 0, "nothing was sent");
    assert_eq!(only::<AiUsage>(&tenant).await.tokens_used, 0);
}

#[tokio::test]
async fn an_organization_over_its_message_limit_gets_the_built_in_summarizer_until_the_month_ends() {
    use matome_domain::limits::Usage;
    use matome_domain::month::Month;
    use matome_store::entities::{LastUsage, Organization, UsageTotals};
    for (messages, reason) in [(10_000, None), (10_001, Some(FallbackReason::MessageLimit))] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let job = closed_session(&tenant).await;
        let now = system.clock.now();
        let usage = LastUsage {
            month: Month::of(now),
            used: Usage { messages, ..Usage::default() },
            totals: UsageTotals::default(),
            measured_at: matome_store::time::date(now),
        };
        let usage = matome_store::collection::encode(&usage).expect("can be written");
        let organizations = system.store.platform_collection::<Organization>();
        let of_tenant = bson::doc! { "tenantId": tenant.id.as_str() };
        let update = bson::doc! { "$set": { "usage": usage } };
        organizations.update_one(of_tenant, update).await.expect("can be written");
        let provider = FakeProvider::start([Step::Ok]).await.expect("a loopback port is free");
        Summarizer::with(&system, provider.config(), Faults::none()).done(&job).await;
        let summary: Summary = only(&tenant).await;
        assert_eq!(summary.ai_metadata.fallback_reason, reason);
        assert_eq!(provider.seen().is_empty(), reason.is_some(), "nothing is sent");
    }
}

#[tokio::test]
async fn a_plan_without_summaries_by_a_provider_gets_the_built_in_summarizer_and_sends_nothing() {
    use matome_domain::plan::Features;
    use matome_store::entities::Organization;
    for ai_summaries in [true, false] {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let job = closed_session(&tenant).await;
        let features = Features { ai_summaries, ..Features::default() };
        let features = matome_store::collection::encode(&features).expect("can be written");
        let organizations = system.store.platform_collection::<Organization>();
        let of_tenant = bson::doc! { "tenantId": tenant.id.as_str() };
        let update = bson::doc! { "$set": { "features": features } };
        organizations.update_one(of_tenant, update).await.expect("can be written");
        let provider = FakeProvider::start([Step::Ok]).await.expect("a loopback port is free");
        Summarizer::with(&system, provider.config(), Faults::none()).done(&job).await;
        let summary: Summary = only(&tenant).await;
        let reason = (!ai_summaries).then_some(FallbackReason::NotInPlan);
        assert_eq!(summary.ai_metadata.fallback_reason, reason);
        assert_eq!(provider.seen().is_empty(), !ai_summaries);
        assert_rests_on_its_session(&tenant, &summary).await;
    }
}
