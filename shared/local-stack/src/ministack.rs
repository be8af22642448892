//! AWS on loopback: MiniStack, one process for every service the template uses.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::checkout::make_folder;
use crate::error::Result;
use crate::mailbox::Mailbox;
use crate::port;
use crate::process::{Record, Server};

/// The region that local stacks pretend to be in.
pub const REGION: &str = "ap-northeast-1";
/// Credentials that MiniStack takes for the account's root.
pub(crate) const ROOT_KEY: &str = "test";

/// A MiniStack that runs in a folder. Its state is in memory: a new process begins empty.
#[derive(Debug, Clone)]
pub struct MiniStack {
    record: Record,
}

impl MiniStack {
    /// Starts MiniStack with the interpreter `python`, or joins the one that runs in `folder` with the
    /// same `auth`. With `auth`, IAM policies are evaluated, those of execution roles included.
    ///
    /// # Errors
    /// [`crate::Error::NotReady`] with the end of its log when it does not come up.
    pub async fn start(python: &Path, folder: &Path, auth: bool) -> Result<Self> {
        let record_file = folder.join("ministack.json");
        let options = format!("auth={auth}");
        let earlier = Record::load(&record_file);
        if let Some(record) = earlier.clone().filter(Record::is_alive) {
            if record.options == options {
                return Ok(Self { record });
            }
            record.stop().await;
        }
        // Its pid file and the unpacked functions go to its temporary folder: one per stack.
        let scratch = folder.join("ministack-tmp");
        make_folder(&scratch)?;
        let port = port::choose(earlier.map(|record| record.port))?;
        let server = Server {
            name: "MiniStack",
            log: folder.join("logs/ministack.log"),
            record: record_file,
            port,
            options,
        };
        let mut command = Command::new(python);
        command.args(["-m", "ministack"]);
        without_users_aws_settings(&mut command);
        command
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("MINISTACK_REGION", REGION)
            .env("AUTH", if auth { "true" } else { "false" })
            .env("LAMBDA_EXECUTOR", "local")
            .env("PERSIST_STATE", "0")
            .env("S3_PERSIST", "0")
            .env("S3_DATA_DIR", folder.join("ministack-tmp/s3"))
            .env("TMPDIR", &scratch)
            // Services of theirs that listen on ports of their own.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("DOCKER_HOST", "unix:///nonexistent")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let url = format!("http://127.0.0.1:{port}/_ministack/health");
        let http = local_http();
        let record = server
            .spawn(command)?
            .ready(|| async {
                match http.get(&url).send().await {
                    Ok(answer) if answer.status().is_success() => Ok(()),
                    Ok(answer) => Err(format!("its health check answered {}", answer.status())),
                    Err(error) => Err(error.without_url().to_string()),
                }
            })
            .await?;
        Ok(Self { record })
    }

    /// `http://127.0.0.1:<port>`, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.record.port)
    }

    /// The `Host` header that leads to an HTTP API; send the request itself to
    /// [`MiniStack::endpoint`], since not every resolver knows `*.localhost`.
    #[must_use]
    pub fn host_header(&self, api_id: &str) -> String {
        format!("{api_id}.execute-api.localhost:{}", self.record.port)
    }

    /// The mails that SES was asked to send.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::at(&self.endpoint())
    }

    /// The latest lines that functions wrote to a log group, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Http`] when MiniStack does not answer.
    pub async fn logs(&self, group: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            events: Vec<Event>,
        }
        #[derive(Deserialize)]
        struct Event {
            message: String,
        }
        let request = local_http()
            .post(self.endpoint())
            .header("Authorization", as_root("logs"))
            .header("X-Amz-Target", "Logs_20140328.FilterLogEvents")
            .header("Content-Type", "application/x-amz-json-1.1")
            .body(serde_json::json!({ "logGroupName": group }).to_string());
        let answer = request.send().await?.error_for_status()?;
        let page: Page = answer.json().await?;
        Ok(page.events.into_iter().map(|event| event.message).collect())
    }

    /// Is it still running?
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.record.is_alive()
    }

    /// Ends it and the functions it runs.
    pub async fn stop(&self) {
        self.record.stop().await;
    }
}

/// The emulator does not check signatures of the account's root.
pub(crate) fn as_root(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={ROOT_KEY}/20260101/{REGION}/{service}/aws4_request")
}

pub(crate) fn local_http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build();
    client.expect("a client without certificates of its own can be built")
}

/// Local parts must never see the user's own AWS account.
pub(crate) fn without_users_aws_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .env("AWS_ACCESS_KEY_ID", ROOT_KEY)
        .env("AWS_SECRET_ACCESS_KEY", ROOT_KEY)
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost");
}
