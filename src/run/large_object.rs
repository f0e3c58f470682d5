//! Large objects, in batches: contents by a binary COPY from the source and a pipeline to the
//! target, then owners, privileges and comments, all in the batch's transaction.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use pgcopydb_wire::Connection;
use pgcopydb_wire::pipeline::{Pipeline, Value};

use super::context::Context;
use super::worker::Done;
use crate::error::{Error, Kind, Result};
use crate::model::Oid;
use crate::pg::Side;

/// What is read of an object at once; larger objects take several reads. Bounds our memory.
const CHUNK_BYTES: usize = 512 * 1024;

/// Objects between two syncs of the pipeline.
const OBJECTS_PER_SYNC: usize = 100;

/// Copies one batch.
pub async fn batch(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    number: u32,
    moved: &AtomicU64,
) -> Result<Done> {
    let batches = &context.inventory.large_objects.batches;
    let from = batches[number as usize];
    let below = batches.get(number as usize + 1).copied();
    let in_the_way = match context.settings.drop_if_exists {
        true => InTheWay::Dropped,
        false => InTheWay::Kept,
    };
    let (copied, large) = small_objects(source, target, from, below, in_the_way, moved).await?;
    let mut done = copied;
    for oid in large {
        done.bytes += rest_of_object(source, target, oid, moved).await?;
    }
    metadata(context, source, target, from, below).await?;
    done.command = format!("large objects from {from}");
    Ok(done)
}

fn read_failed(error: pgcopydb_wire::Error) -> Error {
    Side::Source.error("could not read large objects", error)
}

fn write_failed(error: pgcopydb_wire::Error) -> Error {
    let exists = error.sqlstate() == Some("23505");
    let error = Side::Target.error("could not write large objects", error);
    if exists {
        return error.hint(
            "A large object of that OID exists on the target; --drop-if-exists replaces it.",
        );
    }
    error
}

/// The rows of `pg_largeobject_metadata` that are in a batch.
fn range(from: Oid, below: Option<Oid>) -> String {
    match below {
        Some(below) => format!("m.oid >= {from} and m.oid < {below}"),
        None => format!("m.oid >= {from}"),
    }
}

/// What becomes of objects of the target that have the number of one of the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InTheWay {
    Dropped,
    Kept,
}

/// Copies the first chunk of every object; returns those that have more.
async fn small_objects(
    source: &mut Connection,
    target: &mut Connection,
    from: Oid,
    below: Option<Oid>,
    in_the_way: InTheWay,
    moved: &AtomicU64,
) -> Result<(Done, Vec<Oid>)> {
    let sql = format!(
        "copy (select m.oid, pg_catalog.lo_get(m.oid, 0, {CHUNK_BYTES}) \
         from pg_catalog.pg_largeobject_metadata m where {} order by m.oid) \
         to stdout with (format binary)",
        range(from, below)
    );
    let mut rows = BinaryRows::default();
    let mut copy = source.copy_out(&sql).await.map_err(read_failed)?;
    let mut pipeline = target.pipeline().map_err(write_failed)?;
    let create = "select pg_catalog.lo_from_bytea($1, $2)";
    pipeline.prepare("create", create).await.map_err(write_failed)?;
    let unlink = "select pg_catalog.lo_unlink(m.oid) \
                  from pg_catalog.pg_largeobject_metadata m where m.oid = $1";
    pipeline.prepare("unlink", unlink).await.map_err(write_failed)?;
    let (mut done, mut large, mut unsynced) = (Done::default(), Vec::new(), 0);
    while let Some(message) = copy.next().await.map_err(read_failed)? {
        rows.push(&message);
        while let Some(row) = rows.next(2)? {
            let (oid, content) = (oid(&row[0])?, &row[1]);
            if content.len() == CHUNK_BYTES {
                large.push(oid);
            }
            let number = oid.to_string();
            if in_the_way == InTheWay::Dropped {
                pipeline.execute("unlink", &[Value::Text(&number)]).await.map_err(write_failed)?;
            }
            let values = [Value::Text(&number), Value::Binary(content)];
            pipeline.execute("create", &values).await.map_err(write_failed)?;
            done.rows += 1;
            done.bytes += content.len() as u64;
            moved.store(done.bytes, Ordering::Relaxed);
            unsynced += 1;
            if unsynced == OBJECTS_PER_SYNC {
                unsynced = 0;
                flush(&mut pipeline).await?;
            }
        }
    }
    finish(pipeline).await?;
    Ok((done, large))
}

async fn flush(pipeline: &mut Pipeline<'_>) -> Result<()> {
    pipeline.sync().await.map_err(write_failed)
}

async fn finish(mut pipeline: Pipeline<'_>) -> Result<()> {
    pipeline.run("deallocate all").await.map_err(write_failed)?;
    pipeline.finish().await.map_err(write_failed)
}

