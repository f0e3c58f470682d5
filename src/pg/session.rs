//! Sessions, set up so that neither the role's, the database's nor the server's settings change
//! what is read or written.

use std::time::Duration;

use pgcopydb_wire::replicate::Replication;
use pgcopydb_wire::{Connection, Conninfo};

use crate::error::{Error, Kind, Result};
use crate::fault;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The server that is copied from.
    Source,
    /// The server that is copied to.
    Target,
}

impl Side {
    /// The word for it in messages.
    pub fn word(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Target => "target",
        }
    }

    /// An error of this server.
    pub fn error(self, doing: impl std::fmt::Display, cause: pgcopydb_wire::Error) -> Error {
        match self {
            Side::Source => Error::source(doing, cause),
            Side::Target => Error::target(doing, cause),
        }
    }
}

/// A server and database that sessions can be opened to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Which of the two it is.
    pub side: Side,
    conninfo: Conninfo,
}

/// Settings of every session. Unknown ones are left out by version.
const SETTINGS: &str = "
    set statement_timeout = 0;
    set search_path = '';
    set lock_timeout = 0;
    set idle_in_transaction_session_timeout = 0;
    set extra_float_digits = 3;
    set datestyle = 'ISO, MDY';
    set intervalstyle = 'postgres';
    set bytea_output = 'hex';
    set standard_conforming_strings = on;
    set row_security = off;
    set xmloption = content;
    set check_function_bodies = off;
    set default_transaction_read_only = off;
    set default_transaction_isolation = 'read committed';
    set quote_all_identifiers = off;
    set array_nulls = on;
    set transform_null_equals = off;
    set default_tablespace = '';
    set client_min_messages = warning;
";

/// On the source: a scan that starts in the middle of a table would read its start from disk twice.
const SOURCE_SETTINGS: &str = "set synchronize_seqscans = off;";

/// On the target: commits need not wait for the disk, since a step's record is in the same
/// transaction as its work: a crash of the server loses both or none.
const TARGET_SETTINGS: &str = "set synchronous_commit = off; set vacuum_cost_delay = 0;";

/// Compiling a query of catalogs takes longer than running it.
const SETTINGS_FROM_11: &str = "set jit = off;";

/// How the server notices that our machine is gone, or the network for good: as we notice the
/// server's end. A limit for what is not acknowledged (`tcp_user_timeout`) would also hit us where we
/// are alive, and only slow to take what the server sends.
const KEEPALIVE_SETTINGS: &str = "
    set tcp_keepalives_idle = 10;
    set tcp_keepalives_interval = 10;
    set tcp_keepalives_count = 6;
";

const SETTINGS_FROM_14: &str = "set idle_session_timeout = 0;";

/// From 14 on the server notices within this time that we are gone, whatever it is doing. Two
/// seconds after our end nobody may be left: so there is time to look again, and to roll back.
const CLIENT_CHECK: Duration = Duration::from_millis(500);

/// Not a value of that setting.
const INVALID_VALUE: &str = "22023";

/// A statement was ended from outside, or took longer than it may.
const QUERY_CANCELED: &str = "57014";

/// How often the server is asked to make them.
const SETTINGS_TRIES: u32 = 5;

/// How long the server may take to make these settings.
const SETTINGS_LIMIT_S: u64 = 60;

const SETTINGS_FROM_17: &str = "set transaction_timeout = 0;";

/// What else the text of a value can depend on. A number of digits of 3 is every digit.
const OUTPUT_SETTINGS: &str = "
    set timezone = 'UTC';
    set lc_monetary = 'C';
    set xmlbinary = 'base64';
    set extra_float_digits = 3;
    set quote_all_identifiers = off;
";

/// Makes the text of a value, and of a definition, depend on nothing but the value, so that texts
/// of two servers can be compared.
pub async fn fix_output(session: &mut Connection, side: Side) -> Result<()> {
    let set = session.execute(OUTPUT_SETTINGS).await;
    set.map_err(|error| side.error("could not set up a session", error))?;
    Ok(())
}

/// What to do where no session could be opened.
fn remedy(error: &pgcopydb_wire::Error) -> Option<&'static str> {
    match (error.sqlstate(), error) {
        (Some("28P01" | "28000"), _) => Some(
            "Check the user and the password, which may also be in PGPASSWORD or ~/.pgpass, and \
             the server's pg_hba.conf.",
        ),
        (Some("3D000"), _) => {
            Some("Name a database that is there, or make it with createdb if it is the target.")
        }
        (Some("53300"), _) => {
            Some("Ask for fewer jobs, end other sessions, or raise the server's max_connections.")
        }
        (None, pgcopydb_wire::Error::Connect { .. }) => Some(
            "Check host and port, that a server runs there, and that it listens on that address.",
        ),
        _ => None,
    }
}

