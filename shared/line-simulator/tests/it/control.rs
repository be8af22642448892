//! The controls for another process.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{Hook, Stage, text};

async fn post(s: &Stage, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/_sim/{path}", s.simulator.api_url());
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(s: &Stage, path: &str) -> Value {
    reqwest::get(format!("{}/_sim/{path}", s.simulator.api_url())).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn another_process_can_speak_as_a_new_person_and_read_the_chat() {
    let s = Stage::new().await;
    let hook = Hook::start(&[]).await;
    let (status, _) = post(&s, "webhook", json!({"url": hook.url, "hostHeader": "h.localhost"})).await;
    assert_eq!(status, 200);
    let (status, said) =
        post(&s, "say", json!({"user": "Ploy", "group": "Sakura order", "text": "สวัสดี"})).await;
    assert_eq!((status, &said["accepted"]), (200, &json!(true)));
    assert_eq!(said["event"]["message"]["text"], "สวัสดี");
    let ploy = said["userId"].as_str().unwrap();
    let (_, again) = post(&s, "say", json!({"channelId": s.id(), "user": ploy, "text": "in private"})).await;
    assert_eq!(again["userId"], ploy);
    assert_eq!(again["event"]["source"], json!({"type": "user", "userId": ploy}));
    let (_, tapped) = post(&s, "tap", json!({"user": "Ploy", "data": "m=summarize"})).await;
    assert_eq!(tapped["event"]["postback"]["data"], "m=summarize");
    let act = json!({"type": "sticker", "packageId": "1", "stickerId": "2"});
    let (_, acted) = post(&s, "act", json!({"user": "Ploy", "act": act})).await;
    assert_eq!(acted["event"]["message"]["type"], "sticker");
    assert_eq!(hook.requests().len(), 4);

    s.line.push(s.group.id(), &[text("hello, group")], Uuid::new_v4()).await;
    let chat = get(&s, "chat?since=0").await;
    let rendered: Vec<_> =
        chat["entries"].as_array().unwrap().iter().map(|e| e["rendered"].as_str().unwrap()).collect();
    assert_eq!(
        rendered[..4],
        ["Ploy: สวัสดี", "Ploy: in private", "Ploy: [taps m=summarize]", "Ploy: [sticker]"]
    );
    assert!(rendered[4].starts_with("Matome:\n╭"), "{}", rendered[4]);
    assert_eq!(get(&s, "chat?since=4").await["entries"].as_array().unwrap().len(), 1);
    assert_eq!(chat["next"], 5);
}

#[tokio::test]
async fn what_cannot_be_done_is_said_by_name() {
    let s = Stage::new().await;
    let (status, body) = post(&s, "say", json!({"user": "Yui", "group": "Nowhere", "text": "x"})).await;
    assert_eq!((status, body["message"].as_str().unwrap()), (404, "group: there is no Nowhere"));
    let (status, body) = post(&s, "say", json!({"channelId": "1", "user": "Yui", "text": "x"})).await;
    assert_eq!((status, body["message"].as_str().unwrap()), (404, "channelId: no channel 1"));
    let (status, _) = post(&s, "say", json!({"user": "Yui", "text": "x"})).await;
    assert_eq!(status, 409, "no webhook yet");
}

#[tokio::test]
async fn a_world_can_be_built_over_http_and_shows_no_secrets() {
    let s = Stage::new().await;
    let (_, channel) = post(&s, "channels", json!({"name": "Shop", "quota": 5})).await;
    let (_, user) = post(&s, "users", json!({"displayName": "Ann"})).await;
    let group = json!({"name": "New", "members": [user["userId"]], "channels": [channel["channelId"]]});
    let (_, group) = post(&s, "groups", group).await;
    assert!(group["place"]["id"].as_str().unwrap().starts_with('C'));
    let state = get(&s, "state").await;
    assert_eq!(state["channels"].as_array().unwrap().len(), 2);
    assert!(!state.to_string().contains(channel["channelSecret"].as_str().unwrap()));
}

#[tokio::test]
async fn faults_can_be_ordered_over_http() {
    let s = Stage::new().await;
    post(&s, "faults", json!({"endpoint": "botInfo", "fault": {"status": 500}, "times": 2})).await;
    assert!(s.line.bot_info().await.is_err());
    assert!(s.line.bot_info().await.is_err());
    assert!(s.line.bot_info().await.is_ok());
}

#[tokio::test]
async fn the_chat_can_be_watched_live() {
    let s = Stage::new().await;
    let mut chat = s.simulator.watch_chat();
    s.line.push(&s.yui, &[text("one"), text("two")], Uuid::new_v4()).await;
    let seen = [chat.recv().await.unwrap(), chat.recv().await.unwrap()];
    assert_eq!(seen.map(|e| e.content), [text("one"), text("two")]);
}
