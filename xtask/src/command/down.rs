//! `cargo xtask down`: ends every server of this checkout, by its record.

use matome_local_stack::{Checkout, Progress, records};

pub(crate) async fn run() -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    let mut stopped = 0;
    for (file, record) in records(&checkout) {
        if record.is_alive() {
            let name = file.strip_prefix(checkout.local()).unwrap_or(&file).with_extension("");
            let step = Progress::shown().step(format!("Stopping {}", name.display()));
            record.stop().await;
            step.done();
            stopped += 1;
        }
    }
    if stopped == 0 {
        Progress::shown().line("Nothing was running.");
    }
    Ok(())
}
