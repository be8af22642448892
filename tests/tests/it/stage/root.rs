//! AWS as the account's root, and what the workspace has no SDK for: Lambda, IAM, STS.

use std::collections::BTreeMap;

use matome_local_stack::REGION;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use serde_json::{Value, json};

pub(crate) struct Root {
    pub(crate) aws: Aws,
    endpoint: String,
    http: reqwest::Client,
}

impl Root {
    pub(crate) fn new(endpoint: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { aws: aws(endpoint, "test", "test", None), endpoint: endpoint.to_owned(), http }
    }

    /// Runs a function and returns its answer.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Value {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let answer =
            self.http.post(url).header("Authorization", signed_for("lambda")).body(event.to_string());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().get("x-amz-function-error").is_none(), "{function} failed");
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// The role a function runs as.
    pub(crate) async fn role_of(&self, function: &str) -> String {
        self.configuration(function).await["Role"].as_str().unwrap().to_owned()
    }

    /// The environment a function is given.
    pub(crate) async fn environment_of(&self, function: &str) -> BTreeMap<String, String> {
        let configuration = self.configuration(function).await;
        serde_json::from_value(configuration["Environment"]["Variables"].clone()).unwrap()
    }

    async fn configuration(&self, function: &str) -> Value {
        let url = format!("{}/2015-03-31/functions/{function}", self.endpoint);
        let answer = self.http.get(url).header("Authorization", signed_for("lambda")).send().await.unwrap();
        let mut answer: Value = answer.error_for_status().unwrap().json().await.unwrap();
        answer["Configuration"].take()
    }

    /// Forbids a role some actions, whatever else it may.
    pub(crate) async fn forbid(&self, role: &str, actions: &[&str]) {
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Deny", "Action": actions, "Resource": "*" },
        ] });
        self.iam("PutRolePolicy", role, &[("PolicyDocument", &policy.to_string())]).await;
    }

    /// Takes [`Self::forbid`] back.
    pub(crate) async fn forbid_nothing(&self, role: &str) {
        self.iam("DeleteRolePolicy", role, &[]).await;
    }

    async fn iam(&self, action: &str, role: &str, more: &[(&str, &str)]) {
        let (_, name) = role.rsplit_once('/').unwrap();
        let mut form =
            vec![("Action", action), ("Version", "2010-05-08"), ("RoleName", name), ("PolicyName", "test")];
        form.extend(more);
        let answer = self.http.post(&self.endpoint).header("Authorization", signed_for("iam")).form(&form);
        let answer = answer.send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, 200, "{}", answer.text().await.unwrap());
    }

    /// AWS with the rights of a role.
    pub(crate) async fn assume(&self, role: &str) -> Aws {
        let form = [
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "test"),
        ];
        let answer = self.http.post(&self.endpoint).header("Authorization", signed_for("sts")).form(&form);
        let answer = answer.send().await.unwrap();
        let status = answer.status();
        let xml = answer.text().await.unwrap();
        assert_eq!(status, 200, "{xml}");
        let [key, secret, token] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| {
            let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        });
        aws(&self.endpoint, &key, &secret, Some(&token))
    }
}

fn aws(endpoint: &str, key: &str, secret: &str, token: Option<&str>) -> Aws {
    let mut vars = vec![
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL", endpoint),
    ];
    vars.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
    Aws::from_env(&Env::from_map(vars), Patience::CONSUMER).unwrap()
}

/// The emulator does not check signatures of the account's root.
fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
