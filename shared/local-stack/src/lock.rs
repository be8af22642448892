//! One at a time, across processes: a lock that the kernel releases when its holder dies.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::checkout::make_folder;
use crate::error::{Error, Result};

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock file at `path`. Waits on a thread of its own, so that two tasks of one
    /// runtime cannot block each other.
    pub(crate) async fn take(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || Self::take_blocking(path))
            .await
            .expect("the locking thread does not panic")
    }

    fn take_blocking(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = File::create(&path).map_err(Error::file("cannot create", &path))?;
        file.lock().map_err(Error::file("cannot lock", &path))?;
        Ok(Self { _file: file })
    }
}
