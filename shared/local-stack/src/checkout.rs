//! Where things lie in a checkout: everything that is installed, remembered or logged is in `.local/`.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// One checkout of the project.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout around the working directory.
    ///
    /// # Errors
    /// [`Error::NotACheckout`] when no folder above has `template.yaml` and `Cargo.toml`.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().map_err(Error::file("cannot read", "."))?;
        here.ancestors()
            .find(|folder| folder.join("template.yaml").is_file() && folder.join("Cargo.toml").is_file())
            .map(Self::at)
            .ok_or(Error::NotACheckout)
    }

    /// The checkout whose root is `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `.local`: tools, data, logs; never committed.
    #[must_use]
    pub fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    /// Where pinned tools are installed.
    #[must_use]
    pub fn tools(&self) -> PathBuf {
        self.local().join("tools")
    }

    /// Where long commands write what they say.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.local().join("logs")
    }

    /// Data and process records of the stack called `name`.
    #[must_use]
    pub fn stack(&self, name: &str) -> PathBuf {
        self.local().join("stacks").join(name)
    }
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::file("cannot create", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_a_folder_inside_it() {
        let found = Checkout::find().unwrap();
        assert!(found.root().join("shared/local-stack").is_dir());
    }
}
