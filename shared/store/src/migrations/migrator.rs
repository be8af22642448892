//! Runs migrations.

use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use serde::Serialize;

use crate::migrations::change::{Change, Compute, Down, Migration, Update, apply, batch};
use crate::migrations::error::MigrationError;
use crate::migrations::list;
use crate::migrations::lock::Lock;
use crate::migrations::place::{Place, nobody_moves};
use crate::migrations::record::{Record, State, read};
use crate::migrations::report::{ChangeReport, MigrationReport, PlaceReport, Report, Step};
use crate::store::Store;
use crate::time::date;

/// Documents changed at a time.
const BATCH: i64 = 500;
/// How long a run that died keeps others out.
const LEASE: Duration = Duration::from_secs(30);

/// Which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Apply what is missing.
    #[default]
    Up,
    /// Undo, newest first.
    Down,
}

/// What to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which way.
    pub direction: Direction,
    /// Up: the last version to apply; without one the newest, and then whatever else is declared is made, so
    /// that an entity that is new needs no migration. Down: the last version to *keep*;
    /// without one, only the newest applied is undone.
    pub to: Option<u32>,
    /// Say what would be done; write nothing, take no lock.
    pub dry_run: bool,
}

/// Knows the places and the list.
pub struct Migrator {
    home: Store,
    cells: Vec<(String, Store)>,
    clock: Arc<dyn Clock>,
    /// What the lock and the records call this run.
    run: String,
    migrations: Vec<Migration>,
    faults: Faults,
    batch: i64,
    lease: Duration,
    watch: Box<dyn Fn(&Step) + Send + Sync>,
}

impl Migrator {
    /// Over the home cell, with the list of [`list::all`]. `run` names the run to others, and must
    /// differ between runs: who and when, or something random.
    #[must_use]
    pub fn new(home: Store, clock: Arc<dyn Clock>, run: impl Into<String>) -> Self {
        Self {
            home,
            cells: Vec::new(),
            clock,
            run: run.into(),
            migrations: list::all(),
            faults: Faults::none(),
            batch: BATCH,
            lease: LEASE,
            watch: Box::new(|_| {}),
        }
    }

    /// Over another cell as well.
    #[must_use]
    pub fn with_cell(mut self, name: impl Into<String>, store: Store) -> Self {
        self.cells.push((name.into(), store));
        self
    }

    /// Tells `watch` of every batch.
    #[must_use]
    pub fn watched(self, watch: impl Fn(&Step) + Send + Sync + 'static) -> Self {
        Self { watch: Box::new(watch), ..self }
    }

    /// With another list, batch size and faults: for tests.
    #[must_use]
    pub fn with_list(self, migrations: Vec<Migration>, batch: i64, faults: Faults) -> Self {
        Self { migrations, batch, faults, ..self }
    }

    /// Applies or undoes migrations in every place.
    ///
    /// # Errors
    /// [`MigrationError`]; what was done is recorded, and the next run goes on from there.
    pub async fn run(&self, options: &Options) -> Result<Report, MigrationError> {
        if let Some(to) = options.to
            && !(to == 0 && options.direction == Direction::Down)
            && !self.migrations.iter().any(|m| m.version == to)
        {
            return Err(MigrationError::UnknownVersion(to));
        }
        if options.dry_run {
            return self.plan(options).await?.count().await;
        }
        let lock = Lock::take(&self.home, &self.run, self.lease).await?;
        let outcome = lock.hold(self.locked(options)).await;
        // A fault stands for a process that died, and the dead release nothing.
        if matches!(outcome, Err(MigrationError::Fault(_))) {
            return outcome;
        }
        let released = lock.release().await;
        let report = outcome?;
        released?;
        Ok(report)
    }

