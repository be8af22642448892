//! What can go wrong on the developer's machine, said so that the next step is clear.

use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a local part could not be installed, started, stopped or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The working directory is not inside a checkout.
    #[error("no checkout of Matome here: no folder above has both template.yaml and Cargo.toml")]
    NotACheckout,
    /// A tool that cannot be installed by us is missing or too old.
    #[error("{tool}: {problem}. {hint}")]
    MissingTool {
        /// The tool.
        tool: &'static str,
        /// What was found out.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// A command ended with an error.
    #[error("{what} failed ({status}); the end of {log}:\n{tail}", log = .log.display())]
    Command {
        /// What it was for.
        what: String,
        /// Its exit status.
        status: String,
        /// Its last lines.
        tail: String,
        /// Everything it said.
        log: PathBuf,
    },
    /// A server did not come up.
    #[error("{what} did not become ready: {reason}; the end of {log}:\n{tail}", log = .log.display())]
    NotReady {
        /// The server.
        what: &'static str,
        /// What was seen last.
        reason: String,
        /// Its last lines.
        tail: String,
        /// Its log.
        log: PathBuf,
    },
    /// A file or folder refused.
    #[error("{what} {path}: {source}", path = .path.display())]
    File {
        /// What was tried, e.g. "cannot write".
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// MongoDB refused.
    #[error("MongoDB: {0}")]
    Mongo(#[from] mongodb::error::Error),
    /// A local server did not answer as it should.
    #[error("a local server did not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// An answer of a tool could not be understood.
    #[error("cannot read {what}: {source}")]
    Answer {
        /// Which answer.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The deployed stack lacks an output.
    #[error("the deployed stack has no output {0}")]
    MissingOutput(String),
}

impl Error {
    /// A file error as a closure for `map_err`.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
