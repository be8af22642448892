//! `cargo xtask migrate`: brings what is stored to the code's version, or back to an older one.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use matome_domain::placement::HOME_CELL;
use matome_local_stack::{Checkout, Progress, variable};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_store::migrations::{Direction, Migrator, Options, Report};
use matome_tenancy::Cells;

use crate::settings::DATABASE_PREFIX;
use crate::stack_file::StackFile;

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Say what would be done and to how many documents; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// The last version to apply; with --down the last one to keep (0: none).
    #[arg(long, value_name = "VERSION")]
    to: Option<u32>,
    /// Undo, newest first: the newest version, or all after --to.
    #[arg(long)]
    down: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// The home cell's MongoDB; MONGODB_URI, or the running local stack's when left out. Further cells
    /// are read from CELLS.
    #[arg(long, value_name = "URI")]
    mongodb_uri: Option<String>,
    /// What names of databases start with; DATABASE_PREFIX, or `matome`.
    #[arg(long, value_name = "PREFIX")]
    database_prefix: Option<String>,
}

impl Migrate {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut settings = vec![("MONGODB_URI", self.uri()?), ("DATABASE_PREFIX", self.prefix()?)];
        settings.extend(variable("CELLS").map(|cells| ("CELLS", cells)));
        let cells = Cells::from_env(&Env::from_map(settings.iter().map(|(n, v)| (*n, v.as_str())))).await?;
        let run = format!("cargo xtask migrate {}", uuid::Uuid::new_v4().simple());
        let mut migrator = Migrator::new(cells.home().clone(), Arc::new(SystemClock), run);
        for name in cells.names().filter(|name| *name != HOME_CELL) {
            migrator = migrator.with_cell(name, cells.store(name).await?.clone());
        }
        let progress = if self.json { Progress::quiet() } else { Progress::shown() };
        let step = Arc::new(progress.step(if self.dry_run { "Counting" } else { "Migrating" }));
        let shown = Arc::clone(&step);
        let migrator = migrator.watched(move |s| {
            shown.note(format!("{}: {} {}, {} documents", s.place, s.version, s.name, s.documents));
        });
        let report = migrator.run(&self.options()).await?;
        drop(migrator);
        if let Some(step) = Arc::into_inner(step) {
            step.done();
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", render(&report));
        }
        Ok(())
    }

    fn options(&self) -> Options {
        let direction = if self.down { Direction::Down } else { Direction::Up };
        Options { direction, to: self.to, dry_run: self.dry_run }
    }

    fn uri(&self) -> anyhow::Result<String> {
        match self.mongodb_uri.clone().or_else(|| variable("MONGODB_URI")) {
            Some(uri) => Ok(uri),
            None => Ok(StackFile::read(&Checkout::find()?)?.mongodb_uri),
        }
    }

    /// The running local stack's where the connection string is that one's as well.
    fn prefix(&self) -> anyhow::Result<String> {
        let given = self.database_prefix.clone().or_else(|| variable("DATABASE_PREFIX"));
        let is_local = self.mongodb_uri.is_none() && variable("MONGODB_URI").is_none();
        Ok(match given {
            Some(given) => given,
            None if is_local => StackFile::read(&Checkout::find()?)?.database_prefix,
            None => DATABASE_PREFIX.to_owned(),
        })
    }
}

fn render(report: &Report) -> String {
    let mut text = String::new();
    let verb = match (report.dry_run, report.direction) {
        (true, Direction::Up) => "would apply",
        (true, Direction::Down) => "would undo",
        (false, Direction::Up) => "applied",
        (false, Direction::Down) => "undid",
    };
    // Writing to a String cannot fail.
    for place in &report.places {
        if place.migrations.is_empty() {
            let _ok = writeln!(text, "{}: version {}, nothing to migrate", place.place, place.version);
            continue;
        }
        let _ok = writeln!(text, "{}: version {}", place.place, place.version);
        for migration in &place.migrations {
            let resumed =
                if migration.resumed && report.direction == Direction::Up { ", resumed" } else { "" };
            let _ok = writeln!(text, "  {verb} {} {}{resumed}", migration.version, migration.name);
            for change in &migration.changes {
                let _ok = writeln!(text, "    {}: {} documents", change.change, change.documents);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use matome_store::migrations::{ChangeReport, MigrationReport, PlaceReport};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        migrate: Migrate,
    }

    #[test]
    fn the_options_are_those_of_the_command_line() {
        let options = |line: &str| Line::parse_from(line.split(' ')).migrate.options();
        let up = options("migrate");
        assert_eq!((up.direction, up.to, up.dry_run), (Direction::Up, None, false));
        let down = options("migrate --down --to 2 --dry-run");
        assert_eq!((down.direction, down.to, down.dry_run), (Direction::Down, Some(2), true));
    }

    #[test]
    fn the_report_says_what_was_done_where() {
        let migration = MigrationReport {
            version: 3,
            name: "add_multi_tenant",
            resumed: false,
            changes: vec![ChangeReport { change: "update organizations".into(), documents: 7 }],
        };
        let place = |place: &str, migrations| PlaceReport { place: place.into(), version: 2, migrations };
        let report = Report {
            dry_run: true,
            direction: Direction::Up,
            places: vec![place("main/matome_platform", vec![migration]), place("main/matome_shared", vec![])],
        };
        assert_eq!(
            render(&report),
            "main/matome_platform: version 2\n  would apply 3 add_multi_tenant\n    update organizations: 7 documents\n\
             main/matome_shared: version 2, nothing to migrate\n"
        );
    }
}
