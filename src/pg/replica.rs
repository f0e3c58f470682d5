//! Tables of the target that changes go to.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};
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

/// Whether triggers of users fire although changes are applied: those that are meant to.
pub async fn has_replica_triggers(session: &mut Connection) -> Result<bool> {
    let failed = |error| Error::target("could not list triggers", error);
    let sql = "select exists (select from pg_catalog.pg_trigger \
                where not tgisinternal and tgenabled in ('A', 'R'))";
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    Ok(rows.value().map_err(failed)? == Some("t"))
}

/// Triggers of users that would fire while changes are applied, where the session may not switch
/// them off.
pub async fn firing_triggers(session: &mut Connection) -> Result<Vec<String>> {
    let failed = |error| Error::target("could not list triggers", error);
    let sql = "select pg_catalog.format('%I on %s', t.tgname, t.tgrelid::pg_catalog.regclass) \
                 from pg_catalog.pg_trigger t \
                where not t.tgisinternal and t.tgenabled = 'O' order by 1";
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    let name = |row: &pgcopydb_wire::Row| row.required(0).map(str::to_owned);
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}
