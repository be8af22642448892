//! No route reads a whole collection, and no list reads more than it shows: MongoDB's profiler is asked what
//! every GET route there is had it do. A new route is in here by being there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_api::auth::access_token::Amr;
use matome_api::guard::{Access, Rule};
use matome_api::{openapi, routes};
use matome_api_testing::s3;
use matome_api_testing::world::{Person, World};
use mongodb::Database;
use serde_json::Value;

use crate::scans::{READ_WHOLE, databases, number, read_whole_since, scans};
use crate::seeded::{Seeded, WORD};

/// Documents of each kind: more than are on a page.
const SIZE: u32 = 150;
/// What another tenant has of each, in the same collections.
const OTHERS: u32 = 400;
/// Documents that a list may read besides those it shows and one more: the caller's session, account,
/// membership, organization, policy and IP rules, the room, and what of rooms is hidden.
const BESIDE: i64 = 20;

#[tokio::test]
async fn no_route_reads_a_whole_collection_and_no_list_reads_more_than_it_shows() {
    let (world, _bucket) = s3::world().await;
    let seeded = Seeded::start(&world, SIZE).await;
    let _others = Seeded::start(&world, OTHERS).await;
    let mut people = [&seeded.owner, &seeded.agent].map(Person::clone);
    let mut operator = world.super_admin().await;
    let mut profiler = Profiler::start(&world).await;
    let before = scans(&world).await;
    let api = openapi::whole(&openapi::generate());
    let mut wrong = Vec::new();
    let (mut walked, mut requests) = (BTreeSet::new(), 0);
    for route in routes::all() {
        let rule = route.rule();
        if rule.changes() {
            continue;
        }
        // A token holds ten minutes, and time goes on.
        for person in people.iter_mut().chain([&mut operator]) {
            person.token = world.token(person.account, person.session, &[Amr::Pwd, Amr::Otp]).await;
        }
        let [owner, agent] = &people;
        let callers: Vec<Option<&Person>> = match rule.access {
            Access::Public => vec![None],
            Access::Account => vec![Some(owner)],
            Access::Platform(_) => vec![Some(&operator)],
            // From the agent some rooms are hidden, which makes other queries of the same routes.
            Access::Tenant(_) | Access::Room(_) => vec![Some(owner), Some(agent)],
        };
        let operation = &api["paths"][format!("/v1{}", rule.path)]["get"];
        let path = seeded.path(&rule.path);
        for (variant, query) in queries(&rule.path, operation, &api, &seeded).iter().enumerate() {
            for (nth, caller) in callers.iter().enumerate() {
                // Or the quota of a minute would be spent.
                world.system.clock.advance(Duration::from_secs(1));
                // What signing tokens and seeding did is no route's.
                profiler.entries().await;
                let call = world.get(format!("{path}?{query}"));
                let call = if let Some(caller) = caller { call.by(caller) } else { call };
                let reply = call.send().await;
                let name = format!("{} ?{query}, caller {nth}", rule.id);
                // The agent may not everything; what cannot be answered here proves nothing.
                if !reply.status.is_success() && nth == 0 {
                    wrong.push(format!("{name}: {} {}", reply.status, reply.body));
                    continue;
                }
                walked.extend(reply.status.is_success().then(|| rule.id.clone()));
                requests += 1;
                let shown = reply.body["items"].as_array().map(Vec::len).filter(|_| variant == 0);
                wrong.extend(judge(&name, &profiler.entries().await, shown, rule));
            }
        }
    }
    // What the server has counted itself, whoever asked and however deep in a pipeline.
    wrong.extend(read_whole_since(&before, &scans(&world).await));
    profiler.stop().await;
    assert!(wrong.is_empty(), "{} of {requests}:\n{}", wrong.len(), wrong.join("\n"));
    let reading = routes::all().into_iter().filter(|route| !route.rule().changes());
    let not_walked: Vec<_> =
        reading.map(|route| route.rule().id.clone()).filter(|id| !walked.contains(id)).collect();
    assert_eq!(not_walked, Vec::<String>::new());
}

/// What some routes may read besides what they show, and why.
fn allowance(id: &str) -> i64 {
    match id {
        // Sorted when they are read: a room has five hundred at most.
        "listRoomMembers" => i64::from(SIZE),
        // The driver asks for a hundred and one at once, and leaves off when the page is full.
        "search" => 2 * 101,
        _ => 0,
    }
}

/// The query strings to ask an operation with: what it requires alone, and that with each other parameter.
fn queries(path: &str, operation: &Value, api: &Value, seeded: &Seeded) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let (required, optional): (Vec<_>, Vec<_>) = parameters
        .filter(|parameter| parameter["in"] == "query")
        .partition(|parameter| parameter["required"] == true);
    let pairs = |parameter: &Value| -> Vec<String> {
        let name = parameter["name"].as_str().unwrap_or_default();
        // What is in the path is refused in the query.
        if path.contains(&format!("{{{name}}}")) {
            return Vec::new();
        }
        let values = values(name, resolved(&parameter["schema"], api), seeded);
        values.iter().map(|value| format!("{name}={value}")).collect()
    };
    let base: Vec<String> =
        required.iter().filter_map(|parameter| pairs(parameter).into_iter().next()).collect();
    let base = base.join("&");
    let mut queries = vec![base.clone()];
    for pair in optional.into_iter().flat_map(pairs) {
        queries.push(if base.is_empty() { pair } else { format!("{base}&{pair}") });
    }
    queries
}

fn resolved<'a>(schema: &'a Value, api: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/schemas/")) {
        return resolved(&api["components"]["schemas"][name], api);
    }
    for of in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[of].as_array().and_then(|parts| parts.first()) {
            return resolved(first, api);
        }
    }
    schema
}

