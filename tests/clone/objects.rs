//! Objects that are easily lost, or easily there twice.

use pgcopydb_testkit::{Database, Pair, quoted_literal};

use crate::support::clone;

/// Where the server looks for extensions, if we may write there.
fn extension_directory(database: &Database) -> Option<std::path::PathBuf> {
    let shared = database.value("select setting from pg_config where name = 'SHAREDIR'");
    let directory = std::path::Path::new(&shared).join("extension");
    let probe = tempfile::tempfile_in(&directory);
    probe.is_ok().then_some(directory)
}

const CONFIGURED: &str = "
    create table setting (name text primary key, value text, is_user boolean not null default true);
    create table detail (name text references setting, line int generated always as identity,
                         upper_name text generated always as (upper(name)) stored);
    create sequence counter;
    create table private (a int);
    insert into setting values ('builtin', 'of the script', false), ('preset', 'of the script', true);
    insert into detail (name) values ('preset');
    insert into private values (1);
    select pg_extension_config_dump('detail', '');
    select pg_extension_config_dump('setting', 'where is_user');
    select pg_extension_config_dump('counter', '');
    select pg_extension_config_dump('detail_line_seq', '');";

#[test]
fn configuration_of_extensions_is_there_once() {
    let pair = Pair::shared();
    let Some(directory) = extension_directory(&pair.source) else {
        eprintln!("skipped: the server's directory of extensions cannot be written to");
        return;
    };
    let name = format!("pgtk_configured_{}", std::process::id());
    let control = directory.join(format!("{name}.control"));
    let script = directory.join(format!("{name}--1.0.sql"));
    std::fs::write(&control, "default_version = '1.0'\nrelocatable = false\nschema = configured\n")
        .unwrap();
    std::fs::write(&script, CONFIGURED).unwrap();
    for path in [&control, &script] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let _gone = scopeguard([control, script]);

    pair.source.sql(&format!(
        "create schema configured;
         create extension {name};
         set search_path = configured;
         update setting set value = 'of the user' where name = 'preset';
         update setting set value = 'changed, but not the user''s' where name = 'builtin';
         insert into setting values ('own', 'of the user');
         insert into detail (name) values ('own'), ('own');
         delete from detail where name = 'preset';
         insert into private values (2);
         select setval('counter', 42);
         create table public.t (a text references setting);
         insert into public.t values ('own')"
    ));
    for beginning in [&["--restart"][..], &["--restart", "--drop-if-exists"]] {
        clone(&pair).args(beginning).run().assert_success();
        pair.same().without_statistics().assert();
        let target = |query: &str| pair.target.value(query);
        assert_eq!(target("select count(*) from configured.setting"), "3");
        let builtin = "select value from configured.setting where name = 'builtin'";
        assert_eq!(target(builtin), "of the script");
        assert_eq!(target("select string_agg(a::text, ',') from configured.private"), "1");
        assert_eq!(target("select last_value from configured.counter"), "42");
    }
    // The database is gone before the files are.
    pair.source.sql(&format!("drop extension {name} cascade"));
    pair.target.sql(&format!("drop extension {name} cascade"));
}

/// Removes files when it is dropped.
fn scopeguard(files: [std::path::PathBuf; 2]) -> impl Drop {
    struct Files([std::path::PathBuf; 2]);
    impl Drop for Files {
        fn drop(&mut self) {
            for file in &self.0 {
                let _ = std::fs::remove_file(file);
            }
        }
    }
    Files(files)
}

#[test]
fn statistics_objects_are_filled() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (a int, b int, c text);
         insert into t select i % 10, i % 10, i::text from generate_series(1, 5000) i;
         create statistics s (ndistinct, dependencies, mcv) on a, b from t;
         create index on t (lower(c));
         alter index t_lower_idx alter column 1 set statistics 7;
         create table p (a int, b int) partition by list (a);
         create table p1 partition of p for values in (1);
         insert into p select 1, i from generate_series(1, 1000) i",
    );
    clone(&pair).run().assert_success();
    pair.assert_same();
    for query in [
        "select n_distinct is not null and dependencies is not null and most_common_vals is not null
           from pg_stats_ext where statistics_name = 's'",
        "select count(*) = 1 and max(cardinality(histogram_bounds::text::text[])) between 5 and 9
           from pg_stats where tablename = 't_lower_idx'",
        "select count(*) = 2 from pg_stats where tablename = 'p'",
        "select count(*) = 2 from pg_stats where tablename = 'p1'",
    ] {
        assert_eq!(pair.target.value(query), "t", "{query}");
    }
}

