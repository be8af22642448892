use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_runtime::clock::ManualClock;
use matome_runtime::ephemeral::{Ephemeral, Scope};
use matome_runtime::idempotency::{
    Answer, Attempt, Begun, Fingerprint, Idempotency, IdempotencyKey, KEEP, LEASE, Request, Sealing, Settled,
};
use matome_runtime::keys::{DataKeys, MemoryKms};
use matome_runtime::random::SystemRandom;

use crate::services;

/// 2026-11-20T09:00:00Z.
const NOW: Timestamp = Timestamp(1_795_165_200_000);
const SECOND: Duration = Duration::from_secs(1);

struct Stage {
    idempotency: Idempotency,
    clock: Arc<ManualClock>,
    keys: Arc<DataKeys>,
    kms: MemoryKms,
    sealing: Sealing,
    scope: Scope,
}

/// Over a table, or in memory; both are to do the same.
async fn stage(table: Option<String>) -> Stage {
    let clock = Arc::new(ManualClock::at(NOW));
    let (keys, kms) = DataKeys::in_memory(clock.clone(), Arc::new(SystemRandom));
    let (keys, random) = (Arc::new(keys), Arc::new(SystemRandom));
    let tenant = TenantId::new("t").unwrap();
    let key = keys.generate(&tenant, 1).await.unwrap();
    let idempotency = match table {
        Some(table) => Idempotency::new(
            Ephemeral::from_client(services::aws().await.dynamodb(), table),
            Arc::clone(&keys),
            clock.clone(),
            random,
        ),
        None => Idempotency::in_memory(Arc::clone(&keys), clock.clone(), random),
    };
    let scope = Scope::Tenant(tenant.clone());
    let sealing = Sealing { tenant, key, previous: None };
    Stage { idempotency, clock, keys, kms, sealing, scope }
}

async fn both() -> [Stage; 2] {
    let table = services::table(&services::aws().await).await;
    [stage(Some(table)).await, stage(None).await]
}

impl Stage {
    async fn begin(&self, key: &str, body: &str) -> Begun {
        self.begin_as("caller", Some(&self.sealing), key, body).await
    }

    async fn begin_as(&self, caller: &str, sealing: Option<&Sealing>, key: &str, body: &str) -> Begun {
        let key = IdempotencyKey::parse(key).unwrap();
        let fingerprint = Fingerprint::of(&key, "POST", "/v1/rooms", body.as_bytes());
        let request = Request { scope: &self.scope, caller, key: &key, fingerprint, sealing };
        self.idempotency.begin(request).await.unwrap()
    }

    async fn settle(&self, attempt: Attempt, answer: &Answer) -> Settled {
        self.idempotency.settle(attempt, answer).await.unwrap()
    }
}

