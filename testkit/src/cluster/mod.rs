//! A real PostgreSQL server, thrown away after the test.
//!
//! Each has a private directory with its data, its unix socket and its log, and a TCP port on
//! 127.0.0.1 that nobody chose. It ends when it is dropped, when the test panics, and when the
//! test is killed. When a test panics, the end of the log is shown.

mod builder;
mod server;
mod standby;
mod template;
mod tls;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub use builder::Builder;
use server::Server;
pub use tls::TlsFiles;

use crate::database::{self, Psql};
use crate::uri::{percent_encoded, quoted_identifier};
use crate::version::Version;

/// How many lines of a server's log a failed test shows.
const LOG_LINES_SHOWN: usize = 40;

/// Between a stop and a start somebody may hold the port for a moment.
const RESTART_PATIENCE: Duration = Duration::from_secs(30);

/// A throw-away server. Its user is `postgres`, a superuser without a password.
#[derive(Debug)]
pub struct Cluster {
    version: Version,
    directory: PathBuf,
    port: u16,
    tls: Option<TlsFiles>,
    /// `None` while the server is stopped.
    server: Mutex<Option<Server>>,
}

impl Cluster {
    /// A server of the default version with the default settings.
    #[must_use]
    pub fn start() -> Cluster {
        Builder::default().start()
    }

    /// Says what the cluster is to be like before it starts.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The version of the server.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The TCP port, on 127.0.0.1. The socket's name has the same number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the unix socket.
    #[must_use]
    pub fn socket_directory(&self) -> PathBuf {
        self.directory.join("s")
    }

    /// The data directory.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The cluster's own directory, for files a test wants to be gone with it. User `postgres`
    /// can read there.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The certificates, if the cluster speaks TLS.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn tls(&self) -> &TlsFiles {
        self.tls.as_ref().expect("a cluster that was built with tls()")
    }

    /// A URI through the unix socket.
    #[must_use]
    pub fn uri(&self, database: &str) -> String {
        let host = percent_encoded(&self.socket_directory().to_string_lossy());
        let database = percent_encoded(database);
        format!("postgresql://postgres@/{database}?host={host}&port={}", self.port)
    }

    /// A URI through TCP.
    #[must_use]
    pub fn tcp_uri(&self, database: &str) -> String {
        let database = percent_encoded(database);
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection string of keywords and values, through the unix socket.
    #[must_use]
    pub fn conninfo(&self, database: &str) -> String {
        let host = self.socket_directory();
        let database = database.replace('\\', "\\\\").replace('\'', "\\'");
        format!("host={} port={} user=postgres dbname='{database}'", host.display(), self.port)
    }

    /// Makes a database from `template0`.
    pub fn create_database(&self, name: &str) {
        let name = quoted_identifier(name);
        self.sql("postgres", &format!("create database {name} template template0"));
    }

    /// Runs SQL, or anything else that `psql` understands, and returns what it printed.
    ///
    /// # Panics
    /// With the server's words when a statement fails. So do the other functions here.
    pub fn sql(&self, database: &str, text: &str) -> String {
        self.psql(database).run(text)
    }

    /// Runs SQL, and returns the server's words when a statement fails.
    pub fn try_sql(&self, database: &str, text: &str) -> Result<String, String> {
        self.psql(database).try_run(text)
    }

    /// The only value of a query's only row.
    #[must_use]
    pub fn value(&self, database: &str, query: &str) -> String {
        self.sql(database, query)
    }

    /// Runs a file of SQL.
    pub fn sql_file(&self, database: &str, path: &Path) {
        self.psql(database).run_file(path);
    }

    /// Waits until a query answers `t`.
    ///
    /// # Panics
    /// After a minute.
    pub fn wait_for(&self, database: &str, query: &str) {
        database::wait_for(query, || self.try_sql(database, query));
    }

    pub(crate) fn psql(&self, database: &str) -> Psql {
        Psql { program: Version::newest().program("psql"), uri: self.uri(database) }
    }

    /// Stops the server as `pg_ctl stop` does: sessions are ended, data is kept.
    pub fn stop(&self) {
        if let Some(server) = self.server().take() {
            server.stop();
        }
    }

    /// Kills all the server's processes, as a failing machine does. Data is kept.
    pub fn kill(&self) {
        if let Some(server) = self.server().take() {
            server.kill();
        }
    }

    /// Starts the server again on the same port, after stopping it if it runs.
    pub fn restart(&self) {
        self.stop();
        let postgres = self.version.bin().join("postgres");
        let deadline = Instant::now() + RESTART_PATIENCE;
        loop {
            match Server::start(&postgres, &self.directory, self.port) {
                Ok(server) => {
                    *self.server() = Some(server);
                    return;
                }
                Err(log) => {
                    assert!(Instant::now() < deadline, "{} does not restart:\n{log}", self.version);
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// All that the server has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Server>> {
        // A panic elsewhere must not keep us from ending the server.
        self.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!("--- end of the log of {} on port {}", self.version, self.port);
            eprintln!("{}", shown.join("\n"));
        }
        match self.server().take() {
            Some(server) => server.discard(),
            None => {
                let _ = fs::remove_dir_all(&self.directory);
            }
        }
    }
}
