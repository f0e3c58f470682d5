//! Settings of the database and of roles in it (`ALTER DATABASE … SET`).

use pgcopydb_wire::Connection;

use super::session::Endpoint;
use crate::error::{Error, Result};

/// Gives the target's database the settings of the source's. What cannot be set there is said and
/// left out.
pub async fn copy(source: &Endpoint, target: &mut Connection) -> Result<()> {
    let failed = |error| Error::target("could not copy the settings of the database", error);
    let name = target.query("select pg_catalog.current_database()", &[]).await.map_err(failed)?;
    let name = name.value().map_err(failed)?.unwrap_or_default().to_owned();
    let mut session = source.open("properties").await?;
    let sql = include_str!("sql/database_settings.sql");
    let rows = session
        .query(sql, &[Some(&name)])
        .await
        .map_err(|error| Error::source("could not read the settings of the database", error))?;
    for row in rows.iter() {
        let statement = row.required(0).map_err(failed)?;
        match target.execute(statement).await {
            Ok(_) => tracing::info!("{statement}"),
            Err(error) if error.is_closed() => return Err(failed(error)),
            Err(error) => tracing::warn!("left out \"{statement}\": {error}"),
        }
    }
    session.close().await;
    Ok(())
}
