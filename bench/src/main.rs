//! What can be measured in process: `cargo xtask bench` builds this with the `measure` profile, runs it
//! on the shared MongoDB and puts its figures into the report. Prints one JSON array.

mod cost;
mod figure;
mod recorder;
mod summarizer;
mod webhook;

use figure::Figure;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let webhook = webhook::measure().await?;
    let recorder = recorder::measure().await?;
    let summarizer = summarizer::measure().await?;
    let costs = cost::figures(&cost::Traffic::default(), &webhook, &recorder, &summarizer)?;
    let figures: Vec<Figure> =
        [webhook.figures(), recorder.figures(), summarizer.figures(), costs].into_iter().flatten().collect();
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
