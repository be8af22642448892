//! Servers for integration tests: one per checkout, shared by every test process, each test with a
//! database, tables and queues of its own.
//!
//! `cargo xtask test` starts them, passes their addresses on and stops them. A test that is run alone
//! starts them, or joins those that run, and leaves them to the next one; `cargo xtask down` ends them.

use std::path::PathBuf;

use crate::checkout::Checkout;
use crate::environment::variable;
use crate::error::Result;
use crate::install;
use crate::lock::Lock;
use crate::ministack::MiniStack;
use crate::mongod::Mongod;
use crate::progress::Progress;

/// Carries the address of the shared MongoDB to the tests.
pub const MONGODB_VARIABLE: &str = "MATOME_TEST_MONGODB_URI";
/// Carries the address of the shared MiniStack to the tests.
pub const AWS_VARIABLE: &str = "MATOME_TEST_AWS_ENDPOINT";

/// The name of the stack that tests share.
pub const NAME: &str = "test";

/// The name of the deployed stack that the end-to-end tests have one after the other: with the
/// template, IAM evaluation on, started by the first of them.
pub const DEPLOYED: &str = "e2e";

/// The connection string of the shared MongoDB. Use a database of your own in it.
///
/// # Errors
/// [`crate::Error`] when it cannot be installed or started.
pub async fn mongodb_uri() -> Result<String> {
    if let Some(uri) = variable(MONGODB_VARIABLE) {
        return Ok(uri);
    }
    Ok(mongod(&Checkout::find()?, Progress::quiet()).await?.uri())
}

/// The endpoint of the shared MiniStack, IAM evaluation off.
///
/// # Errors
/// [`crate::Error`] when it cannot be installed or started.
pub async fn aws_endpoint() -> Result<String> {
    if let Some(endpoint) = variable(AWS_VARIABLE) {
        return Ok(endpoint);
    }
    Ok(ministack(&Checkout::find()?, Progress::quiet()).await?.endpoint())
}

/// Starts or joins the shared MongoDB of `checkout`. A new one begins with empty data.
///
/// # Errors
/// [`crate::Error`] when it cannot be installed or started.
pub async fn mongod(checkout: &Checkout, progress: Progress) -> Result<Mongod> {
    let program = install::mongod(checkout, progress).await?;
    let folder = checkout.stack(NAME);
    let _lock = Lock::take(&folder.join("mongod.lock")).await?;
    let runs = crate::Record::load(&folder.join("mongod.json")).is_some_and(|record| record.is_alive());
    if !runs {
        // Data of test runs are of no use to anyone, and thousands of old databases slow the start.
        let _none = std::fs::remove_dir_all(folder.join("mongod-data"));
    }
    Mongod::start(&program, &folder).await
}

/// Starts or joins the shared MiniStack of `checkout`.
///
/// # Errors
/// [`crate::Error`] when it cannot be installed or started.
pub async fn ministack(checkout: &Checkout, progress: Progress) -> Result<MiniStack> {
    let python = install::ministack(checkout, progress).await?;
    let folder = checkout.stack(NAME);
    let _lock = Lock::take(&folder.join("ministack.lock")).await?;
    MiniStack::start(&python, &folder, false).await
}

/// What the folders of [`OwnMongod`] begin with.
const OWN: &str = "own-";

/// Removes what [`OwnMongod`]s left behind that ended with their test process. Stop servers first.
///
/// # Errors
/// [`crate::Error::File`].
pub fn sweep(checkout: &Checkout) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(checkout.stack(NAME)) else { return Ok(()) };
    for folder in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWN)) {
            std::fs::remove_dir_all(&folder).map_err(crate::Error::file("cannot remove", &folder))?;
        }
    }
    Ok(())
}

/// A MongoDB of one's own, for tests that kill it and start it again.
#[derive(Debug)]
pub struct OwnMongod {
    mongod: Mongod,
    folder: PathBuf,
}

impl OwnMongod {
    /// Starts one on an empty folder; `name` must be unique among the tests.
    ///
    /// # Errors
    /// [`crate::Error`] when it cannot be installed or started.
    pub async fn start(name: &str) -> Result<Self> {
        let checkout = Checkout::find()?;
        let program = install::mongod(&checkout, Progress::quiet()).await?;
        let folder = checkout.stack(NAME).join(format!("{OWN}{name}-{}", std::process::id()));
        let mongod = Mongod::start(&program, &folder).await?;
        Ok(Self { mongod, folder })
    }

    /// The connection string; the same after [`OwnMongod::restart`].
    #[must_use]
    pub fn uri(&self) -> String {
        self.mongod.uri()
    }

    /// `kill -9`.
    pub async fn kill(&self) {
        self.mongod.kill().await;
    }

    /// Starts it again on its data and port.
    ///
    /// # Errors
    /// [`crate::Error::NotReady`].
    pub async fn restart(&mut self) -> Result<()> {
        self.mongod.restart().await
    }
}

impl Drop for OwnMongod {
    fn drop(&mut self) {
        self.mongod.record().kill_now();
        // A server that is still dying may hold files; `cargo xtask down` sweeps what is left.
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}
