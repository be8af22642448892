//! Secrets and words that nobody but their owner may see are sent along every way there is, right and wrong.
//! Then they are looked for wherever something is written: logs, audits, queues, refusals, DynamoDB, the
//! directory and every document of MongoDB.

use std::cell::RefCell;

use bson::{RawDocumentBuf, doc};
use futures::TryStreamExt;
use matome_api::routes;
use matome_api_testing::s3;
use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use matome_store::entities::{Message, Summary, User};
use matome_testing::log::Log;
use matome_testing::{TestTenant, fixtures};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, set_default};

use crate::talk::{Talk, message, put};

const EMAIL: &str = "canary-address@example.com";
const ACCOUNT_NAME: &str = "Canary-Account-Name";
/// As they follow each other: chosen at registration, changed, reset.
const PASSWORDS: [&str; 3] =
    ["Blue-Canary-Chosen-First", "Blue-Canary-Changed-Later", "Blue-Canary-Reset-At-Last"];
const WRONG_PASSWORD: &str = "Blue-Canary-Guessed-Wrongly";
const CHANNEL_SECRETS: [&str; 2] = ["a0canary1channel2secret3connect4", "b0canary1channel2secret3rotated4"];
const CHANNEL_TOKEN: &str = "canaryChannelAccessTokenThatNobodyAskedFor";
/// Goes wherever something is read that should be something else.
const STRAY: &str = "canaryStrayedIntoEveryField";
/// The same, where an id or a number of a path should be.
const IN_PATH: &str = "canarystrayedintothepath";
const CARD: &str = "4929 1234 5678 9012";
const DISPLAY_NAME: &str = "Canary-Display-Name";
const CUSTOMER: &str = "canary-customer@example.com";
const SUMMARY: &str = "Canary-Summary-Of-What-Was-Said";
const COMMENT: &str = "Canary-Comment-On-A-Summary";

/// Something planted, and the collections in which it may stand in plain text.
struct Canary {
    what: &'static str,
    text: String,
    stands_in: &'static [&'static str],
}

/// Where something was written, and what.
struct Place {
    name: String,
    /// Of a document of MongoDB.
    collection: Option<String>,
    bytes: Vec<u8>,
}

/// All that was planted.
#[derive(Default)]
struct Canaries(Vec<Canary>);

impl Canaries {
    fn words() -> Self {
        let mut all = Self::default();
        for secret in PASSWORDS.iter().chain([&WRONG_PASSWORD]) {
            all.secret("a password", secret);
        }
        for secret in CHANNEL_SECRETS.iter().chain([&CHANNEL_TOKEN]) {
            all.secret("a channel's secret", secret);
        }
        all.secret("what was in the wrong place", STRAY);
        all.secret("what was in a path", IN_PATH);
        let mut word = |what, text: &str, stands_in| {
            all.0.push(Canary { what, text: text.to_owned(), stands_in });
        };
        word("a card number in a message", CARD, &["messages"]);
        word("a customer's name", DISPLAY_NAME, &["users"]);
        word("a customer's address", CUSTOMER, &["users"]);
        word("a summary", SUMMARY, &["summaries"]);
        word("a comment", COMMENT, &["summaries"]);
        word("an account's name", ACCOUNT_NAME, &["accounts", "members"]);
        word("an account's address", EMAIL, &["accounts", "members"]);
        all
    }

    fn secret(&mut self, what: &'static str, text: &str) {
        assert!(text.len() > 5, "{what} is too short to be looked for");
        self.0.push(Canary { what, text: text.to_owned(), stands_in: &[] });
    }

    /// A token of ours, `<scheme>_<what finds it>_<secret>`: its last part is secret.
    fn token(&mut self, what: &'static str, text: &str) {
        let secret = text.splitn(3, '_').nth(2).expect("three parts");
        assert_eq!(secret.len(), 43);
        self.secret(what, secret);
    }

    /// The tokens that a log-in was answered with.
    fn tokens(&mut self, tokens: &Value) {
        self.token("a refresh token", tokens["refreshToken"].as_str().expect("a token"));
        let access = tokens["accessToken"].as_str().expect("a token");
        for part in access.split('.').skip(1) {
            self.secret("an access token", part);
        }
    }