/// Good values of a parameter; none when it changes nothing about what is read.
fn values(name: &str, schema: &Value, seeded: &Seeded) -> Vec<String> {
    if ["cursor", "fields", "limit", "before", "after"].contains(&name) {
        return Vec::new();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let known: &[&str] = match name {
        "begin" => &["oldest", "newest"],
        "in" => &["messages", "summaries", "both"],
        "by" => &["day", "room"],
        "timezone" => &["Asia/Tokyo"],
        // With each other only, and nothing is read differently.
        "tailSeq" | "tailHash" => return Vec::new(),
        _ => &[],
    };
    if !known.is_empty() {
        return known.iter().map(|value| (*value).to_owned()).collect();
    }
    if let Some(example) = schema["examples"].get(0) {
        return vec![example.as_str().map_or_else(|| example.to_string(), str::to_owned)];
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    let value = match (kind, schema["format"].as_str(), schema["pattern"].as_str()) {
        ("string", Some("date-time"), _) if ["to", "until", "before"].contains(&name) => {
            "2026-11-21T00:00:00Z".to_owned()
        }
        ("string", Some("date-time"), _) => "2026-11-01T00:00:00Z".to_owned(),
        ("string", ..) if name == "from" => "2026-11-01".to_owned(),
        ("string", ..) if name == "to" => "2026-11-20".to_owned(),
        ("string", _, Some(pattern)) if pattern.contains("{24}") => seeded.id("rooms", 0).to_hex(),
        ("string", ..) => WORD.to_owned(),
        ("integer" | "number", ..) => schema["minimum"].as_i64().unwrap_or(1).to_string(),
        ("boolean", ..) => "true".to_owned(),
        (other, ..) => panic!("{name} is a {other:?}: say in tests/it/explain.rs what to ask with"),
    };
    vec![value]
}

/// MongoDB's profiler, in the databases of this test alone.
struct Profiler {
    databases: [Database; 2],
    /// Entries looked at already, of each database.
    seen: [u64; 2],
}

impl Profiler {
    async fn start(world: &World) -> Self {
        let databases = databases(world);
        for database in &databases {
            // The one MongoDB makes by itself holds a megabyte, and forgets.
            let made = doc! { "create": "system.profile", "capped": true, "size": 64 << 20 };
            database.run_command(made).await.expect("made");
            database.run_command(doc! { "profile": 2 }).await.expect("the profiler runs");
        }
        Self { databases, seen: [0; 2] }
    }

    async fn stop(&self) {
        for database in &self.databases {
            database.run_command(doc! { "profile": 0 }).await.expect("stopped");
            database.collection::<Document>("system.profile").drop().await.expect("dropped");
        }
    }

    /// What was done since this was asked last.
    async fn entries(&mut self) -> Vec<Document> {
        let mut entries = Vec::new();
        for (database, seen) in self.databases.iter().zip(&mut self.seen) {
            let profile = database.collection::<Document>("system.profile");
            let found = profile.find(doc! {}).sort(doc! { "$natural": 1 }).skip(*seen).await.expect("found");
            let found: Vec<Document> = found.try_collect().await.expect("found");
            *seen += found.len() as u64;
            // Asking for them is an operation as well.
            let is_ours =
                |entry: &Document| !entry.get_str("ns").unwrap_or_default().contains("system.profile");
            entries.extend(found.into_iter().filter(is_ours));
        }
        entries
    }
}

/// What is wrong with the operations of a request: a whole collection read in some part of a plan, more
/// documents read than the tenant has; in a list, more than it shows.
fn judge(name: &str, entries: &[Document], shown: Option<usize>, rule: &Rule) -> Vec<String> {
    // Who runs the platform may ask for what all tenants have.
    let of_all = if matches!(rule.access, Access::Platform(_)) { i64::from(OTHERS) } else { 0 };
    let mut wrong = Vec::new();
    let mut read = BTreeMap::<&str, i64>::new();
    for entry in entries {
        let namespace = entry.get_str("ns").unwrap_or_default();
        let collection = namespace.split_once('.').map_or("", |(_, collection)| collection);
        let is_fine = READ_WHOLE.iter().any(|(fine, _)| *fine == collection);
        if reads_whole(&Bson::Document(entry.clone())) && !is_fine {
            wrong.push(format!("{name}: COLLSCAN of {namespace}: {:?}", entry.get("command")));
        }
        let documents = number(entry, "docsExamined");
        *read.entry(collection).or_default() += documents;
        // A pipeline over several collections is one entry.
        let collections = if collection == "$cmd.aggregate" { 3 } else { 1 };
        if documents > i64::from(SIZE) * collections + of_all + BESIDE {
            wrong.push(format!("{name}: {documents} documents of {collection} read"));
        }
    }
    let total: i64 = read.values().sum();
    if let Some(shown) = shown
        && total > i64::try_from(shown).expect("few") + 1 + BESIDE + allowance(&rule.id)
    {
        wrong.push(format!("{name}: {total} documents read for {shown} shown: {read:?}"));
    }
    wrong
}

/// `planSummary` says so of the whole, a stage of itself, and a look-up counts its own.
fn reads_whole(value: &Bson) -> bool {
    match value {
        Bson::Document(document) => document.iter().any(|(name, value)| match (name.as_str(), value) {
            ("planSummary" | "stage", Bson::String(text)) => text.contains("COLLSCAN"),
            ("collectionScans", _) => number(document, "collectionScans") > 0,
            // What was asked may say anything.
            ("command" | "originatingCommand", _) => false,
            (_, value) => reads_whole(value),
        }),
        Bson::Array(values) => values.iter().any(reads_whole),
        _ => false,
    }
}