    async fn locked(&self, options: &Options) -> Result<Report, MigrationError> {
        nobody_moves(&self.home).await?;
        let plan = self.plan(options).await?;
        let mut places = Vec::new();
        for Todo { place, version, pending } in plan.places {
            let mut migrations = Vec::new();
            for Pending { migration, record } in pending {
                migrations.push(self.carry_out(&place, migration, record, options.direction).await?);
            }
            if options.direction == Direction::Up && options.to.is_none() {
                let failed = |source| MigrationError::NotMade { place: place.to_string(), source };
                place.ensure().await.map_err(failed)?;
            }
            places.push(PlaceReport { place: place.to_string(), version, migrations });
        }
        Ok(Report { dry_run: false, direction: options.direction, places })
    }

    /// What there is to do; refuses what cannot be done before anything is begun.
    async fn plan(&self, options: &Options) -> Result<Plan<'_>, MigrationError> {
        let mut places = Vec::new();
        for place in Place::all(&self.home, &self.cells).await? {
            let records = read(&place).await?;
            let unknown = records.iter().find(|r| self.migrations.iter().all(|m| m.version != r.version));
            if let Some(record) = unknown {
                return Err(MigrationError::Newer { place: place.to_string(), version: record.version });
            }
            places.push((place, records));
        }
        let newest = places.iter().flat_map(|(_, records)| records).map(|r| r.version).max().unwrap_or(0);
        let keep = options.to.unwrap_or_else(|| newest.saturating_sub(1));
        let mut todo = Vec::new();
        for (place, records) in places {
            let version = records.iter().map(|r| r.version).max().unwrap_or(0);
            let of = |m: &Migration| records.iter().find(|r| r.version == m.version).cloned();
            let here = self.migrations.iter().filter(|m| m.scopes.contains(&place.scope()));
            let mut pending: Vec<Pending<'_>> = here
                .map(|migration| Pending { migration, record: of(migration) })
                .filter(|Pending { migration, record }| match options.direction {
                    Direction::Up => {
                        options.to.is_none_or(|to| migration.version <= to)
                            && record.as_ref().is_none_or(|r| r.state != State::Applied)
                    }
                    Direction::Down => migration.version > keep && record.is_some(),
                })
                .collect();
            if options.direction == Direction::Down {
                pending.reverse();
                for Pending { migration, .. } in &pending {
                    if let Down::Never(why) = migration.down {
                        return Err(MigrationError::NoWayBack { version: migration.version, why });
                    }
                }
            }
            todo.push(Todo { place, version, pending });
        }
        // The platform's documents say where the others are: they change first, and back last.
        if options.direction == Direction::Down {
            todo.reverse();
        }
        Ok(Plan { direction: options.direction, places: todo })
    }

    async fn carry_out(
        &self,
        place: &Place,
        migration: &Migration,
        record: Option<Record>,
        direction: Direction,
    ) -> Result<MigrationReport, MigrationError> {
        let now = date(self.clock.now());
        let (state, changes) = path(migration, direction);
        let resumed = record.is_some();
        let mut record = match record {
            Some(record) if record.state == state => record,
            other => Record {
                version: migration.version,
                name: migration.name.to_owned(),
                state,
                change: 0,
                checkpoint: None,
                documents: 0,
                run: String::new(),
                started_at: other.map_or(now, |r| r.started_at),
                updated_at: now,
            },
        };
        record.run.clone_from(&self.run);
        let failed =
            |source| MigrationError::Failed { place: place.to_string(), version: migration.version, source };
        self.save(place, &mut record).await?;
        let mut reports = Vec::new();
        while let Some(change) = changes.get(record.change as usize) {
            let documents = match change {
                Change::Ensure => place.ensure().await.map(|()| 0).map_err(failed)?,
                Change::DropIndex { collection, keys } => {
                    place.drop_index(collection, &keys()).await.map(|()| 0).map_err(failed)?
                }
                Change::Update { .. } | Change::Compute(_) => {
                    self.update(place, migration, change, &mut record).await?
                }
            };
            self.faults.boundary("change done")?;
            reports.push(ChangeReport { change: change.describe(), documents });
            record.change += 1;
            record.checkpoint = None;
            self.save(place, &mut record).await?;
            self.faults.boundary("change recorded")?;
        }
        match direction {
            Direction::Up => {
                record.state = State::Applied;
                self.save(place, &mut record).await?;
            }
            Direction::Down => record.remove(place).await?,
        }
        let MigrationReport { version, name, .. } = head(migration, resumed);
        Ok(MigrationReport { version, name, resumed, changes: reports })
    }

    async fn update(
        &self,
        place: &Place,
        migration: &Migration,
        change: &Change,
        record: &mut Record,
    ) -> Result<u64, MigrationError> {
        let (collection, old, work) = match change {
            Change::Update { collection, of } => {
                let Some(update) = of(place) else { return Ok(0) };
                (*collection, update.filter.clone(), Work::Update(update))
            }
            Change::Compute(compute) => (compute.collection, compute.filter(), Work::Compute(*compute)),
            Change::Ensure | Change::DropIndex { .. } => return Ok(0),
        };
        let failed =
            |source| MigrationError::Failed { place: place.to_string(), version: migration.version, source };
        let mut documents = 0;
        loop {
            let ids = batch(place, collection, &old, record.checkpoint.as_ref(), self.batch)
                .await
                .map_err(failed)?;
            let Some(last) = ids.last() else { return Ok(documents) };
            let changed = match &work {
                Work::Update(update) => apply(place, collection, update, &ids).await,
                Work::Compute(compute) => compute.apply(place, &ids).await,
            };
            let changed = changed.map_err(failed)?;
            self.faults.boundary("batch changed")?;
            documents += changed;
            record.documents += i64::try_from(changed).unwrap_or(i64::MAX);
            record.checkpoint = Some(last.clone());
            self.save(place, record).await?;
            self.faults.boundary("batch recorded")?;
            (self.watch)(&Step {
                place: place.to_string(),
                version: migration.version,
                name: migration.name,
                documents,
            });
        }
    }

    async fn save(&self, place: &Place, record: &mut Record) -> Result<(), MigrationError> {
        record.updated_at = date(self.clock.now());
        Ok(record.write(place).await?)
    }
}

