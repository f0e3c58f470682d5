//! What a database holds that is no definition: relations with rows, sequences' values, large
//! objects.

use pgcopydb_wire::{Connection, Row};

use super::Side;
use crate::error::Result;
use crate::model::content::{Relation, RelationColumn, RelationKind};
use crate::model::{Oid, QualifiedName};

/// Large objects in a piece of work.
const LARGE_OBJECTS_PER_PIECE: u32 = 10_000;

/// Sequences that are read at once: each is locked until the transaction ends anyway.
const SEQUENCES_PER_QUERY: usize = 200;

/// Where a sequence stands; `None` if we may not read it.
pub type SequenceValue = Option<(i64, bool)>;

/// All relations with rows.
pub async fn relations(session: &mut Connection, side: Side) -> Result<Vec<Relation>> {
    let mut found = Vec::new();
    let queried = session.query_each(include_str!("sql/compare/contents.sql"), &[], |row| {
        found.push(relation(&row)?);
        Ok(())
    });
    queried.await.map_err(|error| side.error("could not list tables", error))?;
    Ok(found)
}

fn relation(row: &Row) -> pgcopydb_wire::Result<Relation> {
    let malformed = |error: serde_json::Error| pgcopydb_wire::Error::Protocol(error.to_string());
    let columns: Vec<(String, u32)> = serde_json::from_str(row.required(14)?).map_err(malformed)?;
    let text = |column| row.text(column).map(|text| text.map(str::to_owned));
    Ok(Relation {
        oid: row.parsed(0)?,
        name: QualifiedName::new(row.required(1)?, row.required(2)?),
        kind: match row.required(3)? {
            "p" => RelationKind::Partitioned,
            "m" => RelationKind::MaterializedView,
            _ => RelationKind::Table,
        },
        parent: row.text(4)?.map(|_| row.parsed(4)).transpose()?,
        bytes: row.parsed(5)?,
        pages: row.parsed(6)?,
        access_method: row.required(7)?.to_owned(),
        split_key: text(8)?,
        partition_key: text(9)?,
        bound: text(10)?,
        is_placed_by_oid: row.flag(11)?,
        is_populated: row.flag(12)?,
        condition: row.required(13)?.to_owned(),
        columns: columns
            .into_iter()
            .map(|(name, oid)| RelationColumn { name, type_oid: Oid(oid) })
            .collect(),
    })
}

/// The columns of a table's primary key.
pub async fn primary_key(session: &mut Connection, side: Side, table: Oid) -> Result<Vec<String>> {
    let oid = table.to_string();
    let mut columns = Vec::new();
    let sql = include_str!("sql/compare/primary_key.sql");
    let parameters = [Some(oid.as_str())];
    let queried = session.query_each(sql, &parameters, |row| {
        columns.push(row.required(0)?.to_owned());
        Ok(())
    });
    queried.await.map_err(|error| side.error("could not look at a primary key", error))?;
    Ok(columns)
}

/// Where all sequences stand.
pub async fn sequences(
    session: &mut Connection,
    side: Side,
) -> Result<Vec<(QualifiedName, SequenceValue)>> {
    let failed = |error| side.error("could not read sequences", error);
    let mut found = Vec::new();
    let mut readable = Vec::new();
    let sql = include_str!("sql/compare/sequence_names.sql");
    let queried = session.query_each(sql, &[], |row| {
        if row.flag(2)? {
            readable.push(found.len());
        }
        found.push((QualifiedName::new(row.required(0)?, row.required(1)?), None));
        Ok(())
    });
    queried.await.map_err(failed)?;
    for places in readable.chunks(SEQUENCES_PER_QUERY) {
        let select = |&place: &usize| {
            format!("select {place}, last_value, is_called from {}", found[place].0)
        };
        let sql = places.iter().map(select).collect::<Vec<_>>().join(" union all ");
        let queried = session.query_each(&sql, &[], |row| {
            let value = Some((row.parsed(1)?, row.flag(2)?));
            let place: usize = row.parsed(0)?;
            if let Some(sequence) = found.get_mut(place) {
                sequence.1 = value;
            }
            Ok(())
        });
        queried.await.map_err(failed)?;
    }
    Ok(found)
}

/// How many large objects there are, and OIDs that cut them into pieces of work.
pub async fn large_objects(session: &mut Connection, side: Side) -> Result<(u64, Vec<Oid>)> {
    let mut count = 0;
    let mut cuts = Vec::new();
    let size = LARGE_OBJECTS_PER_PIECE.to_string();
    let parameters = [Some(size.as_str())];
    let queried = session.query_each(include_str!("sql/large_objects.sql"), &parameters, |row| {
        count = row.parsed(0)?;
        cuts.push(row.parsed(1)?);
        Ok(())
    });
    queried.await.map_err(|error| side.error("could not list large objects", error))?;
    Ok((count, cuts))
}
