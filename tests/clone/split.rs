//! One table in several parts: every row once, whatever the table is like.

use pgcopydb_testkit::{Pair, Program};

use crate::support::{clone, summary};

/// How many parts each table was copied in.
fn parts(pair: &Pair, stdout: &str) -> Vec<(String, u32)> {
    let names = summary(pair)["tables"].as_array().unwrap().clone();
    let names = names.iter().map(|table| table["name"].as_str().unwrap().to_owned());
    let cells = |line: &str| line.split(" | ").map(|c| c.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = stdout.lines().map(cells).collect();
    let of = |name: &String| rows.iter().find(|row| row.get(2) == Some(name)).unwrap()[3].parse();
    let mut parts: Vec<(String, u32)> =
        names.map(|name| (name.clone(), of(&name).unwrap())).collect();
    parts.sort();
    parts
}

const TABLES: &str = "
    create table by_key (id bigint primary key, note text);
    insert into by_key select i, repeat(md5(i::text), 8) from generate_series(-2668, 3334) i;
    create table extremes (id bigint primary key, note text);
    insert into extremes select i, repeat(md5(i::text), 8) from generate_series(1, 2000) i;
    insert into extremes values (-9223372036854775808, 'first'), (9223372036854775807, 'last'),
                                (-1, 'minus one'), (0, 'zero');
    create table with_nulls (id int unique, note text);
    insert into with_nulls select nullif(i % 3000, 0), repeat(md5(i::text), 8)
      from generate_series(1, 2999) i;
    insert into with_nulls select null, repeat('n', 200) from generate_series(1, 50);
    create table without_key (note text);
    insert into without_key select repeat(md5(i::text), 8) from generate_series(1, 3000) i;
    delete from without_key where ctid < '(20,0)';
    create table of_text (id text primary key, note text);
    insert into of_text select i, repeat(md5(i::text), 8) from generate_series(1, 3000) i;
    create table parent (id int primary key, note text);
    create table child (primary key (id)) inherits (parent);
    insert into parent select i, repeat(md5(i::text), 8) from generate_series(1, 2000) i;
    insert into child select i, repeat(md5(i::text), 8) from generate_series(5000, 7000) i;
    create table small (id int primary key);
    insert into small values (1);
    create index on by_key (note);";

fn split(pair: &Pair) -> Program {
    clone(pair).args(["--split-tables-larger-than", "200 kB"])
}

#[test]
fn every_row_of_a_table_in_parts_arrives_once() {
    let pair = Pair::shared();
    pair.source.sql(TABLES);
    let output = split(&pair).run();
    output.assert_success();
    pair.assert_same();
    for (name, parts) in parts(&pair, &output.stdout) {
        let split = name != "small";
        assert_eq!(parts > 1, split, "{name} in {parts} parts: {output}");
    }
    // What COPY could not freeze is vacuumed.
    let vacuumed = "select count(*) from pg_stat_user_tables where last_vacuum is not null";
    pair.target.wait_for(&format!("select ({vacuumed}) = 7"));
    let log = pair.target.cluster().log();
    let mark = format!("] {} ", pair.target.name());
    assert!(!log.lines().any(|line| line.contains(&mark) && line.contains("ERROR")), "{log}");
}

#[test]
fn tables_without_a_key_are_whole_where_pages_must_not_be_used() {
    let pair = Pair::shared();
    pair.source.sql(TABLES);
    let output =
        split(&pair).args(["--split-max-parts", "3"]).env("PGCOPYDB_SKIP_CTID_SPLIT", "true").run();
    output.assert_success();
    pair.assert_same();
    for (name, parts) in parts(&pair, &output.stdout) {
        let expected = match name.as_str() {
            "small" | "without_key" | "of_text" => 1,
            _ => 3,
        };
        assert_eq!(parts, expected, "{name}: {output}");
    }
    output.assert_stderr_has("is copied in 3 parts");
}

#[test]
fn zero_is_never() {
    let pair = Pair::shared();
    pair.source.sql(TABLES);
    let output = clone(&pair).env("PGCOPYDB_SPLIT_TABLES_LARGER_THAN", "0").run();
    output.assert_success();
    assert!(parts(&pair, &output.stdout).iter().all(|(_, parts)| *parts == 1), "{output}");
    pair.assert_same();
}

#[test]
fn compressed_values_count_for_what_they_cost() {
    let pair = Pair::shared();
    // About the same size on disk; one of them is expanded and compressed again on the way.
    pair.source.sql(
        "create table packed (id int primary key, t text);
         insert into packed select i, string_agg(md5((i * j)::text), '')
           from generate_series(1, 18000) i, generate_series(1, 120) j group by i;
         create table plain (id int primary key, t text);
         alter table plain alter t set storage external;
         insert into plain select i, left(t, 2600) from packed, lateral (select id) as x (i)",
    );
    let output = clone(&pair).args(["--table-jobs", "4"]).run();
    output.assert_success();
    output.assert_stderr_has("table public.packed is copied in");
    assert_eq!(parts(&pair, &output.stdout)[1], ("plain".to_owned(), 1), "{output}");
    pair.assert_same();
    // Two workers gain nothing from halves.
    let output = clone(&pair).args(["--table-jobs", "2", "--restart", "-c"]).run();
    output.assert_success();
    assert!(parts(&pair, &output.stdout).iter().all(|(_, parts)| *parts == 1), "{output}");
}
