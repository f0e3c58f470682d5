//! Checksums of rows, computed by the server: the same for the same rows in whatever order, and
//! on whatever page of whichever server.
//!
//! Every row becomes the text of a record, which tells columns, NULL and the empty string apart,
//! and the text becomes two hashes of 64 bits. What is compared is the number of rows and the sums
//! of their hashes.

use pgcopydb_wire::{Connection, Row};

use super::Side;
use crate::error::Result;
use crate::model::content::ComparedColumn;
use crate::model::{Oid, QualifiedName, quote_identifier};

/// `hashtextextended` and `sha256` came with it.
const EXTENDED_HASH_VERSION: u32 = 110_000;

/// From this version on the shortest text that means the same number stands for it.
const SHORTEST_FLOATS_VERSION: u32 = 120_000;

/// A value of more bytes is replaced by its digest: the text of a row cannot exceed 1 GB.
const LONG_VALUE_BYTES: u32 = 100_000;

/// Bytes of a large object that are read at once.
const LARGE_OBJECT_CHUNK_BYTES: u32 = 1 << 20;

/// Characters of a row that are shown where it has no key.
const SHOWN_CHARACTERS_MAX: u32 = 200;

/// How both servers hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    hash: Hash,
    /// Whether texts are made UTF-8 first, because the servers encode them differently.
    converts: bool,
    has_sha256: bool,
    /// Whether the texts of floating-point numbers differ between the servers.
    sends_floats: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    /// `hashtextextended`: fast.
    Extended,
    /// `md5`: known to every server.
    Md5,
}

/// What is known of a server before its rows are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    version: u32,
    encoding: String,
    /// What it makes of a text: not the same on machines with another order of bytes.
    hashed: Option<String>,
}

/// Asks a server what it can do.
pub async fn abilities(session: &mut Connection, side: Side) -> Result<Abilities> {
    let version = session.server_version();
    let encoding = session.parameter("server_encoding").unwrap_or_default().to_owned();
    let mut hashed = None;
    if version >= EXTENDED_HASH_VERSION {
        let sql = "select pg_catalog.hashtextextended('a text of some length', 1)";
        let answered = session.query(sql, &[]).await;
        let answered = answered.and_then(|rows| rows.value().map(|value| value.map(str::to_owned)));
        hashed = answered.map_err(|error| side.error("could not try a checksum", error))?;
    }
    Ok(Abilities { version, encoding, hashed })
}

impl Method {
    /// The best way that both servers know and agree on.
    pub fn common(source: &Abilities, target: &Abilities) -> Method {
        let older = source.version.min(target.version);
        // In SQL_ASCII nothing is known of the bytes: they are compared as they are.
        let converts = source.encoding != target.encoding
            && ![&source.encoding, &target.encoding].contains(&&"SQL_ASCII".to_owned());
        let agree = source.hashed.is_some() && source.hashed == target.hashed;
        Method {
            hash: if agree && !converts { Hash::Extended } else { Hash::Md5 },
            converts,
            has_sha256: older >= EXTENDED_HASH_VERSION,
            sends_floats: older < SHORTEST_FLOATS_VERSION,
        }
    }

