//! A database of a cluster, and `psql` to talk to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clean;
use crate::cluster::Cluster;
use crate::session::Session;
use crate::uri::{quoted_identifier, quoted_literal};

const WAIT_LIMIT: Duration = Duration::from_secs(60);
const WAIT_INTERVAL: Duration = Duration::from_millis(20);

/// A database by its name, on a cluster that lives at least as long.
#[derive(Clone, Debug)]
pub struct Database {
    cluster: Arc<Cluster>,
    name: String,
}

impl Database {
    /// Names a database that exists.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, name: &str) -> Database {
        Database { cluster, name: name.to_owned() }
    }

    /// Makes an empty database.
    #[must_use]
    pub fn create(cluster: Arc<Cluster>, name: &str) -> Database {
        cluster.create_database(name);
        Database::new(cluster, name)
    }

    /// The server that the database is on.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The server, for another database on it.
    #[must_use]
    pub fn cluster_handle(&self) -> Arc<Cluster> {
        Arc::clone(&self.cluster)
    }

    /// The name, not quoted.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A URI through the unix socket.
    #[must_use]
    pub fn uri(&self) -> String {
        self.cluster.uri(&self.name)
    }

    /// A URI through TCP.
    #[must_use]
    pub fn tcp_uri(&self) -> String {
        self.cluster.tcp_uri(&self.name)
    }

    /// Runs SQL, or anything else that `psql` understands, and returns what it printed.
    ///
    /// # Panics
    /// With the server's words when a statement fails.
    pub fn sql(&self, text: &str) -> String {
        self.cluster.sql(&self.name, text)
    }

    /// Runs SQL, and returns the server's words when a statement fails.
    pub fn try_sql(&self, text: &str) -> Result<String, String> {
        self.cluster.try_sql(&self.name, text)
    }

    /// The only value of a query's only row.
    #[must_use]
    pub fn value(&self, query: &str) -> String {
        self.cluster.value(&self.name, query)
    }

    /// Runs a file of SQL.
    pub fn sql_file(&self, path: &Path) {
        self.cluster.sql_file(&self.name, path);
    }

    /// Waits until a query answers `t`.
    pub fn wait_for(&self, query: &str) {
        self.cluster.wait_for(&self.name, query);
    }

    /// A session that stays open, to hold a lock or a transaction while the program runs.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::open(&self.cluster.psql(&self.name))
    }

    /// Ends every other session of the database and drops it, with its replication slots and
    /// subscriptions.
    pub fn remove(self) -> Result<(), String> {
        let name = quoted_literal(&self.name);
        let statements = [
            "alter subscription %I disable",
            "alter subscription %I set (slot_name = none)",
            "drop subscription %I",
        ];
        self.try_sql(&statements.map(subscription_statements).concat())?;
        // A slot is only free when its walsender has noticed that it was terminated.
        self.cluster.try_sql(
            "postgres",
            &format!(
                "select pg_terminate_backend(active_pid) from pg_replication_slots
                  where database = {name} and active_pid is not null;
                 do $wait_for_slots$ begin
                   for attempt in 1..1000 loop
                     exit when not exists (select from pg_replication_slots
                                            where database = {name} and active);
                     perform pg_sleep(0.01);
                   end loop;
                 end $wait_for_slots$;
                 select pg_drop_replication_slot(slot_name) from pg_replication_slots
                  where database = {name};
                 drop database {} with (force)",
                quoted_identifier(&self.name)
            ),
        )?;
        Ok(())
    }
}

/// Runs a statement for every subscription of the database.
fn subscription_statements(statement: &str) -> String {
    format!(
        "select format('{statement}', subname) from pg_subscription
          where subdbid = (select oid from pg_database where datname = current_database())
         \\gexec\n"
    )
}

/// How to reach a database with `psql`.
pub(crate) struct Psql {
    pub(crate) program: PathBuf,
    pub(crate) uri: String,
}

impl Psql {
    /// A command that prints values only and stops at the first error.
    pub(crate) fn command(&self) -> Command {
        let mut command = clean::command(&self.program);
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.uri]);
        command
    }

    pub(crate) fn run(&self, text: &str) -> String {
        self.try_run(text).unwrap_or_else(|error| panic!("{error}\nin: {}", shortened(text)))
    }

    /// Feeds the text through a pipe: each statement has a transaction of its own, and the text
    /// may be longer than an argument.
    pub(crate) fn try_run(&self, text: &str) -> Result<String, String> {
        let mut command = self.command();
        command.args(["-f", "-"]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().expect("the pipe to psql");
        let output = std::thread::scope(|scope| {
            // psql closes the pipe when it stops at an error.
            scope.spawn(move || {
                let _ = stdin.write_all(text.as_bytes());
            });
            child.wait_with_output().expect("the output of psql")
        });
        answer(output)
    }

    pub(crate) fn run_file(&self, path: &Path) {
        let mut command = self.command();
        let output = command.arg("-f").arg(path).stdin(Stdio::null()).output().expect("psql");
        answer(output).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn answer(output: std::process::Output) -> Result<String, String> {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    if output.status.success() {
        Ok(text)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    }
}

fn shortened(text: &str) -> String {
    const CHARACTERS_SHOWN: usize = 2_000;
    let mut shown: String = text.chars().take(CHARACTERS_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Asks again and again until the answer is `t`.
pub(crate) fn wait_for(query: &str, ask: impl Fn() -> Result<String, String>) {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let answer = ask();
        if answer.as_deref() == Ok("t") {
            return;
        }
        assert!(Instant::now() < deadline, "waited too long: {answer:?}\nfor: {query}");
        std::thread::sleep(WAIT_INTERVAL);
    }
}
