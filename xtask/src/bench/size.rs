//! What a function weighs as SAM uploads it: the binary alone in a zip file.

use std::path::Path;

use anyhow::{Context, bail};
use tokio::process::Command;

/// Bytes of the zip file.
pub(crate) async fn zipped(python: &Path, binary: &Path, scratch: &Path) -> anyhow::Result<u64> {
    std::fs::create_dir_all(scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let zip = scratch.join("bench.zip");
    let status = Command::new(python)
        .args(["-m", "zipfile", "-c"])
        .args([&zip, binary])
        .status()
        .await
        .context("cannot start python")?;
    if !status.success() {
        bail!("cannot zip {}", binary.display());
    }
    let bytes = std::fs::metadata(&zip).context("cannot read the size of the zip file")?.len();
    std::fs::remove_file(&zip).context("cannot remove the zip file")?;
    Ok(bytes)
}
