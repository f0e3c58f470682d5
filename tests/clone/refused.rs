//! What is refused, before anything is written.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pgcopydb_testkit::{Cluster, Output, Pair};

use crate::support::clone;

/// An answer that the user is waiting for.
const SOON: Duration = Duration::from_secs(10);

/// Fails unless the target is as empty as it was.
#[track_caller]
fn assert_untouched(pair: &Pair) {
    let made = "select string_agg(nspname, ',') from pg_namespace where oid >= 16384";
    assert_eq!(pair.target.value(made), "");
    let made = "select string_agg(relname, ',') from pg_class where oid >= 16384";
    assert_eq!(pair.target.value(made), "");
    assert_eq!(pair.target.value("select count(*) from pg_largeobject_metadata"), "0");
}

fn pair_with_a_table() -> Pair {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a; select lo_from_bytea(4711, 'x')");
    pair
}

#[test]
fn row_level_security_that_hides_rows() {
    let pair = Pair::shared();
    pair.source.sql(
        "create role refused_reader login; create role refused_owner login;
         create table hidden (a int, who text);
         insert into hidden values (1, 'refused_reader'), (2, 'other');
         alter table hidden enable row level security;
         create policy own on hidden using (who = current_user);
         create table plain as select 1 as a;
         alter table plain owner to refused_owner;
         alter table hidden owner to refused_owner;
         grant select on all tables in schema public to refused_reader",
    );
    pair.target.sql("create role refused_reader login; create role refused_owner login");
    let as_role = |role: &str| pair.source.uri().replace("postgres@", &format!("{role}@"));
    let output = clone(&pair).args(["--source", &as_role("refused_reader")]).run();
    output.assert_code(6);
    output.assert_stderr_has("row-level security hides rows of public.hidden");
    output.assert_stderr_has("BYPASSRLS");
    assert_untouched(&pair);

    // A policy that its owner is not subject to hides nothing from him, one that is forced does.
    pair.source.sql("alter table hidden force row level security");
    clone(&pair).args(["--restart", "--source", &as_role("refused_owner")]).run().assert_code(6);
    assert_untouched(&pair);
    pair.source.sql("alter table hidden no force row level security");
    let output = clone(&pair).args(["--restart", "--source", &as_role("refused_owner")]).run();
    output.assert_success();
    pair.assert_same();
}

#[test]
fn a_role_that_only_the_source_has() {
    for statement in [
        "create role refused_1; create table s (a int); alter table s owner to refused_1",
        "create role refused_2; create table s (a int); grant select on s to refused_2",
        "create role \"refused 3\"; create table s (a int); create policy p on s to \"refused 3\"",
        "create role refused_4; alter default privileges for role refused_4 grant select on tables to public",
    ] {
        let pair = pair_with_a_table();
        pair.source.sql(statement);
        let output = clone(&pair).run();
        output.assert_code(7);
        output.assert_stderr_has("the target lacks roles");
        output.assert_stderr_has("refused");
        output.assert_stderr_has("--roles");
        assert_untouched(&pair);
    }
}

#[test]
fn relations_in_the_way() {
    let pair = pair_with_a_table();
    pair.target.sql("create view t as select 5 as here");
    let output = clone(&pair).run();
    output.assert_code(7);
    output.assert_stderr_has("1 relations of the same name exist on the target: public.t");
    output.assert_stderr_has("--drop-if-exists");
    assert_eq!(pair.target.value("select here from t"), "5");
    pair.target.sql("drop view t");
    assert_untouched(&pair);
}

#[test]
fn a_database_onto_itself() {
    let pair = pair_with_a_table();
    for target in [pair.source.uri(), pair.source.tcp_uri()] {
        let output = clone(&pair).args(["--restart", "-c", "--target", &target]).run();
        output.assert_code(1);
        output.assert_stderr_has("the source and the target are the same database");
        assert_eq!(pair.source.value("select a from t"), "1");
        let made = "select count(*) from pg_namespace where nspname = 'pgcopydb'";
        assert_eq!(pair.source.value(made), "0");
    }
    // Another database of the same server is as good as any.
    let other = pgcopydb_testkit::Database::create(pair.source.cluster_handle(), "refused_other");
    clone(&pair).args(["--restart", "--target", &other.uri()]).run().assert_success();
    pgcopydb_testkit::assert_same(&pair.source, &other);
}

#[test]
fn a_target_that_is_a_standby() {
    let pair = Pair::start();
    pair.source.sql("create table t as select 1 as a");
    pair.target.cluster().stop();
    std::fs::write(pair.target.cluster().data_directory().join("standby.signal"), "").unwrap();
    pair.target.cluster().restart();
    let output = clone(&pair).run();
    output.assert_code(7);
    output.assert_stderr_has("the target is a standby");
}