/// The settings of a database and of roles in it, without the database's name.
fn settings(database: &Database) -> String {
    database.sql(
        "select setrole::regrole, unnest(setconfig) from pg_db_role_setting
          where setdatabase = (select oid from pg_database where datname = current_database())
          order by 1, 2",
    )
}

#[test]
fn settings_of_the_database_are_kept() {
    let pair = Pair::shared_named("source 'of' \"settings\" \\", "target; 'of' \"settings\" %s");
    for side in [&pair.source, &pair.target] {
        side.sql("create role \"Settings 'role'\"");
    }
    pair.source.sql("create role settings_role_that_the_target_lacks");
    let source = pgcopydb_testkit::quoted_identifier(pair.source.name());
    for (whose, setting) in [
        (format!("database {source}"), "search_path to \"$user\", \"a, b\", 'Q\"x', public"),
        (format!("database {source}"), "temp_tablespaces to ''"),
        (format!("database {source}"), "datestyle to 'SQL, DMY'"),
        (format!("database {source}"), "work_mem to '12MB'"),
        (format!("database {source}"), "statement_timeout to '30ms'"),
        (format!("database {source}"), "default_transaction_read_only to on"),
        (format!("database {source}"), "my.custom to 'it''s = \\ \"x\", y'"),
        (format!("database {source}"), "session_preload_libraries to 'auto_explain', 'pg_trgm'"),
        (format!("role \"Settings 'role'\" in database {source}"), "search_path to ''"),
        (format!("role \"Settings 'role'\" in database {source}"), "log_min_messages to error"),
        (
            format!("role settings_role_that_the_target_lacks in database {source}"),
            "work_mem to '1MB'",
        ),
    ] {
        pair.source.cluster().sql("postgres", &format!("alter {whose} set {setting}"));
    }
    pair.source.sql(
        "set statement_timeout = 0; set default_transaction_read_only = off;
         create table public.t as select i from generate_series(1, 1000) i",
    );
    let rows = "select count(*) from public.t";
    clone(&pair).arg("--skip-db-properties").run().assert_success();
    assert_eq!(settings(&pair.target), "");

    let output = clone(&pair).args(["--restart", "-c"]).run();
    output.assert_success();
    let left_out = "settings_role_that_the_target_lacks";
    output.assert_stderr_has("left out \"alter role settings_role_that_the_target_lacks");
    let expected: Vec<String> = settings_as_admin(&pair.source)
        .lines()
        .filter(|line| !line.starts_with(left_out))
        .map(str::to_owned)
        .collect();
    let copied: Vec<String> = settings_as_admin(&pair.target).lines().map(str::to_owned).collect();
    assert_eq!(copied, expected);
    assert_eq!(copied.len(), 10);
    let target = pgcopydb_testkit::quoted_identifier(pair.target.name());
    pair.target.cluster().sql("postgres", &format!("alter database {target} reset all"));
    assert_eq!(pair.target.value(rows), "1000");
    // Nobody else could drop it otherwise.
    pair.source.cluster().sql("postgres", &format!("alter database {source} reset all"));
}

/// Like [`settings`], from where they do not apply.
fn settings_as_admin(database: &Database) -> String {
    database.cluster().sql(
        "postgres",
        &format!(
            "select setrole::regrole, unnest(setconfig) from pg_db_role_setting
              where setdatabase = (select oid from pg_database where datname = {})
              order by 1, 2",
            quoted_literal(database.name())
        ),
    )
}

