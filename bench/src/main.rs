//! What can be measured in process: `cargo xtask bench` builds this with the `measure` profile, runs it
//! on the shared MongoDB and puts its figures into the report. Prints one JSON array.

mod cost;
mod figure;
mod recorder;
mod summarizer;
mod webhook;

use figure::Figure;
use tracing::level_filters::LevelFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The functions log as they do in production, but what they say is of no use here.
    let quiet = matome_runtime::telemetry::subscriber(LevelFilter::INFO, std::io::sink);
    tracing::subscriber::set_global_default(quiet)?;
    let webhook = webhook::measure().await?;
    let recorder = recorder::measure().await?;
    let summarizer = summarizer::measure().await?;
    let costs = cost::figures(&cost::Traffic::default(), &webhook, &recorder, &summarizer)?;
    let figures: Vec<Figure> =
        [webhook.figures(), recorder.figures(), summarizer.figures(), costs].into_iter().flatten().collect();
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
