//! Whether an earlier run has made the whole copy, and was ended before it could say so.

use pgcopydb_wire::Connection;

use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::model::{Beginning, Settings};
use crate::run::ledger::Remembered;

/// What tells a database apart from all others, also from one of the same name that was made
/// later; `None` where the server does not say.
pub async fn identity(target: &mut Connection) -> Result<Option<String>> {
    match target.query(include_str!("../pg/sql/identity.sql"), &[]).await {
        Ok(rows) => Ok(rows.value().ok().flatten().map(str::to_owned)),
        // Who has lost the connection knows nothing.
        Err(error) if error.is_closed() => {
            Err(Error::target("could not tell the database apart from others", error))
        }
        Err(_) => Ok(None),
    }
}

/// Whether everything was done by an earlier run: it said so in the directory, and the target
/// keeps no record of steps any more.
pub async fn is_complete(
    catalog: &Catalog,
    settings: &Settings,
    remembered: &Remembered,
    target: Option<&str>,
) -> Result<bool> {
    if settings.beginning != Beginning::Resume || remembered.exists {
        return Ok(false);
    }
    let completed = catalog.completed().await?;
    Ok(completed.is_some_and(|completed| target == Some(&completed)))
}
