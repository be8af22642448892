//! `cargo xtask up` as a newcomer types it: in two checkouts at once, after a crash, without a network, and what
//! can be done with what stays up.

use bson::{Document, doc};
use matome_line_simulator::signature;
use matome_local_stack::{install, shared};
use serde_json::{Value, json};

use crate::stage::{Copy, eventually};

/// What a conversation that was played comes to.
fn assert_told(said: &str) {
    for wanted in ["and in LINE:", "The API, in three lines that have just worked:"] {
        assert!(said.contains(wanted), "{wanted:?} is not in:\n{said}");
    }
    let (_, tour) = said.split_once("three lines").unwrap();
    assert_eq!(tour.matches("curl -sS").count(), 3, "{tour}");
    assert!(tour.contains("→ an access token of"), "{tour}");
}

#[tokio::test]
async fn up_works_in_two_checkouts_at_once_and_after_a_crash() {
    assert!(install::on_path("curl").is_some(), "the lines for curl can only be shown with curl");
    let (mut one, other) = (Copy::make().await, Copy::make().await);
    // In a MongoDB that is not its own, where what the first run leaves is still there for the second.
    let mongodb_uri = shared::mongodb_uri().await.unwrap();
    let others = demos_in(&mongodb_uri).await;
    one.environment.push(("MONGODB_URI", mongodb_uri.clone()));
    let mut crashes = one.start(&["up", "--once"], "crashed.txt").await;
    crashes.says("… sam deploy").await;
    crashes.kill().await;
    let left = one.servers();
    assert!(!left.is_empty(), "what was started outlives who started it");

    let again = one.start(&["up", "--once"], "again.txt").await;
    let mut stays = other.start(&["up"], "stays.txt").await;
    assert_told(&again.ends_well().await);
    assert_eq!(demos_in(&mongodb_uri).await, others + 1, "what the first run left is gone");
    assert!(!left.iter().any(matome_local_stack::Record::is_alive), "the crashed one's servers");
    assert_eq!(one.servers(), []);
    assert!(!one.stack_file().exists());

    stays.says("The stack is up.").await;
    assert_told(&stays.said());
    a_signed_webhook_is_recorded(&other).await;

    other.start(&["down"], "down.txt").await.ends_well().await;
    assert!(stays.ends_well().await.contains("The stack was stopped from elsewhere."));
    assert_eq!(other.servers(), []);
    assert!(!other.stack_file().exists());
}

/// Platforms that `up` made there, by their demo.
async fn demos_in(mongodb_uri: &str) -> usize {
    let mongodb = mongodb::Client::with_uri_str(mongodb_uri).await.unwrap();
    let mut demos = 0;
    for name in mongodb.list_database_names().await.unwrap() {
        if name.starts_with("matome_up_") && name.ends_with("_platform") {
            let owners = mongodb.database(&name).collection::<Document>("owners");
            demos += owners.count_documents(doc! { "email": "demo@example.com" }).await.unwrap();
        }
    }
    usize::try_from(demos).unwrap()
}

#[tokio::test]
async fn up_needs_no_network_once_everything_is_installed() {
    let copy = Copy::make().await;
    let said = copy.start_offline(&["up", "--once"], "offline.txt").await.ends_well().await;
    assert_told(&said);
}

/// With nothing but what `.local/stack.json` says.
async fn a_signed_webhook_is_recorded(copy: &Copy) {
    let stack: Value = serde_json::from_slice(&std::fs::read(copy.stack_file()).unwrap()).unwrap();
    let told =
        |pointer: &str| stack.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}"));
    for address in ["/apiUrl", "/awsEndpoint", "/lineSimulatorUrl"] {
        assert!(told(address).starts_with("http://"), "{address}: {stack}");
    }
    let body = json!({
        "destination": told("/demo/botUserId"),
        "events": [{
            "type": "message", "mode": "active", "timestamp": 1_795_143_600_000_i64,
            "webhookEventId": "01JD0000000000000000000001",
            "deliveryContext": { "isRedelivery": false },
            "replyToken": "00000000000000000000000000000001",
            "source": { "type": "user", "userId": "U4af4980629a1b2c3d4e5f60718293a4b" },
            "message": { "id": "5300000000000000001", "type": "text", "quoteToken": "q1", "text": "by hand" },
        }],
    })
    .to_string();
    let signed = signature::sign(told("/demo/channelSecret").as_bytes(), body.as_bytes());
    let request = reqwest::Client::new().post(told("/webhookUrl")).header("Host", told("/hostHeader"));
    let answer = request.header(signature::HEADER, signed).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);

    let mongodb = mongodb::Client::with_uri_str(told("/mongodbUri")).await.unwrap();
    let organization = told("/demo/organizationId");
    eventually("the message", async || {
        for name in mongodb.list_database_names().await.unwrap() {
            let database = mongodb.database(&name);
            for collection in database.list_collection_names().await.unwrap() {
                let messages = database.collection::<Document>(&collection);
                let wanted = doc! { "tenantId": organization, "lineMessageId": "5300000000000000001" };
                if collection.ends_with("messages") && messages.find_one(wanted).await.unwrap().is_some() {
                    return Some(());
                }
            }
        }
        None
    })
    .await;
}
