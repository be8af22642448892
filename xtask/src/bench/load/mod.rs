//! The most memory each function takes while it works, not only when it is ready: one process for each,
//! fed through the Runtime API with what its queue would bring, against real MongoDB, MiniStack and the
//! LINE simulator. The functions work on one another's results, and a load that was not dealt with
//! completely is an error, never a figure.

mod api;
mod ground;
mod media;
mod provisioner;
mod recorder;
mod scheduler;
mod sender;
mod summarizer;
mod webhook;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use matome_ai::fake::FakeProvider;
use matome_domain::queue::QueueMessage;
use matome_local_stack::lambda::package;
use matome_local_stack::{Checkout, Progress};
use matome_testing::sqs;
use serde_json::json;

use crate::bench::process::Process;
use crate::bench::{Figure, Limit};
use ground::Ground;

/// Peak memory of each function under its load, from the binaries in `binaries` (`<package>` each).
pub(crate) async fn figures(
    checkout: &Checkout,
    binaries: &Path,
    progress: Progress,
) -> anyhow::Result<Vec<Figure>> {
    let ground = Ground::prepare(checkout, progress).await?;
    let bench = Bench {
        ground: &ground,
        environment: &ground.environment,
        binaries,
        logs: checkout.logs(),
        progress,
    };
    let figures = bench.all().await;
    ground.leave().await;
    figures
}

struct Bench<'a> {
    ground: &'a Ground,
    environment: &'a [(String, String)],
    binaries: &'a Path,
    logs: PathBuf,
    progress: Progress,
}

impl Bench<'_> {
    /// In the order in which the functions work on each other's results.
    async fn all(&self) -> anyhow::Result<Vec<Figure>> {
        Ok(vec![
            self.measure("webhook", "webhook", 40.0, webhook::run).await?,
            self.measure("recorder", "recorder", 64.0, recorder::run).await?,
            self.media().await?,
            self.measure("summarizer", "summarizer", 64.0, summarizer::builtin).await?,
            self.provided().await?,
            self.measure("sender", "sender", 64.0, sender::run).await?,
            self.measure("scheduler", "scheduler", 64.0, scheduler::run).await?,
            self.measure("api", "api", 64.0, api::run).await?,
            self.measure("provisioner", "provisioner", 64.0, provisioner::run).await?,
        ])
    }

    async fn media(&self) -> anyhow::Result<Figure> {
        // The messages come from a recorder of their own, which is not what is measured here.
        let mut recorder = self.start("recorder", "media-messages").await?;
        media::send(self.ground, &mut recorder).await.context("messages for the media function")?;
        recorder.end().await?;
        self.measure("media", "recorder", 64.0, media::run).await
    }

    async fn provided(&self) -> anyhow::Result<Figure> {
        let provider = FakeProvider::start([]).await?;
        let mut environment = self.ground.environment.clone();
        environment.extend([
            ("AI_BASE_URL".to_owned(), provider.base_url().to_owned()),
            ("AI_MODEL".to_owned(), "gpt-4o-mini".to_owned()),
            ("AI_API_KEY".to_owned(), "none".to_owned()),
            ("AI_VISION".to_owned(), "true".to_owned()),
        ]);
        let bench = Bench { environment: &environment, logs: self.logs.clone(), ..*self };
        let name = "summarizer with a provider";
        let figure = bench.measure(name, "summarizer", 64.0, summarizer::provided).await?;
        let seen: usize = provider.seen().iter().map(|request| request.pictures()).sum();
        ensure!(seen == media::SHOWN, "the provider saw {seen} pictures");
        Ok(figure)
    }

    async fn measure(
        &self,
        name: &str,
        function: &str,
        budget: f64,
        load: impl AsyncFnOnce(&Ground, &mut Process) -> anyhow::Result<String>,
    ) -> anyhow::Result<Figure> {
        let step = self.progress.step(format!("Measuring the memory of {name} under load"));
        let mut process = self.start(function, name).await.with_context(|| format!("{name} under load"))?;
        let what = load(self.ground, &mut process).await.with_context(|| format!("{name} under load"))?;
        let peak = process.peak_memory()?;
        process.end().await?;
        step.done();
        let title = format!("{name}: peak memory under load ({what})");
        Ok(Figure::measured(title, Limit::AtMost(budget), "MB", peak))
    }

    async fn start(&self, function: &str, name: &str) -> anyhow::Result<Process> {
        let binary = self.binaries.join(package(function));
        let log = self.logs.join(format!("bench-{}.log", name.replace(' ', "-")));
        Process::start(&binary, self.environment, Some(&log)).await
    }
}

/// Hands over `messages` in batches of `size`, as SQS does; all must be dealt with.
async fn consume<M: QueueMessage>(process: &mut Process, messages: &[M], size: usize) -> anyhow::Result<()> {
    ensure!(!messages.is_empty(), "there is nothing to do");
    for batch in messages.chunks(size) {
        let answer = process.invoke(serde_json::to_string(&sqs::batch(batch))?).await?;
        ensure!(answer == json!({ "batchItemFailures": [] }), "messages went back to the queue: {answer}");
    }
    Ok(())
}
