//! What a session of a server is doing.

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};

/// What a session is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// It waits for its client.
    pub is_idle: bool,
    /// What it waits for, as the end of a sentence.
    pub words: String,
}

/// Looks at a session of the target; `None` if there is no such session.
pub async fn of(session: &mut Connection, pid: i32) -> Result<Option<Activity>> {
    let failed = |error| Error::target("could not look at a session", error);
    let sql = include_str!("sql/activity.sql");
    let rows = session.query(sql, &[Some(&pid.to_string())]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Activity {
        is_idle: row.flag(0).map_err(failed)?,
        words: row.required(1).map_err(failed)?.to_owned(),
    }))
}
