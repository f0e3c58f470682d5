//! Following what filters leave of a source.

use super::Followed;

/// Clones and follows with a filter file, makes changes, and gives back the program's output.
fn followed(schema: &str, filters: &str, changes: &str) -> Followed {
    let followed = Followed::new(schema);
    let file = followed.pair.directory().join("filters.ini");
    std::fs::write(&file, filters).unwrap();
    let running = followed.program("clone --follow").arg("--filters").arg(file).spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.source.sql(changes);
    followed.end(running).assert_success();
    followed
}

#[test]
fn only_tables_of_the_run_are_published() {
    let followed = followed(
        "create table kept (id int primary key);
         create table \"left\" (id int primary key);
         create table keyless (id int);
         create schema s; create table s.t (id int primary key);
         create table p (id int primary key) partition by range (id);
         create table p1 partition of p for values from (0) to (10);
         create table p2 partition of p for values from (10) to (20);",
        "[exclude-schema]\ns\n[exclude-table]\npublic.left\n~/./.~/^keyless$/\npublic.p2\n",
        "insert into kept values (1); insert into \"left\" values (1); insert into s.t values (1);
         insert into p values (1), (2), (3), (11), (12);
         update p set id = 13 where id = 1; update p set id = 4 where id = 11;
         insert into keyless values (1); update keyless set id = 2; delete from keyless",
    );
    let published = "select string_agg(tablename, ' ' order by tablename)
                     from pg_publication_tables where pubname = current_database()";
    assert_eq!(followed.pair.source.value(published), "kept p1");
    let target = &followed.pair.target;
    assert_eq!(target.value("select count(*) from kept"), "1");
    assert_eq!(target.value("select string_agg(id::text, ' ' order by id) from p"), "2 3 4");
    followed.program("stream cleanup").run().assert_success();
}

#[test]
fn rows_that_were_not_copied_are_not_missed_and_new_ones_arrive() {
    let followed = followed(
        "create table t (id int primary key, v text); insert into t values (1, 'old'), (2, 'old')",
        "[exclude-table-data]\npublic.t\n",
        "insert into t values (3, 'new'), (4, 'new'); update t set v = 'changed' where id in (1, 3);
         delete from t where id in (2, 4)",
    );
    assert_eq!(followed.pair.target.sql("select * from t"), "3|changed");
    followed.program("stream cleanup").run().assert_success();
}

#[test]
fn rows_come_and_go_with_a_condition() {
    let followed = followed(
        "create table t (id int, region text, v int, primary key (id, region));
         create table u (id int primary key, region text); alter table u replica identity full;
         insert into t select g, case when g % 2 = 0 then 'eu' else 'us' end, 0
           from generate_series(1, 10) g;
         insert into u select id, region from t",
        "[table-where]\npublic.t = region = 'eu'\npublic.u = region = 'eu'\n",
        "update t set v = 1; update t set region = 'us' where id = 2;
         update t set region = 'eu' where id = 1; delete from t where id in (3, 4);
         insert into t values (11, 'us', 2), (12, 'eu', 2);
         update u set region = 'us' where id = 2; update u set region = 'eu' where id = 1;
         delete from u where id in (3, 4)",
    );
    for table in ["t", "u"] {
        let rows = format!("select * from {table} where region = 'eu' order by id");
        let all = format!("select * from {table} order by id");
        assert_eq!(followed.pair.target.sql(&all), followed.pair.source.sql(&rows));
    }
    followed.program("stream cleanup").run().assert_success();
}

#[test]
fn conditions_that_applications_would_suffer_from_are_refused() {
    for (schema, condition, reason) in [
        ("create table t (id int primary key, v int)", "v > 1", "column v is not in its identity"),
        ("create table t (id int primary key, v int)", "id > random()", "table-where"),
        (
            "create table t (id int primary key) partition by range (id)",
            "id > 1",
            "it is partitioned",
        ),
    ] {
        let followed = Followed::new(schema);
        let file = followed.pair.directory().join("filters.ini");
        std::fs::write(&file, format!("[table-where]\npublic.t = {condition}\n")).unwrap();
        let output = followed.program("clone --follow").arg("--filters").arg(file).run();
        assert_ne!(output.code(), Some(0));
        output.assert_stderr_has(reason);
        let left = "select (select count(*) from pg_publication)
                         + (select count(*) from pg_replication_slots
                             where database = current_database())";
        assert_eq!(followed.pair.source.value(left), "0", "{condition}");
    }
}
