//! What is written about a request: one line, ids only.

use std::io::Write;
use std::sync::{Arc, Mutex};

use matome_runtime::queue::Refuse;
use matome_webhook::MAX_BODY;
use serde_json::{Value, json};

use crate::world::{ONE, World, body, request, sign, signed, text};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_outcome_is_one_line_without_secrets_or_words() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    // TRACE: nothing may be hidden behind a level that somebody turns on one day.
    let level = "trace".parse().unwrap();
    let subscriber = matome_runtime::telemetry::subscriber(level, move || writer.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut canaries = vec![ONE.secret.to_owned()];

    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let world = World::new().await;
            let webhook = |id: &str| {
                let event = text(id, json!({"userId": "U1"}), "CANARY-TEXT");
                body(ONE, &[event, json!({"type": "x", "displayName": "CANARY-NAME"})])
            };
            canaries.extend(
                ["CANARY-TEXT", "CANARY-NAME", "CANARY-PATH", "tokenid", "CANARY-BODY"].map(String::from),
            );
            canaries.push(sign(ONE.secret, webhook("id").as_bytes()));

            let mut statuses = Vec::new();
            statuses.push(world.send(signed(ONE, &webhook("id"))).await.status_code);
            statuses.push(world.send(request(ONE.id, &webhook("id"), Some("CANARY-BODY"))).await.status_code);
            statuses.push(world.send(request("CANARY-PATH/..", &webhook("id"), None)).await.status_code);
            statuses.push(world.send(signed(ONE, "CANARY-BODY")).await.status_code);
            statuses.push(world.send(signed(ONE, r#"{"destination":"CANARY-BODY"}"#)).await.status_code);
            statuses.push(world.send(signed(ONE, &"x".repeat(MAX_BODY + 1))).await.status_code);
            world.queue.refuse([Refuse::EntryForGood(0)]);
            statuses.push(world.send(signed(ONE, &webhook("id"))).await.status_code);
            world.clock.advance(matome_runtime::keys::KEEP);
            world.table.fail(true);
            statuses.push(world.send(signed(ONE, &webhook("id"))).await.status_code);
            world.table.fail(false);
            world.kms.fail(true);
            statuses.push(world.send(signed(ONE, &webhook("id"))).await.status_code);
            assert_eq!(statuses, [200, 401, 404, 400, 400, 413, 503, 503, 503]);
        });
    });

    let written = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = written.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |message: &str| lines.iter().filter(|l| l["message"] == message).count();
    assert_eq!((lines.len(), of("accepted"), of("not accepted")), (9, 1, 8), "{written}");
    assert_eq!(lines[0]["channel.id"], ONE.id);
    assert_eq!(lines[0]["tenant.id"], ONE.tenant);
    for canary in &canaries {
        assert!(!written.contains(canary.as_str()), "{canary} was logged: {written}");
    }
}
