//! Rows of a table, or of a part of one.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use pgcopydb_wire::Connection;
use pgcopydb_wire::copy::{Copied, PumpError, Side as PumpSide, pump};

use super::context::Context;
use super::worker::{Done, Failure};
use crate::error::Error;
use crate::model::{Oid, PartRange, Table, quote_identifier, quote_literal};
use crate::pg::Side;
use crate::plan::format::Format;
use crate::plan::split;

/// Smaller tables are not worth freezing: the TRUNCATE that freezing needs makes the server look
/// through all of its shared buffers at commit.
pub const FREEZE_BYTES_MIN: u64 = 1 << 20;

/// Copies a whole table, frozen where that pays.
pub async fn table(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    oid: Oid,
    moved: &AtomicU64,
) -> std::result::Result<Done, Failure> {
    let table = context.table(oid);
    let only = empties(context, &table);
    let freeze = is_frozen(context, &table);
    if let Some(only) = only {
        let truncated = target.execute(&format!("truncate{only} {}", table.name)).await;
        truncated
            .map_err(|error| Error::target(format!("could not truncate {}", table.name), error))?;
    }
    let columns = column_list(&table);
    let out = match (&table.condition, columns.is_empty()) {
        (Some(_), _) => some_rows(&table, None),
        (None, true) => format!("copy {} to stdout", table.name),
        (None, false) => format!("copy {} ({columns}) to stdout", table.name),
    };
    copy(context, source, target, &table, out, freeze, moved).await
}

/// Whether the rows of a table that is copied whole are frozen on the way.
pub fn is_frozen(context: &Context, table: &Table) -> bool {
    // A partitioned table cannot be frozen.
    empties(context, table) == Some(" only") && table.bytes >= FREEZE_BYTES_MIN
}

/// How a table is emptied in the transaction that fills it, if it is: `ONLY` or not.
fn empties(context: &Context, table: &Table) -> Option<&'static str> {
    if table.load_via.is_some() {
        return None;
    }
    match context.found.tables.get(&table.oid) {
        Some(found) if !found.is_emptied => None,
        Some(found) if found.is_partitioned => Some(""),
        Some(_) => Some(" only"),
        None => (table.bytes >= FREEZE_BYTES_MIN).then_some(" only"),
    }
}

/// Copies a part of a table.
pub async fn part(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    oid: Oid,
    number: u16,
    moved: &AtomicU64,
) -> std::result::Result<Done, Failure> {
    let table = context.table(oid);
    let out = some_rows(&table, Some(&table.parts[number as usize - 1].range));
    copy(context, source, target, &table, out, false, moved).await
}

async fn copy(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    table: &Table,
    out: String,
    freeze: bool,
    moved: &AtomicU64,
) -> std::result::Result<Done, Failure> {
    let encoding = &context.inventory.database.encoding;
    let [out_options, mut in_options] = match context.format(table) {
        Format::Binary => [(); 2].map(|()| String::from("format binary")),
        Format::Text(reason) => {
            tracing::debug!("copying {} as text: {reason}", table.name);
            let theirs = target.parameter("server_encoding").unwrap_or(encoding);
            let encodings = encodings(encoding, theirs);
            encodings.map(|encoding| format!("format text, encoding {}", quote_literal(encoding)))
        }
    };
    let out_sql = format!("{out} with ({out_options})");
    if freeze {
        in_options.push_str(", freeze");
    }
    let columns = column_list(table);
    let root = table.load_via.map(|root| context.table(root).name);
    let into = root.as_ref().unwrap_or(&table.name);
    let in_sql = match columns.is_empty() {
        true => format!("copy {into} from stdin with ({in_options})"),
        false => format!("copy {into} ({columns}) from stdin with ({in_options})"),
    };
    match pump_logged(source, target, &out_sql, &in_sql, moved).await {
        Ok(Copied { bytes, rows }) => {
            Ok(Done { bytes, rows, duration: Duration::ZERO, command: out_sql })
        }
        Err(PumpError { side, error }) => {
            let side = side_of(side);
            let doing = format!("could not copy table {}", table.name);
            let sql = if side == Side::Source { out_sql } else { in_sql };
            Err(Failure { error: side.error(doing, error), sql: Some(sql) })
        }
    }
}

