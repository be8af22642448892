//! `cargo xtask up`: the whole job on this machine, from nothing to a summary in LINE.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use console::style;
use matome_line_simulator::{LineSimulator, SimulatorConfig};
use matome_local_stack::{Checkout, Progress, Stack, StackOptions, lambda};
use matome_runtime::clock::SystemClock;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};

use crate::command::logs;
use crate::conversation::{Cast, Script, Watch, play, show};
use crate::databases;
use crate::demo::{self, Login};
use crate::settings::{STACK, overrides};
use crate::stack_file::{Demo, StackFile};
use crate::tour::{self, Stop};

/// The first call of each function starts an unoptimized binary: LINE's two seconds would not do.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Do everything once, stop the servers and exit.
    #[arg(long)]
    once: bool,
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let progress = Progress::shown();
        // MiniStack keeps its state in memory; data without it would be half a stack.
        super::down::stop(&checkout, STACK, progress).await;
        let options = StackOptions { name: STACK.to_owned(), auth: true, keep_data: false, progress };
        let stack = Stack::start(&checkout, options).await?;
        let outcome = tokio::select! {
            outcome = self.with(&checkout, &stack, progress) => outcome,
            _ = interrupted()? => Ok(Ended::Interrupted),
        };
        if outcome.is_err() {
            logs::show_latest(&stack).await;
        }
        match outcome {
            Ok(Ended::Elsewhere) => {
                progress.line("The stack was stopped from elsewhere.");
                return Ok(());
            }
            Ok(Ended::Done | Ended::Interrupted) | Err(_) => {
                let step = progress.step("Stopping");
                stack.stop().await;
                StackFile::remove(&checkout);
                step.done();
            }
        }
        outcome.map(drop)
    }

    async fn with(&self, checkout: &Checkout, stack: &Stack, progress: Progress) -> anyhow::Result<Ended> {
        let database_prefix = databases::prepare(checkout, stack).await?;
        lambda::build(checkout, progress).await?;
        let line = LineSimulator::start(SimulatorConfig {
            port: stack.port_for("line")?,
            webhook_timeout: WEBHOOK_TIMEOUT,
            ..SimulatorConfig::new(Arc::new(SystemClock))
        })
        .await?;
        let endpoint = stack.ministack().endpoint();
        let mut parameters = vec![
            ("LineApiUrl".to_owned(), line.api_url()),
            ("LineDataApiUrl".to_owned(), line.api_url()),
            ("WebhookBaseUrl".to_owned(), endpoint.clone()),
            ("DatabasePrefix".to_owned(), database_prefix.clone()),
        ];
        parameters.extend(overrides());
        let outputs = stack.deploy(&parameters).await?;

        let script = Script::demo()?;
        let cast = Cast::of(&script, &line);
        let host_header = stack.ministack().host_header(outputs.get("ApiId")?);
        // LINE is told the URL by the provisioner; the header is what the emulated gateway needs beside it.
        line.update_channel(&cast.channel_id, |channel| channel.webhook_host = Some(host_header.clone()))?;
        let tenant = demo::tenant_id(&cast)?;
        let file = StackFile {
            webhook_url: format!("{endpoint}/line/{}", cast.channel_id),
            host_header,
            api_url: outputs.get("ApiUrl")?.to_owned(),
            mongodb_uri: stack.mongodb_uri().to_owned(),
            database_prefix,
            aws_endpoint: endpoint,
            line_simulator_url: line.api_url(),
            directory_table: outputs.get("DirectoryTable")?.to_owned(),
            tenant_key_arn: outputs.get("TenantKeyArn")?.to_owned(),
            tenants_queue_url: outputs.get("TenantsQueueUrl")?.to_owned(),
            demo: Demo {
                channel_id: cast.channel_id.clone(),
                channel_secret: cast.channel_secret.clone(),
                bot_user_id: cast.bot_user_id.clone(),
                organization_id: tenant.as_str().to_owned(),
                group_id: cast.group.id().to_owned(),
                group_name: script.group.clone(),
            },
        };
        file.write(checkout)?;
        demo::provision(&file, &tenant, &cast, progress).await?;
        let login = demo::login(&file, &tenant).await?;

        let watch = Watch::new(&file, &tenant, &cast.group).await?;
        tokio::try_join!(play(&script, &cast, &line), watch.until_summarized())?;
        println!("\n  {}\n", style("and in LINE:").bold());
        let answer = line.inspect(|world| world.chat.iter().rfind(|entry| entry.is_from_bot()).map(show));
        println!("{}", answer.context("LINE took the summary and does not show it")?);
        let step = progress.step("Asking the API");
        let tour = tour::take(&file, &login).await?;
        step.done();
        show_tour(tour.as_ref());
        if self.once {
            return Ok(Ended::Done);
        }
        hint(&file, &login);
        stay(stack, &line).await
    }
}

/// Why `up` ends.
enum Ended {
    /// `--once`.
    Done,
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// `cargo xtask down`, or another `up`, stopped the servers.
    Elsewhere,
}

/// Shows what happens in the chats until the servers are gone.
async fn stay(stack: &Stack, line: &LineSimulator) -> anyhow::Result<Ended> {
    let mut chat = line.watch_chat();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            entry = chat.recv() => if let Ok(entry) = entry {
                println!("{}", show(&entry));
            },
            _ = look.tick() => if !stack.ministack().is_alive() {
                return Ok(Ended::Elsewhere);
            },
        }
    }
}

/// Resolves when the user, or the system, wants us to end.
fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn show_tour(tour: Option<&[Stop; 3]>) {
    let Some(stops) = tour else {
        println!("\n  There is no curl here, so the API was NOT asked.");
        return;
    };
    println!("\n  {}", style("The API, in three lines that have just worked:").bold());
    for Stop { line, answer } in stops {
        println!("\n{line}\n  {}", style(format!("→ {answer}")).dim());
    }
}

fn hint(file: &StackFile, login: &Login) {
    let label = |text: &str| style(format!("{text:<14}")).dim().to_string();
    println!("\n  {}", style("The stack is up.").bold());
    println!("  {}{}", label("webhook"), file.webhook_url);
    println!("  {}Host: {}", label(""), file.host_header);
    println!("  {}{}", label("API"), file.api_url);
    println!("  {}{}/docs", label(""), file.api_url);
    println!("  {}{}, password {}", label("demo login"), login.email, login.password.expose_secret());
    println!("  {}{}", label("MongoDB"), file.mongodb_uri);
    println!("  {}{}", label("AWS"), file.aws_endpoint);
    println!("  {}{}", label("LINE"), file.line_simulator_url);
    println!("  {}.local/stack.json", label("all of it"));
    println!("\n  Try, in another terminal:");
    println!("    cargo xtask say \"明日の10時に集合しましょう\" --as 田中");
    println!("    cargo xtask say /summary --as 田中");
    println!("    cargo xtask down");
    println!("  Ctrl-C stops everything.\n");
}
