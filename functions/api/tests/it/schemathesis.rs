//! Property-based: schemathesis sends every operation what the OpenAPI file allows, and what it does not,
//! over HTTP on this machine, as who may everything. No answer is a 5xx or one that the file does not have.
//!
//! Nothing is left out for being destructive: what a request took away is back before the next one, and who
//! ends their own session or closes their account is somebody new each time. Left out is what needs S3, which
//! is not there (it has tests of its own on MiniStack): erasing a person's data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use bson::{Document, doc};
use futures::future::join_all;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use matome_api::auth::access_token::Amr;
use matome_local_stack::{Checkout, Progress, install};
use matome_store::entities::LoginSession;
use mongodb::Namespace;
use tokio::process::Command;

use crate::operations::{Operation, databases, operations};
use crate::seeded::Seeded;
use crate::world::{Person, World};

/// What schemathesis has for a token; it becomes a good one on the way.
const TOKEN: &str = "Bearer of-who-may-everything";
/// More of them find more, and take longer.
const EXAMPLES: &str = "6";
/// Time that passes between two requests, so that the limits of a minute are met now and then, not always.
const STEP: Duration = Duration::from_secs(1);
/// The end of a run that hangs: the test fails, and says that it took too long.
const PATIENCE: Duration = Duration::from_secs(240);

/// What stands between schemathesis and the API.
struct Between {
    world: World,
    operator: Person,
    seeded: Vec<(Namespace, Document)>,
    requests: AtomicU64,
}

impl Between {
    async fn start() -> (Self, Seeded) {
        let world = World::start().await;
        let operator = world.super_admin().await;
        let later = doc! { "$set": { "expiresAt": bson::DateTime::MAX } };
        let sessions = world.system.store.platform_collection::<LoginSession>();
        sessions.update_one(doc! { "_id": operator.session }, later).await.unwrap();
        let seeded = Seeded::start(&world, 2).await;
        let mut documents = Vec::new();
        for database in databases(&world).await {
            for name in database.list_collection_names().await.unwrap() {
                // What only grows.
                if name.contains("audit") {
                    continue;
                }
                let found = database.collection::<Document>(&name).find(doc! {}).await.unwrap();
                let found: Vec<Document> = futures::TryStreamExt::try_collect(found).await.unwrap();
                let namespace = Namespace::new(database.name(), &name);
                documents.extend(found.into_iter().map(|document| (namespace.clone(), document)));
            }
        }
        (Self { world, operator, seeded: documents, requests: AtomicU64::new(0) }, seeded)
    }

    /// Everything that was seeded is as it was.
    async fn restore(&self) {
        let platform = self.world.system.store.platform();
        let restored = self.seeded.iter().map(|(namespace, document)| {
            let collection =
                platform.client().database(&namespace.db).collection::<Document>(&namespace.coll);
            let id = document.get("_id").cloned().unwrap();
            async move {
                let one = doc! { "_id": id };
                // A unique key may be taken by what a request made: then that is there instead.
                let _taken = collection.replace_one(one, document).upsert(true).await;
            }
        });
        join_all(restored).await;
    }

    async fn token(&self, path: &str) -> String {
        if path.starts_with("/v1/account/") || path == "/v1/account" || path.starts_with("/v1/auth/") {
            return self.world.person().await.token;
        }
        let Person { account, session, .. } = self.operator;
        self.world.token(account, session, &[Amr::Pwd, Amr::Otp]).await
    }
}

async fn between(State(between): State<Arc<Between>>, mut request: Request, next: Next) -> Response {
    between.requests.fetch_add(1, Ordering::Relaxed);
    if request.headers().get(AUTHORIZATION).is_some_and(|value| value == TOKEN) {
        between.world.system.clock.advance(STEP);
        let token = format!("Bearer {}", between.token(request.uri().path()).await);
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&token).unwrap());
    }
    let may_change = request.method() != Method::GET;
    let response = next.run(request).await;
    if may_change && response.status().is_success() {
        between.restore().await;
    }
    response
}

