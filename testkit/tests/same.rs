//! The comparison of databases is the judge of all other tests: it must find what is different,
//! and nothing in a copy that `pg_dump` and `pg_restore` have made.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Database, Pair, Program, Version, workload};

const SMALL: &str = "
    create table t (a int primary key, b text, c double precision);
    insert into t select i, 'row ' || i, i / 3.0 from generate_series(1, 1000) i;
    create index t_b on t (b);
    create table u (a int references t);
    insert into u select i from generate_series(1, 10) i;
    create sequence s;
    select nextval('s'), nextval('s');
    select lo_from_bytea(4711, 'content');
    create materialized view m as select count(*) from t;
    analyze;";

/// A pair whose two sides were made in the same way.
fn twins() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(SMALL);
    pair.target.sql(SMALL);
    pair.assert_same();
    pair
}

/// Changes the target, and checks that one difference is found, with these words.
#[track_caller]
fn assert_noticed(pair: &Pair, change: &str, words: &[&str]) {
    pair.target.sql(change);
    let differences = pair.same().differences();
    assert_eq!(differences.len(), 1, "{}", differences.join("\n"));
    for word in words {
        assert!(differences[0].contains(word), "no {word:?} in {}", differences[0]);
    }
}

#[test]
fn a_missing_row_is_noticed() {
    assert_noticed(&twins(), "delete from t where a = 500", &["t", "1000 rows", "999 rows"]);
}

#[test]
fn a_changed_value_is_noticed() {
    assert_noticed(&twins(), "update t set c = c + 1e-12 where a = 7", &["t", "1000 rows"]);
}

#[test]
fn a_row_that_came_twice_is_noticed() {
    assert_noticed(
        &twins(),
        "insert into u values (3)",
        &["rows of \"public.u\"", "10 rows", "11 rows"],
    );
}

#[test]
fn a_missing_index_is_noticed() {
    let pair = twins();
    pair.target.sql("drop index t_b");
    let differences = pair.same().differences().join("\n");
    assert!(differences.contains("- CREATE INDEX t_b ON public.t"), "{differences}");
    assert!(differences.contains("index \"public.t_b\" is missing on the target"), "{differences}");
}

#[test]
fn a_sequence_that_is_off_by_one_is_noticed() {
    let pair = twins();
    assert_noticed(&pair, "select nextval('s')", &["sequence \"public.s\"", "2 used", "3 used"]);
    assert_noticed(&pair, "select setval('s', 2, false)", &["2 used", "2 not used"]);
}

#[test]
fn a_large_object_with_another_owner_content_or_comment_is_noticed() {
    let pair = twins();
    assert_noticed(&pair, "select lo_put(4711, 2, 'x')", &["large object 4711", "content"]);
    pair.source.sql("select lo_put(4711, 2, 'x')");
    assert_noticed(&pair, "comment on large object 4711 is 'new'", &["comment \"new\""]);
    pair.source.sql("comment on large object 4711 is 'new'");
    assert_noticed(&pair, "grant select on large object 4711 to public", &["=r/postgres"]);
    pair.source.sql("grant select on large object 4711 to public");
    let owner = "alter large object 4711 owner to pg_monitor";
    assert_noticed(&pair, owner, &["postgres", "pg_monitor"]);
}

#[test]
fn a_constraint_that_was_not_validated_is_noticed() {
    let pair = twins();
    pair.target.sql("alter table u drop constraint u_a_fkey");
    pair.target.sql("alter table u add constraint u_a_fkey foreign key (a) references t not valid");
    let differences = pair.same().differences().join("\n");
    assert!(differences.contains("- validated\n  + not validated"), "{differences}");
}

#[test]
fn a_table_without_statistics_is_noticed() {
    let pair = twins();
    pair.target.sql("truncate u, t; insert into t select i, 'row ' || i, i / 3.0 from generate_series(1, 1000) i");
    pair.target.sql("insert into u select i from generate_series(1, 10) i");
    pair.target.sql("delete from pg_statistic where starelid = 'u'::regclass; analyze t");
    let differences = pair.same().differences();
    assert_eq!(differences, ["no statistics of \"public.u\" on the target"]);
    assert_eq!(pair.same().without_statistics().differences(), [""; 0]);
}

#[test]
fn a_comparison_can_leave_things_out() {
    let pair = twins();
    pair.target.sql("create schema pgcopydb; create table pgcopydb.sentinel (a int)");
    pair.assert_same();
    pair.target.sql("create table extra (a int); delete from u");
    assert!(!pair.same().differences().is_empty());
    assert_eq!(pair.same().ignoring("extra").without_rows().differences(), [""; 0]);
}

/// Copies with PostgreSQL's own tools.
fn dump_and_restore(pair: &Pair) {
    let Pair { source, target, .. } = pair;
    let archive = pair.directory().join("archive");
    let tool = |name: &str| Program::new(pair.newer_version().program(name));
    let dump = tool("pg_dump").args(["-Fc", "-Z0", "-d", &source.uri(), "-f"]).arg(&archive);
    dump.run().assert_success();
    let restore = tool("pg_restore").args(["--exit-on-error", "-d", &target.uri()]).arg(&archive);
    restore.run().assert_success();
}

#[track_caller]
fn assert_torture_survives(source: &Version, target: &Version) {
    eprintln!("{source} to {target}");
    let pair = Pair::of_versions(source, target);
    workload::torture(&pair.source);
    workload::torture_roles(&pair.target);
    // Some packages have no more than the server.
    if number_of_extensions(&pair.target) < number_of_extensions(&pair.source) {
        return;
    }
    dump_and_restore(&pair);
    pair.same().without_statistics().assert();
    assert!(!pair.same().differences().is_empty());
    pair.target.sql("analyze");
    pair.assert_same();
}

fn number_of_extensions(database: &Database) -> u32 {
    let number = database.value("select count(*) from pg_available_extensions");
    number.parse().unwrap_or_else(|_| panic!("{number} is no number"))
}

#[test]
fn what_pg_dump_and_pg_restore_copy_is_the_same() {
    for version in Version::all() {
        assert_torture_survives(version, version);
    }
}

#[test]
fn what_pg_dump_and_pg_restore_copy_to_a_newer_version_is_the_same() {
    for versions in Version::all().windows(2) {
        assert_torture_survives(&versions[0], &versions[1]);
    }
}

#[test]
fn workloads_can_be_copied() {
    let pair = Pair::shared();
    workload::pgbench(&pair.source, 1);
    pair.source.sql(&workload::tables(100));
    pair.source.sql(&workload::large_objects(100));
    pair.source.sql(&workload::star_schema(1000));
    pair.source.sql(&workload::partitioned(20));
    pair.source.sql(&workload::one_table(5));
    let size: u64 = pair.source.value("select pg_table_size('big')").parse().unwrap();
    assert!((4_500_000..6_000_000).contains(&size), "{size}");
    dump_and_restore(&pair);
    pair.same().without_statistics().assert();
}

#[test]
fn many_tables_are_compared_in_a_few_statements() {
    let pair = Pair::shared();
    for database in [&pair.source, &pair.target] {
        database.sql(&workload::tables(1000));
    }
    let begun = Instant::now();
    pair.same().without_statistics().assert();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
