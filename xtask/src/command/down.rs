//! `cargo xtask down`: ends every server of this checkout, by its record.

use std::path::PathBuf;

use matome_local_stack::{Checkout, Progress, Record, records, shared};

use crate::stack_file::StackFile;

pub(crate) async fn run() -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    let progress = Progress::shown();
    let running = records(&checkout);
    let stopped = stop_all(&checkout, running, progress).await;
    StackFile::remove(&checkout);
    shared::sweep(&checkout)?;
    if stopped == 0 {
        progress.line("Nothing was running.");
    }
    Ok(())
}

/// Ends the servers of one stack that an earlier run left, if any.
pub(crate) async fn stop(checkout: &Checkout, stack: &str, progress: Progress) {
    let folder = checkout.stack(stack);
    let left = records(checkout).into_iter().filter(|(file, _)| file.starts_with(&folder)).collect();
    stop_all(checkout, left, progress).await;
}

async fn stop_all(checkout: &Checkout, servers: Vec<(PathBuf, Record)>, progress: Progress) -> usize {
    let mut stopped = 0;
    for (file, record) in servers {
        if record.is_alive() {
            let name = file.strip_prefix(checkout.local()).unwrap_or(&file).with_extension("");
            let step = progress.step(format!("Stopping {}", name.display()));
            record.stop().await;
            step.done();
            stopped += 1;
        }
    }
    stopped
}
