//! Another checkout of these sources: its own `.local`, servers and ports, with the tools that are installed here
//! and the functions that are built here, so that nothing is installed or compiled twice.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use matome_local_stack::{Checkout, Record, records, variable};
use tokio::fs::File;
use tokio::process::{Child, Command};

use super::operator::program;

/// See the module. Its servers end with it.
pub(crate) struct Copy {
    checkout: Checkout,
    program: PathBuf,
    /// What else its commands find in their environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

impl Copy {
    pub(crate) async fn make() -> Self {
        let here = Checkout::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(here.root()).unwrap() {
            let name = entry.unwrap().file_name();
            if name != ".local" && name != ".git" {
                symlink(here.root().join(&name), folder.path().join(&name)).unwrap();
            }
        }
        let checkout = Checkout::at(folder.path());
        std::fs::create_dir(checkout.local()).unwrap();
        symlink(here.tools(), checkout.tools()).unwrap();
        // Cargo would take the copy's path for other packages and compile them all.
        let cargo = variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
        let there = format!("#!/bin/sh\ncd '{}' && exec '{cargo}' \"$@\"\n", here.root().display());
        std::fs::write(checkout.local().join("cargo"), there).unwrap();
        make_executable(&checkout.local().join("cargo"));
        Self { checkout, program: program(&here).await, environment: Vec::new(), _folder: folder }
    }

    /// `cargo xtask <arguments>`, which says what it does in the file `says`.
    pub(crate) async fn start(&self, arguments: &[&str], says: &str) -> Running {
        self.spawn(Command::new(&self.program), arguments, says).await
    }

    /// The same on a machine that has no network but its own loopback; where namespaces cannot be had, with a
    /// proxy for everything else that is not there.
    pub(crate) async fn start_offline(&self, arguments: &[&str], says: &str) -> Running {
        let alone = ["--map-root-user", "--net", "--"];
        let can = Command::new("unshare").args(alone).args(["sh", "-c", LOOPBACK, "true"]).output().await;
        let mut command = if can.is_ok_and(|ended| ended.status.success()) {
            let mut command = Command::new("unshare");
            command.args(alone).args(["sh", "-c", LOOPBACK]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, "http://127.0.0.1:9");
        }
        for variable in ["no_proxy", "NO_PROXY"] {
            command.env(variable, "localhost,.localhost,127.0.0.1");
        }
        self.spawn(command, arguments, says).await
    }

    async fn spawn(&self, mut command: Command, arguments: &[&str], says: &str) -> Running {
        let says = self.checkout.local().join(says);
        let file = File::create(&says).await.unwrap().into_std().await;
        command
            .args(arguments)
            .current_dir(self.checkout.root())
            .env("CARGO", self.checkout.local().join("cargo"))
            .envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).kill_on_drop(true);
        Running { child: command.spawn().unwrap(), says }
    }

    /// What anyone needs to talk to its stack.
    pub(crate) fn stack_file(&self) -> PathBuf {
        self.checkout.local().join("stack.json")
    }

    /// Its servers that are running.
    pub(crate) fn servers(&self) -> Vec<Record> {
        records(&self.checkout).into_iter().map(|(_, record)| record).filter(Record::is_alive).collect()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let down =
            std::process::Command::new(&self.program).arg("down").current_dir(self.checkout.root()).output();
        if let Err(error) = down {
            eprintln!("the servers of a copy are left: {error}");
        }
    }
}

/// Python is what every machine of ours has; `ip` is not.
const LOOPBACK: &str = "python3 -c \"import fcntl, socket, struct; \
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH22x', b'lo', 0x49))\" && exec \"$0\" \"$@\"";

/// A command that is at work.
pub(crate) struct Running {
    child: Child,
    says: PathBuf,
}

impl Running {
    /// What it has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.says).unwrap()
    }

    /// Waits until it says `text`.
    pub(crate) async fn says(&mut self, text: &str) {
        loop {
            let ended = self.child.try_wait().unwrap();
            if self.said().contains(text) {
                return;
            }
            assert!(ended.is_none(), "it ended ({ended:?}) before it said {text:?}:\n{}", self.said());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Waits for its end, which is to be a good one, and returns what it said.
    pub(crate) async fn ends_well(mut self) -> String {
        let ended = self.child.wait().await.unwrap();
        assert!(ended.success(), "it ended with {ended}:\n{}", self.said());
        self.said()
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