/// The encodings that text is sent in, and that it is taken to be in.
fn encodings<'a>(source: &'a str, target: &'a str) -> [&'a str; 2] {
    match source {
        // Nobody has ever looked at these bytes: the target must, and does so in its own encoding
        // only.
        "SQL_ASCII" => [source, target],
        _ if source == target => [source, target],
        // From and to this one there is a way from and to every other.
        _ => ["UTF8", "UTF8"],
    }
}

/// Pumps rows, telling both statements to the log.
pub async fn pump_logged(
    source: &mut Connection,
    target: &mut Connection,
    out_sql: &str,
    in_sql: &str,
    moved: &AtomicU64,
) -> std::result::Result<Copied, PumpError> {
    tracing::debug!(target: "sql", "[SOURCE {}] {out_sql}", source.backend_pid());
    tracing::debug!(target: "sql", "[TARGET {}] {in_sql}", target.backend_pid());
    pump(source, target, out_sql, in_sql, moved).await
}

/// The program's word for the pump's.
pub fn side_of(side: PumpSide) -> Side {
    match side {
        PumpSide::Source => Side::Source,
        PumpSide::Target => Side::Target,
    }
}

/// The columns that travel: all but those the target computes.
fn column_list(table: &Table) -> String {
    let columns = table.columns.iter().filter(|column| !column.generated);
    columns.map(|column| quote_identifier(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Reads the rows of a part, of those that are wanted at all.
fn some_rows(table: &Table, range: Option<&PartRange>) -> String {
    // The user's text may end in a comment.
    let wanted = table.condition.as_ref().map(|condition| format!("({condition}\n)"));
    let in_range = range.and_then(|range| split::condition(range, table.split_key.as_deref()));
    let in_range = in_range.map(|condition| format!("({condition})"));
    let conditions: Vec<String> = wanted.into_iter().chain(in_range).collect();
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!(" where {}", conditions.join(" and ")),
    };
    format!("copy (select {} from only {}{condition}) to stdout", column_list(table), table.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{QualifiedName, TableKind};

    #[test]
    fn a_part_of_the_wanted_rows() {
        let table = Table {
            oid: Oid(1),
            name: QualifiedName::new("public", "t"),
            kind: TableKind::Ordinary,
            parent: None,
            bytes: 0,
            pages: 0,
            compressible_bytes: 0,
            reltuples: 0.0,
            access_method: "heap".into(),
            split_key: Some("Id".into()),
            columns: Vec::new(),
            load_via: None,
            exclude_data: false,
            condition: Some("a or b -- c".into()),
            parts: Vec::new(),
        };
        let with_null = PartRange::Key { from: None, below: Some(5), with_null: true };
        assert_eq!(
            some_rows(&table, Some(&with_null)),
            "copy (select  from only public.t where (a or b -- c\n) and \
             ((\"Id\" < '5'::bigint) or \"Id\" is null)) to stdout"
        );
        assert_eq!(
            some_rows(&table, None),
            "copy (select  from only public.t where (a or b -- c\n)) to stdout"
        );
    }

    #[test]
    fn text_is_converted_once_and_always_checked() {
        assert_eq!(encodings("UTF8", "UTF8"), ["UTF8", "UTF8"]);
        assert_eq!(encodings("LATIN1", "LATIN1"), ["LATIN1", "LATIN1"]);
        assert_eq!(encodings("LATIN1", "LATIN9"), ["UTF8", "UTF8"]);
        assert_eq!(encodings("LATIN1", "SQL_ASCII"), ["UTF8", "UTF8"]);
        assert_eq!(encodings("SQL_ASCII", "UTF8"), ["SQL_ASCII", "UTF8"]);
        assert_eq!(encodings("SQL_ASCII", "SQL_ASCII"), ["SQL_ASCII", "SQL_ASCII"]);
    }
}
