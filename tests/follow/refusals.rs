//! What is refused, what is reported, and that an application on the source never suffers.

use pgcopydb_testkit::{Cluster, Pair};

use super::Followed;
use crate::support::pgcopydb;

#[test]
fn tables_whose_rows_have_no_identity_are_refused_with_the_fix() {
    let followed = Followed::new("create table t (id int); insert into t values (1)");
    let output = followed.program("clone --follow").run();
    output.assert_code(6).assert_stderr_has("public.t");
    output.assert_stderr_has("alter table public.t replica identity full");
    followed.pair.source.sql("update t set id = 2; delete from t");
    let left = "select (select count(*) from pg_publication)
                     + (select count(*) from pg_replication_slots
                         where database = current_database())";
    assert_eq!(followed.pair.source.value(left), "0");
}

#[test]
fn a_key_that_is_not_the_identity_does_not_help() {
    let followed = Followed::new(
        "create table t (id int primary key); alter table t replica identity nothing;
         create table d (id int, constraint d_key primary key (id) deferrable)",
    );
    for plugin in ["pgoutput", "test_decoding"] {
        let output = followed.program("clone --follow --restart").args(["--plugin", plugin]).run();
        output.assert_code(6).assert_stderr_has("cannot follow 2 tables");
        output.assert_stderr_has("public.d, public.t");
    }
    followed.pair.source.sql("insert into t values (1); update t set id = 2; delete from d");
}

#[test]
fn unlogged_and_temporary_tables_are_no_obstacle() {
    let followed = Followed::new(
        "create table t (id int primary key); create unlogged table u (id int);
         insert into u values (1)",
    );
    let mut session = followed.pair.source.session();
    session.run("create temporary table temporary (id int)");
    let running = followed.cloned();
    followed.pair.source.sql("insert into t values (1); update u set id = 1");
    followed.end(running).assert_success().assert_stderr_has("unlogged tables");
    followed.assert_same();
}

#[test]
fn a_source_without_logical_decoding_is_refused_with_the_fix() {
    let source = Cluster::builder().setting("wal_level", "replica");
    let pair = Pair::built(source, Cluster::builder());
    let output = pgcopydb(&pair).args(["clone", "--follow"]).run();
    output.assert_code(6).assert_stderr_has("wal_level is replica");
    output.assert_stderr_has("alter system set wal_level = logical");
}

#[test]
fn an_error_of_the_target_is_reported_and_loses_nothing() {
    let followed = Followed::new("create table t (id int primary key, v text)");
    let running = followed.cloned();
    followed.pair.target.sql("insert into t values (2, 'in the way')");
    followed.pair.source.sql("insert into t values (1, 'a')");
    followed.pair.target.wait_for("select exists (select from t where id = 1)");
    followed.pair.source.sql("insert into t values (2, 'b'); insert into t values (3, 'c')");
    let output = running.wait();
    output.assert_code(7).assert_stderr_has("could not apply the change of public.t at");
    output.assert_stderr_has("insert into public.t");
    followed.pair.target.sql("delete from t where id = 2");
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}

#[test]
fn a_row_that_is_missing_on_the_target_is_not_passed_over() {
    let followed = Followed::new("create table t (id int primary key); insert into t values (1)");
    let running = followed.cloned();
    followed.pair.target.sql("delete from t");
    followed.pair.source.sql("delete from t");
    let output = running.wait();
    output.assert_code(7).assert_stderr_has("0 rows of the target fit it");
}

#[test]
fn a_column_that_the_target_lacks_is_named() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    followed.pair.source.sql("alter table t add v text; insert into t values (1, 'x')");
    let output = running.wait();
    output.assert_code(7).assert_stderr_has("has no column v on the target");
    followed.pair.target.sql("alter table t add v text");
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}

