//! What our client never sends, asked by hand.

use matome_line_simulator::{Act, Deed, NewChannel};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{Stage, text};

async fn token(s: &Stage) -> String {
    let secret = s.channel.channel_secret.as_str();
    let form = [("grant_type", "client_credentials"), ("client_id", s.id()), ("client_secret", secret)];
    let url = format!("{}/oauth2/v3/token", s.simulator.api_url());
    let issued: Value =
        reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!((issued["token_type"].as_str(), issued["expires_in"].as_u64()), (Some("Bearer"), Some(899)));
    issued["access_token"].as_str().unwrap().to_owned()
}

async fn call(s: &Stage, method: Method, path: &str, retry_key: Option<&str>, body: &str) -> Response {
    let url = format!("{}{path}", s.simulator.api_url());
    let mut request =
        reqwest::Client::new().request(method, url).bearer_auth(token(s).await).body(body.to_owned());
    if let Some(key) = retry_key {
        request = request.header("X-Line-Retry-Key", key);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_retry_key_is_refused_on_a_reply() {
    let s = Stage::new().await;
    let body = json!({"replyToken": s.reply_token(), "messages": [text("x")]}).to_string();
    let key = Uuid::new_v4().to_string();
    let answer = call(&s, Method::POST, "/v2/bot/message/reply", Some(&key), &body).await;
    assert_eq!((answer.status().as_u16(), s.sent(&s.yui_chat())), (400, 0));
    assert_eq!(call(&s, Method::POST, "/v2/bot/message/reply", None, &body).await.status(), 200);
}

#[tokio::test]
async fn a_retry_key_is_a_uuid() {
    let s = Stage::new().await;
    let body = json!({"to": s.yui, "messages": [text("x")]}).to_string();
    let answer = call(&s, Method::POST, "/v2/bot/message/push", Some("once"), &body).await;
    assert_eq!((answer.status().as_u16(), s.sent(&s.yui_chat())), (400, 0));
    let first = call(&s, Method::POST, "/v2/bot/message/push", None, &body).await;
    let second = call(&s, Method::POST, "/v2/bot/message/push", None, &body).await;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(s.sent(&s.yui_chat()), 2, "without a key everything is sent again");
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let s = Stage::new().await;
    let url = s.simulator.api_url();
    for (path, status) in [("/v2/bot/info", 401), ("/v2/bot/nonsense", 404), ("/oauth2/v3/token", 404)] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(answer.headers().contains_key("x-line-request-id"), "{path}");
        assert!(answer.json::<Value>().await.unwrap()["message"].is_string(), "{path}");
    }
    let answer = call(&s, Method::GET, "/v2/bot/info", None, "").await;
    assert!(answer.headers().contains_key("x-line-request-id"));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_with_its_place() {
    let s = Stage::new().await;
    let answer = call(&s, Method::POST, "/v2/bot/message/push", None, "{\"to\":").await;
    assert_eq!(answer.status(), 400);
    let message = answer.json::<Value>().await.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The request body could not be parsed as JSON (line: 1"), "{message}");
    let huge = "x".repeat(3 << 20);
    let answer = call(&s, Method::POST, "/v2/bot/message/push", None, &huge).await;
    assert_eq!(answer.status(), 413);
    assert!(answer.headers().contains_key("x-line-request-id"));
}

#[tokio::test]
async fn a_multicast_counts_and_reaches_those_who_have_not_blocked() {
    let s = Stage::with(NewChannel { quota: Some(2), ..NewChannel::default() }).await;
    s.simulator.compose(s.id(), &Deed::new(&s.yui_chat(), &s.yui, Act::Unfollow)).unwrap();
    let body = json!({"to": [s.yui, s.somchai], "messages": [text("x")]}).to_string();
    let key = Uuid::new_v4().to_string();
    let send = || call(&s, Method::POST, "/v2/bot/message/multicast", Some(&key), &body);
    assert_eq!(send().await.status(), 200);
    assert_eq!(send().await.status(), 409);
    assert_eq!(
        (s.used(), s.simulator.inspect(|w| w.chat.iter().filter(|e| e.is_from_bot()).count())),
        (1, 1)
    );
    let group = json!({"to": [s.group.id()], "messages": [text("x")]}).to_string();
    let answer = call(&s, Method::POST, "/v2/bot/message/multicast", None, &group).await;
    assert_eq!(answer.status(), 400, "users only");
}

#[tokio::test]
async fn member_lists_are_for_verified_accounts() {
    let s = Stage::new().await;
    let path = format!("/v2/bot/group/{}/members/ids", s.group.id());
    assert_eq!(call(&s, Method::GET, &path, None, "").await.status(), 403);
}