/// A directory with a `pg_config` whose programs say they are of a version.
fn fake_tools(pair: &Pair, version: &str) -> PathBuf {
    let directory = pair.directory().join("tools");
    std::fs::create_dir(&directory).unwrap();
    for (name, says) in [
        ("pg_config", directory.display().to_string()),
        ("pg_dump", format!("pg_dump (PostgreSQL) {version}")),
        ("pg_restore", format!("pg_restore (PostgreSQL) {version}")),
    ] {
        let path = directory.join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    directory.join("pg_config")
}

#[test]
fn programs_that_are_too_old_or_missing() {
    let pair = pair_with_a_table();
    let output = clone(&pair).env("PG_CONFIG", fake_tools(&pair, "9.6.24")).run();
    output.assert_code(5);
    output.assert_stderr_has("\"pg_dump (PostgreSQL) 9.6.24\" is too old for the source");
    output.assert_stderr_has("HINT: Install the client programs of PostgreSQL");
    assert_untouched(&pair);

    let output = clone(&pair).arg("--restart").env("PG_CONFIG", "/nowhere/pg_config").run();
    output.assert_code(5);
    output.assert_stderr_has("could not find pg_dump and pg_restore");
    assert_untouched(&pair);
}

#[test]
fn servers_that_cannot_be_reached() {
    let pair = pair_with_a_table();
    clone(&pair).run().assert_success();
    let socket = pair.source.cluster().socket_directory();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = pair.source.cluster().port();
    for (uri, reason) in [
        (format!("postgres://postgres@127.0.0.1:{nobody}/x"), "refused"),
        (format!("postgres:///x?host=/nowhere&port={port}"), "/nowhere"),
        (format!("postgres://postgres@/missing?host={}&port={port}", socket.display()), "missing"),
    ] {
        for (side, code) in [("source", 6), ("target", 7)] {
            let begun = Instant::now();
            let output = clone(&pair).args(["-r", &format!("--{side}"), &uri]).run();
            output.assert_code(code);
            output.assert_stderr_has(reason);
            output.assert_stderr_has(&format!("on the {side}"));
            assert!(begun.elapsed() < SOON, "{output}");
        }
    }
    // Nothing was cleared or dropped by the runs that could not begin.
    assert!(pair.directory().join("pgcopydb/summary.json").exists());
    pair.assert_same();
}

#[test]
fn wrong_passwords() {
    let cluster = |password: &str| {
        let cluster = Cluster::builder().hba("host all all 127.0.0.1/32 scram-sha-256").start();
        cluster.sql("postgres", &format!("alter role postgres password '{password}'"));
        std::sync::Arc::new(cluster)
    };
    let pair = Pair::between(cluster("right one"), cluster("right too"), ["source", "target"]);
    pair.source.sql("create table t as select 1 as a");
    let uri = |database: &pgcopydb_testkit::Database, password: &str| {
        database.tcp_uri().replace("postgres@", &format!("postgres:{password}@"))
    };
    let run = |source: &str, target: &str| -> Output {
        let source = uri(&pair.source, source);
        clone(&pair).args(["-r", "-S", &source, "-T", &uri(&pair.target, target)]).run()
    };
    for (source, target, code) in
        [("wr0ngsecret", "right%20too", 6), ("right%20one", "wr0ngsecret", 7)]
    {
        let begun = Instant::now();
        let output = run(source, target);
        output.assert_code(code);
        output.assert_stderr_has("password authentication failed");
        assert!(
            !output.to_string().replace(&output.command, "").contains("wr0ngsecret"),
            "{output}"
        );
        assert!(begun.elapsed() < SOON, "{output}");
        assert_untouched(&pair);
    }
    run("right%20one", "right%20too").assert_success();
    pair.assert_same();
}

#[test]
fn work_directories_that_cannot_be_used() {
    let pair = pair_with_a_table();
    let file = pair.directory().join("file");
    std::fs::write(&file, "not ours").unwrap();
    let open = pair.directory().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    for (directory, reason) in [
        (file.clone(), "not a directory"),
        (file.join("below"), "could not create directory"),
        (open, "other users can write to it"),
        (PathBuf::from("/proc/none"), "could not create directory"),
    ] {
        let output = clone(&pair).arg("--dir").arg(directory).run();
        output.assert_code(3);
        output.assert_stderr_has(reason);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not ours");
    assert_untouched(&pair);
}

#[test]
fn a_second_run_beside_a_first_one() {
    let pair = pair_with_a_table();
    let mut session = pair.source.session();
    session.run("begin; lock table t");
    let first = clone(&pair).spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock')",
    );
    let pid = first.pid().to_string();
    for beginning in [&[][..], &["--restart"], &["--resume", "--not-consistent"]] {
        let same_directory = clone(&pair).args(beginning).run();
        same_directory.assert_code(3);
        same_directory.assert_stderr_has(&format!("is in use by process {pid}"));
        let other = pair.directory().join("other");
        let same_target = clone(&pair).args(beginning).arg("--dir").arg(&other).run();
        same_target.assert_code(3);
        same_target.assert_stderr_has("another run of pgcopydb is loading this target database");
        same_target.assert_stderr_has(&format!("pgcopydb[{pid}]"));
    }
    session.run("rollback");
    first.wait().assert_success();
    pair.assert_same();
}

#[test]
fn what_only_superusers_may_make_is_named() {
    let pair = Pair::start();
    pair.source.sql(
        "create function f() returns event_trigger language plpgsql as 'begin end';
         create event trigger e on ddl_command_start execute function f()",
    );
    pair.target.sql("create role plain login; alter database target_db owner to plain");
    let target = pair.target.uri().replace("postgres@", "plain@");
    let output = clone(&pair).args(["--no-owner", "--no-acl", "--target", &target]).run();
    output.assert_code(12);
    output.assert_stderr_has("could not make event trigger e on the target: ERROR: permission");
    output.assert_stderr_has("Must be superuser");
}
