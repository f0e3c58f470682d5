//! Databases to copy: small ones to look at, large ones to measure, and one to be afraid of.
//!
//! The functions that return a `String` make SQL for [`Database::sql`]; the same arguments make
//! the same database, so that two runs can be compared.

use std::path::{Path, PathBuf};

use crate::database::Database;
use crate::program::Program;

/// Fills a database as `pgbench --initialize --foreign-keys` does: 100,000 rows for each scale.
pub fn pgbench(database: &Database, scale: u32) {
    let scale = scale.to_string();
    let arguments = ["--initialize", "--foreign-keys", "--no-vacuum", "--quiet", "--scale", &scale];
    pgbench_program(database).args(arguments).run().assert_success();
}

/// The `pgbench` program with a database to work on, to run transactions while that is copied.
#[must_use]
pub fn pgbench_program(database: &Database) -> Program {
    let path = database.cluster().version().program("pgbench");
    let port = database.cluster().port().to_string();
    Program::new(path)
        .env("PGHOST", database.cluster().socket_directory())
        .env("PGPORT", port)
        .env("PGUSER", "postgres")
        .env("PGDATABASE", database.name())
}

/// Fills a database with every kind of object, see `sql/torture.sql`.
pub fn torture(database: &Database) {
    torture_roles(database);
    database.sql_file(&sql("torture.sql"));
}

/// Makes the roles of [`torture`] alone, on the cluster of a database. A target needs them too.
pub fn torture_roles(database: &Database) {
    database.sql_file(&sql("torture_roles.sql"));
}

fn sql(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    assert!(directory.is_dir(), "the tests run where their sources are: {}", directory.display());
    directory.join(name)
}

/// Many tables with a key, an index, a sequence and a few rows each, in ten schemas.
#[must_use]
pub fn tables(count: u32) -> String {
    let statements = |statement: &str| {
        format!("select format({statement}) from generate_series(1, {count}) i\n\\gexec\n")
    };
    [
        "set client_min_messages = warning;\nset synchronous_commit = off;\n".to_owned(),
        "select format('create schema many_%s', i) from generate_series(0, 9) i\n\\gexec\n"
            .to_owned(),
        "begin;\n".to_owned(),
        statements(
            "'create table many_%s.table_%s (id serial primary key, note text, at timestamptz)', \
             i % 10, i",
        ),
        statements("'create index on many_%s.table_%s (note)', i % 10, i"),
        statements(
            "'insert into many_%s.table_%s (note, at) select md5(n::text), \
             ''2024-01-01''::timestamptz + n * interval ''1 h'' from generate_series(1, %s) n', \
             i % 10, i, i % 20",
        ),
        "commit;\n".to_owned(),
    ]
    .concat()
}

/// Large objects of up to a kilobyte, a tenth of them with a comment.
#[must_use]
pub fn large_objects(count: u32) -> String {
    format!(
        "select count(lo_from_bytea(10000 + i, convert_to(repeat(md5(i::text), i % 32), 'UTF8')))
           from generate_series(1, {count}) i;
         select format('comment on large object %s is %L', 10000 + i, 'object ' || i)
           from generate_series(1, {count}, 10) i
         \\gexec\n"
    )
}

/// A table of facts with foreign keys to twelve tables of dimensions, and indexes on all of them.
#[must_use]
pub fn star_schema(facts: u32) -> String {
    const DIMENSIONS: u32 = 12;
    let dimension = |n: u32| {
        format!(
            "create table dimension_{n} (id integer primary key, name text not null unique);
             insert into dimension_{n}
             select i, 'dimension {n} member ' || i from generate_series(1, {n} * 100) i;\n"
        )
    };
    let all = |piece: &dyn Fn(u32) -> String| (1..=DIMENSIONS).map(piece).collect::<String>();
    let columns = all(&|n| format!(", d{n} integer not null"));
    let values = all(&|n| format!(", (i::bigint * {n} * 7919) % ({n} * 100) + 1"));
    let indexes = all(&|n| format!("create index on facts (d{n});\n"));
    let keys =
        all(&|n| format!("alter table facts add foreign key (d{n}) references dimension_{n};\n"));
    let dimensions = all(&dimension);
    format!(
        "{dimensions}create table facts (id bigint, amount numeric(12, 2), at timestamptz{columns});
         insert into facts select i, i % 1000 / 7.0, '2024-01-01'::timestamptz + i * interval '1 s'
                {values} from generate_series(1, {facts}) i;
         alter table facts add primary key (id);\n{indexes}{keys}"
    )
}

/// A table with partitions by month, each with a thousand rows, a key and an index.
#[must_use]
pub fn partitioned(partitions: u32) -> String {
    format!(
        "create table events (id bigint generated always as identity, at date not null, note text,
                              primary key (id, at)) partition by range (at);
         select format('create table events_%s partition of events for values from (%L) to (%L)',
                       i, '2000-01-01'::date + i * interval '1 month',
                       '2000-01-01'::date + (i + 1) * interval '1 month')
           from generate_series(0, {partitions} - 1) i
         \\gexec
         insert into events (at, note)
         select '2000-01-01'::date + m * interval '1 month' + n % 28 * interval '1 day', md5(n::text)
           from generate_series(0, {partitions} - 1) m, generate_series(1, 1000) n;
         create index on events (note);\n"
    )
}

/// One table of about this many megabytes, with a key and an index, to be copied in parts.
#[must_use]
pub fn one_table(megabytes: u32) -> String {
    // A row with its header and line pointer takes about 130 bytes.
    let rows = u64::from(megabytes) * 1024 * 1024 / 130;
    format!(
        "create table big (id bigint primary key, a integer, note text, at timestamptz);
         insert into big select i, i % 1000, repeat(md5(i::text), 2),
                                '2024-01-01'::timestamptz + i * interval '1 s'
           from generate_series(1, {rows}) i;
         create index on big (a);\n"
    )
}
