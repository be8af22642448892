//! What the API's routes take when there are a million messages of a thousand tenants: every GET route that
//! there is something obvious to ask, and two that change something, one request at a time and eight at once.
//!
//! The router is called in this process, mongod is beside it on the same cores. What is in memory and so not
//! in the figures: see [`world`]. Half of the requests go to the fifteen largest tenants.

mod asks;
mod fill;
mod texts;
mod world;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use matome_api::guard::Rule;
use matome_api::{openapi, routes};
use matome_domain::access::Role;
use matome_domain::clock::Clock;
use matome_domain::rate::Class;
use matome_local_stack::shared::OwnMongod;
use serde_json::{Value, json};

use asks::Asked;
use world::{Answered, Ask, Person, World};

use crate::figure::{Figure, Limit, quantile};

/// Small tenants that are asked about, beside the fifteen large ones.
const SMALL: usize = 15;
/// Requests of a route one after the other.
const ALONE: usize = 120;
/// Requests of a route, so many at once.
const TOGETHER: usize = 240;
const AT_ONCE: usize = 8;
/// What lists, timelines, search and analytics may take at p99, milliseconds.
const IN_ALL: f64 = 200.0;
/// The same, of that in the database.
const IN_DATABASE: f64 = 100.0;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    // One of its own: nobody else is measured with a million messages beside it, and they go with it.
    let mongod = OwnMongod::start("bench-api").await?;
    let system = world::system(&mongod.uri()).await?;
    let begin = Instant::now();
    let tenants = fill::fill(&system).await?;
    eprintln!("{} messages of {} tenants in {:.0?}", fill::MESSAGES, fill::TENANTS, begin.elapsed());
    let world = World::new(system)?;
    let operator = world.person("operator", None).await?;
    let small = tenants.iter().skip(15).step_by((fill::TENANTS - 15) / SMALL).take(SMALL);
    let mut asked = Vec::new();
    for tenant in tenants.iter().take(15).chain(small) {
        world.system.register(tenant, matome_domain::placement::Placement::Shared).await;
        let owner = world.person("owner", Some((&tenant.id, Role::Owner))).await?;
        let agent = world.person("agent", Some((&tenant.id, Role::Agent))).await?;
        asked.push(Asked::of(tenant.clone(), owner, agent).await?);
    }
    let mut bench = Bench { world, asked, operator, figures: Vec::new() };
    let api = openapi::whole(&openapi::generate());
    for route in routes::all() {
        let rule = route.rule();
        if rule.method == Method::GET {
            let operation = &api["paths"][format!("/v1{}", rule.path)]["get"];
            bench.route(rule, operation).await?;
        }
    }
    bench.writes().await?;
    Ok(bench.figures)
}

struct Bench {
    world: World,
    asked: Vec<Asked>,
    operator: Person,
    figures: Vec<Figure>,
}

impl Bench {
    async fn route(&mut self, rule: &Rule, operation: &Value) -> anyhow::Result<()> {
        self.rest().await?;
        // By agents where they may: some rooms are hidden from them, which is more work.
        let Some(first) = self.asked[0].get(rule, operation, 0, false, &self.operator).await? else {
            eprintln!("{}: nothing obvious to ask with", rule.id);
            return Ok(());
        };
        let by_owner = self.world.ask(first).await?.status == StatusCode::FORBIDDEN;
        let mut asks = Vec::new();
        for number in 0..ALONE + TOGETHER {
            let asked = &self.asked[number % self.asked.len()];
            asks.extend(asked.get(rule, operation, number, by_owner, &self.operator).await?);
        }
        let probe = self.world.ask(asks[0].clone()).await?;
        if !probe.status.is_success() {
            ensure!(!probe.status.is_server_error(), "{}: {}", rule.id, probe.status);
            // Not a defect by itself: it may need what is not here.
            eprintln!("{}: {} {}", rule.id, probe.status, String::from_utf8_lossy(&probe.body));
            return Ok(());
        }
        let together = asks.split_off(ALONE.min(asks.len()));
        self.run(&rule.id, is_budgeted(rule), asks, together).await
    }