/// How documents are changed.
enum Work {
    Update(Update),
    Compute(Compute),
}

/// All there is to do.
struct Plan<'a> {
    direction: Direction,
    places: Vec<Todo<'a>>,
}

/// What there is to do in a place.
struct Todo<'a> {
    place: Place,
    version: u32,
    pending: Vec<Pending<'a>>,
}

struct Pending<'a> {
    migration: &'a Migration,
    record: Option<Record>,
}

impl Plan<'_> {
    /// Counts what would be changed.
    async fn count(self) -> Result<Report, MigrationError> {
        let mut places = Vec::new();
        for Todo { place, version, pending } in self.places {
            let mut migrations = Vec::new();
            for Pending { migration, record } in pending {
                let (state, changes) = path(migration, self.direction);
                let done = record.as_ref().filter(|r| r.state == state).map_or(0, |r| r.change as usize);
                let mut report = head(migration, record.is_some());
                for change in changes.iter().skip(done) {
                    let documents = change.count(&place).await?;
                    report.changes.push(ChangeReport { change: change.describe(), documents });
                }
                migrations.push(report);
            }
            places.push(PlaceReport { place: place.to_string(), version, migrations });
        }
        Ok(Report { dry_run: true, direction: self.direction, places })
    }
}

fn head(migration: &Migration, resumed: bool) -> MigrationReport {
    MigrationReport { version: migration.version, name: migration.name, resumed, changes: Vec::new() }
}

/// The state of a record on the way, and what is to be done.
fn path(migration: &Migration, direction: Direction) -> (State, &[Change]) {
    match (direction, &migration.down) {
        (Direction::Up, _) => (State::Applying, &migration.up),
        (Direction::Down, Down::Changes(changes)) => (State::Undoing, changes),
        // Refused when the run was planned.
        (Direction::Down, Down::Never(_)) => (State::Undoing, &[]),
    }
}
