//! What the API's routes take when there are a million messages of a thousand tenants, one request at a time and
//! eight at once: first what is read, asked of what is there; then what changes something, on journeys on which
//! each step has what it needs. No route is left out.
//!
//! mongod is beside the router on the same cores. What is in memory and so not in the figures: see [`world`].
//! Half of the requests go to the fifteen largest tenants.

mod asks;
mod fill;
mod texts;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use matome_api::guard::Rule;
use matome_api::{openapi, routes};
use matome_api_testing::journeys::{Journey, Stage, Traveller};
use matome_api_testing::world::Person;
use matome_domain::access::Role;
use matome_domain::placement::Placement;
use matome_domain::rate::Class;
use matome_local_stack::shared::OwnMongod;
use serde_json::Value;

use asks::Asked;
use world::{Ask, Timer, Took};

use crate::figure::{Figure, Limit, quantile};

/// Small tenants that are asked about, beside the fifteen large ones.
const SMALL: usize = 15;
/// Requests of a route, and journeys of a kind, one after the other.
const ALONE: usize = 120;
/// The same, so many at once.
const TOGETHER: usize = 240;
const AT_ONCE: usize = 8;
const TOGETHER_IS: &str = "8 at once";
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
    let stage = Arc::new(Stage::over(system).await);
    let operator = stage.world.super_admin().await;
    let small = tenants.iter().skip(15).step_by((fill::TENANTS - 15) / SMALL).take(SMALL);
    let mut asked = Vec::new();
    for tenant in tenants.iter().take(15).chain(small) {
        stage.world.system.register(tenant, Placement::Shared).await;
        let owner = stage.world.member(tenant, Role::Owner).await;
        let agent = stage.world.member(tenant, Role::Agent).await;
        asked.push(Asked::of(tenant.clone(), owner, agent).await?);
    }
    let all = routes::all();
    let rules: BTreeMap<&str, &Rule> = all.iter().map(|route| (&*route.rule().id, route.rule())).collect();
    let mut bench =
        Bench { stage, asked, operator, rules: &rules, figures: Vec::new(), done: BTreeSet::new() };
    let api = openapi::whole(&openapi::generate());
    for rule in all.iter().map(|route| route.rule()).filter(|rule| rule.method == Method::GET) {
        bench.route(rule, &api["paths"][format!("/v1{}", rule.path)]["get"]).await?;
    }
    for (nth, journey) in (0..).zip(Journey::ALL) {
        bench.journey(nth, journey).await?;
    }
    let left_out: Vec<&str> = rules.keys().copied().filter(|id| !bench.done.contains(*id)).collect();
    ensure!(left_out.is_empty(), "not measured: {left_out:?}");
    Ok(bench.figures)
}

struct Bench<'r> {
    stage: Arc<Stage>,
    asked: Vec<Asked>,
    operator: Person,
    rules: &'r BTreeMap<&'r str, &'r Rule>,
    figures: Vec<Figure>,
    /// Routes that there are figures of.
    done: BTreeSet<String>,
}

impl Bench<'_> {
    async fn route(&mut self, rule: &Rule, operation: &Value) -> anyhow::Result<()> {
        self.rest().await;
        // By agents where they may: some rooms are hidden from them, which is more work.
        let Some(first) = self.asked[0].get(rule, operation, 0, false, &self.operator).await? else {
            // Of what is not there: a journey makes one.
            return Ok(());
        };
        let first = first.send(&self.stage.world).await.0;
        let by_owner = first.status == StatusCode::FORBIDDEN;
        let mut asks = Vec::new();
        for number in 0..ALONE + TOGETHER {
            let asked = &self.asked[number % self.asked.len()];
            asks.extend(asked.get(rule, operation, number, by_owner, &self.operator).await?);
        }
        if asks[0].clone().send(&self.stage.world).await.0.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let together = asks.split_off(ALONE.min(asks.len()));
        for (how, at_once, asks) in [("one at a time", 1, asks), (TOGETHER_IS, AT_ONCE, together)] {
            let asking = stream::iter(asks).map(|ask| self.asked(&rule.id, ask)).buffer_unordered(at_once);
            let took = asking.try_collect().await?;
            self.figures(&rule.id, how, took);
        }
        self.done.insert(rule.id.to_string());
        Ok(())
    }

    async fn asked(&self, id: &str, ask: Ask) -> anyhow::Result<Took> {
        // Time goes on, or quotas would be spent.
        self.stage.world.system.clock.advance(Duration::from_millis(500));
        let (stage, path) = (Arc::clone(&self.stage), ask.path.clone());
        let asked = tokio::spawn(async move { ask.send(&stage.world).await });
        let (reply, took) = asked.await.context("a request panicked")?;
        ensure!(reply.status.is_success(), "{id} {path}: {} {}", reply.status, reply.body);
        Ok(took)
    }

    /// Steps whose routes were measured already are steps only.
    async fn journey(&mut self, nth: usize, journey: Journey) -> anyhow::Result<()> {
        let mut steps = BTreeSet::new();
        for (how, at_once, numbers) in
            [("one at a time", 1, 0..ALONE), (TOGETHER_IS, AT_ONCE, ALONE..ALONE + TOGETHER)]
        {
            self.rest().await;
            let timer = Arc::new(Timer::default());
            let going = numbers.map(|number| self.go(journey, nth * (ALONE + TOGETHER) + number, &timer));
            stream::iter(going).buffer_unordered(at_once).try_collect::<()>().await?;
            let mut took = timer.take();
            took.retain(|step, _| !self.done.contains(step));
            for (step, took) in took {
                self.figures(&step, how, took);
                steps.insert(step);
            }
        }
        self.done.extend(steps);
        Ok(())
    }

    async fn go(&self, journey: Journey, number: usize, timer: &Arc<Timer>) -> anyhow::Result<()> {
        let asked = &self.asked[number % self.asked.len()];
        let (stage, timer, tenant) = (Arc::clone(&self.stage), Arc::clone(timer), Arc::clone(&asked.tenant));
        let (owner, operator) = (asked.owner.clone(), self.operator.clone());
        let number = u32::try_from(number)?;
        let going = tokio::spawn(async move {
            let people = (&owner, &operator);
            let traveller = Traveller::new(&stage, &*timer, &tenant, people, number).await;
            journey.go(&traveller).await
        });
        going.await.context("a journey panicked")?.with_context(|| format!("{journey:?}"))
    }

    /// Lets quotas grow back, and signs everybody's tokens anew.
    async fn rest(&mut self) {
        let world = &self.stage.world;
        world.later(120);
        let people = self.asked.iter_mut().flat_map(|asked| [&mut asked.owner, &mut asked.agent]);
        for person in people.chain([&mut self.operator]) {
            person.token = world.signed(person).await;
        }
    }

    fn figures(&mut self, id: &str, how: &str, took: Vec<Took>) {
        let is_budgeted = self.rules.get(id).is_some_and(|rule| is_budgeted(rule));
        let ms = |of: fn(&Took) -> Duration| -> Vec<f64> {
            took.iter().map(|took| of(took).as_secs_f64() * 1e3).collect()
        };
        let (mut all, mut database) = (ms(|took| took.all), ms(|took| took.database));
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
}

/// Lists, timelines, search and analytics.
fn is_budgeted(rule: &Rule) -> bool {
    let id = rule.id.to_lowercase();
    id.starts_with("list")
        || rule.class == Class::Search
        || id.contains("timeline")
        || rule.path.contains("/analytics")
}