    /// Settings of sessions that this method needs.
    pub fn settings(self) -> Option<&'static str> {
        // Numbers within other values: the digits that all versions write the same way.
        self.sends_floats.then_some("set extra_float_digits = 0")
    }

    /// The text as bytes that do not depend on the server's encoding, if that is wanted.
    fn bytes(self, text: &str) -> String {
        match self.converts {
            true => format!("pg_catalog.convert_to({text}, 'UTF8')"),
            false => format!("pg_catalog.convert_to({text}, pg_catalog.getdatabaseencoding())"),
        }
    }

    fn digest(self, bytes: &str) -> String {
        match self.has_sha256 {
            true => format!("pg_catalog.encode(pg_catalog.sha256({bytes}), 'hex')"),
            false => format!("pg_catalog.md5({bytes})"),
        }
    }

    /// Both hashes of a text, as two expressions of `prepared`.
    fn hashes(self) -> [&'static str; 2] {
        match self.hash {
            Hash::Extended => [
                "pg_catalog.hashtextextended(hashed collate \"C\", 0)",
                "pg_catalog.hashtextextended(hashed collate \"C\", 1)",
            ],
            Hash::Md5 => [
                "('x' || pg_catalog.substr(hashed, 1, 16))::pg_catalog.bit(64)::bigint",
                "('x' || pg_catalog.substr(hashed, 17, 16))::pg_catalog.bit(64)::bigint",
            ],
        }
    }

    /// What the hashes are made of.
    fn prepared(self, text: &str) -> String {
        match self.hash {
            Hash::Extended => text.to_owned(),
            Hash::Md5 => format!("pg_catalog.md5({})", self.bytes(text)),
        }
    }
}

/// A column as it stands in the text of a row.
fn expression(column: &ComparedColumn, method: Method) -> String {
    let name = quote_identifier(&column.name);
    let [source, target] = column.types;
    let long = |length: &str, bytes: &str| {
        let digest = method.digest(bytes);
        format!(
            "case when pg_catalog.octet_length({length}) > {LONG_VALUE_BYTES} then {digest} \
             else {name}::text end"
        )
    };
    match (send_function(source), is_text(source) && is_text(target)) {
        (Some(send), _) if method.sends_floats && source == target => {
            format!("pg_catalog.{send}({name})")
        }
        (_, true) => {
            let text = format!("{name}::text");
            long(&text, &method.bytes(&text))
        }
        (_, _) if source == BYTEA && target == BYTEA => long(&name, &name),
        (_, _) => name,
    }
}

const BYTEA: Oid = Oid(17);

/// `text`, `varchar`, `json`: types whose value is its text.
fn is_text(oid: Oid) -> bool {
    matches!(oid, Oid(25 | 1043 | 114))
}

/// What gives the exact bytes of a type that is made of floating-point numbers.
fn send_function(oid: Oid) -> Option<&'static str> {
    Some(match oid.0 {
        700 => "float4send",
        701 => "float8send",
        600 => "point_send",
        601 => "lseg_send",
        602 => "path_send",
        603 => "box_send",
        604 => "poly_send",
        628 => "line_send",
        718 => "circle_send",
        1021 | 1022 | 1017 | 1018 | 1019 | 1020 | 1027 | 629 | 719 => "array_send",
        _ => return None,
    })
}

/// Some rows of one relation.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The relation.
    pub relation: &'a QualifiedName,
    /// What is compared, in the source's order.
    pub columns: &'a [ComparedColumn],
    /// Which rows: empty, or a WHERE clause with its keyword.
    pub condition: &'a str,
}

impl Rows<'_> {
    /// The text of every row, as a subquery with the column `name`.
    fn texts(&self, method: Method, name: &str) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|column| expression(column, method)).collect();
        let Rows { relation, condition, .. } = self;
        format!(
            "select row({})::text as {name} from only {relation} {condition}",
            columns.join(", ")
        )
    }
}

/// The number of rows and the sums of their hashes; sums add up over the parts of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    hashes: [i128; 2],
}

impl Sum {
    /// Adds other rows.
    pub fn add(&mut self, other: Sum) {
        self.rows += other.rows;
        for (sum, more) in self.hashes.iter_mut().zip(other.hashes) {
            *sum = sum.wrapping_add(more);
        }
    }

    /// 64 hexadecimal digits.
    pub fn text(&self) -> String {
        let [first, second] = self.hashes;
        format!("{first:032x}{second:032x}")
    }

    /// Reads three columns of an answer.
    fn read(row: &Row, column: usize) -> pgcopydb_wire::Result<Sum> {
        Ok(Sum {
            rows: row.parsed(column)?,
            hashes: [row.parsed(column + 1)?, row.parsed(column + 2)?],
        })
    }
}

