//! What the options of `clone` do, on the command line and as variables of the environment.

use pgcopydb_testkit::{Database, Pair};

use crate::support::{clone, pgcopydb, summary};

#[test]
fn all_names_of_the_command_copy_a_database() {
    for words in [&["fork"][..], &["copy-db"], &["copy", "db"]] {
        let pair = Pair::shared();
        pair.source.sql("create table t as select 1 as a");
        pgcopydb(&pair).args(words).run().assert_success();
        pair.assert_same();
    }
}

/// The highest number of a seat that the log names.
fn seats(log: &str, pool: &str) -> u32 {
    let pool = format!(" {pool} ");
    let starts = log.split(&pool).skip(1);
    starts.filter_map(|rest| rest.split_once(':')?.0.parse().ok()).max().unwrap_or(0)
}

#[test]
fn numbers_of_workers_are_kept() {
    let pair = Pair::shared();
    pair.source.sql(
        "select format('create table t%s (a int primary key, b text)', i) from generate_series(1, 9) i
         \\gexec
         select format('insert into t%s select i, repeat(md5(i::text), 30) from generate_series(1, 2000) i', i)
           from generate_series(1, 9) i
         \\gexec
         select lo_from_bytea(10000 + i, 'content') from generate_series(1, 4000) i",
    );
    let output = clone(&pair)
        .args(["--debug", "--table-jobs", "2", "--restore-jobs", "7"])
        .env("PGCOPYDB_TABLE_JOBS", "5")
        .env("PGCOPYDB_INDEX_JOBS", "3")
        .env("PGCOPYDB_RESTORE_JOBS", "6")
        .env("PGCOPYDB_LARGE_OBJECTS_JOBS", "2")
        .run();
    output.assert_success();
    pair.assert_same();
    for (pool, jobs) in [("copy", 2), ("vacuum", 2), ("index", 3), ("large objects", 2)] {
        let seats = seats(&output.stderr, pool);
        assert!((1..=jobs).contains(&seats), "{seats} workers of {pool}: {output}");
    }
    assert_eq!(seats(&output.stderr, "copy"), 2, "{output}");
    let summary = summary(&pair);
    assert_eq!(summary["setup"]["table-jobs"], 2);
    assert_eq!(summary["setup"]["index-jobs"], 3);
    let concurrency = |label: &str| {
        let steps = summary["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["label"].as_str().unwrap().starts_with(label));
        step.unwrap()["concurrency"].clone()
    };
    assert_eq!(concurrency("Finalize Schema"), 7);
    assert_eq!(concurrency("Large Objects"), 2);
    assert_eq!(concurrency("COPY (cumulative)"), 2);
}

/// Objects whose owner and grantee only the source has.
fn with_foreign_roles(database: &Database, role: &str) {
    database.sql(&format!(
        "create role {role};
         create role {role}_too;
         create schema s authorization {role};
         create table s.t (a int primary key);
         comment on table s.t is 'a table';
         comment on column s.t.a is 'a column';
         alter table s.t owner to {role};
         create function s.f() returns int language sql as 'select 1';
         grant execute on function s.f() to {role};
         grant select on s.t to public;
         alter default privileges for role {role} grant select on tables to public;
         select lo_from_bytea(4711, 'large');
         alter large object 4711 owner to {role};
         grant select on large object 4711 to {role}_too with grant option;
         grant select on large object 4711 to public;
         comment on large object 4711 is 'an object'"
    ));
}

#[test]
fn owners_privileges_and_comments_can_be_left_out() {
    let pair = Pair::shared();
    with_foreign_roles(&pair.source, "options_owner");
    let refused = clone(&pair).run();
    refused.assert_code(7);
    refused.assert_stderr_has("the target lacks roles");
    refused.assert_stderr_has("options_owner");
    assert_eq!(pair.target.value("select count(*) from pg_namespace where nspname = 's'"), "0");
    // Privileges alone still name the role.
    clone(&pair).args(["--restart", "--no-owner"]).run().assert_code(7);

    let output = clone(&pair).args(["--restart", "-O", "--no-acl", "--no-comments"]).run();
    output.assert_success();
    assert!(!output.stderr.contains(" WARN "), "{output}");
    for (what, query) in [
        ("owners", "select count(*) from pg_class where relname = 't' and relowner <> 10"),
        ("owners", "select count(*) from pg_namespace where nspname = 's' and nspowner <> 10"),
        ("privileges", "select count(*) from pg_class where relname = 't' and relacl is not null"),
        ("default privileges", "select count(*) from pg_default_acl"),
        ("owners", "select count(*) from pg_largeobject_metadata where lomowner <> 10"),
        ("privileges", "select count(*) from pg_largeobject_metadata where lomacl is not null"),
        ("comments", "select count(*) from pg_description where objoid >= 16384"),
        ("comments", "select count(*) from pg_description where objoid = 4711"),
    ] {
        assert_eq!(pair.target.value(query), "0", "{what}: {query}");
    }
    assert_eq!(pair.target.value("select convert_from(lo_get(4711), 'UTF8')"), "large");
    pair.same().without_schema().ignoring("large object 4711").assert();
}

#[test]
fn owners_alone_can_be_left_out() {
    let pair = Pair::shared();
    with_foreign_roles(&pair.source, "options_grantee");
    pair.target.sql("create role options_grantee; create role options_grantee_too");
    clone(&pair).arg("--no-owner").run().assert_success();
    let owner = "select relowner::regrole || ' ' || relacl::text from pg_class where relname = 't'";
    let target = pair.target.value(owner);
    assert!(target.starts_with("postgres {"), "{target}");
    assert!(target.contains("=r/postgres"), "{target}");
    let object = "select lomowner::regrole || ' ' || lomacl::text from pg_largeobject_metadata";
    let target = pair.target.value(object);
    assert!(target.starts_with("postgres {"), "{target}");
    for privileges in ["postgres=rw/postgres", "options_grantee_too=r*/postgres", ",=r/postgres"] {
        assert!(target.contains(privileges), "{target}");
    }
}

#[test]
fn large_objects_statistics_and_extensions_can_be_left_out() {
    for by_environment in [false, true] {
        let pair = Pair::shared();
        pair.source.sql(
            "create extension pg_trgm;
             comment on extension pg_trgm is 'changed';
             create table t as select i from generate_series(1, 1000) i;
             select lo_from_bytea(4711, 'large')",
        );
        let program = match by_environment {
            false => clone(&pair).args(["--skip-vacuum", "--skip-blobs", "--skip-extensions"]),
            true => clone(&pair)
                .args(["--skip-large-objects", "--skip-ext-comment"])
                .env("PGCOPYDB_SKIP_VACUUM", "1"),
        };
        program.run().assert_success();
        let target = |query: &str| pair.target.value(query);
        assert_eq!(target("select count(*) from pg_largeobject_metadata"), "0");
        assert_eq!(target("select reltuples from pg_class where relname = 't'"), "-1");
        assert_eq!(target("select count(*) from t"), "1000");
        let extension = "select obj_description(oid, 'pg_extension') from pg_extension \
                         where extname = 'pg_trgm'";
        match by_environment {
            false => assert_eq!(target(extension), ""),
            true => assert!(target(extension).contains("trigram"), "{}", target(extension)),
        }
    }
}

#[test]
fn a_target_without_tablespaces() {
    use pgcopydb_testkit::Cluster;
    let builder = || Cluster::builder().setting("allow_in_place_tablespaces", "on");
    let pair = Pair::built(builder(), builder());
    pair.source.sql("create tablespace fast location ''");
    pair.source.sql(
        "create table t (a int primary key using index tablespace fast, b int, c int4range,
                         exclude using gist (c with &&) using index tablespace fast) tablespace fast;
         create index b_index on t (b) tablespace fast;
         create index elsewhere on t (b, a);
         create table p (a int, b int) partition by list (a) tablespace fast;
         create table p1 partition of p for values in (1) tablespace pg_default;
         create table p2 partition of p for values in (2);
         create index on p (b) tablespace fast;
         create materialized view m tablespace fast as select 1 as a;
         create unique index on m (a) tablespace fast;
         insert into t select i, i, int4range(i, i + 1) from generate_series(1, 100) i;
         insert into p select i % 2 + 1, i from generate_series(1, 100) i",
    );
    let refused = clone(&pair).run();
    refused.assert_code(7);
    refused.assert_stderr_has("the target lacks tablespaces: fast");
    refused.assert_stderr_has("--no-tablespaces");
    assert_eq!(pair.target.value("select to_regclass('t') is null"), "t");

    clone(&pair).arg("--restart").env("PGCOPYDB_SKIP_TABLESPACES", "on").run().assert_success();
    pair.same().without_schema().ignoring("tablespace fast").assert();
    let places = "select count(*) from pg_class where reltablespace not in (0, 1664)";
    assert_eq!(pair.target.value(places), "0");

    pair.target.sql("create tablespace fast location ''");
    clone(&pair).args(["--restart", "-c"]).run().assert_success();
    pair.assert_same();
    assert_eq!(pair.target.value(places), pair.source.value(places));
}