impl Endpoint {
    /// Reads a connection string.
    pub fn parse(side: Side, text: &str) -> Result<Endpoint> {
        let conninfo = Conninfo::parse(text).map_err(|error| {
            Error::new(
                Kind::Arguments,
                format!("cannot read the connection string of the {}: {error}", side.word()),
            )
        })?;
        for warning in conninfo.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(Endpoint { side, conninfo })
    }

    /// How to reach it.
    pub fn conninfo(&self) -> &Conninfo {
        &self.conninfo
    }

    /// Another database of the same server.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Endpoint {
        Endpoint { side: self.side, conninfo: self.conninfo.with_dbname(name) }
    }

    /// What a session of ours is called in `pg_stat_activity`; `role` says what it is for.
    pub fn application_name(&self, role: &str) -> String {
        format!("pgcopydb[{}] {role}", std::process::id())
    }

    /// Opens a session; `role` says what it is for.
    pub async fn open(&self, role: &str) -> Result<Connection> {
        let connected = Connection::connect(&self.named(role)?).await;
        let mut connection = connected.map_err(|error| self.unreachable(role, error))?;
        self.set_up(&mut connection).await?;
        Ok(connection)
    }

    /// Opens a session that understands replication commands as well. What the server's output
    /// plugins write depends on the session's settings, so that they are the same.
    pub async fn open_replication(&self, role: &str) -> Result<Replication> {
        let connected = Replication::connect(&self.named(role)?).await;
        let mut replication = connected.map_err(|error| self.unreachable(role, error))?;
        self.set_up(replication.connection()).await?;
        Ok(replication)
    }

    fn named(&self, role: &str) -> Result<Conninfo> {
        let mut conninfo = self.conninfo.with_application_name(&self.application_name(role));
        let encoded = conninfo.set("client_encoding", "UTF8");
        encoded.map_err(|error| self.side.error("could not choose an encoding", error))?;
        Ok(conninfo)
    }

    fn unreachable(&self, role: &str, error: pgcopydb_wire::Error) -> Error {
        let hint = remedy(&error);
        let error = self.side.error(format!("could not open a session ({role})"), error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    async fn set_up(&self, connection: &mut Connection) -> Result<()> {
        let word = self.side.word();
        let version = connection.server_version();
        let check = fault::setting("CLIENT_CHECK", CLIENT_CHECK);
        let mut check = Some(check).filter(|_| version >= 140_000);
        let mut set = self.set(connection, check).await;
        for _ in 1..SETTINGS_TRIES {
            match set.as_ref().err().and_then(|error| error.sqlstate()) {
                // Servers on some platforms, such as Windows, cannot look after their clients.
                Some(INVALID_VALUE) if check.is_some() => check = None,
                // A limit of milliseconds, of the database or the role, can hit what is to lift it.
                Some(QUERY_CANCELED) => {}
                _ => break,
            }
            set = self.set(connection, check).await;
        }
        let failed = |error| self.side.error("could not set up a session", error);
        // A pooler between us and the server has told us another.
        connection.set_backend_pid(set.map_err(failed)?);
        if version < 100_000 {
            return Err(Error::new(
                Kind::Arguments,
                format!("the {word} runs PostgreSQL {version}, which is too old"),
            )
            .hint("PostgreSQL 10 is the oldest version that can be copied."));
        }
        Ok(())
    }

    /// Makes the settings, and asks for the backend's process id. `check` is how often the server is
    /// to look whether we are there.
    async fn set(
        &self,
        connection: &mut Connection,
        check: Option<Duration>,
    ) -> pgcopydb_wire::Result<i32> {
        let mut settings = String::from(SETTINGS);
        settings.push_str(KEEPALIVE_SETTINGS);
        settings.push_str(match self.side {
            Side::Source => SOURCE_SETTINGS,
            Side::Target => TARGET_SETTINGS,
        });
        let version = connection.server_version();
        if version >= 110_000 {
            settings.push_str(SETTINGS_FROM_11);
        }
        if version >= 140_000 {
            settings.push_str(SETTINGS_FROM_14);
        }
        if version >= 170_000 {
            settings.push_str(SETTINGS_FROM_17);
        }
        if let Some(check) = check {
            let check = check.as_millis();
            settings.push_str(&format!("set client_connection_check_interval = {check};"));
        }
        if connection.parameter("server_encoding") == Some("SQL_ASCII") {
            settings.push_str("set client_encoding = 'SQL_ASCII';");
        }
        settings.push_str("select pg_catalog.pg_backend_pid();");
        let limit = Duration::from_secs(SETTINGS_LIMIT_S);
        let set = tokio::time::timeout(limit, connection.execute(&settings)).await;
        let doing = "setting up a session";
        let timeout = Err(pgcopydb_wire::Error::Timeout { doing, after: limit });
        let answers = set.unwrap_or(timeout)?;
        match answers.last().and_then(|answer| answer.rows.first()) {
            Some(row) => row.parsed(0),
            None => Ok(connection.backend_pid()),
        }
    }
}