/// `schemathesis.toml`: the ids of what is there, so that more is met than 404.
fn settings(seeded: &Seeded) -> String {
    let mut text = String::from("[generation]\ndatabase = \"none\"\n");
    let has_ids = |operation: &Operation| operation.rule.path_names().any(|name| name.ends_with("Id"));
    for operation in operations().into_iter().filter(has_ids) {
        let mut values = BTreeMap::new();
        let path = seeded.path(&operation.rule.path);
        for (name, value) in operation.rule.path.split('/').zip(path.trim_start_matches("/v1").split('/')) {
            if let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                values.insert(name.to_owned(), value.to_owned());
            }
        }
        text.push_str(&format!("\n[[operations]]\ninclude-operation-id = \"{}\"\n", operation.id()));
        text.push_str("[operations.parameters]\n");
        for (name, value) in values {
            text.push_str(&format!("\"path.{name}\" = \"{value}\"\n"));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_the_answer_is_one_that_the_file_has() {
    let checkout = Checkout::find().unwrap();
    let tools = install::schemathesis(&checkout, Progress::quiet()).await.unwrap();
    let (state, seeded) = Between::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, matome_api::openapi::generate()).unwrap();
    let config = folder.path().join("schemathesis.toml");
    std::fs::write(&config, settings(&seeded)).unwrap();

    let state = Arc::new(state);
    let router = state.world.router.clone().layer(from_fn_with_state(Arc::clone(&state), between));
    let without_s3 = ["--exclude-operation-id", "eraseUser"];
    let found = run(&tools, &config, &file, router, folder.path(), &without_s3).await;
    let requests = state.requests.load(Ordering::Relaxed);
    println!("{requests} requests");
    assert!(requests > 5 * u64::try_from(operations().len()).unwrap(), "only {requests} requests were sent");
    if let Err(found) = found {
        panic!("{found}");
    }
}

/// What is wrong with an API is found: one that fails, and one that answers what the file does not have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_not_what_the_file_says_is_found_out() {
    let checkout = Checkout::find().unwrap();
    let tools = install::schemathesis(&checkout, Progress::quiet()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, config) = (folder.path().join("openapi.json"), folder.path().join("schemathesis.toml"));
    std::fs::write(&file, matome_api::openapi::generate()).unwrap();
    std::fs::write(&config, "").unwrap();
    let one = ["--include-operation-id", "listRooms"];
    for (answer, found) in [
        ((StatusCode::INTERNAL_SERVER_ERROR, "{}"), "Server error"),
        ((StatusCode::IM_A_TEAPOT, "{}"), "Undocumented status code"),
        ((StatusCode::OK, "{}"), "Content-Type"),
    ] {
        let router = Router::new().fallback(async move || answer);
        let report = run(&tools, &config, &file, router, folder.path(), &one).await.unwrap_err();
        assert!(report.contains(found), "{report}");
    }
}

async fn run(
    tools: &Path,
    config: &Path,
    file: &Path,
    router: Router,
    folder: &Path,
    only: &[&str],
) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let found = send(tools, config, file, &url, folder, only).await;
    server.abort();
    found
}

async fn send(
    tools: &Path,
    config: &Path,
    file: &Path,
    url: &str,
    folder: &Path,
    only: &[&str],
) -> Result<(), String> {
    let mut command = Command::new(tools.join("schemathesis"));
    command.current_dir(folder).kill_on_drop(true).arg("--config-file").arg(config).arg("run").arg(file);
    command.args(["--url", url, "--header", &format!("Authorization: {TOKEN}")]);
    command.args(["--checks", CHECKS, "--phases", "examples,fuzzing", "--seed", "1"]);
    command.args(["--max-examples", EXAMPLES, "--workers", "2", "--no-shrink", "--no-color"]);
    command.args(["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]);
    command.args(only);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| "it took too long".to_owned())?.map_err(|error| error.to_string())?;
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(text) }
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,ignored_auth";

#[tokio::test]
async fn the_file_is_openapi_3_1() {
    let checkout = Checkout::find().unwrap();
    let tools = install::schemathesis(&checkout, Progress::quiet()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = async |text: String| {
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(tools.join("openapi-spec-validator"));
        command.args(["--schema", "3.1"]).arg(&file).output().await.unwrap()
    };
    let made = matome_api::openapi::generate();
    let good = check(made.clone()).await;
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let bad = check(made.replacen("\"operationId\"", "\"operation\"", 1)).await;
    assert!(!bad.status.success(), "what is wrong is found");
}