#[test]
fn a_slot_that_exists_is_not_taken_over() {
    let followed = Followed::new("create table t (id int primary key)");
    let name = followed.pair.source.name();
    let make = format!("select pg_create_logical_replication_slot('{name}', 'pgoutput')");
    followed.pair.source.sql(&make);
    let output = followed.program("clone --follow").run();
    output.assert_code(3).assert_stderr_has("exists already on the source");
    followed.program("stream cleanup").run().assert_success();
}

#[test]
fn a_role_without_rights_keeps_progress_in_a_table() {
    let followed = Followed::on(Pair::start(), "create table t (id int primary key)");
    let target = &followed.pair.target;
    target.sql("create role loader login; alter schema public owner to loader");
    target.sql(&format!("alter database {} owner to loader", target.name()));
    let uri = target.uri().replace("postgres@", "loader@");
    let program = |command: &str| followed.program(command).env("PGCOPYDB_TARGET_PGURI", &uri);
    let running = program("clone --follow --no-owner").spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.source.sql("insert into t select generate_series(1, 10)");
    let output = followed.end(running);
    output.assert_success().assert_stderr_has("pgcopydb.origin");
    assert_eq!(target.value("select count(*) from t"), "10");
    program("stream cleanup").run().assert_success();
    assert_eq!(target.value("select to_regnamespace('pgcopydb') is null"), "t");
}

