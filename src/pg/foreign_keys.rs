//! Foreign keys of the target that stand in the way of rows. They are taken down while rows are
//! copied, and what they were is kept in a table on the target: written in the transaction that
//! drops them, deleted in the one after which they are whole again. Whatever ends a run, each of them
//! is on its table, or in that table.

use std::collections::HashSet;

use pgcopydb_wire::{Connection, Row};

use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::{KeptKey, KeyState, QualifiedName, Table, quote_identifier, quote_literal};

/// From this version on a key of a partitioned table can be added without a look at its rows.
const PARTITIONED_NOT_VALID_VERSION: u32 = 180_000;

/// What the server answers where the key is there already.
const DUPLICATE_OBJECT: &str = "42710";

/// Keys dropped in one transaction: each locks both of its tables, and their partitions.
const KEYS_PER_TRANSACTION: usize = 50;

/// The foreign keys because of which some tables could not be emptied and filled in any order.
pub async fn in_the_way(target: &mut Connection, wanted: &[&Table]) -> Result<Vec<KeptKey>> {
    let names: HashSet<String> = wanted.iter().map(|table| table.name.to_string()).collect();
    let in_parts: HashSet<String> = wanted
        .iter()
        .filter(|table| !table.parts.is_empty())
        .map(|table| table.name.to_string())
        .collect();
    let (mut keys, mut unreachable): (Vec<KeptKey>, Vec<String>) = Default::default();
    let queried = target.query_each(include_str!("sql/target_foreign_keys.sql"), &[], |row| {
        let from = QualifiedName::new(row.required(8)?, row.required(9)?).to_string();
        let to = QualifiedName::new(row.required(10)?, row.required(11)?).to_string();
        let key = read(&row)?;
        // A table that references itself is checked at the end of the one COPY that fills it. What
        // was never checked may not hold for all rows, which is no reason to refuse them.
        let is_in_the_way = match from == to {
            true => in_parts.contains(&to),
            false => names.contains(&to),
        } || (!key.is_validated && names.contains(&from));
        if is_in_the_way && keys.last() != Some(&key) {
            if !row.flag(7)? {
                unreachable.push(key.to_string());
            }
            keys.push(key);
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list foreign keys", error))?;
    match unreachable.is_empty() {
        true => Ok(keys),
        false => Err(cannot_be_dropped(&unreachable, "our role does not own their tables")),
    }
}

/// The error where keys are in the way and must stay.
pub fn cannot_be_dropped(keys: &[String], reason: &str) -> Error {
    Error::new(
        Kind::Target,
        format!(
            "cannot copy rows while {} foreign keys on the target reference their tables: {}",
            keys.len(),
            listed(keys)
        ),
    )
    .detail(format!(
        "Tables are emptied before they are filled, in no order that a foreign key could hold in; \
         these keys cannot be dropped for that time, as {reason}."
    ))
    .hint(
        "Drop these keys and add them again when the rows are in, or connect to the target as the \
         owner of the tables.",
    )
}

/// Takes keys down, so that they can be put back whatever happens.
pub async fn take_down(target: &mut Connection, keys: &[KeptKey]) -> Result<()> {
    for some in keys.chunks(KEYS_PER_TRANSACTION) {
        let taken = take_some_down(target, some).await;
        if taken.is_err() && target.is_ready() && target.in_transaction() {
            // Whoever puts back what went before must not wait for this.
            target.execute("rollback").await.ok();
        }
        taken?;
    }
    Ok(())
}

async fn take_some_down(target: &mut Connection, some: &[KeptKey]) -> Result<()> {
    let failed = |error| Error::target("could not drop foreign keys", error);
    let begun = format!("begin; {}", include_str!("sql/keep_foreign_keys.sql"));
    target.execute(&begun).await.map_err(failed)?;
    for key in some {
        let flag = |is: bool| Some(if is { "true" } else { "false" });
        let parameters = [
            Some(&*key.table.namespace),
            Some(&*key.table.name),
            Some(&*key.name),
            Some(&*key.definition),
            key.comment.as_deref(),
            flag(key.is_validated),
            flag(key.is_partitioned),
        ];
        let kept = target.query(include_str!("sql/keep_foreign_key.sql"), &parameters).await;
        kept.map_err(failed)?;
        let name = quote_identifier(&key.name);
        run(target, &format!("alter table {} drop constraint {name}", key.table))
            .await
            .map_err(|error| Error::target(format!("could not drop {key}"), error))?;
    }
    fault::point("foreign_keys", "before_drop")?;
    run(target, "commit").await.map_err(failed)?;
    fault::point("foreign_keys", "dropped")
}

/// Whether keys are kept.
pub async fn are_kept(target: &mut Connection) -> Result<bool> {
    let sql = "select pg_catalog.to_regclass('pgcopydb.foreign_key') is not null";
    let rows = target.query(sql, &[]).await;
    rows.and_then(|rows| rows.first().map_or(Ok(false), |row| row.flag(0)))
        .map_err(|error| Error::target("could not look for foreign keys that are kept", error))
}

/// The keys that are kept, and what is there of each.
pub async fn kept(target: &mut Connection) -> Result<Vec<(KeptKey, KeyState)>> {
    let mut kept = Vec::new();
    let queried = target.query_each(include_str!("sql/kept_foreign_keys.sql"), &[], |row| {
        let key = read(&row)?;
        let state = match (row.flag(7)?, row.flag(8)?, row.flag(9)?) {
            (false, ..) => KeyState::NoTable,
            (_, false, _) => KeyState::Missing,
            (_, _, is_validated) if is_validated || !key.is_validated => KeyState::Whole,
            _ => KeyState::Unchecked,
        };
        kept.push((key, state));
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list the keys that are kept", error))?;
    Ok(kept)
}

/// Whether a key comes back in two moves: at once, and then with a look at all rows.
pub fn comes_unchecked(key: &KeptKey, target: &Connection) -> bool {
    !key.is_partitioned || target.server_version() >= PARTITIONED_NOT_VALID_VERSION
}

/// Puts a key back, as it was or unchecked. Says whether it is as it was.
pub async fn put_back(target: &mut Connection, key: &KeptKey) -> Result<bool> {
    let is_unchecked = key.is_validated && comes_unchecked(key, target);
    let name = quote_identifier(&key.name);
    let not_valid = if is_unchecked { " not valid" } else { "" };
    let mut sql = format!(
        "begin; alter table {} add constraint {name} {}{not_valid}; ",
        key.table, key.definition
    );
    if let Some(comment) = &key.comment {
        let comment = quote_literal(comment);
        sql.push_str(&format!("comment on constraint {name} on {} is {comment}; ", key.table));
    }
    if !is_unchecked {
        sql.push_str(&forgotten(key));
    }
    sql.push_str("; commit");
    let put_back = fault::amid("foreign_keys", "adding", || true, run(target, &sql)).await;
    match put_back {
        // Put back by a try of ours of which we never heard the end, or by somebody else.
        Err(error) if error.sqlstate() == Some(DUPLICATE_OBJECT) && !is_unchecked => {
            forget(target, key).await?;
        }
        Err(error) if error.sqlstate() == Some(DUPLICATE_OBJECT) => {}
        put_back => put_back.map_err(|error| {
            failed_again(format!("could not put back foreign key {key}"), error)
        })?,
    }
    fault::point("foreign_keys", "added")?;
    Ok(!is_unchecked)
}

/// Looks whether all rows hold a key that is there.
pub async fn check(target: &mut Connection, key: &KeptKey) -> Result<()> {
    let name = quote_identifier(&key.name);
    let validate = format!("alter table {} validate constraint {name}", key.table);
    let sql = format!("begin; {validate}; {}; commit", forgotten(key));
    let checked = fault::amid("foreign_keys", "checking", || true, run(target, &sql)).await;
    checked.map_err(|error| {
        failed_again(format!("foreign key {key} is back, but its rows could not be checked"), error)
    })?;
    fault::point("foreign_keys", "checked")
}

/// Forgets a key that is as it was, or never will be again.
pub async fn forget(target: &mut Connection, key: &KeptKey) -> Result<()> {
    let forgot = run(target, &forgotten(key)).await;
    forgot.map_err(|error| Error::target("could not forget a foreign key", error))
}

/// Drops what keys are kept in, once none is. Runs keep their own records elsewhere.
pub async fn forget_all(target: &mut Connection) -> Result<()> {
    let failed = |error| Error::target("could not forget foreign keys", error);
    let sql = "set synchronous_commit = on; drop table if exists pgcopydb.foreign_key";
    run(target, sql).await.map_err(failed)?;
    let sql = "select pg_catalog.to_regclass('pgcopydb.step') is not null";
    let rows = target.query(sql, &[]).await.map_err(failed)?;
    if rows.value().map_err(failed)? == Some("t") {
        // The record of done steps is there as well, and goes when these are.
        return Ok(());
    }
    match run(target, "drop schema if exists pgcopydb").await {
        // Somebody else uses that name as well.
        Err(error) if error.sqlstate() == Some("2BP01") => Ok(()),
        dropped => dropped.map_err(failed),
    }
}

fn forgotten(key: &KeptKey) -> String {
    let [namespace, table, name] =
        [&key.table.namespace, &key.table.name, &key.name].map(|text| quote_literal(text));
    format!(
        "delete from pgcopydb.foreign_key where namespace = {namespace} and relation = {table} \
         and name = {name}"
    )
}

fn failed_again(doing: String, error: pgcopydb_wire::Error) -> Error {
    let is_violated = error.sqlstate() == Some("23503");
    let error = Error::target(doing, error);
    match is_violated {
        true => error.hint(
            "Repair the rows and continue with the same command and --resume; until then table \
             pgcopydb.foreign_key on the target has what the key was.",
        ),
        false => error.hint("Continue with the same command and --resume: that is tried again."),
    }
}

fn read(row: &Row) -> pgcopydb_wire::Result<KeptKey> {
    Ok(KeptKey {
        name: row.required(0)?.to_owned(),
        table: QualifiedName::new(row.required(1)?, row.required(2)?),
        definition: row.required(3)?.to_owned(),
        is_validated: row.flag(4)?,
        comment: row.text(5)?.map(str::to_owned),
        is_partitioned: row.flag(6)?,
    })
}

/// Runs statements; what was begun is rolled back where they fail.
async fn run(target: &mut Connection, sql: &str) -> pgcopydb_wire::Result<()> {
    tracing::debug!(target: "sql", "[TARGET {}] {sql}", target.backend_pid());
    let done = target.execute(sql).await;
    if done.is_err() && target.is_ready() && target.in_transaction() {
        target.execute("rollback").await.ok();
    }
    done.map(|_| ())
}
