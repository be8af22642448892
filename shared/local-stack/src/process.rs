//! Servers that outlive the command that started them, known by pid and start time.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::checkout::make_folder;
use crate::command::tail_of;
use crate::error::{Error, Result};

/// How long a server may take to come up on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a server may take to end by itself before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// What is remembered about a server, in a JSON file. It stays when the server is gone, so that the
/// next one gets the same port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Process, and process group, it runs in.
    pub pid: u32,
    /// Tells this process from a later one with the same pid.
    pub started: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// What it was started with; a server that was started differently is not joined.
    pub options: String,
}

impl Record {
    /// The record at `path`; `None` when there is none, or none that can be read.
    #[must_use]
    pub fn load(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("a record of plain values serializes");
        write_whole(path, &text)
    }

    /// Is this very process still running?
    #[must_use]
    pub fn is_alive(&self) -> bool {
        start_of(self.pid).is_some_and(|started| started == self.started)
    }

    /// Ends the server and what it started: asks, waits, kills. Nothing happens when it is gone.
    pub async fn stop(&self) {
        if !self.is_alive() {
            return;
        }
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while self.is_alive() && asked.elapsed() < STOP_WITHIN {
            tokio::time::sleep(POLL).await;
        }
        // Also reaches children that outlived the leader: while they live, the group's id is theirs.
        self.signal(Signal::KILL);
        while self.is_alive() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends it as a crash would, at once (`kill -9`), and waits until it is gone.
    pub async fn kill(&self) {
        if self.is_alive() {
            self.signal(Signal::KILL);
        }
        while self.is_alive() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// `kill -9` without waiting, for `Drop`.
    pub(crate) fn kill_now(&self) {
        if self.is_alive() {
            self.signal(Signal::KILL);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // Refused only when the group is gone, and that is what we want.
            let _gone = kill_process_group(pid, signal);
        }
    }
}

/// A server to be started.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) log: PathBuf,
    pub(crate) record: PathBuf,
    pub(crate) port: u16,
    pub(crate) options: String,
}

/// A server that was just started and may not be ready.
pub(crate) struct Started {
    child: Child,
    pub(crate) record: Record,
    name: &'static str,
    log: PathBuf,
}

impl Server {
    /// Starts `command` in a process group of its own and writes the record.
    pub(crate) fn spawn(self, mut command: Command) -> Result<Started> {
        for folder in [self.log.parent(), self.record.parent()].into_iter().flatten() {
            make_folder(folder)?;
        }
        let log = File::create(&self.log).map_err(Error::file("cannot create", &self.log))?;
        let also = log.try_clone().map_err(Error::file("cannot open", &self.log))?;
        command.stdin(Stdio::null()).stdout(log).stderr(also).process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|source| Error::Spawn { program, source })?;
        let record = Record {
            pid: child.id(),
            started: start_of(child.id()).unwrap_or_default(),
            port: self.port,
            options: self.options,
        };
        record.save(&self.record)?;
        Ok(Started { child, record, name: self.name, log: self.log })
    }
}

impl Started {
    /// Asks `probe` until it answers `Ok`.
    ///
    /// # Errors
    /// [`Error::NotReady`] when the server ends, or is not ready in time (it is stopped then).
    pub(crate) async fn ready<F, Fut>(mut self, mut probe: F) -> Result<Record>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = std::result::Result<(), String>>,
    {
        let begun = Instant::now();
        let reason = loop {
            let seen = match probe().await {
                Ok(()) => return Ok(self.record),
                Err(seen) => seen,
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                break format!("it ended ({status})");
            }
            if begun.elapsed() > READY_WITHIN {
                self.record.stop().await;
                break format!("{seen} for {} s", READY_WITHIN.as_secs());
            }
            tokio::time::sleep(POLL).await;
        };
        Err(Error::NotReady { what: self.name, reason, tail: tail_of(&self.log), log: self.log })
    }
}

/// When the process began, in a form that differs for a later process with the same pid; `None` when
/// there is no such process, or only a zombie of it.
fn start_of(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let (state, ticks) = state_and_start(&stat)?;
        let alive = !is_dead(state) || has_living_thread(pid);
        alive.then(|| format!("{}/{ticks}", boot.trim()))
    } else {
        let output =
            Command::new("ps").args(["-o", "stat=,lstart=", "-p", &pid.to_string()]).output().ok()?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (state, started) = line.split_once(char::is_whitespace)?;
        (!is_dead(state)).then(|| started.trim().to_owned())
    }
}

/// A killed process shows as a zombie while some of its threads still hold its files and ports.
fn has_living_thread(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .any(|stat| state_and_start(&stat).is_some_and(|(state, _)| !is_dead(state)))
}

fn is_dead(state: &str) -> bool {
    state.starts_with(['Z', 'X'])
}

/// Fields 3 (state) and 22 (start time) of `/proc/<pid>/stat`, proc(5). The name in parentheses may
/// itself hold spaces and parentheses.
fn state_and_start(stat: &str) -> Option<(&str, &str)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(18)?))
}

/// Writes a file so that a reader sees the old or the new text, never half of one.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let half = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&half, text).map_err(Error::file("cannot write", &half))?;
    std::fs::rename(&half, path).map_err(Error::file("cannot write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) odd (name) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 10";

    #[test]
    fn the_start_time_is_read_after_a_name_with_parentheses() {
        assert_eq!(state_and_start(STAT), Some(("S", "98765")));
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = Command::new("true").spawn().unwrap();
        // Not waited for, so it stays a zombie; its state is all there is to wait on.
        while start_of(child.id()).is_some() {
            std::thread::yield_now();
        }
        assert!(child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn a_stale_record_never_stops_the_process_that_has_its_pid_now() {
        let mut stranger = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let stale =
            Record { pid: stranger.id(), started: "another boot/1".into(), port: 1, options: String::new() };
        assert!(!stale.is_alive());
        stale.stop().await;
        assert!(stranger.try_wait().unwrap().is_none(), "the stranger must still run");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[tokio::test]
    async fn a_server_is_recorded_and_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server {
            name: "sleeper",
            log: dir.path().join("logs/sleeper.log"),
            record: dir.path().join("sleeper.json"),
            port: 7,
            options: "x".into(),
        };
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let record = server.spawn(command).unwrap().ready(|| async { Ok(()) }).await.unwrap();
        assert!(record.is_alive());
        assert_eq!(Record::load(&dir.path().join("sleeper.json")), Some(record.clone()));
        record.stop().await;
        assert!(!record.is_alive());
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_an_error_with_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server {
            name: "failing",
            log: dir.path().join("failing.log"),
            record: dir.path().join("failing.json"),
            port: 7,
            options: String::new(),
        };
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck; exit 3"]);
        let error = server.spawn(command).unwrap().ready(|| async { Err("no".into()) }).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("no such luck") && text.contains("exit status: 3"), "{text}");
    }
}
