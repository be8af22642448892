//! What is written about an entry: one line for its end, ids only.

use matome_line_simulator::{Endpoint, Fault};
use matome_store::entities::{OutboxState, Purpose};
use matome_testing::log::Log;
use serde_json::Value;

use crate::stage::{Stage, TOKEN_LIFE};

/// Sends in every way there is; returns the entries' last states and what must not be logged.
async fn send_in_every_way() -> (Vec<OutboxState>, Vec<String>) {
    let stage = Stage::group(2).await;
    let mut canaries: Vec<String> =
        ["picnic", "Picnic", "tea", "Person 0"].into_iter().map(str::to_owned).collect();
    canaries.extend([stage.tenant.secret.clone(), stage.user.clone()]);
    let mut states = Vec::new();
    for fault in [None, Some(Fault::DropAfter), Some(Fault::Status(400))] {
        for with_token in [true, false] {
            let token = with_token.then(|| stage.token());
            canaries.extend(token.as_ref().map(|t| t.token.clone()));
            let entry = stage.queue(stage.the_summary(), token).await;
            canaries.push(entry.retry_key.clone());
            if let Some(fault) = fault {
                let endpoint = if with_token { Endpoint::Reply } else { Endpoint::Push };
                stage.line.fail_next(endpoint, fault, 1);
            }
            states.push(stage.deliver(&entry).await.state);
        }
    }
    let late = stage.queue_answer(Purpose::Welcome, stage.token()).await;
    stage.system.clock.advance(TOKEN_LIFE);
    states.push(stage.deliver(&late).await.state);
    stage.set_quota(1, 1);
    stage.line.fail_next(Endpoint::Push, Fault::Status(500), 2);
    let spent = stage.queue(stage.the_summary(), None).await;
    states.push(stage.deliver(&spent).await.state);
    (states, canaries)
}

#[test]
fn every_end_is_one_line_without_words_names_or_tokens() {
    let buffer = Log::default();
    let writer = buffer.clone();
    // TRACE: nothing may be hidden behind a level that somebody turns on one day.
    let level = "trace".parse().unwrap();
    let subscriber = matome_runtime::telemetry::subscriber(level, move || writer.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (states, canaries) =
        tracing::subscriber::with_default(subscriber, || runtime.block_on(send_in_every_way()));

    let text = buffer.text();
    for canary in canaries {
        assert!(!text.contains(&canary), "{canary} is in the log: {text}");
    }
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let ends: Vec<_> = lines.iter().filter(|l| l["message"] == "outbox entry ended").collect();
    let ended: Vec<_> = states.iter().filter(|s| **s != OutboxState::Queued).collect();
    assert_eq!(ends.len(), ended.len());
    for (line, state) in ends.iter().zip(ended) {
        assert_eq!(line["state"], serde_json::to_value(state).unwrap());
        assert!(line["tenant.id"].is_string() && line["outbox.id"].is_string());
    }
    let postponed = lines.iter().filter(|l| l["message"] == "not sent").count();
    assert_eq!(postponed, states.len() - ends.len());
    assert_eq!(postponed, 1);
}
