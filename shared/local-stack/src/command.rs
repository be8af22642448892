//! Runs a command to its end: everything it says goes to a log, its latest line to the step that is
//! shown, and its last lines into the error when it fails.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::checkout::make_folder;
use crate::error::{Error, Result};
use crate::progress::Step;

const TAIL: usize = 60;

/// Runs `command`; its standard output comes back as text.
///
/// # Errors
/// [`Error::Command`] with its last lines when it ends with an error, [`Error::Spawn`] when it cannot
/// be started.
pub async fn run(what: &str, mut command: Command, log: &Path, step: &Step) -> Result<String> {
    if let Some(folder) = log.parent() {
        make_folder(folder)?;
    }
    let mut file = File::create(log).map_err(Error::file("cannot create", log))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|source| Error::Spawn { program, source })?;

    let (sender, mut lines) = mpsc::channel(64);
    let stdout = child.stdout.take().expect("standard output is piped");
    let stderr = child.stderr.take().expect("standard error is piped");
    tokio::spawn(forward(stdout, true, sender.clone()));
    tokio::spawn(forward(stderr, false, sender));

    let mut tail = VecDeque::new();
    let mut output = String::new();
    while let Some((is_output, line)) = lines.recv().await {
        writeln!(file, "{line}").map_err(Error::file("cannot write", log))?;
        if is_output {
            output.push_str(&line);
            output.push('\n');
        }
        // What cargo says for machines is of no use to people.
        if !line.trim().is_empty() && !line.starts_with("{\"reason\"") {
            step.note(line.trim());
            tail.push_back(line);
        }
        if tail.len() > TAIL {
            tail.pop_front();
        }
    }
    let status = child.wait().await.map_err(Error::file("cannot wait for the command that wrote", log))?;
    if status.success() {
        return Ok(output);
    }
    Err(Error::Command {
        what: what.to_owned(),
        status: status.to_string(),
        tail: Vec::from(tail).join("\n"),
        log: log.to_owned(),
    })
}

async fn forward(stream: impl AsyncRead + Unpin, is_output: bool, lines: mpsc::Sender<(bool, String)>) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    // Not `lines()`: a tool may print bytes that are not UTF-8.
    while matches!(reader.read_until(b'\n', &mut bytes).await, Ok(n) if n > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if lines.send((is_output, line)).await.is_err() {
            return;
        }
    }
}

/// The last lines of a log, for error messages.
pub(crate) fn tail_of(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