#[test]
fn a_source_role_that_may_only_read_and_replicate_is_enough() {
    let followed = Followed::new(
        "create table t (id int primary key, v text); insert into t values (1, 'a');
         create sequence s",
    );
    let source = &followed.pair.source;
    let role = format!("reader_{}", source.name());
    source.sql(&format!(
        "create role {role} login replication;
         grant usage on schema public to {role};
         grant select on all tables in schema public to {role};
         grant select on all sequences in schema public to {role}"
    ));
    let uri = source.uri().replace("postgres@", &format!("{role}@"));
    let program = |command: &str| followed.program(command).env("PGCOPYDB_SOURCE_PGURI", &uri);
    let refused = program("clone --follow --plugin pgoutput").run();
    refused.assert_code(6).assert_stderr_has("could not create the publication");
    refused.assert_stderr_has("--plugin test_decoding");
    let running = program("clone --follow --no-acl --restart").spawn();
    running.wait_for_stderr("applying changes after");
    source.sql("insert into t values (2, 'b'); update t set v = 'c' where id = 1");
    source.sql("select setval('s', 77)");
    let set = pgcopydb(&followed.pair).env("PGCOPYDB_SOURCE_PGURI", &uri);
    set.args(["stream", "sentinel", "set", "endpos", "--current"]).run().assert_success();
    let output = running.wait();
    output.assert_success().assert_stderr_has("ownership of table public.t");
    output.assert_stderr_has("through test_decoding");
    assert_eq!(followed.pair.target.value("select last_value from s"), "77");
    assert_eq!(followed.pair.target.value("select string_agg(v, '' order by id) from t"), "cb");
    program("stream cleanup").run().assert_success();
    source.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn triggers_that_would_fire_are_refused_before_anything_is_made() {
    let followed = Followed::on(
        Pair::start(),
        "create table t (id int primary key);
         create table child (id int primary key, t int references t on delete cascade)",
    );
    let target = &followed.pair.target;
    target.sql("create role loader login; alter schema public owner to loader");
    target.sql(&format!("alter database {} owner to loader", target.name()));
    let uri = target.uri().replace("postgres@", "loader@");
    let program =
        || followed.program("clone --follow --no-owner").env("PGCOPYDB_TARGET_PGURI", &uri);
    let output = program().run();
    output.assert_code(7).assert_stderr_has("foreign key child_t_fkey on public.child");
    output.assert_stderr_has("grant set on parameter session_replication_role");
    let left = "select (select count(*) from pg_publication)
                     + (select count(*) from pg_replication_slots)";
    assert_eq!(followed.pair.source.value(left), "0");
    target.sql("grant set on parameter session_replication_role to loader");
    let running = program().arg("--restart").spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.source.sql(
        "insert into t values (1), (2); insert into child values (1, 1), (2, 2);
         delete from t where id = 1",
    );
    followed.end(running).assert_success();
    assert_eq!(target.value("select count(*) from child"), "1");
}

#[test]
fn limits_of_the_source_are_told_before_anything_is_made() {
    let source = Cluster::builder().setting("wal_level", "logical");
    let source = source.setting("max_replication_slots", "1");
    let pair = Pair::built(source, Cluster::builder());
    let slot = "select pg_create_physical_replication_slot('taken')";
    pair.source.sql(&format!("create table t (id int primary key); {slot}"));
    let output = pgcopydb(&pair).args(["clone", "--follow"]).run();
    output.assert_code(6).assert_stderr_has("max_replication_slots is 1 and 1 are in use");
    output.assert_stderr_has("Raise max_replication_slots");
    pair.source.sql("select pg_drop_replication_slot('taken'); create role plain login");
    let uri = pair.source.uri().replace("postgres@", "plain@");
    let program = pgcopydb(&pair).args(["clone", "--follow", "--restart"]);
    let output = program.env("PGCOPYDB_SOURCE_PGURI", &uri).run();
    output.assert_code(6).assert_stderr_has("the role may not replicate");
    output.assert_stderr_has("alter role ... replication");
    assert_eq!(pair.source.value("select count(*) from pg_publication"), "0");
}

#[test]
fn one_wal_sender_is_enough_and_none_is_refused() {
    let source = Cluster::builder().setting("wal_level", "logical").setting("max_wal_senders", "1");
    let first = Followed::on(Pair::built(source, Cluster::builder()), "create table t (id int)");
    first.pair.source.sql("alter table t add primary key (id)");
    let clusters = [&first.pair.source, &first.pair.target].map(|one| one.cluster_handle());
    let [source, target] = clusters;
    let second = Followed::on(
        Pair::between(source, target, ["other_source", "other_target"]),
        "create table t (id int primary key)",
    );
    let running = first.cloned();
    let output = second.program("clone --follow").run();
    output.assert_code(6).assert_stderr_has("max_wal_senders is 1 and 1 are in use");
    output.assert_stderr_has("Raise max_wal_senders");
    assert_eq!(second.pair.source.value("select count(*) from pg_publication"), "0");
    assert_eq!(second.pair.target.value("select count(*) from pg_replication_origin"), "1");
    first.end(running).assert_success();
    first.assert_same();
}

#[test]
fn a_slot_of_another_database_is_left_alone() {
    let followed = Followed::new("create table t (id int primary key)");
    let clusters = [&followed.pair.source, &followed.pair.target].map(|one| one.cluster_handle());
    let [source, target] = clusters;
    let name = format!("{}_too", followed.pair.source.name());
    let other = Pair::between(source, target, [&name, &format!("{name}_t")]);
    let running = followed.cloned();
    running.signal(rustix::process::Signal::TERM);
    running.wait();
    let slot = followed.pair.source.name();
    let cleanup = pgcopydb(&other).args(["stream", "cleanup", "--slot-name", slot]);
    let output = cleanup.args(["--origin", "nobodys"]).run();
    output.assert_code(3).assert_stderr_has("it is not of this database");
    output.assert_stderr_has("perhaps to another run");
    let running = followed.program("clone --follow --resume").spawn();
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn tables_that_are_new_and_what_is_not_followed_are_named() {
    let followed = Followed::new(
        "create table t (id int primary key); select lo_create(0);
         create materialized view m as select count(*) from t",
    );
    let running = followed.cloned();
    running.signal(rustix::process::Signal::TERM);
    running.wait();
    followed.pair.source.sql("create table late (id int primary key); insert into late values (1)");
    let running = followed.program("clone --follow --resume").spawn();
    running.wait_for_stderr("are not followed: public.late");
    let output = followed.end(running);
    output.assert_success().assert_stderr_has("materialized views are as they were");
    output.assert_stderr_has("large objects are as they were");
    output.assert_stderr_has("source and target agree on everything committed up to");
    followed.program("stream cleanup").run().assert_success();
}