#[test]
fn roles_without_all_rights_copy_what_they_may() {
    let pair = Pair::shared();
    pair.source.sql(
        "create role objects_reader login; create role objects_owner;
         create schema s;
         create table s.t (id serial primary key, a text); create sequence s.hidden start 70;
         insert into s.t (a) values ('x'), ('y');
         select setval('s.hidden', 99);
         create function s.f() returns trigger language plpgsql as 'begin return new; end';
         create trigger tr before insert on s.t for each row execute function s.f();
         create materialized view s.m as select count(*) from s.t;
         create index on s.t (a);
         select lo_from_bytea(4711, 'readable');
         grant select on large object 4711 to objects_reader;
         grant usage on schema s to objects_reader;
         grant select on s.t, s.t_id_seq, s.m to objects_reader",
    );
    let target = pair.target.name();
    pair.target.sql(&format!(
        "create role objects_loader login; grant create, connect on database {target} to objects_loader"
    ));
    let source = pair.source.uri().replace("postgres@", "objects_reader@");
    let target = pair.target.uri().replace("postgres@", "objects_loader@");
    let output = clone(&pair).args(["--source", &source, "--target", &target, "-O", "-x"]).run();
    output.assert_success();
    output.assert_stderr_has("sequence s.hidden keeps its start value");
    assert_eq!(pair.target.value("select last_value from s.hidden"), "70");
    pair.same().without_schema().ignoring("s.hidden").ignoring("large object 4711").assert();
    assert_eq!(
        pair.target.value("select lomowner::regrole from pg_largeobject_metadata"),
        "objects_loader"
    );
    assert_eq!(pair.target.value("select lo_get(4711) = 'readable'"), "t");

    // A table that may not be read is named before anything is written.
    pair.source.sql("create table s.secret (a int)");
    let output = clone(&pair)
        .args(["--source", &source, "--target", &target, "-O", "-x", "--restart", "-c"])
        .run();
    output.assert_code(5);
    output.assert_stderr_has("permission denied for table secret");
    assert_eq!(pair.target.value("select count(*) from s.t"), "2");
}

#[test]
fn tables_of_odd_shapes() {
    let pair = Pair::shared();
    let columns: Vec<String> = (1..=1600).map(|n| format!("c{n} int")).collect();
    pair.source.sql(&format!("create table widest ({})", columns.join(", ")));
    pair.source.sql(
        "insert into widest (c1, c1600) values (1, 2);
         create table no_columns ();
         insert into no_columns select from generate_series(1, 7);
         create table only_generated (a int generated always as (7) stored);
         insert into only_generated select from generate_series(1, 5);
         create table dropped (gone int, a int, gone_too text, b int default 3);
         insert into dropped values (1, 2, '3', 4);
         alter table dropped drop gone, drop gone_too, add c int default 9;
         create table all_dropped (a int);
         insert into all_dropped values (1), (2);
         alter table all_dropped drop a;
         create table identity (a int generated always as identity (start 5 increment 5), b text);
         insert into identity (b) values ('x'), ('y');
         create table parent (a int, b text) with (fillfactor = 50);
         create table child (c int, b text, a int);
         alter table child inherit parent;
         insert into parent select i, repeat('p', 1000) from generate_series(1, 3000) i;
         insert into child select i, repeat('c', 1000), i from generate_series(1, 3000) i;
         create table parted (a int, b text) partition by list (a);
         create table parted_1 (b text, a int);
         insert into parted_1 select repeat('1', 1000), 1 from generate_series(1, 3000) i;
         alter table parted attach partition parted_1 for values in (1);
         create unlogged table unlogged as select i from generate_series(1, 100) i;
         create table \"select\" (\"from\" int, \"where\" int, \"current_user\" int, \"user\" text);
         insert into \"select\" values (1, 2, 3, 'me');
         create table of_row (r dropped, rs dropped[]);
         insert into of_row values (row(1, 2, 3), array[row(4, 5, 6)::dropped]);
         create domain positive as int check (value > 0);
         create table of_domains (a positive, b positive[]);
         insert into of_domains values (1, '{2,3}'), (null, '{null}')",
    );
    clone(&pair).args(["--split-tables-larger-than", "2MB"]).run().assert_success();
    // pg_dump has the columns of a child after those of its parent.
    pair.same().ignoring("dump entry child;").assert();
}
