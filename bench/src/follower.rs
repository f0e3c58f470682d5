//! Who follows: this pgcopydb, and PostgreSQL's own logical replication. Each has a target of its
//! own, so that both catch up with the same backlog.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pgcopydb_testkit::{Output, Pair, Program, quoted_literal};

use crate::args::Args;
use crate::contender::reason;
use crate::cost::Client;

/// Longer than any backlog takes.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The publication, the subscription and its slot.
const NATIVE: &str = "bench_native";

/// A row of it is the last change of every backlog.
pub const MARKER: &str = "bench_marker";

/// Somebody who follows a source.
pub struct Follower {
    /// How it is called in the results.
    pub name: &'static str,
    /// The database that it fills.
    pub target: &'static str,
    kind: Kind,
}

enum Kind {
    Pgcopydb(PathBuf),
    Native,
}

/// All who take part, this pgcopydb first.
pub fn all(args: &Args) -> [Follower; 2] {
    let ours = Kind::Pgcopydb(args.program.clone());
    [
        Follower { name: "pgcopydb follow", target: "bench_target", kind: ours },
        Follower { name: "logical replication", target: "bench_subscriber", kind: Kind::Native },
    ]
}

impl Follower {
    /// What is run, for the reader of the results.
    pub fn commands(&self) -> String {
        match self.kind {
            Kind::Pgcopydb(_) => "pgcopydb follow --resume --endpos, after clone --follow",
            Kind::Native => "ALTER SUBSCRIPTION ENABLE, after CREATE SUBSCRIPTION and DISABLE",
        }
        .to_owned()
    }

    /// Copies what is there, and leaves a slot behind that keeps all changes from then on.
    pub fn begin(&self, pair: &Pair) -> Result<(), String> {
        match &self.kind {
            Kind::Pgcopydb(path) => {
                let here = pair.source.value("select pg_current_wal_lsn()");
                run(&Self::program(path, pair).args(["clone", "--follow", "--endpos", &here]))
            }
            Kind::Native => subscribe(pair),
        }
    }

    /// Applies everything up to the backlog's last change, which was made before `end`.
    pub fn catch_up(&self, pair: &Pair, end: &str, client: &Client) -> Result<(), String> {
        match &self.kind {
            Kind::Pgcopydb(path) => {
                let program =
                    Self::program(path, pair).args(["follow", "--resume", "--endpos", end]);
                let running = program.timeout(PATIENCE).spawn();
                client.is(running.pid());
                succeeded(&running.wait())
            }
            Kind::Native => {
                let seconds = PATIENCE.as_secs();
                let enable_and_wait = format!(
                    "alter subscription {NATIVE} enable;
                     do $wait$ begin
                       loop
                         exit when exists (select from {MARKER});
                         if clock_timestamp() > now() + interval '{seconds} s' then
                           raise 'the subscription does not catch up';
                         end if;
                         perform pg_sleep(0.005);
                       end loop;
                     end $wait$"
                );
                pair.target.try_sql(&enable_and_wait).map(|_| ())
            }
        }
    }

    /// Lets go of the source.
    pub fn leave(&self, pair: &Pair) -> Result<(), String> {
        match &self.kind {
            Kind::Pgcopydb(path) => run(&Self::program(path, pair).args(["stream", "cleanup"])),
            Kind::Native => {
                pair.target.try_sql(&format!("drop subscription {NATIVE}"))?;
                pair.source.try_sql(&format!("drop publication {NATIVE}")).map(|_| ())
            }
        }
    }

    fn program(path: &Path, pair: &Pair) -> Program {
        // The work directory is in the pair's directory, since nothing names another.
        pair.program(path).timeout(PATIENCE)
    }
}

/// Subscribes, waits until the tables are copied, and disables the subscription.
fn subscribe(pair: &Pair) -> Result<(), String> {
    let schema = pair.directory().join("schema.sql");
    let dump = Program::new(pair.newer_version().program("pg_dump"));
    let dump = dump.args(["--schema-only", "--no-publications", "-d", &pair.source.uri(), "-f"]);
    run(&dump.arg(&schema).timeout(PATIENCE))?;
    pair.target.sql_file(&schema);
    pair.source.try_sql(&format!("create publication {NATIVE} for all tables"))?;
    let source = quoted_literal(&pair.source.uri());
    pair.target.try_sql(&format!(
        "create subscription {NATIVE} connection {source} publication {NATIVE}"
    ))?;
    pair.target.wait_for("select bool_and(srsubstate = 'r') from pg_subscription_rel");
    pair.target.try_sql(&format!("alter subscription {NATIVE} disable"))?;
    let is_free = "select not active from pg_replication_slots where slot_name = ";
    pair.source.wait_for(&format!("{is_free}{}", quoted_literal(NATIVE)));
    Ok(())
}

fn run(program: &Program) -> Result<(), String> {
    succeeded(&program.run())
}

fn succeeded(output: &Output) -> Result<(), String> {
    match output.code() {
        Some(0) => Ok(()),
        _ => Err(reason(output)),
    }
}
