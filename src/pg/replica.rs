//! Tables of the target that changes go to.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use super::Side;
use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::model::QualifiedName;
use crate::model::replica::{ReplicaColumn, ReplicaTable};

/// Looks a table up.
pub async fn table(session: &mut Connection, name: &QualifiedName) -> Result<Option<ReplicaTable>> {
    let failed = |error| Error::target(format!("could not look up table {name}"), error);
    let sql = match session.server_version() {
        ..120_000 => include_str!("sql/replica_table.until_11.sql"),
        _ => include_str!("sql/replica_table.sql"),
    };
    let rows = session.query(sql, &[Some(&name.namespace), Some(&name.name)]).await;
    let rows = rows.map_err(failed)?;
    let mut found = None;
    for row in rows.iter() {
        let is_partitioned = row.required(0).map_err(failed)? == "p";
        let table = found.get_or_insert_with(|| ReplicaTable {
            name: name.clone(),
            is_partitioned,
            columns: HashMap::new(),
        });
        let Some(column) = row.text(1).map_err(failed)? else { continue };
        table.columns.insert(
            column.to_owned(),
            ReplicaColumn {
                type_name: row.required(2).map_err(failed)?.to_owned(),
                is_generated: row.flag(3).map_err(failed)?,
                is_identity_always: row.flag(4).map_err(failed)?,
                array_type: row.text(6).map_err(failed)?.map(str::to_owned),
                equality: row.text(5).map_err(failed)?.map(str::to_owned),
            },
        );
    }
    Ok(found)
}

/// The table at the top of a partition's tree, on the source; `None` if it is no partition.
pub async fn root(source: &mut Connection, name: &QualifiedName) -> Result<Option<QualifiedName>> {
    let failed = |error| Error::source(format!("could not look up table {name}"), error);
    let sql = "with recursive up (oid, depth) as ( \
                 select i.inhparent, 1 from pg_catalog.pg_inherits i \
                   join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition \
                  where c.oid = pg_catalog.to_regclass($1) \
                 union all \
                 select i.inhparent, u.depth + 1 from up u \
                   join pg_catalog.pg_inherits i on i.inhrelid = u.oid) \
               select n.nspname, c.relname from up u \
                 join pg_catalog.pg_class c on c.oid = u.oid \
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                order by u.depth desc limit 1";
    let rows = source.query(sql, &[Some(&name.to_string())]).await.map_err(failed)?;
    let name =
        |row: &pgcopydb_wire::Row| Ok(QualifiedName::new(row.required(0)?, row.required(1)?));
    rows.first().map(name).transpose().map_err(failed)
}

/// Which rows belong into a partition, in words that are the same on every server; `None` if it is no
/// partition.
pub async fn partition_rows(
    session: &mut Connection,
    side: Side,
    name: &QualifiedName,
) -> Result<Option<String>> {
    let failed = |error| side.error(format!("could not look up partition {name}"), error);
    session.execute("set timezone = 'UTC'; set datestyle = 'ISO, MDY'").await.map_err(failed)?;
    let sql = include_str!("sql/partition_rows.sql");
    let rows = session.query(sql, &[Some(&name.namespace), Some(&name.name)]).await;
    let rows = rows.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(row.text(0).map_err(failed)?.map(str::to_owned))
}

/// The partitions that have the rows of a partitioned table, on the source.
pub async fn leaves(source: &mut Connection, root: &QualifiedName) -> Result<Vec<QualifiedName>> {
    let failed = |error| Error::source(format!("could not list partitions of {root}"), error);
    let sql = include_str!("sql/partition_leaves.sql");
    let rows = source.query(sql, &[Some(&root.to_string())]).await.map_err(failed)?;
    let name =
        |row: &pgcopydb_wire::Row| Ok(QualifiedName::new(row.required(0)?, row.required(1)?));
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// Whether triggers of users fire although changes are applied: those that are meant to.
pub async fn has_replica_triggers(session: &mut Connection) -> Result<bool> {
    let failed = |error| Error::target("could not list triggers", error);
    let sql = "select exists (select from pg_catalog.pg_trigger \
                where not tgisinternal and tgenabled in ('A', 'R'))";
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    Ok(rows.value().map_err(failed)? == Some("t"))
}

/// Triggers of users, and actions of foreign keys, that would fire while changes are applied, where
/// the session may not switch them off.
async fn firing_triggers(session: &mut Connection) -> Result<Vec<String>> {
    let failed = |error| Error::target("could not list triggers", error);
    let sql = "select pg_catalog.format('%I on %s', t.tgname, t.tgrelid::pg_catalog.regclass) \
                 from pg_catalog.pg_trigger t \
                where not t.tgisinternal and t.tgenabled = 'O' \
               union all \
               select pg_catalog.format('foreign key %I on %s', c.conname, \
                                        c.conrelid::pg_catalog.regclass) \
                 from pg_catalog.pg_constraint c \
                where c.contype = 'f' and c.conparentid = 0 \
                  and (c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd')) \
               order by 1";
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    let name = |row: &pgcopydb_wire::Row| row.required(0).map(str::to_owned);
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// Keeps triggers from firing in a session. False where the role may not do that and there are none
/// to fire; if there are some, that is an error.
pub async fn switch_triggers_off(target: &mut Connection) -> Result<bool> {
    switch_off(target, None).await
}

/// Checks the same before there is anything on the target: its triggers will be the source's.
pub async fn check_role(target: &mut Connection, source: &mut Connection) -> Result<()> {
    let failed = |error| Error::target("could not list tables", error);
    let sql = "select not exists (select from pg_catalog.pg_class c \
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' \
                  and n.nspname not in ('information_schema', 'pgcopydb'))";
    let rows = target.query(sql, &[]).await.map_err(failed)?;
    let is_empty = rows.value().map_err(failed)? == Some("t");
    if switch_off(target, Some(source).filter(|_| is_empty)).await? {
        target.execute("reset session_replication_role").await.map_err(failed)?;
    }
    Ok(())
}

async fn switch_off(target: &mut Connection, source: Option<&mut Connection>) -> Result<bool> {
    match target.execute("set session_replication_role = replica").await {
        Ok(_) => return Ok(true),
        Err(error) if error.sqlstate() == Some("42501") => {}
        Err(error) => return Err(Error::target("could not set up a session", error)),
    }
    let triggers = firing_triggers(source.unwrap_or(target)).await?;
    if triggers.is_empty() {
        tracing::warn!(
            "the role may not set session_replication_role on the target: foreign keys are \
             checked again while changes are applied"
        );
        return Ok(false);
    }
    let message =
        format!("cannot apply changes: triggers of the target would fire: {}", listed(&triggers));
    Err(Error::new(Kind::Target, message)
        .detail("What they do was done on the source, and comes with the changes.")
        .hint(
            "Let the role switch them off: grant set on parameter session_replication_role to \
             ...; (15 and later), or connect as a superuser.",
        ))
}
