//! What can be measured in process: `cargo xtask bench` builds this with the `measure` profile, runs it
//! on the shared MongoDB and puts its figures into the report. Prints one JSON array.
//!
//! Whoever works on one part names it (`matome-bench storage dwell`) and gets that part's figures.

mod api;
mod cost;
mod crowd;
mod dwell;
mod figure;
mod provisioner;
mod provisioning;
mod recorder;
mod recording;
mod relocation;
mod storage;
mod summarizer;
mod webhook;

use figure::Figure;
use tracing::level_filters::LevelFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The functions log as they do in production, but what they say is of no use here.
    let quiet = matome_runtime::telemetry::subscriber(LevelFilter::INFO, std::io::sink);
    tracing::subscriber::set_global_default(quiet)?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|w| w == part);
    let mut figures: Vec<Figure> = Vec::new();
    if wants("functions") || wants("dwell") {
        let recorder = recorder::measure().await?;
        if wants("functions") {
            let webhook = webhook::measure().await?;
            let summarizer = summarizer::measure().await?;
            let costs = cost::figures(&cost::Traffic::default(), &webhook, &recorder, &summarizer)?;
            let parts = [webhook.figures(), recorder.figures(), summarizer.figures(), costs];
            figures.extend(parts.into_iter().flatten());
        }
        if wants("dwell") {
            figures.extend(dwell::figures(&recorder.cost()?)?);
        }
    }
    if wants("provisioning") {
        figures.extend(provisioning::measure().await?);
    }
    if wants("crowd") {
        figures.extend(crowd::measure().await?);
    }
    if wants("storage") {
        figures.extend(storage::measure().await?);
    }
    if wants("relocation") {
        figures.extend(relocation::measure().await?);
    }
    if wants("api") {
        figures.extend(api::measure().await?);
    }
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