    /// A room is renamed, and another is made: two audit entries each, majority writes.
    async fn writes(&mut self) -> anyhow::Result<()> {
        let write = |bench: &Self, method: Method, number: usize| {
            let asked = &bench.asked[number % bench.asked.len()];
            let all = format!("/v1/organizations/{}/rooms", asked.tenant.id);
            let path = match asked.id("roomId", number) {
                Some(room) if method == Method::PATCH => format!("{all}/{room}"),
                _ => all,
            };
            let body = json!({ "name": format!("Renamed {number}") }).to_string();
            Ask { method, path, token: Some(asked.owner.token.clone()), body: Some(body) }
        };
        for (id, method) in [("updateRoom", Method::PATCH), ("createRoom", Method::POST)] {
            self.rest().await?;
            let asks = |numbers: std::ops::Range<usize>| {
                numbers.map(|number| write(self, method.clone(), number)).collect::<Vec<_>>()
            };
            let (alone, together) = (asks(0..ALONE), asks(ALONE..ALONE + TOGETHER));
            self.run(id, false, alone, together).await?;
        }
        Ok(())
    }

    /// Lets quotas grow back, and signs everybody's tokens anew.
    async fn rest(&mut self) -> anyhow::Result<()> {
        let clock = &self.world.system.clock;
        clock.set(clock.now().plus(Duration::from_secs(120)));
        for asked in &mut self.asked {
            self.world.sign(&mut asked.owner).await?;
            self.world.sign(&mut asked.agent).await?;
        }
        self.world.sign(&mut self.operator).await
    }

    async fn run(
        &mut self,
        id: &str,
        is_budgeted: bool,
        alone: Vec<Ask>,
        together: Vec<Ask>,
    ) -> anyhow::Result<()> {
        for (how, at_once, asks) in [("one at a time", 1, alone), ("8 at once", AT_ONCE, together)] {
            let asking = stream::iter(asks).map(|ask| self.asked(id, ask)).buffer_unordered(at_once);
            let answers: Vec<Answered> = asking.try_collect().await?;
            let ms = |of: fn(&Answered) -> Duration| -> Vec<f64> {
                answers.iter().map(|answer| of(answer).as_secs_f64() * 1e3).collect()
            };
            let (mut all, mut database) = (ms(|answer| answer.took), ms(|answer| answer.database));
            let mut figure = |what: &str, budget: f64, measured: f64| {
                let name = format!("api: {id}, {how}, {what}");
                self.figures.push(if is_budgeted && budget > 0.0 {
                    Figure::new(name, Limit::AtMost(budget), "ms", measured)
                } else {
                    Figure::known(name, "ms", measured)
                });
            };
            figure("p50", 0.0, quantile(&mut all, 0.5));
            figure("p99", IN_ALL, quantile(&mut all, 0.99));
            figure("p99 in the database", IN_DATABASE, quantile(&mut database, 0.99));
        }
        Ok(())
    }

    async fn asked(&self, id: &str, ask: Ask) -> anyhow::Result<Answered> {
        // Time goes on, or quotas would be spent.
        let clock = &self.world.system.clock;
        clock.set(clock.now().plus(Duration::from_millis(500)));
        let path = ask.path.clone();
        let answered = self.world.ask(ask).await.context("a request panicked")?;
        let body = String::from_utf8_lossy(&answered.body);
        ensure!(answered.status.is_success(), "{id} {path}: {} {body}", answered.status);
        Ok(answered)
    }
}

/// Lists, timelines, search and analytics.
fn is_budgeted(rule: &Rule) -> bool {
    let id = rule.id.to_lowercase();
    id.starts_with("list")
        || rule.class == Class::Search
        || id.contains("timeline")
        || rule.path.contains("/analytics")
}