fn new(begun: Begun) -> Attempt {
    match begun {
        Begun::New(attempt) => attempt,
        other => panic!("not the first: {other:?}"),
    }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let headers = vec![("location".to_owned(), "/v1/rooms/1".to_owned())];
    Answer { status, headers, body: body.into() }
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_for_a_day_and_then_is_a_first() {
    for stage in both().await {
        let first = answer(201, "{\"name\":\"部屋\"}");
        let attempt = new(stage.begin("k", "{}").await);
        assert_eq!(stage.settle(attempt, &first).await, Settled::Kept);
        for pause in [0, 1, 61, 3_600] {
            stage.clock.advance(pause * SECOND);
            match stage.begin("\"k\"", "{}").await {
                Begun::Replay(answer) => assert_eq!(answer, first),
                other => panic!("not replayed: {other:?}"),
            }
        }
        stage.clock.set(NOW.plus(KEEP - SECOND));
        assert!(matches!(stage.begin("k", "{}").await, Begun::Replay(_)));
        // TTL has not removed it, but its time is over: for another request as well.
        stage.clock.set(NOW.plus(KEEP));
        let _ = new(stage.begin("k", "{\"other\":1}").await);
    }
}

#[tokio::test]
async fn a_key_used_for_something_else_is_refused_before_and_after_the_answer() {
    for stage in both().await {
        let attempt = new(stage.begin("k", "{}").await);
        assert!(matches!(stage.begin("k", "{ }").await, Begun::Mismatch));
        stage.clock.advance(LEASE);
        assert!(
            matches!(stage.begin("k", "{ }").await, Begun::Mismatch),
            "the lease's end frees it for repeats only"
        );
        assert_eq!(stage.settle(attempt, &answer(200, "")).await, Settled::Kept);
        assert!(matches!(stage.begin("k", "{ }").await, Begun::Mismatch));
        // Other keys and other callers are none of its business.
        let _ = new(stage.begin("k2", "{ }").await);
        let _ = new(stage.begin_as("other", Some(&stage.sealing), "k", "{ }").await);
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_done_and_the_others_are_told_to_wait() {
    for stage in both().await {
        let begun = join_all((0..20).map(|_| stage.begin("k", "{}"))).await;
        let (new, waiting): (Vec<_>, Vec<_>) = begun.into_iter().partition(|b| matches!(b, Begun::New(_)));
        assert_eq!((new.len(), waiting.len()), (1, 19));
        for begun in waiting {
            assert!(matches!(begun, Begun::InFlight { retry_after } if retry_after == LEASE), "{begun:?}");
        }
    }
}

#[tokio::test]
async fn what_failed_may_be_tried_again_at_once_and_what_died_after_its_lease() {
    for stage in both().await {
        for status in [500, 503, 409, 429] {
            let attempt = new(stage.begin("k", "{}").await);
            assert_eq!(stage.settle(attempt, &answer(status, "no")).await, Settled::Abandoned);
        }
        // Given back, it is free for another request as well.
        let attempt = new(stage.begin("k", "{\"other\":1}").await);
        assert_eq!(stage.settle(attempt, &answer(500, "no")).await, Settled::Abandoned);

        let died = new(stage.begin("k", "{}").await);
        stage.clock.advance(LEASE - SECOND);
        assert!(
            matches!(stage.begin("k", "{}").await, Begun::InFlight { retry_after } if retry_after == SECOND)
        );
        stage.clock.advance(SECOND);
        let second = new(stage.begin("k", "{}").await);
        // It was not dead but slow: it must not touch what the second one has.
        assert_eq!(stage.settle(died, &answer(201, "slow")).await, Settled::Late);
        let slow = new(stage.begin("k2", "{}").await);
        stage.clock.advance(LEASE);
        let third = new(stage.begin("k2", "{}").await);
        assert_eq!(stage.idempotency.abandon(slow).await.unwrap(), Settled::Late);
        assert_eq!(stage.settle(third, &answer(404, "third")).await, Settled::Kept);
        assert_eq!(stage.settle(second, &answer(201, "second")).await, Settled::Kept);
        assert!(matches!(stage.begin("k", "{}").await, Begun::Replay(a) if a.body == "second"));
        assert!(matches!(stage.begin("k2", "{}").await, Begun::Replay(a) if a.status == 404));
    }
}

#[tokio::test]
async fn what_cannot_be_replayed_is_not_done_again_either() {
    for stage in both().await {
        let unreplayable = |begun| matches!(begun, Begun::Unreplayable { status: 201 });
        let attempt = new(stage.begin("large", "{}").await);
        let large = answer(201, vec![b'x'; Answer::LARGEST]);
        assert_eq!(stage.settle(attempt, &large).await, Settled::NotReplayable);
        assert!(unreplayable(stage.begin("large", "{}").await));

        // The largest that is kept fits into an item of the table.
        let attempt = new(stage.begin("largest", "{}").await);
        let largest = answer(201, vec![b'x'; Answer::LARGEST - 100]);
        assert_eq!(stage.settle(attempt, &largest).await, Settled::Kept);
        assert!(matches!(stage.begin("largest", "{}").await, Begun::Replay(a) if a == largest));

        let attempt = new(stage.begin_as("caller", None, "unsealed", "{}").await);
        assert_eq!(stage.settle(attempt, &answer(201, "secret")).await, Settled::NotReplayable);
        assert!(unreplayable(stage.begin_as("caller", None, "unsealed", "{}").await));
        assert!(unreplayable(stage.begin("unsealed", "{}").await));

        // KMS fails when the work is done: better no answer than the work twice.
        stage.clock.advance(matome_runtime::keys::KEEP);
        let attempt = new(stage.begin("kms", "{}").await);
        stage.kms.fail(true);
        assert_eq!(stage.settle(attempt, &answer(201, "secret")).await, Settled::NotReplayable);
        stage.kms.fail(false);
        assert!(unreplayable(stage.begin("kms", "{}").await));
    }
}

#[tokio::test]
async fn a_replaced_data_key_opens_as_long_as_it_is_there() {
    for mut stage in both().await {
        let attempt = new(stage.begin("k", "{}").await);
        stage.settle(attempt, &answer(201, "secret")).await;
        let key = stage.keys.generate(&stage.sealing.tenant, 2).await.unwrap();
        stage.sealing.previous = Some(std::mem::replace(&mut stage.sealing.key, key));
        assert!(matches!(stage.begin("k", "{}").await, Begun::Replay(a) if a.body == "secret"));
        stage.sealing.previous = None;
        assert!(matches!(stage.begin("k", "{}").await, Begun::Unreplayable { status: 201 }));
    }
}

#[tokio::test]
async fn neither_keys_nor_requests_nor_answers_stand_in_the_table() {
    let aws = services::aws().await;
    let table = services::table(&aws).await;
    let stage = stage(Some(table.clone())).await;
    let attempt =
        new(stage.begin_as("caller-canary", Some(&stage.sealing), "key-canary", "body-canary").await);
    let canary = Answer {
        status: 201,
        headers: vec![("x".to_owned(), "header-canary".to_owned())],
        body: "answer-canary".into(),
    };
    assert!(!format!("{attempt:?} {canary:?}").contains("canary"), "nor in what a log could show");
    stage.settle(attempt, &canary).await;
    let items = aws.dynamodb().scan().table_name(&table).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1);
    assert!(!format!("{items:?}").contains("canary"));
    assert!(items[0]["pk"].as_s().unwrap().starts_with("TENANT#t#IDEMPOTENCY#"));
    let expires_at: i64 = items[0]["expiresAt"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOW.plus(KEEP).0 / 1_000 + 1);
}

#[tokio::test]
async fn without_its_table_nothing_is_begun() {
    let stage = stage(Some(services::name())).await;
    let key = IdempotencyKey::parse("k").unwrap();
    let fingerprint = Fingerprint::of(&key, "POST", "/", b"");
    let request = Request {
        scope: &Scope::Platform,
        caller: "c",
        key: &key,
        fingerprint,
        sealing: Some(&stage.sealing),
    };
    let error = stage.idempotency.begin(request).await.unwrap_err();
    assert_eq!(error.to_string(), "an idempotency key could not be begun");
}