#[test]
fn text_is_used_where_it_is_asked_for() {
    for (format, variable) in [("binary", "auto"), ("text", "text")] {
        let pair = Pair::shared();
        pair.source.sql(
            "create table t (a int, b text, c bytea, d float8, e timestamptz);
             insert into t values (1, E'a\\\\b\\tc\\n\\\\.\\r\\\\N', '\\x00ff', '-0', 'infinity'), (null, null, null, null, null)",
        );
        let output = clone(&pair).arg("-vv").env("PGCOPYDB_COPY_FORMAT", variable).run();
        output.assert_success();
        output.assert_stderr_has(&format!("(format {format}"));
        pair.assert_same();
        let output = clone(&pair)
            .args(["-vv", "-rc", "--copy-format", format.replace("binary", "auto").as_str()])
            .run();
        output.assert_success();
        output.assert_stderr_has(&format!("(format {format}"));
        pair.assert_same();
    }
}

#[test]
fn restart_forgets_everything() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    clone(&pair).run().assert_success();
    let again = clone(&pair).run();
    again.assert_code(3);
    again.assert_stderr_has("was used by an earlier run");
    again.assert_stderr_has("--restart");
    pair.source.sql("create table u as select 2 as b");
    pair.target.sql("drop table t");
    clone(&pair).arg("--restart").run().assert_success();
    pair.assert_same();
}