/// A query for the sum of some rows.
pub fn rows_query(rows: &Rows<'_>, method: Method) -> String {
    let texts = rows.texts(method, "text");
    // OFFSET 0 keeps the server from making the text once for each hash.
    sum_query("pg_catalog.count(*)", method, &format!("({texts} offset 0) as rows"), "text", "")
}

fn sum_query(count: &str, method: Method, from: &str, text: &str, group: &str) -> String {
    let [first, second] = method.hashes();
    let prepared = method.prepared(text);
    format!(
        "select {count}, coalesce(pg_catalog.sum({first}), 0), \
         coalesce(pg_catalog.sum({second}), 0) \
         from (select {prepared} as hashed, * from {from} offset 0) as prepared{group}"
    )
}

/// A query for the sum of the large objects in a range of OIDs.
pub fn large_objects_query(from: Option<Oid>, below: Option<Oid>, method: Method) -> String {
    let mut conditions = String::from("true");
    if let Some(from) = from {
        conditions.push_str(&format!(" and m.oid >= '{from}'::oid"));
    }
    if let Some(below) = below {
        conditions.push_str(&format!(" and m.oid < '{below}'::oid"));
    }
    let chunk = LARGE_OBJECT_CHUNK_BYTES;
    let digest = method.digest("chunk.data");
    let pieces = format!(
        "with recursive piece (oid, number, bytes, digest) as (\
           select m.oid, 0::bigint, pg_catalog.length(chunk.data), {digest} \
             from pg_catalog.pg_largeobject_metadata m \
                  cross join lateral \
                    (select pg_catalog.lo_get(m.oid, 0, {chunk}) offset 0) chunk (data) \
            where {conditions} \
           union all \
           select p.oid, p.number + 1, pg_catalog.length(chunk.data), {digest} \
             from piece p \
                  cross join lateral \
                    (select pg_catalog.lo_get(p.oid, (p.number + 1) * {chunk}, {chunk}) offset 0) \
                    chunk (data) \
            where p.bytes = {chunk}) "
    );
    let text = "pg_catalog.format('%s %s %s', oid, number, digest)";
    let count = "pg_catalog.count(*) filter (where number = 0)";
    pieces + &sum_query(count, method, "piece", text, "")
}

/// Runs a query for a sum.
pub async fn sum(session: &mut Connection, sql: &str) -> pgcopydb_wire::Result<Sum> {
    let rows = session.query(sql, &[]).await?;
    match &rows[..] {
        [row] => Sum::read(row, 0),
        rows => Err(pgcopydb_wire::Error::Protocol(format!("{} rows of one sum", rows.len()))),
    }
}

/// Rows by key, in buckets: to find those that differ without reading all of them.
#[derive(Clone, Debug)]
pub struct Keyed<'a> {
    /// The relations whose rows belong together.
    pub rows: Vec<Rows<'a>>,
    /// The columns of the key; empty where the row itself is the key.
    pub key: &'a [String],
    /// How many buckets: a power of two.
    pub buckets: u32,
}

