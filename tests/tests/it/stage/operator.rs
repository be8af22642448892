//! `cargo xtask` as an operator types it: the program itself, its exit code and what it prints.

use std::path::PathBuf;
use std::process::Stdio;

use matome_domain::ids::TenantId;
use matome_local_stack::shared::DEPLOYED;
use matome_local_stack::{Checkout, Progress, REGION, command, lambda, variable};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{DATABASE_PREFIX, Stage};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) output: String,
    /// The last of what it says to people.
    pub(crate) error: String,
}

impl Ran {
    /// What it printed with `--json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The same, of a command that succeeded.
    pub(crate) fn done(&self) -> Value {
        assert!(self.success, "{self:?}");
        self.json()
    }
}

/// See the module.
pub(crate) struct Operator {
    program: PathBuf,
    /// A checkout as far as the program is concerned, whose running stack is the deployed one.
    checkout: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Operator {
    pub(crate) async fn of(stage: &Stage) -> Self {
        let checkout = Checkout::find().unwrap();
        let folder = checkout.stack(DEPLOYED).join("operator");
        std::fs::create_dir_all(folder.join(".local")).unwrap();
        for mark in ["Cargo.toml", "template.yaml"] {
            std::fs::write(folder.join(mark), "").unwrap();
        }
        let file = json!({
            "webhookUrl": stage.webhook("0").0,
            "hostHeader": stage.webhook("0").1,
            "apiUrl": stage.output("ApiUrl"),
            "mongodbUri": stage.stack.mongodb_uri(),
            "databasePrefix": DATABASE_PREFIX,
            "awsEndpoint": stage.stack.ministack().endpoint(),
            "lineSimulatorUrl": stage.line.api_url(),
            "directoryTable": stage.output("DirectoryTable"),
            "tenantKeyArn": stage.output("TenantKeyArn"),
            "tenantsQueueUrl": stage.output("TenantsQueueUrl"),
            "demo": {
                "channelId": "", "channelSecret": "", "botUserId": "",
                "organizationId": "", "groupId": "", "groupName": "",
            },
        });
        std::fs::write(folder.join(".local/stack.json"), file.to_string()).unwrap();
        let functions = stage.root.environment_of(&stage.function("provisioner")).await;
        let environment = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", &stage.stack.ministack().endpoint()),
            ("MONGODB_URI", stage.stack.mongodb_uri()),
            ("DATABASE_PREFIX", DATABASE_PREFIX),
            ("DIRECTORY_TABLE", stage.output("DirectoryTable")),
            ("KMS_KEY_ID", stage.output("TenantKeyArn")),
            ("TENANTS_QUEUE_URL", stage.output("TenantsQueueUrl")),
            ("CELLS", &functions["CELLS"]),
        ];
        let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
        Self { program: program(&checkout).await, checkout: folder, environment }
    }

    /// `cargo xtask <arguments>`, with something on its standard input.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.checkout).envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let ended = child.wait_with_output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { success: ended.status.success(), output: text(ended.stdout), error: text(ended.stderr) }
    }

    /// `cargo xtask tenant --json --aws <arguments>`.
    pub(crate) async fn tenant(&self, arguments: &[&str]) -> Ran {
        self.tenant_with(arguments, "").await
    }

    /// The same with a secret on its standard input.
    pub(crate) async fn tenant_with(&self, arguments: &[&str], secret: &str) -> Ran {
        let all: Vec<&str> = ["tenant", "--json", "--aws"].iter().chain(arguments).copied().collect();
        self.run(&all, secret).await
    }

    /// Makes a tenant and returns its id.
    pub(crate) async fn create(&self, email: &str, more: &[&str]) -> TenantId {
        let all: Vec<&str> =
            ["create", "--name", "A shop", "--email", email].iter().chain(more).copied().collect();
        let created = self.tenant(&all).await.done();
        assert_eq!((created["kind"].as_str(), created["state"].as_str()), (Some("create"), Some("done")));
        TenantId::new(created["tenantId"].as_str().unwrap()).unwrap()
    }
}

/// Built as the tests were; nothing to do where `cargo xtask` runs them.
pub(super) async fn program(checkout: &Checkout) -> PathBuf {
    let mut build = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    let arguments = ["build", "--package", "xtask", "--message-format", "json-render-diagnostics"];
    build.current_dir(checkout.root()).args(arguments);
    let step = Progress::quiet().step("Building xtask");
    let log = checkout.logs().join("build-xtask.log");
    let messages = command::run("cargo build", build, &log, &step).await.unwrap();
    lambda::executable(&messages, "xtask").expect("cargo names what it built")
}
