//! Statistics come over from the source where the target takes them.

use pgcopydb_testkit::{Database, Pair, Version};

use crate::support::pgcopydb;

/// Whether ANALYZE on the target was needed is seen by what it would find: ours look no closer
/// than this.
const FEW: &str = "set default_statistics_target = 7; ";

/// Tables whose statistics the source shows whole.
const WHOLE: &[&str] = &["plain", "O'dd \\ \"name\"", "root", "root_1", "root_2"];

/// Tables that must be looked at again, and why.
const OTHERS: &[&str] =
    &["ranges", "several_columns", "never_analyzed", "changed", "parent", "own_type"];

const TABLES: &str = r#"
create table plain (id int primary key, kind text, tags text[], at timestamptz, payload jsonb,
                    words tsvector, half int generated always as (id / 2) stored);
insert into plain select i, 'kind ' || i % 97, array['a' || i % 5, 'b\"'], now() - i * interval '1 min',
  jsonb_build_object('i', i), to_tsvector('simple', 'word' || i % 11)
  from generate_series(1, 20000) i;
create index on plain (lower(kind), (id % 10));
create table "O'dd \ ""name""" ("C\o'l ""umn""" text);
insert into "O'dd \ ""name""" select 'it''s \ "' || i % 300 from generate_series(1, 3000) i;
create table root (id int, note text) partition by range (id);
create table root_1 partition of root for values from (0) to (1500);
create table root_2 partition of root for values from (1500) to (9999);
insert into root select i, 'n' || i from generate_series(1, 3000) i;
create table ranges (r int4range);
insert into ranges select int4range(i, i + i % 10 + 1) from generate_series(1, 3000) i;
create table several_columns (a int, b int);
create statistics several on a, b from several_columns;
insert into several_columns select i, i / 2 from generate_series(1, 3000) i;
create table changed (a int);
insert into changed select generate_series(1, 3000);
create table parent (a int);
create table child () inherits (parent);
insert into parent select generate_series(1, 3000);
insert into child select generate_series(1, 3000);
create domain seconds as numrange;
create table own_type (s seconds);
insert into own_type select numrange(i, i + 2) from generate_series(1, 3000) i;
create table empty (a int);
"#;

const LATER: &str = "
create table never_analyzed (a int);
insert into never_analyzed select generate_series(1, 3000);
update changed set a = -a;
";

#[test]
fn statistics_come_from_the_source() {
    for (from, to) in [(15, 18), (18, 18)] {
        let (Some(source), Some(target)) = (Version::of_major(from), Version::of_major(to)) else {
            eprintln!("skipped {from} to {to}: this machine lacks one of them");
            continue;
        };
        let pair = Pair::of_versions(&source, &target);
        // Sessions of their own: what one has changed is counted when it ends.
        pair.source.sql(TABLES);
        pair.source.sql(&format!("{FEW} vacuum analyze"));
        pair.source.sql(LATER);
        pair.source.wait_for(
            "select n_mod_since_analyze >= 3000 from pg_stat_user_tables where relname = 'changed'",
        );
        pgcopydb(&pair).arg("clone").run().assert_success();
        pair.assert_same();
        for table in WHOLE {
            assert_eq!(columns(&pair.target, table), columns(&pair.source, table), "{table}");
            let tuples = "select reltuples from pg_class where relname = '";
            let tuples = |side: &Database| side.value(&format!("{tuples}{}'", quoted(table)));
            assert_eq!(tuples(&pair.target), tuples(&pair.source), "{table}");
        }
        let expression = columns(&pair.target, "plain_lower_expr_idx");
        assert!(expression.contains("kind 9"), "{expression}");
        assert_eq!(expression, columns(&pair.source, "plain_lower_expr_idx"));
        for table in OTHERS {
            let least = format!(
                "select coalesce(min(cardinality(coalesce(histogram_bounds, range_bounds_histogram)\
                 ::text::text[])), 0) from pg_stats where tablename = '{table}'"
            );
            let least: u32 = pair.target.value(&least).parse().unwrap();
            assert!(least > 8, "{table}: {least}");
        }
        let visible = "select relpages > 0 and relallvisible = relpages from pg_class \
                       where relname = 'plain'";
        assert_eq!(pair.target.value(visible), "t", "rows that are frozen are visible");
    }
}

/// All that is known of the columns of a table.
fn columns(database: &Database, table: &str) -> String {
    let known = database.value(&format!(
        "select string_agg(to_jsonb(s)::text, e'\\n' order by attname) from (
           select attname, inherited, null_frac, avg_width, n_distinct,
                  most_common_vals::text as v, most_common_freqs, histogram_bounds::text as h,
                  correlation, most_common_elems::text as e, most_common_elem_freqs,
                  elem_count_histogram
             from pg_stats where schemaname = 'public' and tablename = '{}') s",
        quoted(table)
    ));
    assert!(!known.is_empty(), "nothing is known of {table}");
    known
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