impl Keyed<'_> {
    /// Key and text of every row, hashed.
    fn source(&self, method: Method) -> String {
        let key: Vec<String> = self.key.iter().map(|name| quote_identifier(name)).collect();
        let texts = self.rows.iter().map(|rows| {
            let columns = rows.columns.iter().map(|column| expression(column, method));
            let columns = columns.collect::<Vec<_>>().join(", ");
            let key = match key.is_empty() {
                true => "null::text".to_owned(),
                false => format!("row({})::text", key.join(", ")),
            };
            format!(
                "select {key} as key, row({columns})::text as text from only {} {}",
                rows.relation, rows.condition
            )
        });
        let texts = texts.collect::<Vec<_>>().join(" union all ");
        let hashed = method.prepared("coalesce(key, text)");
        let [first, _] = method.hashes();
        format!(
            "(select {first} & {} as bucket, key, text \
              from (select {hashed} as hashed, key, text from ({texts} offset 0) as texts offset 0) \
                   as keyed offset 0) as bucketed",
            self.buckets - 1
        )
    }

    /// A query for the sum of every bucket, its number first.
    pub fn buckets_query(&self, method: Method) -> String {
        let source = self.source(method);
        sum_query("bucket, pg_catalog.count(*)", method, &source, "text", " group by bucket")
    }

    /// A query for the rows of the buckets in `$1`: what to show, both hashes, how often.
    pub fn rows_query(&self, method: Method) -> String {
        let source = self.source(method);
        let [first, second] = method.hashes();
        let prepared = method.prepared("text");
        format!(
            "select shown, {first}, {second}, pg_catalog.count(*) \
             from (select coalesce(key, pg_catalog.left(text, {SHOWN_CHARACTERS_MAX})) as shown, \
                          {prepared} as hashed \
                   from {source} where bucket = any ($1::bigint[]) offset 0) as prepared \
             group by 1, 2, 3"
        )
    }
}

/// Runs a query for the sums of buckets.
pub async fn bucket_sums(
    session: &mut Connection,
    sql: &str,
) -> pgcopydb_wire::Result<Vec<(u32, Sum)>> {
    let mut sums = Vec::new();
    session
        .query_each(sql, &[], |row| {
            sums.push((row.parsed(0)?, Sum::read(&row, 1)?));
            Ok(())
        })
        .await?;
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abilities(version: u32, encoding: &str, hashed: Option<&str>) -> Abilities {
        Abilities { version, encoding: encoding.into(), hashed: hashed.map(str::to_owned) }
    }

    #[test]
    fn both_servers_hash_the_same_way() {
        let new = abilities(150_000, "UTF8", Some("1"));
        let method = Method::common(&new, &new);
        assert_eq!((method.hash, method.converts), (Hash::Extended, false));
        assert_eq!(method.settings(), None);

        let ancient = Method::common(&abilities(100_000, "UTF8", None), &new);
        assert_eq!((ancient.hash, ancient.has_sha256), (Hash::Md5, false));
        assert!(ancient.sends_floats);

        let other_bytes = Method::common(&abilities(150_000, "UTF8", Some("2")), &new);
        assert_eq!((other_bytes.hash, other_bytes.converts), (Hash::Md5, false));

        let latin = Method::common(&abilities(150_000, "LATIN1", Some("1")), &new);
        assert_eq!((latin.hash, latin.converts), (Hash::Md5, true));

        let ascii = Method::common(&abilities(150_000, "SQL_ASCII", Some("1")), &new);
        assert_eq!((ascii.hash, ascii.converts), (Hash::Extended, false));
    }

    #[test]
    fn sums_add_up_and_have_64_digits() {
        let mut sum = Sum { rows: 2, hashes: [-5, i128::from(i64::MAX)] };
        sum.add(Sum { rows: 1, hashes: [4, 1] });
        assert_eq!(sum, Sum { rows: 3, hashes: [-1, 1 << 63] });
        assert_eq!(sum.text(), format!("{}00000000000000008000000000000000", "f".repeat(32)));
    }

    #[test]
    fn floats_are_exact_where_their_texts_differ() {
        let old = abilities(110_000, "UTF8", Some("1"));
        let method = Method::common(&old, &old);
        let column =
            |source, target| ComparedColumn { name: "A".into(), types: [Oid(source), Oid(target)] };
        assert_eq!(expression(&column(701, 701), method), "pg_catalog.float8send(\"A\")");
        assert_eq!(expression(&column(701, 700), method), "\"A\"");
        assert_eq!(expression(&column(23, 23), method), "\"A\"");
        assert_eq!(method.settings(), Some("set extra_float_digits = 0"));
    }
}
