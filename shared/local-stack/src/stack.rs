//! The whole stack: MongoDB, MiniStack and the deployed template.

use std::path::PathBuf;

use crate::artifacts::{self, Place};
use crate::checkout::Checkout;
use crate::environment::variable;
use crate::error::Result;
use crate::install;
use crate::lock::Lock;
use crate::ministack::{MiniStack, REGION};
use crate::mongod::Mongod;
use crate::port;
use crate::process::{Record, write_whole};
use crate::progress::Progress;
use crate::sam::{Outputs, Sam};

/// How soon a failed message comes back: long enough for a slow machine, short enough for a test.
const RETRY_SECONDS: &str = "10";
/// What nothing that runs here takes longer than; a move waits for it after its flip.
const LONGEST_SECONDS: &str = "30";

/// The template's parameter for who mails come from.
const SENDER_PARAMETER: &str = "EmailFrom";
/// Who a local stack's mails come from; `.example` is nobody's (RFC 2606), and the emulator sends nothing anyway.
const LOCAL_SENDER: &str = "no-reply@matome.example";

/// How a stack is started.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Its folder under `.local/stacks/`, and its name in CloudFormation with `matome-` before it.
    pub name: String,
    /// Evaluate IAM policies.
    pub auth: bool,
    /// Keep what an earlier run left in MongoDB.
    pub keep_data: bool,
    /// Shown progress, or quiet.
    pub progress: Progress,
}

/// Running servers of one stack; they keep running when this is dropped.
#[derive(Debug, Clone)]
pub struct Stack {
    checkout: Checkout,
    options: StackOptions,
    mongodb_uri: String,
    mongod: Option<Mongod>,
    ministack: MiniStack,
}

impl Stack {
    /// Installs what is missing and starts (or joins) the servers. `MONGODB_URI` replaces the local
    /// MongoDB.
    ///
    /// # Errors
    /// [`crate::Error`] when something cannot be installed or started.
    pub async fn start(checkout: &Checkout, options: StackOptions) -> Result<Self> {
        let progress = options.progress;
        let folder = checkout.stack(&options.name);
        let _lock = Lock::take(&folder.join("stack.lock")).await?;
        let python = install::ministack(checkout, progress).await?;
        let (mongodb_uri, mongod) = match variable("MONGODB_URI") {
            Some(uri) => (uri, None),
            None => {
                let mongod = start_mongod(checkout, &folder, &options).await?;
                (mongod.uri(), Some(mongod))
            }
        };
        let step = progress.step("Starting MiniStack");
        let ministack = MiniStack::start(&python, &folder, options.auth).await?;
        step.done();
        Ok(Self { checkout: checkout.clone(), options, mongodb_uri, mongod, ministack })
    }

    /// Deploys `template.yaml` with the binaries in `target/lambda` (see [`crate::lambda::build`]), and
    /// lays the code for tenants' stacks into its bucket.
    /// What the emulator needs is set here; `parameters` come on top.
    ///
    /// # Errors
    /// [`crate::Error::Command`] with SAM's last lines.
    pub async fn deploy(&self, parameters: &[(String, String)]) -> Result<Outputs> {
        let python = install::sam(&self.checkout, self.options.progress).await?;
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let mut all = vec![
            ("MongoDbUri".to_owned(), self.mongodb_uri.clone()),
            ("Architecture".to_owned(), architecture.to_owned()),
            ("Stage".to_owned(), "local".to_owned()),
            ("LogRetentionDays".to_owned(), "1".to_owned()),
            ("VisibilityTimeoutSeconds".to_owned(), RETRY_SECONDS.to_owned()),
            ("LongestInvocationSeconds".to_owned(), LONGEST_SECONDS.to_owned()),
        ];
        let sam = Sam::new(python, &self.checkout);
        let (progress, endpoint) = (self.options.progress, self.ministack.endpoint());
        let version = artifacts::version(&self.checkout, sam.interpreter(None)?, progress).await?;
        all.push(("CodeVersion".to_owned(), version));
        all.push((SENDER_PARAMETER.to_owned(), LOCAL_SENDER.to_owned()));
        all.extend_from_slice(parameters);
        if let Some((_, sender)) = all.iter().rfind(|(name, _)| name == SENDER_PARAMETER) {
            self.ministack.mailbox().verify_sender(sender).await?;
        }
        let name = self.cloudformation_name();
        let outputs = sam.deploy(&endpoint, &name, &all, progress).await?;
        let place =
            Place { bucket: outputs.get("Bucket")?.to_owned(), region: REGION.to_owned(), profile: None };
        artifacts::upload(&self.checkout, sam.interpreter(Some(&endpoint))?, &place, progress).await?;
        Ok(outputs)
    }

    /// What a function (or `gateway`) logged, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Http`].
    pub async fn logs(&self, function: &str) -> Result<Vec<String>> {
        self.ministack.logs(&format!("/matome/{}/{function}", self.cloudformation_name())).await
    }

    fn cloudformation_name(&self) -> String {
        format!("matome-{}", self.options.name)
    }

    /// A port on 127.0.0.1 for a server of your own (the LINE simulator, say), which the deployed
    /// functions are told about: the same in every run of this stack as long as nobody else takes it.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn port_for(&self, server: &str) -> Result<u16> {
        let file = self.checkout.stack(&self.options.name).join(format!("{server}.port"));
        let remembered = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        let port = port::choose(remembered)?;
        write_whole(&file, port.to_string().as_bytes())?;
        Ok(port)
    }

    /// MongoDB's connection string.
    #[must_use]
    pub fn mongodb_uri(&self) -> &str {
        &self.mongodb_uri
    }

    /// The `mongod` behind it; `None` when `MONGODB_URI` named another.
    #[must_use]
    pub fn mongod(&self) -> Option<&Mongod> {
        self.mongod.as_ref()
    }

    /// AWS.
    #[must_use]
    pub fn ministack(&self) -> &MiniStack {
        &self.ministack
    }

    /// Ends the servers that belong to this stack.
    pub async fn stop(&self) {
        self.ministack.stop().await;
        if let Some(mongod) = &self.mongod {
            mongod.stop().await;
        }
    }
}

async fn start_mongod(
    checkout: &Checkout,
    folder: &std::path::Path,
    options: &StackOptions,
) -> Result<Mongod> {
    let program = install::mongod(checkout, options.progress).await?;
    let step = options.progress.step("Starting MongoDB");
    let runs = Record::load(&folder.join("mongod.json")).is_some_and(|record| record.is_alive());
    if !options.keep_data && !runs {
        let _none = std::fs::remove_dir_all(folder.join("mongod-data"));
    }
    let mongod = Mongod::start(&program, folder).await?;
    step.done();
    Ok(mongod)
}

/// Records of all servers of all stacks of a checkout, running or not.
#[must_use]
pub fn records(checkout: &Checkout) -> Vec<(PathBuf, Record)> {
    let mut found = Vec::new();
    collect(&checkout.local().join("stacks"), 0, &mut found);
    found
}

fn collect(folder: &std::path::Path, depth: u8, found: &mut Vec<(PathBuf, Record)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default();
        if name == "mongod.json" || name == "ministack.json" {
            found.extend(Record::load(&path).map(|record| (path.clone(), record)));
        } else if depth < 2 && path.is_dir() && name != "mongod-data" && name != "ministack-tmp" {
            collect(&path, depth + 1, found);
        }
    }
}
