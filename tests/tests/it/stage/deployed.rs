//! Starting the stack, or joining the one an earlier test left.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use matome_line_simulator::{LineSimulator, SimulatorConfig};
use matome_local_stack::sam::TEMPLATES;
use matome_local_stack::shared::DEPLOYED;
use matome_local_stack::{
    Checkout, Mongod, Progress, Record, Stack, StackOptions, install, lambda, shared, variable,
};
use matome_runtime::clock::SystemClock;
use serde::{Deserialize, Serialize};

/// The first call of each function starts an unoptimized binary: LINE's two seconds would not do.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the last test's simulator may hold on to its port.
const PORT_WITHIN: Duration = Duration::from_secs(10);

/// A cell beside the home cell: a cluster of its own, and queues that the test which needs them makes.
pub(crate) const SECOND: &str = "second";

/// Who the API's mails come from.
pub(crate) const SENDER: &str = "no-reply@matome.example";

/// What was deployed where, for the tests that follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployed {
    /// Of the template and the binaries.
    contents: String,
    /// The very process that holds it.
    ministack: Record,
    mongodb_uri: String,
    /// Of the cell [`SECOND`].
    pub(crate) second_mongodb_uri: String,
    line_port: u16,
    pub(crate) outputs: BTreeMap<String, String>,
}

pub(crate) async fn start_or_join() -> (Stack, LineSimulator, Deployed) {
    let checkout = Checkout::find().unwrap();
    // `cargo xtask test` has built them, and says so by the servers it passes on.
    if variable(shared::AWS_VARIABLE).is_none() {
        lambda::build(&checkout, Progress::quiet()).await.unwrap();
    }
    let contents = contents(&checkout);
    if let Some(deployed) = load(&checkout).filter(|d| d.contents == contents && d.ministack.is_alive()) {
        let stack = start(&checkout, true).await;
        if stack.mongodb_uri() == deployed.mongodb_uri
            && second(&checkout).await.uri() == deployed.second_mongodb_uri
            && let Some(line) = simulator(deployed.line_port).await
        {
            return (stack, line, deployed);
        }
    }
    // An emulator's state is in memory: a new deployment begins with a new one.
    for server in ["ministack", "mongod", "second/mongod"] {
        if let Some(record) = Record::load(&checkout.stack(DEPLOYED).join(server).with_extension("json")) {
            record.stop().await;
        }
    }
    deploy(&checkout, contents).await
}

async fn start(checkout: &Checkout, keep_data: bool) -> Stack {
    let options =
        StackOptions { name: DEPLOYED.to_owned(), auth: true, keep_data, progress: Progress::quiet() };
    Stack::start(checkout, options).await.unwrap()
}

async fn deploy(checkout: &Checkout, contents: String) -> (Stack, LineSimulator, Deployed) {
    let stack = start(checkout, false).await;
    let line_port = stack.port_for("line").unwrap();
    let line = simulator(line_port).await.expect("the port was free just now");
    let url = line.api_url();
    let second_mongodb_uri = second(checkout).await.uri();
    let endpoint = stack.ministack().endpoint();
    let cells = serde_json::json!({ SECOND: {
        "mongodbUri": second_mongodb_uri,
        "inboundQueueUrl": format!("{endpoint}/000000000000/matome-{DEPLOYED}-cell-{SECOND}-inbound.fifo"),
    } });
    let parameters = [
        ("LineApiUrl".to_owned(), url.clone()),
        ("LineDataApiUrl".to_owned(), url),
        ("WebhookBaseUrl".to_owned(), endpoint),
        ("Cells".to_owned(), cells.to_string()),
        ("EmailFrom".to_owned(), SENDER.to_owned()),
    ];
    let outputs = stack.deploy(&parameters).await.unwrap();
    let deployed = Deployed {
        contents,
        ministack: Record::load(&checkout.stack(DEPLOYED).join("ministack.json")).unwrap(),
        mongodb_uri: stack.mongodb_uri().to_owned(),
        second_mongodb_uri,
        line_port,
        outputs: outputs.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    std::fs::write(file(checkout), serde_json::to_vec_pretty(&deployed).unwrap()).unwrap();
    (stack, line, deployed)
}

/// The cluster of the cell [`SECOND`].
async fn second(checkout: &Checkout) -> Mongod {
    let program = install::mongod(checkout, Progress::quiet()).await.unwrap();
    Mongod::start(&program, &checkout.stack(DEPLOYED).join(SECOND)).await.unwrap()
}

async fn simulator(port: u16) -> Option<LineSimulator> {
    let begun = Instant::now();
    loop {
        let config = SimulatorConfig {
            port,
            webhook_timeout: WEBHOOK_TIMEOUT,
            ..SimulatorConfig::new(Arc::new(SystemClock))
        };
        match LineSimulator::start(config).await {
            Ok(line) => return Some(line),
            Err(_) if begun.elapsed() < PORT_WITHIN => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(_) => return None,
        }
    }
}

/// Changes when a template or a binary does.
fn contents(checkout: &Checkout) -> String {
    let mut files: Vec<_> =
        TEMPLATES.into_iter().chain(["samconfig.toml"]).map(|f| checkout.root().join(f)).collect();
    files.extend(lambda::FUNCTIONS.map(|function| lambda::folder(checkout, function).join("bootstrap")));
    let stamp = |path: &PathBuf| {
        let metadata = path.metadata().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        format!("{}@{:?}", metadata.len(), metadata.modified().unwrap())
    };
    files.iter().map(stamp).collect::<Vec<_>>().join(" ")
}

fn file(checkout: &Checkout) -> PathBuf {
    checkout.stack(DEPLOYED).join("deployed.json")
}

fn load(checkout: &Checkout) -> Option<Deployed> {
    serde_json::from_slice(&std::fs::read(file(checkout)).ok()?).ok()
}
