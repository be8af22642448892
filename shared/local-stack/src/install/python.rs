//! The one thing we cannot install: Python 3.10 or later with `venv`.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::error::{Error, Result};
use crate::install::on_path;

/// MiniStack and SAM CLI need 3.10.
const OLDEST: (u32, u32) = (3, 10);
const HINT: &str =
    "Install Python 3.10 or later with its venv module (Debian, Ubuntu: apt install python3-venv)";

fn missing(problem: impl Into<String>) -> Error {
    Error::MissingTool { tool: "python3", problem: problem.into(), hint: HINT }
}

/// A usable `python3`.
pub(super) async fn find() -> Result<PathBuf> {
    let python = on_path("python3").ok_or_else(|| missing("not found on PATH"))?;
    let output = Command::new(&python)
        .args(["-c", "import sys; print(*sys.version_info[:2]); import venv, ensurepip"])
        .output()
        .await
        .map_err(|source| Error::Spawn { program: "python3".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = parse_version(&text).ok_or_else(|| missing("does not tell its version"))?;
    if version < OLDEST {
        return Err(missing(format!("is {}.{}, too old", version.0, version.1)));
    }
    if !output.status.success() {
        return Err(missing("has no venv module"));
    }
    Ok(python)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().map_while(|n| n.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// `lib/python3.x/site-packages` of a virtual environment.
pub(super) fn site_packages(venv: &Path) -> Result<PathBuf> {
    let lib = venv.join("lib");
    let entries = std::fs::read_dir(&lib).map_err(Error::file("cannot read", &lib))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path().join("site-packages")))
        .find(|folder| folder.is_dir())
        .ok_or_else(|| {
            missing(format!("made a virtual environment without site-packages in {}", lib.display()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("3 9\n"), Some((3, 9)));
        assert!(parse_version("3 9").unwrap() < OLDEST);
        assert!(parse_version("3 12").unwrap() > OLDEST);
        assert_eq!(parse_version("Python"), None);
    }
}