/// Copies what follows the first chunk of one object.
async fn rest_of_object(
    source: &mut Connection,
    target: &mut Connection,
    oid: Oid,
    moved: &AtomicU64,
) -> Result<u64> {
    let size = format!("select pg_catalog.lo_lseek64(pg_catalog.lo_open({oid}, 262144), 0, 2)");
    let rows = source.query(&size, &[]).await.map_err(read_failed)?;
    let size: u64 = rows.first().map_or(Ok(0), |row| row.parsed(0)).map_err(read_failed)?;
    let chunks = size.div_ceil(CHUNK_BYTES as u64);
    let sql = format!(
        "copy (select n * {CHUNK_BYTES}, pg_catalog.lo_get({oid}, n * {CHUNK_BYTES}, {CHUNK_BYTES}) \
         from pg_catalog.generate_series(1, {chunks}::bigint - 1) n) to stdout with (format binary)"
    );
    let mut rows = BinaryRows::default();
    let mut copy = source.copy_out(&sql).await.map_err(read_failed)?;
    let mut pipeline = target.pipeline().map_err(write_failed)?;
    let put = format!("select pg_catalog.lo_put({oid}, $1::bigint, $2)");
    pipeline.prepare("put", &put).await.map_err(write_failed)?;
    let mut bytes = 0;
    while let Some(message) = copy.next().await.map_err(read_failed)? {
        rows.push(&message);
        while let Some(row) = rows.next(2)? {
            let values = [Value::Binary(&row[0]), Value::Binary(&row[1])];
            pipeline.execute("put", &values).await.map_err(write_failed)?;
            bytes += row[1].len() as u64;
            moved.fetch_add(row[1].len() as u64, Ordering::Relaxed);
        }
    }
    finish(pipeline).await?;
    Ok(bytes)
}

/// Owners, privileges and comments of a batch, as statements that the source writes for us.
async fn metadata(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    from: Oid,
    below: Option<Oid>,
) -> Result<()> {
    let flag = |left_out: bool| Some(if left_out { "false" } else { "true" });
    let (from, below) = (from.to_string(), below.map(|oid| oid.to_string()));
    let settings = &context.settings;
    let parameters = [
        Some(from.as_str()),
        below.as_deref(),
        flag(settings.no_owner),
        flag(settings.no_acl),
        flag(settings.no_comments),
        Some(context.target.conninfo().user()),
    ];
    let sql = include_str!("../pg/sql/large_object_metadata.sql");
    let rows = source.query(sql, &parameters).await.map_err(read_failed)?;
    let mut statements = String::new();
    for row in rows.iter() {
        statements.push_str(row.required(0).map_err(read_failed)?);
        statements.push(';');
    }
    if !statements.is_empty() {
        target.execute(&statements).await.map_err(write_failed)?;
    }
    Ok(())
}

fn oid(field: &[u8]) -> Result<Oid> {
    match field.try_into() {
        Ok(bytes) => Ok(Oid(u32::from_be_bytes(bytes))),
        Err(_) => Err(malformed()),
    }
}

fn malformed() -> Error {
    Error::new(Kind::Source, "the source sent a malformed binary row")
}

/// Rows of a binary COPY (PostgreSQL documentation, "COPY", section "Binary Format"), however the
/// server cut them into messages.
#[derive(Debug, Default)]
struct BinaryRows {
    buffer: BytesMut,
    past_header: bool,
}

/// Signature, flags, and the length of an extension that is always empty.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0";
const HEADER_BYTES: usize = HEADER.len() + 8;

impl BinaryRows {
    fn push(&mut self, message: &Bytes) {
        self.buffer.extend_from_slice(message);
    }

    /// The next row that is here whole, of `fields` fields that are not NULL.
    fn next(&mut self, fields: usize) -> Result<Option<Vec<Bytes>>> {
        if !self.past_header {
            if self.buffer.len() < HEADER_BYTES {
                return Ok(None);
            }
            if !self.buffer.starts_with(HEADER) {
                return Err(malformed());
            }
            self.buffer.advance(HEADER_BYTES);
            self.past_header = true;
        }
        let Some(count) = self.buffer.first_chunk::<2>() else { return Ok(None) };
        match i16::from_be_bytes(*count) {
            -1 => return Ok(None),
            count if count as usize == fields => {}
            _ => return Err(malformed()),
        }
        let mut end = 2;
        for _ in 0..fields {
            let Some(length) = self.buffer.get(end..end + 4) else { return Ok(None) };
            let length = length.try_into().map(u32::from_be_bytes).map_err(|_| malformed())?;
            if length > i32::MAX as u32 {
                return Err(malformed());
            }
            end += 4 + length as usize;
        }
        if self.buffer.len() < end {
            return Ok(None);
        }
        let mut row = self.buffer.split_to(end).freeze();
        row.advance(2);
        let mut values = Vec::with_capacity(fields);
        for _ in 0..fields {
            let length = row.get_u32() as usize;
            values.push(row.split_to(length));
        }
        Ok(Some(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_however_they_are_cut() {
        let mut whole = Vec::from(HEADER);
        whole.extend([0; 8]);
        whole.extend(b"\0\x02\0\0\0\x04\0\0\0\x07\0\0\0\x02ab");
        whole.extend(b"\0\x02\0\0\0\x04\0\0\0\x08\0\0\0\0\xff\xff");
        for size in 1..whole.len() {
            let mut rows = BinaryRows::default();
            let mut found = Vec::new();
            for piece in whole.chunks(size) {
                rows.push(&Bytes::copy_from_slice(piece));
                while let Some(row) = rows.next(2).unwrap() {
                    found.push((oid(&row[0]).unwrap().0, row[1].to_vec()));
                }
            }
            assert_eq!(found, [(7, b"ab".to_vec()), (8, Vec::new())], "{size}");
        }
    }

    #[test]
    fn garbage_is_an_error() {
        let mut rows = BinaryRows::default();
        rows.push(&Bytes::from_static(b"something that is no binary COPY at all"));
        assert!(rows.next(2).is_err());
        let mut rows = BinaryRows { past_header: true, ..BinaryRows::default() };
        rows.push(&Bytes::from_static(b"\0\x03"));
        assert!(rows.next(2).is_err());
        let mut rows = BinaryRows { past_header: true, ..BinaryRows::default() };
        rows.push(&Bytes::from_static(b"\0\x02\xff\xff\xff\xff"));
        assert!(rows.next(2).is_err());
    }
}
