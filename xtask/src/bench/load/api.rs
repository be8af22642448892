//! What staff ask for in a busy hour: somebody logs in, then lists, timelines, searches and figures of a tenant
//! whose messages the recorder stored before, as API Gateway hands requests over.

use std::time::Duration;

use anyhow::{Context, ensure};
use bson::doc;
use matome_domain::access::Role;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::plan::default_audit_retention_days;
use matome_domain::tier::Tier;
use matome_runtime::clock::SystemClock;
use matome_store::entities::{Message, Organization};
use matome_store::time::date;
use matome_store::value::to_bson;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Ground;
use crate::account::{self, Membership, NewAccount};
use crate::bench::process::Process;

const EMAIL: &str = "bench@example.com";
/// Every round looks at another chat: of a hundred there are.
const ROUNDS: usize = 40;
/// What is looked for; it stands in every sixth message.
const WORDS: [&str; 3] = ["会議", "invoice", "ที่อยู่"];

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let token = log_in(ground, process).await?;
    let mut caller = Caller { process, token: Some(token), asked: 0 };
    let of_tenant = format!("/v1/organizations/{}", ground.usual.id);
    let list = async |caller: &mut Caller<'_>, what: &str| {
        caller.ask("GET", &format!("{of_tenant}/{what}"), "limit=100", None).await
    };
    let (rooms, sessions) = (list(&mut caller, "rooms").await?, list(&mut caller, "sessions").await?);
    for round in 0..ROUNDS {
        for what in ["rooms", "sessions", "messages", "summaries", "users", "members", "audit"] {
            list(&mut caller, what).await?;
        }
        let (room, session) = (id(&rooms, round)?, id(&sessions, round)?);
        for path in [format!("rooms/{room}/timeline"), format!("sessions/{session}/timeline")] {
            let page = caller.ask("GET", &format!("{of_tenant}/{path}"), "limit=200", None).await?;
            ensure!(page["entries"].as_array().is_some_and(|entries| !entries.is_empty()), "{path} is empty");
        }
        let word = WORDS[round % WORDS.len()];
        let query = format!("q={}", encoded(word));
        let found = caller.ask("GET", &format!("{of_tenant}/search"), &query, None).await?;
        ensure!(found["items"].as_array().is_some_and(|hits| !hits.is_empty()), "{word} is not found");
        caller.ask("GET", &format!("{of_tenant}/analytics"), &thirty_days()?, None).await?;
    }
    caller.ask("GET", "/v1/openapi.json", "", None).await?;
    let messages = ground.usual.store.collection::<Message>().count(doc! {}).await?;
    Ok(format!("a log-in and {} requests, a tenant with {messages} messages", caller.asked))
}

/// The access token of an owner of the usual tenant, whose plan is the largest: a smaller one allows in a minute
/// what is asked in a second.
async fn log_in(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let tenant = &ground.usual;
    let organizations = ground.store.platform_collection::<Organization>();
    let raise = doc! {
        "$set": { "tier": to_bson(&Tier::Enterprise)? }, "$unset": { "limits.apiCallsPerMonth": "" },
    };
    let raised = organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, raise).await?;
    ensure!(raised.matched_count == 1, "the tenant has an organization");
    let password = account::generate_password();
    let days = default_audit_retention_days();
    let owner = NewAccount {
        email: EMAIL.to_owned(),
        name: "Bench".to_owned(),
        language: "en".to_owned(),
        timezone: "Asia/Tokyo".to_owned(),
        super_admin: false,
        membership: Some(Membership::new(tenant.store.clone(), days, Role::Owner)),
    };
    account::create(&ground.store, &owner, &password).await?;
    let body = json!({ "email": EMAIL, "password": password.expose_secret() });
    let mut nobody = Caller { process, token: None, asked: 0 };
    let tokens = nobody.ask("POST", "/v1/auth/login", "", Some(&body)).await?;
    Ok(tokens["accessToken"].as_str().context("a log-in gives an access token")?.to_owned())
}

/// Somebody who asks, and how often they did.
struct Caller<'p> {
    process: &'p mut Process,
    token: Option<String>,
    asked: usize,
}

impl Caller<'_> {
    /// The answer's body; anything but 200 is an error.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.asked += 1;
        let event = event(method, path, query, self.token.as_deref(), body);
        let answer = self.process.invoke(event.to_string()).await?;
        let (status, text) = (&answer["statusCode"], answer["body"].as_str().unwrap_or_default());
        ensure!(*status == 200, "{method} {path} was answered with {status}: {text}");
        serde_json::from_str(text).with_context(|| format!("{path} did not answer with JSON"))
    }
}

/// As an HTTP API of API Gateway hands a request over (payload format 2.0, as `template.yaml` has it).
fn event(method: &str, path: &str, query: &str, token: Option<&str>, body: Option<&Value>) -> Value {
    let mut headers =
        json!({ "host": "bench.example.com", "user-agent": "bench", "accept": "application/json" });
    if let Some(token) = token {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    if body.is_some() {
        headers["content-type"] = "application/json".into();
    }
    let route = "ANY /v1/{proxy+}";
    json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "bench", "domainName": "bench.example.com",
            "domainPrefix": "bench", "requestId": "bench", "routeKey": route, "stage": "$default",
            "time": "20/Nov/2026:09:00:00 +0000", "timeEpoch": SystemClock.now().0,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.7",
                "userAgent": "bench",
            },
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    })
}

fn id(list: &Value, number: usize) -> anyhow::Result<&str> {
    let items = list["items"].as_array().filter(|items| !items.is_empty()).context("a list is empty")?;
    items[number % items.len()]["id"].as_str().context("a document has an id")
}

fn thirty_days() -> anyhow::Result<String> {
    let day = |at: Timestamp| {
        date(at).try_to_rfc3339_string().map(|text| text.chars().take(10).collect::<String>())
    };
    let now = SystemClock.now();
    Ok(format!("from={}&to={}", day(now.minus(Duration::from_secs(29 * 24 * 60 * 60)))?, day(now)?))
}

/// Percent-encoded, all of it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_api_gateway_hands_over() {
        let body = json!({ "a": 1 });
        let event = event("POST", "/v1/x", "q=%61", Some("t"), Some(&body));
        assert_eq!(event["requestContext"]["http"]["method"], "POST");
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/v1/x"), &json!("q=%61")));
        assert_eq!(event["headers"]["authorization"], "Bearer t");
        assert_eq!(event["body"], "{\"a\":1}");
        assert_eq!(encoded("a会"), "%61%E4%BC%9A");
        let days = thirty_days().unwrap();
        assert_eq!((days.len(), days.starts_with("from=2")), ("from=2026-11-20&to=2026-11-20".len(), true));
    }
}