#[test]
fn collations_can_be_left_out() {
    let pair = Pair::shared();
    let collation =
        "create collation \"Mine\" (locale = 'C'); comment on collation \"Mine\" is 'm'";
    pair.source.sql(collation);
    pair.source.sql("create table t (a text collate \"Mine\"); insert into t values ('b'), ('A')");
    pair.target.sql(collation);
    clone(&pair).run().assert_code(12).assert_stderr_has("already exists");
    clone(&pair).args(["--restart", "--skip-collations"]).run().assert_success();
    pair.assert_same();
    // The setting holds in a chain.
    let other = Pair::shared();
    other.source.sql(collation);
    other.source.sql("create table t (a int)");
    for line in ["copy schema --skip-collations", "copy data --resume --not-consistent"] {
        pgcopydb(&other).args(line.split(' ')).run().assert_success();
    }
    let found = "select count(*) from pg_collation where collname = 'Mine'";
    assert_eq!(other.target.value(found), "0");
}

#[test]
fn sizes_can_be_estimated() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table big (a int primary key, b text) with (autovacuum_enabled = false);
         create table known (a int) with (autovacuum_enabled = false);
         insert into big select i, repeat('x', 100) from generate_series(1, 5000) i;
         insert into known select generate_series(1, 10);
         analyze known",
    );
    let tuples = "select reltuples from pg_class where relname = 'big'";
    let options = ["--estimate-table-sizes", "--split-at", "100kB"];
    let skipped = clone(&pair).args(options).env("PGCOPYDB_SKIP_ANALYZE", "on").run();
    skipped.assert_success();
    assert_ne!(pair.source.value(tuples), "5000");
    assert!(!skipped.stderr.contains("5 parts"), "{skipped}");
    pair.assert_same();

    let other = Pair::shared();
    let copied = pgcopydb(&pair)
        .env("PGCOPYDB_TARGET_PGURI", other.target.uri())
        .args(["clone", "--restart"])
        .args(options)
        .run();
    copied.assert_success().assert_stderr_has("analysing 1 tables of the source");
    assert_eq!(pair.source.value(tuples), "5000");
    let parts = pgcopydb(&pair).args(["list", "table-parts", "-t", "big", "-m", "-L", "100kB"]);
    let parts = parts.run().assert_success().stdout.lines().count();
    assert!(parts > 4, "{parts}");
    assert_eq!(other.target.value("select count(*), sum(a) from big"), "5000|12502500");
}
