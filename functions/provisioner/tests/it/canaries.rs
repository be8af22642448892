//! Secrets in the clear are nowhere: not in the database, the directory, the queues, the logs.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bson::{Document, doc};
use matome_domain::ids::ChannelId;
use matome_line_simulator::{Endpoint, Fault};
use matome_store::entities::OperationState;
use matome_tenancy::operations::RotateDataKey;
use matome_testing::log::Log;

use crate::stage::Stage;

/// Connects, fails to connect, and replaces everything that can be replaced.
async fn use_secrets(stage: &Stage, secrets: &mut Vec<String>) -> ChannelId {
    let channel = stage.connected().await;
    secrets.push(stage.secret(&channel));

    let mut wrong = stage.rotation(&channel).await;
    wrong.secret = stage.seal(&stage.tenant, &channel, "CANARY-WRONG").await;
    secrets.push("CANARY-WRONG".to_owned());
    let shown = format!("{wrong:?}");
    assert!(!shown.contains(wrong.secret.as_str()), "{shown}");
    let job = stage.world.ask(&stage.tenant, &wrong).await;
    assert_eq!(stage.world.drive(&job).await.state, OperationState::Failed);

    stage.issue_secret(&channel, "CANARY-NEW");
    secrets.push("CANARY-NEW".to_owned());
    stage.line.fail_next(Endpoint::Token, Fault::Status(500), 1);
    stage.line.fail_next(Endpoint::BotInfo, Fault::DropAfter, 1);
    stage.line.fail_next(Endpoint::TestWebhook, Fault::DropBefore, 1);
    let job = stage.world.ask(&stage.tenant, &stage.rotation(&channel).await).await;
    let done = stage.world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");

    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    assert_eq!(stage.world.drive(&job).await.state, OperationState::Done);
    channel
}

/// Every document of every database of this test, as JSON.
async fn dump_databases(stage: &Stage) -> String {
    let platform = stage.world.system.store.platform();
    let prefix = platform.name().trim_end_matches("platform").to_owned();
    let mut dump = String::new();
    for name in platform.client().list_database_names().await.unwrap() {
        if !name.starts_with(&prefix) {
            continue;
        }
        let database = platform.client().database(&name);
        for collection in database.list_collection_names().await.unwrap() {
            let mut all = database.collection::<Document>(&collection).find(doc! {}).await.unwrap();
            while all.advance().await.unwrap() {
                let document = bson::Bson::Document(all.deserialize_current().unwrap());
                writeln!(dump, "{}", document.into_relaxed_extjson()).unwrap();
            }
        }
    }
    dump
}

#[test]
fn no_secret_is_kept_sent_or_logged_in_the_clear() {
    let buffer = Log::default();
    let writer = buffer.clone();
    // TRACE: nothing may be hidden behind a level that somebody turns on one day.
    let level = "trace".parse().unwrap();
    let subscriber = matome_runtime::telemetry::subscriber(level, move || writer.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let stage = Stage::open().await;
            let mut secrets = Vec::new();
            let channel = use_secrets(&stage, &mut secrets).await;
            let keys = stage.world.system.data_keys();
            assert!(keys.len() >= 2, "before and after");
            for key in keys {
                secrets.push(URL_SAFE_NO_PAD.encode(&key));
                secrets.push(STANDARD_NO_PAD.encode(&key));
                secrets.push(key.iter().map(|b| format!("{b:02x}")).collect());
            }
            secrets.extend(secrets.clone().iter().map(|s| STANDARD.encode(s)));

            let queued: String = stage.world.queued.entries().iter().map(|e| format!("{e:?}")).collect();
            let logged = buffer.text();
            let places = [
                ("the databases", dump_databases(&stage).await, channel.as_str()),
                ("the directory", stage.world.system.directory_dump(), channel.as_str()),
                ("the queues", queued, stage.tenant.as_str()),
                ("the logs", logged, stage.tenant.as_str()),
            ];
            for (place, text, known) in places {
                assert!(text.contains(known), "nothing was found in {place}, so nothing is proved: {text}");
                for secret in &secrets {
                    assert!(!text.contains(secret.as_str()), "{secret} is in {place}");
                }
            }
        });
    });
}
