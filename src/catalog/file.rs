//! The file: making it, opening it, and telling whose it is.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{Error, Kind, Result};
use crate::model::Section;

use super::error::{START_OVER, explain};

/// Says in the file's header that it is ours: "pgcr" in ASCII.
const APPLICATION_ID: i32 = 0x7067_6372;

/// The version of the tables in it. A change to them, or to what is kept as JSON in them, is a new
/// version: an older file is refused, since its clone is not finished by this program.
const FORMAT_VERSION: i32 = 4;

/// Other programs read and write the file as well, for milliseconds; a slow disk may take seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// More than there are statement texts, so that none is compiled twice.
const STATEMENTS_MAX: usize = 64;

const OPENING: &str = "could not open the catalog";

/// Opens the file to write to it; it is made if it is missing.
pub(super) fn open(path: &Path) -> Result<Connection> {
    create_private(path)?;
    let failed = |cause| explain(OPENING, path, &cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Asked first: nothing is changed in a file that is not ours.
    if Owner::seen(&connection).map_err(failed)?.is_us(path)? {
        set_up_connection(&connection).map_err(failed)?;
        return Ok(connection);
    }
    set_up_connection(&connection).map_err(failed)?;
    make_tables(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Opens a file that exists, to read it.
pub(super) fn open_read_only(path: &Path) -> Result<Connection> {
    let missing = || {
        Error::new(Kind::State, format!("there is no catalog at \"{}\"", path.display()))
            .hint("Name the directory of a run with --dir.")
    };
    if !path.exists() {
        return Err(missing());
    }
    let failed = |cause| explain(OPENING, path, &cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    if Owner::seen(&connection).map_err(failed)?.is_us(path)? {
        Ok(connection)
    } else {
        Err(missing())
    }
}

/// Makes the file before SQLite does: the permissions are ours to choose, and its other two files
/// (-wal, -shm) take them from this one.
fn create_private(path: &Path) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::new(Kind::State, format!("{OPENING} \"{}\": {cause}", path.display()))
            .hint("Name a directory that this user can write to with --dir.")
    };
    let mode = 0o600;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(mode)
        .open(path)
        .map_err(failed)?;
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)
}

fn set_up_connection(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Readers and the writer do not wait for each other.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")
}

/// Whose a file is, as its header and tables say.
struct Owner {
    application: i32,
    version: i32,
    has_tables: bool,
    has_setup: bool,
}

impl Owner {
    /// One look: another command may be done with making the file between two.
    fn seen(connection: &Connection) -> rusqlite::Result<Owner> {
        let look = connection.unchecked_transaction()?;
        Owner::of(&look)
    }

    fn of(connection: &Connection) -> rusqlite::Result<Owner> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let has = |condition: &str| {
            let query = format!("select exists (select 1 from sqlite_schema where {condition})");
            connection.query_row(&query, (), |row| row.get(0))
        };
        Ok(Owner {
            application: pragma("application_id")?,
            version: pragma("user_version")?,
            has_tables: has("true")?,
            has_setup: has("name = 'setup' and sql like '%source_pg_uri%'")?,
        })
    }

    /// Whether the file is ours; false for an empty one, an error for somebody else's.
    fn is_us(&self, path: &Path) -> Result<bool> {
        let refused = |reason: &str| {
            let message = format!("cannot use the catalog \"{}\": {reason}", path.display());
            Error::new(Kind::State, message).hint(START_OVER)
        };
        if self.application == APPLICATION_ID {
            return match self.version {
                FORMAT_VERSION => Ok(true),
                version => Err(refused("another version of this program wrote it").detail(
                    format!("The file has format {version}, this program {FORMAT_VERSION}."),
                )),
            };
        }
        if self.has_setup {
            return Err(refused("pgcopydb written in C wrote it")
                .detail("What that program has begun cannot be continued by this one."));
        }
        if self.has_tables || self.application != 0 {
            return Err(refused("another program wrote it"));
        }
        Ok(false)
    }
}

fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if Owner::of(&transaction)?.application == APPLICATION_ID {
        return Ok(()); // another command was quicker
    }
    transaction.execute_batch(include_str!("schema/source.sql"))?;
    for section in Section::ALL {
        transaction.execute(
            "insert into timing (id, label) values (?1, ?2)",
            (section.number(), section.label()),
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    transaction.commit()
}
