//! Death at every step boundary, then redelivery: said exactly once, paid for exactly once.

use std::collections::BTreeSet;

use matome_domain::fault::Faults;
use matome_line_simulator::{Endpoint, Fault};
use matome_store::entities::{OutboxEntry, OutboxState, Purpose};
use matome_testing::crash::{Boundaries, once_at};

use crate::stage::{Stage, TOKEN_LIFE};

/// What is to be sent, and in which world.
#[derive(Debug, Clone, Copy)]
enum Scenario {
    Reply,
    LostReply,
    DeadToken,
    PushToGroup,
    LostPush,
    PostponedPush,
    QuotaSpent,
    QuotaSpentByOthers,
    TooLateToAnnounce,
}

impl Scenario {
    async fn set(self) -> (Stage, OutboxEntry) {
        let stage = Stage::group(3).await;
        stage.set_quota(200, 0);
        let summary = stage.the_summary();
        let entry = match self {
            Self::Reply => stage.queue(summary, Some(stage.token())).await,
            Self::LostReply => {
                stage.line.fail_next(Endpoint::Reply, Fault::DropAfter, 1);
                stage.queue(summary, Some(stage.token())).await
            }
            Self::DeadToken => {
                let mut token = stage.token();
                token.token = "used".to_owned();
                stage.queue(summary, Some(token)).await
            }
            Self::PushToGroup => stage.queue(summary, None).await,
            Self::LostPush => {
                stage.line.fail_next(Endpoint::Push, Fault::DropAfter, 1);
                stage.queue(summary, None).await
            }
            Self::PostponedPush => {
                stage.line.fail_next(Endpoint::Push, Fault::RateLimited(None), 2);
                stage.queue(summary, None).await
            }
            Self::QuotaSpent => {
                stage.set_quota(200, 200);
                stage.queue(summary, None).await
            }
            Self::QuotaSpentByOthers => {
                let paid = stage.queue(Purpose::Welcome, None).await;
                stage.deliver(&paid).await;
                stage.set_quota(200, 200);
                stage.queue(summary, None).await
            }
            Self::TooLateToAnnounce => {
                let ready = Purpose::SummaryReady { summary_id: stage.summary.id };
                let entry = stage.queue_answer(ready, stage.token()).await;
                stage.system.clock.advance(TOKEN_LIFE);
                entry
            }
        };
        (stage, entry)
    }
}

/// Delivers the job until it is done, the first time to a sender with `faults`.
async fn play(stage: &Stage, entry: &OutboxEntry, faults: Faults) -> OutboxEntry {
    let mut faults = Some(faults);
    for _ in 0..5 {
        if !stage.deliver_with(entry, faults.take().unwrap_or_default()).await {
            return stage.stored(entry).await;
        }
    }
    panic!("the job goes back for ever: {:?}", stage.stored(entry).await);
}

/// What is left when all is done: state, code, cost, booked, settled, waiting, messages seen.
type Outcome = (OutboxState, Option<String>, i64, Option<(i64, i64)>, bool, usize);

async fn outcome(stage: &Stage, entry: &OutboxEntry) -> Outcome {
    let ledger = stage.ledger().await.map(|l| (l.booked, l.settled));
    let waiting = stage.room_now().await.waiting_summary_id.is_some();
    (entry.state, entry.error.clone(), entry.cost, ledger, waiting, stage.seen().len())
}

/// Dies once at each boundary that `scenario` comes by, which are `expected`.
async fn die_everywhere(scenario: Scenario, expected: &[&str]) {
    let boundaries = Boundaries::default();
    let (stage, entry) = scenario.set().await;
    let undisturbed = play(&stage, &entry, boundaries.watch()).await;
    let wanted = outcome(&stage, &undisturbed).await;
    let names: BTreeSet<&str> = boundaries.all().iter().map(|(name, _)| *name).collect();
    let always = ["sender.begin", "sender.claimed", "sender.worded", "sender.concluded"];
    let expected: BTreeSet<&str> = always.into_iter().chain(expected.iter().copied()).collect();
    assert_eq!(names, expected, "{scenario:?}");
    for (boundary, time) in boundaries.all() {
        let (stage, entry) = scenario.set().await;
        let after = play(&stage, &entry, once_at(boundary, time)).await;
        let got = outcome(&stage, &after).await;
        let at = format!("{scenario:?} after death at {boundary} ({time}): {got:?}");
        if got == wanted {
            continue;
        }
        // A reply leaves one doubt: LINE had answered, and the answer died with us; or nobody can
        // tell that LINE had not been called yet, because its token is refused either way.
        let doubt = boundary == "sender.reply_answered"
            || (boundary == "sender.reply_begun" && matches!(scenario, Scenario::DeadToken));
        assert!(doubt && after.state == OutboxState::Ambiguous, "{at}");
        // Nothing is paid then, and nothing said beyond what was said already.
        assert_eq!((got.3, got.4), (None, false), "{at}");
        assert_eq!(got.5, usize::from(!matches!(scenario, Scenario::DeadToken)), "{at}");
    }
}

#[tokio::test]
async fn death_on_the_way_of_a_reply() {
    die_everywhere(Scenario::Reply, &["sender.reply_begun", "sender.reply_answered"]).await;
}

#[tokio::test]
async fn death_around_a_lost_reply() {
    let path = ["sender.reply_begun", "sender.reply_answered", "sender.reply_postponed"];
    die_everywhere(Scenario::LostReply, &path).await;
}

#[tokio::test]
async fn death_between_a_dead_token_and_its_push() {
    let path = [
        "sender.reply_begun",
        "sender.reply_answered",
        "sender.token_dropped",
        "sender.counted",
        "sender.quota_read",
        "sender.booked",
        "sender.push_answered",
    ];
    die_everywhere(Scenario::DeadToken, &path).await;
}

/// Of a push to its end.
const PUSH: [&str; 4] = ["sender.counted", "sender.quota_read", "sender.booked", "sender.push_answered"];

#[tokio::test]
async fn death_on_the_way_of_a_push() {
    die_everywhere(Scenario::PushToGroup, &PUSH).await;
}

#[tokio::test]
async fn death_around_a_lost_push() {
    die_everywhere(Scenario::LostPush, &PUSH).await;
}

#[tokio::test]
async fn death_around_a_postponed_push() {
    // The recording run ends with the postponement; what follows is an ordinary push.
    let (stage, entry) = Scenario::PostponedPush.set().await;
    let boundaries = Boundaries::default();
    assert!(stage.deliver_with(&entry, boundaries.watch()).await);
    assert!(boundaries.all().contains(&("sender.push_postponed", 1)));
    for (boundary, time) in boundaries.all() {
        let (stage, entry) = Scenario::PostponedPush.set().await;
        let after = play(&stage, &entry, once_at(boundary, time)).await;
        let got = outcome(&stage, &after).await;
        assert_eq!(got, (OutboxState::Accepted, None, 3, Some((3, 3)), false, 1), "{boundary} ({time})");
    }
}

#[tokio::test]
async fn death_around_a_spent_quota() {
    die_everywhere(Scenario::QuotaSpent, &["sender.counted", "sender.quota_read"]).await;
}

#[tokio::test]
async fn death_when_line_says_that_the_quota_is_spent() {
    let path = ["sender.counted", "sender.booked", "sender.push_answered", "sender.quota_spent"];
    die_everywhere(Scenario::QuotaSpentByOthers, &path).await;
}

#[tokio::test]
async fn death_around_an_announcement_that_came_too_late() {
    die_everywhere(Scenario::TooLateToAnnounce, &[]).await;
}
