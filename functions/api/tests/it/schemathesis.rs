//! Property-based: schemathesis sends every operation what the OpenAPI file allows, and what it does not,
//! over HTTP on this machine: once as who may everything, and once as those who may little or nothing. No
//! answer is a 5xx or one that the file does not have.
//!
//! Nothing is left out, destructive or not: what a request took away is back before the next one, and who ends
//! their own session or closes their account is somebody new each time. The bucket is MiniStack's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
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
use matome_api::guard::Access;
use matome_api_testing::s3;
use matome_api_testing::world::{Person, World};
use matome_domain::access::{Action, Resource, Role, Scopes};
use matome_local_stack::{Checkout, Progress, install};
use mongodb::Namespace;
use tokio::process::Command;

use crate::operations::{Operation, databases, operations};
use crate::seeded::Seeded;

/// What schemathesis has for a token; it becomes a good one on the way.
const TOKEN: &str = "Bearer of-somebody";
/// More of them find more, and take longer.
const EXAMPLES: &str = "6";
/// Time that passes between two requests, so that the limits of a minute are met now and then, not always.
const STEP: Duration = Duration::from_secs(1);
/// The end of a run that hangs: the test fails, and says that it took too long.
const PATIENCE: Duration = Duration::from_secs(240);

/// By method and path, the statuses of the answers.
type Answers = BTreeMap<(Method, String), Vec<u16>>;

/// Who calls.
enum Caller {
    Person(Person, &'static [Amr]),
    /// A machine, or whoever's token is none.
    Token(String),
}

/// What stands between schemathesis and the API.
struct Between {
    world: World,
    /// They take turns, path by path.
    callers: Vec<Caller>,
    seeded: Vec<(Namespace, Document)>,
    /// What each operation answered.
    answers: Mutex<Answers>,
}

/// The platform's operator.
async fn who_may_everything(world: &World, _: &Seeded) -> Vec<Caller> {
    vec![Caller::Person(world.super_admin().await, &[Amr::Pwd, Amr::Otp])]
}

/// Who owns another organization, a machine that may read rooms, who may read here, and who is nobody: the first
/// is refused all that is the organization's, whatever else is tried.
async fn who_may_little(world: &World, seeded: &Seeded) -> Vec<Caller> {
    let viewer = world.member(&seeded.tenant, Role::Viewer).await;
    let rooms = Scopes::new([Resource::Rooms.to(Action::Read)].into_iter().collect()).unwrap();
    let elsewhere = world.tenant().await;
    let stranger = world.member(&elsewhere, Role::Owner).await;
    vec![
        Caller::Person(stranger, &[Amr::Pwd]),
        Caller::Token(world.api_key(&seeded.tenant, rooms).await),
        Caller::Person(viewer, &[Amr::Pwd]),
        Caller::Token("over".to_owned()),
    ]
}

impl Between {
    async fn start(callers: impl AsyncFn(&World, &Seeded) -> Vec<Caller>) -> (Self, Seeded) {
        let (world, _) = s3::world().await;
        let seeded = Seeded::start(&world, 2).await;
        let callers = callers(&world, &seeded).await;
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
        (Self { world, callers, seeded: documents, answers: Mutex::default() }, seeded)
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

    async fn token(&self, called: &(Method, String)) -> String {
        let number = self.answers.lock().unwrap().get(called).map_or(0, Vec::len);
        match &self.callers[number % self.callers.len()] {
            Caller::Person(..) if is_ones_own(&called.1) => self.world.person().await.token,
            Caller::Person(Person { account, session, .. }, amr) => {
                self.world.token(*account, *session, amr).await
            }
            Caller::Token(token) => token.clone(),
        }
    }
}

/// What somebody may do to themselves, after which they may do no more.
fn is_ones_own(path: &str) -> bool {
    path.starts_with("/v1/account/") || path == "/v1/account" || path.starts_with("/v1/auth/")
}

async fn between(State(between): State<Arc<Between>>, mut request: Request, next: Next) -> Response {
    let called = (request.method().clone(), request.uri().path().to_owned());
    if request.headers().get(AUTHORIZATION).is_some_and(|value| value == TOKEN) {
        between.world.system.clock.advance(STEP);
        let token = format!("Bearer {}", between.token(&called).await);
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&token).unwrap());
    }
    let response = next.run(request).await;
    if called.0 != Method::GET && response.status().is_success() {
        between.restore().await;
    }
    between.answers.lock().unwrap().entry(called).or_default().push(response.status().as_u16());
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

/// Sends every operation something, and checks the answers.
async fn all_of_it(callers: impl AsyncFn(&World, &Seeded) -> Vec<Caller>) -> Answers {
    let checkout = Checkout::find().unwrap();
    let tools = install::schemathesis(&checkout, Progress::quiet()).await.unwrap();
    let (state, seeded) = Between::start(callers).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, matome_api::openapi::generate()).unwrap();
    let config = folder.path().join("schemathesis.toml");
    std::fs::write(&config, settings(&seeded)).unwrap();

    let state = Arc::new(state);
    let router = state.world.router.clone().layer(from_fn_with_state(Arc::clone(&state), between));
    let found = run(&tools, &config, &file, router, folder.path(), &[]).await;
    let answers = state.answers.lock().unwrap().clone();
    if let Err(found) = found {
        panic!("{found}");
    }
    let requests = answers.values().flatten().count();
    println!("{requests} requests");
    assert!(requests > 5 * operations().len(), "only {requests} requests were sent");
    answers
}

/// The operations that have not once answered so.
fn without(answers: &Answers, status: impl Fn(u16) -> bool) -> Vec<Operation> {
    let answered: Vec<_> = answers.iter().filter(|(_, answers)| answers.iter().any(|s| status(*s))).collect();
    let is = |operation: &Operation, (method, path): &(Method, String)| {
        let path = path.strip_prefix("/v1").unwrap_or(path);
        let (names, parts) = (operation.rule.path.split('/'), path.split('/'));
        *method == operation.rule.method
            && names.clone().count() == parts.clone().count()
            && names.zip(parts).all(|(name, part)| name == part || name.starts_with('{'))
    };
    let mut operations = operations();
    operations.retain(|operation| !answered.iter().any(|(called, _)| is(operation, called)));
    operations
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_by_who_may_everything_the_answer_is_one_that_the_file_has() {
    let answers = all_of_it(who_may_everything).await;
    let never_done = without(&answers, |status| status < 300);
    assert!(never_done.len() < operations().len() / 2, "it was not only refused: {answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_by_who_may_little_the_answer_is_one_that_the_file_has() {
    let answers = all_of_it(who_may_little).await;
    let mut never_refused = without(&answers, |status| matches!(status, 401 | 403 | 404));
    never_refused.retain(|operation| !matches!(operation.rule.access, Access::Public | Access::Account));
    let never_refused: Vec<&str> = never_refused.iter().map(Operation::id).collect();
    assert!(never_refused.is_empty(), "{never_refused:?}");
    for status in [200, 401, 403, 404] {
        assert!(answers.values().flatten().any(|answer| *answer == status), "{status}: {answers:?}");
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
