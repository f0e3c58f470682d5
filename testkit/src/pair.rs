//! A source and a target database.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use crate::clean;
use crate::cluster::{Builder, Cluster};
use crate::database::Database;
use crate::program::Program;
use crate::same::Same;
use crate::version::Version;

/// How many lines of a shared server's log a failed test shows.
const LOG_LINES_SHOWN: usize = 20;

/// A source and a target database, both empty at first, and a directory for the program's files.
#[derive(Debug)]
pub struct Pair {
    /// The database to copy from.
    pub source: Database,
    /// The database to copy to.
    pub target: Database,
    directory: TempDir,
    clusters: Clusters,
}

/// Whether others use the clusters of a pair too.
#[derive(Debug)]
enum Clusters {
    Own,
    Shared,
}

/// The clusters that all tests of this process share. They are never dropped: their guardians
/// end them with the process.
static SHARED: OnceLock<[Arc<Cluster>; 2]> = OnceLock::new();

static DATABASES_MADE: AtomicU32 = AtomicU32::new(0);

impl Pair {
    /// Two databases of this test alone, on two clusters that all tests of this process share:
    /// the cheapest way. For tests which leave roles, settings and tablespaces alone.
    #[must_use]
    pub fn shared() -> Pair {
        let number = DATABASES_MADE.fetch_add(1, Ordering::Relaxed);
        Self::shared_named(&format!("source_{number}"), &format!("target_{number}"))
    }

    /// Like [`Pair::shared`], with names for the databases; no other test may use them.
    #[must_use]
    pub fn shared_named(source: &str, target: &str) -> Pair {
        let clusters = SHARED.get_or_init(|| two_clusters(Builder::default(), Builder::default()));
        Self::on(clusters.clone(), [source, target], Clusters::Shared)
    }

    /// Two clusters of this test alone.
    #[must_use]
    pub fn start() -> Pair {
        Self::built(Builder::default(), Builder::default())
    }

    /// Two clusters of this test alone, of given versions.
    #[must_use]
    pub fn of_versions(source: &Version, target: &Version) -> Pair {
        let builder = |version: &Version| Cluster::builder().version(version.clone());
        Self::built(builder(source), builder(target))
    }

    /// Two clusters of this test alone, as their builders say.
    #[must_use]
    pub fn built(source: Builder, target: Builder) -> Pair {
        let clusters = two_clusters(source, target);
        Self::on(clusters, ["source_db", "target_db"], Clusters::Own)
    }

    /// Makes two databases on clusters that the caller has started.
    #[must_use]
    pub fn between(source: Arc<Cluster>, target: Arc<Cluster>, names: [&str; 2]) -> Pair {
        Self::on([source, target], names, Clusters::Own)
    }

    fn on([source, target]: [Arc<Cluster>; 2], names: [&str; 2], clusters: Clusters) -> Pair {
        let [from, to] = names;
        Self::with(Database::create(source, from), Database::create(target, to), clusters)
    }

    /// Two databases that the caller has made, and removes.
    #[must_use]
    pub fn of(source: Database, target: Database) -> Pair {
        Self::with(source, target, Clusters::Own)
    }

    fn with(source: Database, target: Database, clusters: Clusters) -> Pair {
        let parent = clean::temporary_directory();
        let directory = tempfile::Builder::new().prefix("pgtk-").tempdir_in(parent);
        let directory = directory.expect("a temporary directory");
        Pair { source, target, directory, clusters }
    }

    /// A directory of this test alone, the `TMPDIR` of [`Pair::program`].
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Fails the test unless the target has everything that the source has, and nothing else.
    #[track_caller]
    pub fn assert_same(&self) {
        self.same().assert();
    }

    /// A comparison of both databases from which parts can be left out.
    pub fn same(&self) -> Same<'_> {
        Same::of(&self.source, &self.target)
    }

    /// The newer version of the two: `pg_dump` reads no newer server than itself, and what
    /// `pg_restore` writes may be too new for an older one.
    #[must_use]
    pub fn newer_version(&self) -> &Version {
        self.source.cluster().version().max(self.target.cluster().version())
    }

    /// The program under test, told of both databases by its environment. A test passes
    /// `env!("CARGO_BIN_EXE_pgcopydb")`, which only the crate with the program has.
    #[must_use]
    pub fn program(&self, path: impl AsRef<Path>) -> Program {
        Program::new(path)
            .tools(self.newer_version())
            .directory(self.directory())
            .env("PGCOPYDB_SOURCE_PGURI", self.source.uri())
            .env("PGCOPYDB_TARGET_PGURI", self.target.uri())
    }
}

/// Starts both side by side.
fn two_clusters(source: Builder, target: Builder) -> [Arc<Cluster>; 2] {
    std::thread::scope(|scope| {
        let source = scope.spawn(|| source.start());
        let target = target.start();
        let source = source.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        shift_oids(&target);
        [source, target].map(Arc::new)
    })
}

/// On fresh clusters the same statements make objects with the same numbers, and whoever copies a
/// number instead of a name is right by accident. So the target begins with others.
fn shift_oids(target: &Cluster) {
    target.sql("postgres", "select lo_unlink(lo_create(0)) from generate_series(1, 1234)");
}

impl Drop for Pair {
    fn drop(&mut self) {
        let Clusters::Shared = self.clusters else {
            return;
        };
        for database in [&self.source, &self.target] {
            if std::thread::panicking() {
                show_log(database);
            }
            // A database that cannot be dropped harms no other test.
            let _ = database.clone().remove();
        }
    }
}

/// Shows what a shared server has to say about one of its databases.
fn show_log(database: &Database) {
    let log = database.cluster().log();
    let mark = format!("] {} ", database.name());
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(&mark)).collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    eprintln!("--- log of database {}\n{}", database.name(), shown.join("\n"));
}
