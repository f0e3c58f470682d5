//! How far the target has come, remembered on the target in the transaction of the changes: a
//! replication origin, or where the role may not use one, a row of a table.

use pgcopydb_wire::Connection;

use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, quote_literal};

/// The class of our advisory locks, as of the ledger; and the object of whoever applies.
const LOCK_CLASS: i32 = 0x7067_6370;
const APPLY_LOCK: i32 = 3;

/// Where the target remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    name: String,
    keeper: Keeper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    /// A replication origin of the server.
    Server,
    /// The table `pgcopydb.origin`.
    Table,
}

impl Origin {
    /// Finds where the target remembers under this name, if it does.
    pub async fn find(session: &mut Connection, name: &str) -> Result<Option<Origin>> {
        let failed = |error| Error::target("could not look up the replication origin", error);
        // The catalog can be read by everybody, the functions cannot.
        let sql = "select exists (select from pg_catalog.pg_replication_origin where roname = $1), \
                          pg_catalog.to_regclass('pgcopydb.origin') is not null, \
                          pg_catalog.has_function_privilege( \
                            'pg_catalog.pg_replication_origin_session_setup(text)', 'execute')";
        let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let flag = |column| row.flag(column).map_err(failed);
        let (has_origin, has_table, may_use) = (flag(0)?, flag(1)?, flag(2)?);
        let origin = |keeper| Some(Origin { name: name.to_owned(), keeper });
        if has_table {
            let sql = "select exists (select from pgcopydb.origin where name = $1)";
            let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
            if rows.value().map_err(failed)? == Some("t") {
                return Ok(origin(Keeper::Table));
            }
        }
        if has_origin && !may_use {
            return Err(Error::new(
                Kind::Target,
                format!("the role may not use the replication origin \"{name}\" of the target"),
            )
            .hint("Connect as a superuser, or as the role that made it."));
        }
        Ok(has_origin.then(|| origin(Keeper::Server)).flatten())
    }

    /// Begins to remember at a position.
    pub async fn create(session: &mut Connection, name: &str, start: Lsn) -> Result<Origin> {
        let failed = |error| Error::target("could not create the replication origin", error);
        let sql = "select pg_catalog.pg_replication_origin_create($1)";
        match session.query(sql, &[Some(name)]).await {
            Ok(_) => {
                let sql = "select pg_catalog.pg_replication_origin_advance($1, $2::pg_lsn)";
                let start = start.to_string();
                session.query(sql, &[Some(name), Some(&start)]).await.map_err(failed)?;
                Ok(Origin { name: name.to_owned(), keeper: Keeper::Server })
            }
            Err(error) if error.sqlstate() == Some("42501") => {
                tracing::warn!(
                    "the role may not use replication origins on the target: progress is kept in \
                     the table pgcopydb.origin"
                );
                let sql = format!(
                    "begin; create schema if not exists pgcopydb; \
                     create table if not exists pgcopydb.origin \
                       (name text not null primary key, lsn pg_catalog.pg_lsn not null); \
                     insert into pgcopydb.origin (name, lsn) values ({}, '{start}'); commit",
                    quote_literal(name)
                );
                if let Err(error) = session.execute(&sql).await {
                    session.execute("rollback").await.ok();
                    let error = Error::target("could not create the table of origins", error);
                    return Err(error.hint(
                        "Let the role use replication origins (superuser), or create a schema.",
                    ));
                }
                Ok(Origin { name: name.to_owned(), keeper: Keeper::Table })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes the session the one that applies; there is one at a time.
    pub async fn join(&self, session: &mut Connection) -> Result<()> {
        let failed = |error| Error::target("could not use the replication origin", error);
        let sql = format!("select pg_catalog.pg_try_advisory_lock({LOCK_CLASS}, {APPLY_LOCK})");
        let rows = session.query(&sql, &[]).await.map_err(failed)?;
        if rows.value().map_err(failed)? != Some("t") {
            return Err(in_use(&self.name));
        }
        if self.keeper == Keeper::Server {
            let sql = "select pg_catalog.pg_replication_origin_session_setup($1)";
            match session.query(sql, &[Some(&self.name)]).await {
                Err(error) if error.sqlstate() == Some("55006") => return Err(in_use(&self.name)),
                joined => joined.map_err(failed)?,
            };
        }
        Ok(())
    }

    /// How far the target has come, and durably so.
    pub async fn progress(&self, session: &mut Connection) -> Result<Lsn> {
        let failed = |error| Error::target("could not read the progress", error);
        let sql = match self.keeper {
            Keeper::Server => "select pg_catalog.pg_replication_origin_progress($1, true)",
            Keeper::Table => "select lsn from pgcopydb.origin where name = $1",
        };
        let rows = session.query(sql, &[Some(&self.name)]).await.map_err(failed)?;
        match rows.first().map(|row| row.text(0)) {
            Some(Ok(Some(text))) => text.parse().map_err(|error| {
                Error::new(Kind::Target, format!("could not read the progress: {error}"))
            }),
            Some(Err(error)) => Err(failed(error)),
            Some(Ok(None)) | None => Ok(Lsn::NONE),
        }
    }

    /// The statement that remembers a position, `$1`, in the transaction it is part of.
    pub fn statement(&self) -> String {
        match self.keeper {
            // The time is that of the target's commit: it is shown, never relied on.
            Keeper::Server => "select pg_catalog.pg_replication_origin_xact_setup(\
                               $1::pg_catalog.pg_lsn, pg_catalog.now())"
                .to_owned(),
            Keeper::Table => format!(
                "update pgcopydb.origin set lsn = $1::pg_catalog.pg_lsn where name = {}",
                quote_literal(&self.name)
            ),
        }
    }

    /// Forgets everything.
    pub async fn drop(self, session: &mut Connection) -> Result<()> {
        let failed = |error| Error::target("could not drop the replication origin", error);
        let sql = match self.keeper {
            Keeper::Server => "select pg_catalog.pg_replication_origin_drop($1)",
            Keeper::Table => "delete from pgcopydb.origin where name = $1",
        };
        match session.query(sql, &[Some(&self.name)]).await {
            Err(error) if error.sqlstate() == Some("55006") => Err(in_use(&self.name)),
            dropped => dropped.map(|_| ()).map_err(failed),
        }?;
        if self.keeper == Keeper::Table {
            // Empty now, unless others use it.
            let sql = "do $$ begin if not exists (select from pgcopydb.origin) then \
                       drop table pgcopydb.origin; end if; end $$";
            session.execute(sql).await.map_err(failed)?;
            session.execute("drop schema pgcopydb restrict").await.ok();
        }
        Ok(())
    }
}

/// Another session applies, perhaps of a run that has just died: it may go away.
fn in_use(name: &str) -> Error {
    Error::new(Kind::State, format!("the replication origin \"{name}\" is in use on the target"))
        .detail("Another session applies changes to this database.")
        .hint("End that command, then try again.")
        .transient()
}
