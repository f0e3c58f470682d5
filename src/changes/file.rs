//! One file: making it, opening it, and telling whose it is.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, Plugin};

/// "pgcs" in ASCII.
const APPLICATION_ID: i32 = 0x7067_6373;

const FORMAT_VERSION: i32 = 1;

/// Readers never wait for the writer; this is for its checkpoints.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the changes of a store come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The plugin that wrote them.
    pub plugin: Plugin,
    /// The slot they came out of.
    pub slot: String,
}

/// An error of SQLite on a file.
pub(super) fn explain(path: &Path, doing: &str, cause: &rusqlite::Error) -> Error {
    let error = Error::new(Kind::State, format!("could not {doing} the changes: {cause}"))
        .detail(format!("The file is \"{}\".", path.display()));
    match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => error.hint(
            "Make room on that file system and continue with --resume; --max-store-size limits \
             what waits there.",
        ),
        _ => error,
    }
}

/// Makes a file.
pub(super) fn create(path: &Path, owner: &Owner, base: Lsn) -> Result<Connection> {
    let private = |cause: std::io::Error| {
        Error::new(Kind::State, format!("could not make file \"{}\": {cause}", path.display()))
    };
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(private)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).open(path).map_err(private)?;
    let failed = |cause| explain(path, "store", &cause);
    let mut connection = open_for_writing(path)?;
    let make = |connection: &mut Connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(include_str!("schema/store.sql"))?;
        transaction.execute(
            "insert into store (id, plugin, slot, base_lsn, stored_lsn) values (1, ?1, ?2, ?3, ?3)",
            (owner.plugin.name(), &owner.slot, base.0.cast_signed()),
        )?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.commit()
    };
    make(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Opens a file to append to it; `None` when its maker died before it was one.
pub(super) fn open(path: &Path, owner: &Owner) -> Result<Option<Connection>> {
    let connection = open_for_writing(path)?;
    Ok(check(&connection, path, owner)?.then_some(connection))
}

/// Opens a file to read it; `None` when it is being made.
pub(super) fn open_read_only(path: &Path, owner: &Owner) -> Result<Option<Connection>> {
    let failed = |cause| explain(path, "read", &cause);
    // Not read-only for SQLite: a reader of a file whose writer was killed has to recover it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    Ok(check(&connection, path, owner)?.then_some(connection))
}

fn open_for_writing(path: &Path) -> Result<Connection> {
    let failed = |cause| explain(path, "store", &cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    let set_up = |connection: &Connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A commit is on disk when it returns: the source is told that it may forget.
        connection.pragma_update(None, "synchronous", "full")
    };
    set_up(&connection).map_err(failed)?;
    Ok(connection)
}

/// Whether the file is a whole one; an error if it is somebody else's.
fn check(connection: &Connection, path: &Path, owner: &Owner) -> Result<bool> {
    let failed = |cause| explain(path, "read", &cause);
    // One look: whoever makes it may be done between two.
    let _look = connection.unchecked_transaction().map_err(failed)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(failed)?;
    let version = number("user_version").map_err(failed)?;
    if application == 0 {
        let tables = "select count(*) from sqlite_schema";
        let tables: i64 = connection.query_row(tables, (), |row| row.get(0)).map_err(failed)?;
        if tables == 0 {
            return Ok(false);
        }
    }
    let refused = |reason: String| {
        let message = format!("cannot use the changes in \"{}\": {reason}", path.display());
        Error::new(Kind::State, message).hint("Name another directory with --dir.")
    };
    if application != APPLICATION_ID || version != FORMAT_VERSION {
        return Err(refused("they were stored by another program or version".to_owned()));
    }
    let sql = "select plugin, slot from store";
    let (plugin, slot): (String, String) =
        connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    if plugin != owner.plugin.name() || slot != owner.slot {
        return Err(refused(format!("they are those of slot \"{slot}\" and plugin {plugin}")));
    }
    Ok(true)
}