    /// What stands where it may not: the place and what it is, never the thing.
    fn found(&self, places: &[Place]) -> Vec<String> {
        let mut found = Vec::new();
        for place in places {
            let text = String::from_utf8_lossy(&place.bytes);
            for canary in &self.0 {
                let may = place.collection.as_deref().is_some_and(|name| canary.stands_in.contains(&name));
                if !may && stands_in(&text, &canary.text) {
                    found.push(format!("{} in {}", canary.what, place.name));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Whether a text has it, and not only as a part of a longer number or word: a code has six digits.
fn stands_in(text: &str, canary: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.';
    text.match_indices(canary).any(|(at, _)| {
        let is_whole = !text[..at].ends_with(is_word) && !text[at + canary.len()..].starts_with(is_word);
        canary.len() > 6 || is_whole
    })
}

/// Runs a test with everything logged, at the level that hides nothing, also by threads that block.
fn logging<T>(test: impl AsyncFnOnce(Log) -> T) -> T {
    thread_local! { static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) } }
    let log = Log::default();
    let writer = log.clone();
    let level = "trace".parse().unwrap();
    let dispatch = Dispatch::new(matome_runtime::telemetry::subscriber(level, move || writer.clone()));
    let _guard = set_default(&dispatch);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().on_thread_start(move || {
        GUARD.with_borrow_mut(|guard| *guard = Some(set_default(&dispatch)));
    });
    runtime.build().unwrap().block_on(test(log))
}

/// Everything that was written.
async fn places(world: &World, log: &Log) -> Vec<Place> {
    let of = |name: &str, bytes: Vec<u8>| Place { name: name.to_owned(), collection: None, bytes };
    let written = log.bytes();
    let mut places: Vec<_> =
        written.split(|byte| *byte == b'\n').map(|line| of(&operation("log", line), line.to_vec())).collect();
    places.extend(world.queued.entries().iter().map(|e| of("a queue", format!("{e:?}").into_bytes())));
    let refusals = world.refusals.lock().unwrap().clone();
    places.extend(refusals.iter().map(|body| of("a refusal", body.clone().into_bytes())));
    places.extend(world.ephemeral.iter().map(|dump| of("DynamoDB", dump().into_bytes())));
    places.push(of("the directory", world.system.directory_dump().into_bytes()));
    let platform = world.system.store.platform();
    let prefix = platform.name().trim_end_matches("platform").to_owned();
    for database in platform.client().list_database_names().await.unwrap() {
        if !database.starts_with(&prefix) {
            continue;
        }
        let database = platform.client().database(&database);
        for name in database.list_collection_names().await.unwrap() {
            let documents = database.collection::<RawDocumentBuf>(&name).find(doc! {}).await.unwrap();
            let documents: Vec<RawDocumentBuf> = documents.try_collect().await.unwrap();
            places.extend(documents.iter().map(|document| {
                let bytes = document.as_bytes().to_vec();
                let kind = document.get_str("operation").unwrap_or_default();
                let name = format!("{}.{name} {kind}", database.name().trim_start_matches(&prefix));
                Place { collection: Some(document_of(&name)), name, bytes }
            }));
        }
    }
    places
}

/// `shared.users …` is of `users`.
fn document_of(place: &str) -> String {
    let name = place.split_once('.').map_or(place, |(_, name)| name);
    name.split(' ').next().unwrap_or_default().to_owned()
}

fn operation(kind: &str, line: &[u8]) -> String {
    let line: Value = serde_json::from_slice(line).unwrap_or_default();
    format!("{kind}: {} {}", line["message"], line["operation"])
}

fn person(tokens: &Value) -> Person {
    let id = |name: &str| tokens[name].as_str().expect("an id").parse().expect("an id");
    let token = tokens["accessToken"].as_str().expect("a token").to_owned();
    Person { account: id("accountId"), session: id("sessionId"), token }
}

async fn log_in(world: &World, canaries: &mut Canaries, password: &str) -> Value {
    let body = json!({ "email": EMAIL, "password": password });
    let tokens = world.send("/auth/login", body).await.ok();
    canaries.tokens(&tokens);
    tokens
}

/// Registration, log-in, change and reset of a password.
async fn passwords(world: &World, canaries: &mut Canaries) -> Value {
    let [first, second, third] = PASSWORDS;
    let body = json!({ "email": EMAIL, "name": ACCOUNT_NAME, "password": first });
    for _ in 0..2 {
        assert_eq!(world.send("/auth/register", body.clone()).await.status, 202);
    }
    let mails = world.mails.take();
    let last = &mails.last().unwrap().text;
    let token = last.split_once("#token=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    canaries.token("a mail's token", &token);
    let verification = json!({ "token": token, "password": first });
    for body in [
        json!({ "token": [token], "password": first }),
        json!({ "code": token, "password": first }),
        json!({ "token": token, "password": WRONG_PASSWORD }),
        verification.clone(),
    ] {
        world.send("/auth/verify-email", body).await;
    }
    assert_eq!(world.send("/auth/verify-email", verification).await.status, 401);
    let wrong = json!({ "email": EMAIL, "password": WRONG_PASSWORD });
    assert_eq!(world.send("/auth/login", wrong).await.status, 401);
    // Mixed up: the password as the address, as a number's neighbour, as something else.
    for body in [
        json!({ "email": first, "password": EMAIL }),
        json!({ "email": EMAIL, "password": [first] }),
        json!({ "email": { "password": first }, "password": first }),
        json!({ "email": EMAIL, "password": first, "role": first }),
        json!(first),
    ] {
        assert!(world.send("/auth/login", body).await.status.is_client_error());
    }
    let broken = format!("{{\"email\":\"{EMAIL}\",\"password\":\"{first}");
    let broken = world.post("/v1/auth/login").text(&broken).header("content-type", "application/json");
    assert_eq!(broken.send().await.status, 400);
    let tokens = log_in(world, canaries, first).await;
    let change = async |current: &str, new: Value| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        world.post("/v1/account/password").by(&person(&tokens)).json(&body).send().await.status
    };
    assert_eq!(change(WRONG_PASSWORD, json!(second)).await, 401);
    assert_eq!(change(first, json!([second])).await, 422);
    assert_eq!(change(first, json!(second)).await, 204);
    world.subjects();
    assert_eq!(world.send("/auth/password/forgot", json!({ "email": EMAIL })).await.status, 202);
    let token = world.mailed();
    canaries.token("a mail's token", &token);
    let reset = async |body: Value| world.send("/auth/password/reset", body).await.status;
    assert!(reset(json!({ "token": third, "password": token })).await.is_client_error());
    assert_eq!(reset(json!({ "token": token, "password": third })).await, 204);
    assert_eq!(reset(json!({ "token": token, "password": third })).await, 401);
    world.later(61);
    let tokens = log_in(world, canaries, third).await;
    let next = world.refresh(&tokens).await.ok();
    canaries.tokens(&next);
    assert_eq!(world.refresh(&tokens).await.status, 409);
    let misplaced = json!({ "refreshToken": [next["refreshToken"]], "token": next["refreshToken"] });
    assert_eq!(world.send("/auth/refresh", misplaced).await.status, 422);
    next
}

/// A second factor, set up and used.
async fn factor(world: &World, canaries: &mut Canaries, tokens: &Value) {
    let here = person(tokens);
    let begin = async |body: Value| world.post("/v1/account/totp").by(&here).json(&body).send().await;
    assert_eq!(begin(json!({ "password": WRONG_PASSWORD })).await.status, 401);
    let begun = begin(json!({ "password": PASSWORDS[2] })).await.ok();
    let secret = SecretString::from(begun["secret"].as_str().unwrap());
    canaries.secret("a TOTP secret", secret.expose_secret());
    let confirm = async |code: Value| {
        world.post("/v1/account/totp/confirm").by(&here).json(&json!({ "code": code })).send().await
    };
    assert!(confirm(json!(secret.expose_secret())).await.status.is_client_error());
    let code = world.code(&secret);
    canaries.secret("a TOTP code", &code);
    assert_eq!(confirm(json!([code])).await.status, 422);
    let recovery = confirm(json!(code)).await.ok()["recoveryCodes"].clone();
    let recovery: Vec<String> = serde_json::from_value(recovery).unwrap();
    for code in &recovery {
        canaries.secret("a recovery code", code);
    }
    world.later(61);
    for (kind, code) in [("code", world.code(&secret)), ("recoveryCode", recovery[0].clone())] {
        canaries.secret("a code", &code);
        let body = json!({ "email": EMAIL, "password": PASSWORDS[2] });
        let asked = world.send("/auth/login", body).await.ok();
        let token = asked["mfaToken"].as_str().unwrap();
        canaries.token("a challenge", token);
        let show = async |body: Value| world.send("/auth/mfa", body).await;
        assert!(show(json!({ "mfaToken": code, kind: token })).await.status.is_client_error());
        assert_eq!(show(json!({ "mfaToken": token, kind: [code] })).await.status, 422);
        canaries.tokens(&show(json!({ "mfaToken": token, kind: code })).await.ok());
        assert_eq!(show(json!({ "mfaToken": token, kind: code })).await.status, 401);
        world.later(61);
    }
}

/// A key and a channel, asked for twice with the same idempotency key.
async fn machines(world: &World, canaries: &mut Canaries, tenant: &TestTenant, owner: &Person) {
    let body = json!({ "name": "Back office", "scopes": ["rooms:read", "channels:read"] });
    for _ in 0..2 {
        let make = world.post(of(tenant, "/api-keys")).by(owner).header("idempotency-key", "one");
        let made = make.json(&body).send().await;
        assert_eq!(made.status, 201);
        let key = made.body["key"].as_str().unwrap();
        canaries.token("an API key", key);
        assert_eq!(world.get(of(tenant, "/rooms")).with_token(key).send().await.status, 200);
        assert_eq!(world.get(of(tenant, "/users")).with_token(key).send().await.status, 403);
        // Neither in a query nor in another header.
        world.get(of(tenant, &format!("/rooms?apiKey={key}"))).header("x-api-key", key).send().await;
        world.get(of(tenant, "/rooms")).with_token(&key[..key.len() - 1]).send().await;
    }
    let [first, second] = CHANNEL_SECRETS;
    let connect = async |body: Value| {
        let call = world.post(of(tenant, "/channels")).by(owner).header("idempotency-key", "two");
        call.json(&body).send().await.status
    };
    let right = json!({ "channelId": "1650000001", "secret": first });
    for wrong in [
        json!({ "channelId": format!("{first}/"), "secret": "1650000001" }),
        json!({ "channelId": "1650000001", "secret": [first] }),
        json!({ "channelId": "1650000001", "secret": format!("{first} {first}") }),
        json!({ "channelId": "1650000001", "secret": first, "channelAccessToken": CHANNEL_TOKEN }),
    ] {
        let call = world.post(of(tenant, "/channels")).by(owner).json(&wrong).send().await;
        assert_eq!(call.status, 422, "{}", call.body);
    }
    for _ in 0..2 {
        assert_eq!(connect(right.clone()).await, 202);
    }
    assert_eq!(connect(json!({ "channelId": "1650000002", "secret": second })).await, 422);
    let platform = world.system.store.platform();
    platform.collection::<bson::Document>("tenant_operations").delete_many(doc! {}).await.unwrap();
    let channel = fixtures::channel(tenant);
    let channels = world.system.store.platform_collection::<matome_store::entities::Channel>();
    channels.insert_one(&channel).await.unwrap();
    let path = of(tenant, &format!("/channels/{}", channel.channel_id));
    let patch = json!({ "name": "Ginza", "channelAccessToken": CHANNEL_TOKEN, "secret": second });
    assert_eq!(world.patch(&path).by(owner).json(&patch).send().await.status, 422);
    let rotate = world.post(format!("{path}/rotate-secret")).by(owner).json(&json!({ "secret": second }));
    assert_eq!(rotate.send().await.status, 202);
}

/// What customers say, and what is made of it: read, searched, exported, rated, forgotten.
async fn words(world: &World, tenant: &TestTenant, owner: &Person) {
    let talk = Talk::closed(tenant, "Cgroup").await;
    put::<Message>(tenant, &message(&talk.session, 3, &talk.aoi, &format!("My card is {CARD}, thanks")))
        .await;
    let brief = doc! { "$set": { "content.brief": SUMMARY } };
    tenant.store.collection::<Summary>().update(doc! { "_id": talk.summary.id }, brief).await.unwrap();
    let user = of(tenant, &format!("/users/{}", talk.aoi.id.to_hex()));
    // As the recorder learns it from LINE: nobody changes it here.
    let named = doc! { "$set": { "displayName": DISPLAY_NAME } };
    tenant.store.collection::<User>().update(doc! { "_id": talk.aoi.id }, named).await.unwrap();
    let address = json!({ "email": CUSTOMER });
    assert_eq!(world.patch(&user).by(owner).json(&address).send().await.status, 200);
    let name = json!({ "displayName": DISPLAY_NAME, "email": CUSTOMER });
    assert_eq!(world.patch(&user).by(owner).json(&name).send().await.status, 422);
    let made = world.post(of(tenant, "/users")).by(owner).header("idempotency-key", "three").json(&name);
    assert_eq!(made.send().await.status, 201);
    assert_eq!(
        world.patch(&user).by(owner).json(&json!({ "displayName": [DISPLAY_NAME] })).send().await.status,
        422
    );
    for path in
        [talk.session("/timeline"), talk.room("/catch-up?since=2026-11-20T00:00:00Z"), talk.summary("")]
    {
        let read = world.get(of(tenant, &path)).by(owner).send().await;
        assert_eq!(read.status, 200, "{path} {}", read.body);
    }
    let timeline = world.get(of(tenant, &talk.session("/timeline"))).by(owner).send().await.ok();
    assert!(timeline.to_string().contains(CARD), "who may read does");
    let card = CARD.replace(' ', "%20");
    let stranger = world.member(&world.tenant().await, Role::Owner).await;
    for query in [format!("q={card}"), format!("q={SUMMARY}"), format!("q={card}&limit={card}&in={card}")] {
        let path = of(tenant, &format!("/search?{query}&cursor={card}"));
        world.get(path).by(owner).send().await;
        let path = of(tenant, &format!("/search?{query}"));
        world.get(&path).by(owner).send().await;
        assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);
    }
    let feedback = of(tenant, &talk.summary("/feedback"));
    for rating in [json!(9), json!(COMMENT), json!(4)] {
        world.post(&feedback).by(owner).json(&json!({ "rating": rating, "comment": COMMENT })).send().await;
    }
    let kept = tenant.store.collection::<Summary>().get(talk.summary.id).await.unwrap().unwrap();
    assert!(serde_json::to_string(&kept.feedback).unwrap().contains(COMMENT));
    let regenerate = world.post(of(tenant, &talk.summary("/regenerate"))).by(owner).json(&json!({}));
    assert_eq!(regenerate.send().await.status, 202);
    let export = world.post(format!("{user}/export")).by(owner).send().await.ok();
    assert!(export.to_string().contains(DISPLAY_NAME) && export.to_string().contains(CARD));
    assert_eq!(world.post(format!("{user}/erasure")).by(owner).send().await.status, 200);
}

/// Something secret in every place that every route reads.
async fn strays(world: &World) {
    let tenant = world.tenant().await;
    for route in routes::all() {
        let rule = route.rule();
        let owner = world.member(&tenant, Role::Owner).await;
        let in_path = |organization: &str| -> String {
            let part = |part: &str| match part {
                "{organizationId}" => organization.to_owned(),
                part if part.starts_with('{') => IN_PATH.to_owned(),
                part => part.to_owned(),
            };
            rule.path.split('/').map(part).collect::<Vec<_>>().join("/")
        };
        let names =
            ["email", "name", "password", "token", "code", "secret", "content", "role", "limit", "id"];
        let object = |value: &Value| -> Value { names.iter().map(|name| (*name, value.clone())).collect() };
        let nested = json!({ "settings": { "language": STRAY }, "profile": [STRAY], "permissions": STRAY });
        for (path, query, body) in [
            (in_path(tenant.id.as_str()), format!("?limit={STRAY}"), object(&json!(STRAY)).to_string()),
            (in_path(IN_PATH), format!("?q={STRAY}&cursor={STRAY}"), object(&json!([STRAY])).to_string()),
            (in_path(tenant.id.as_str()), format!("?sort={STRAY}&limit={STRAY}&limit=1"), nested.to_string()),
            (in_path(tenant.id.as_str()), String::new(), format!("\"{STRAY}\" {STRAY}")),
        ] {
            let path = format!("/v1{path}{query}");
            for token in [owner.token.as_str(), STRAY] {
                let call = world.request(rule.method.as_str(), &path).with_token(token);
                let call = call.header("content-type", "application/json").text(&body);
                let call =
                    ["if-match", "idempotency-key", "cookie", "x-api-key", "origin", "accept-language"]
                        .iter()
                        .fold(call, |call, name| call.header(name, STRAY));
                assert_ne!(call.send().await.status.as_u16(), 500, "{} {path}", rule.id);
            }
        }
        world.later(61);
    }
}

#[test]
fn no_secret_and_no_word_of_anybody_is_found_where_it_does_not_belong() {
    logging(async |log| {
        let (world, _) = s3::world().await;
        let mut canaries = Canaries::words();
        let tokens = passwords(&world, &mut canaries).await;
        factor(&world, &mut canaries, &tokens).await;
        let tenant = world.tenant().await;
        let owner = world.member(&tenant, Role::Owner).await;
        machines(&world, &mut canaries, &tenant, &owner).await;
        words(&world, &tenant, &owner).await;
        strays(&world).await;

        let places = places(&world, &log).await;
        let of = |name: &str| places.iter().filter(|place| place.name.starts_with(name)).count();
        for kind in
            ["log: \"answered\"", "log: \"refused\"", "a queue", "a refusal", "DynamoDB", "the directory"]
        {
            assert!(of(kind) > 0, "{kind} was not looked at");
        }
        for collection in ["accounts", "credentials", "api_keys", "messages", "users", "summaries"] {
            let seen = places.iter().any(|place| place.collection.as_deref() == Some(collection));
            assert!(seen, "{collection} was not looked at");
        }
        assert_eq!(canaries.found(&places), Vec::<String>::new());
    });
}

#[test]
fn what_is_planted_is_found() {
    logging(async |log| {
        let world = World::start().await;
        let tenant = world.tenant().await;
        let canaries = Canaries::words();
        assert_eq!(canaries.found(&places(&world, &log).await), Vec::<String>::new());
        let blocking = tokio::task::spawn_blocking(|| {
            tracing::trace!(target: "matome_api::planted", password = PASSWORDS[0], "planted");
        });
        blocking.await.unwrap();
        let platform = world.system.store.platform();
        let leak = doc! { "note": { "deep": [format!("it is {CARD}")] } };
        platform.collection("a_new_collection").insert_one(leak).await.unwrap();
        put(
            &tenant,
            &message(&Talk::open(&tenant, "C").await.session, 9, &fixtures::user(&tenant, "U"), CARD),
        )
        .await;
        world.post(format!("/v1/{EMAIL}")).send().await;
        world.refusals.lock().unwrap().push(WRONG_PASSWORD.to_owned());
        assert_eq!(
            canaries.found(&places(&world, &log).await),
            [
                "a card number in a message in platform.a_new_collection ",
                "a password in a refusal",
                "a password in log: \"planted\" null"
            ]
        );
    });
    assert!(stands_in(r#""code":"123456""#, "123456") && !stands_in("0.123456", "123456"));
}
