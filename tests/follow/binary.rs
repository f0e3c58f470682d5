//! Values in binary form, where all columns of all tables allow it, and how it ends where one does
//! not any more.

use pgcopydb_testkit::Running;

use super::Followed;

const BINARY: &str = "values come in binary form";
const TEXT_FROM_NOW_ON: &str = "receiving all values in text form from now on";

/// Has the source send whatever is larger than a few rows before it has committed.
const SCHEMA: &str = "
    do $$ begin
      execute format('alter database %I set logical_decoding_work_mem = ''64kB''',
                     current_database());
    end $$;
    create table t (id int primary key, v text, n numeric, f float8, g int);
    create table u (id bigint, d date, j json);
    alter table u replica identity full";

fn cloned(followed: &Followed) -> Running {
    let running = followed.program("clone --follow").arg("--debug").spawn();
    running.wait_for_stderr(BINARY);
    running.wait_for_stderr("applying changes after");
    running
}

#[test]
fn a_type_that_is_added_ends_the_binary_form() {
    let followed = Followed::new(SCHEMA);
    let running = cloned(&followed);
    let (source, target) = (&followed.pair.source, &followed.pair.target);
    source.sql(
        "insert into t select g, 'v' || g, g / 3.0, g / 3.0 from generate_series(1, 3000) g;
         insert into u values (1, 'infinity', '[1]'), (1, 'infinity', '[1]'), (null, null, null);",
    );
    target.wait_for("select count(*) = 3 from u");
    for side in [target, source] {
        side.sql("create type mood as enum ('sad', 'glad')");
    }
    // In the midst of a transaction that is sent while it runs.
    let mut session = source.session();
    session.run("begin; insert into t select g, 'in' from generate_series(5000, 8000) g");
    target.sql("alter table t add column m mood");
    session.run(
        "alter table t add column m mood;
         insert into t select g, 'm', null, null, 1, 'glad' from generate_series(10000, 13000) g;
         update t set n = n + 1 where id <= 1000; delete from u where ctid = '(0,1)'; commit",
    );
    running.wait_for_stderr(TEXT_FROM_NOW_ON);
    source.sql("update t set m = 'sad' where id < 10; delete from t where id = 20");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn a_target_of_other_types_takes_what_came_in_binary_form() {
    let followed = Followed::new(SCHEMA);
    let running = cloned(&followed);
    let (source, target) = (&followed.pair.source, &followed.pair.target);
    target.sql(
        "alter table t alter id type bigint, alter n type text, alter f type numeric;
         alter table u alter d type timestamp",
    );
    source.sql(
        "insert into t values (1, 'v', 1.50, 0.1, 7), (2, 'w', 'NaN', 2, 8), (3, 'x', null, null, null);
         update t set id = 4, v = null where id = 3; update t set g = 9 where id = 2;
         delete from t where id = 1; insert into u values (1, '2026-02-03', null), (1, '2026-02-03', '{}');
         update u set id = 2 where j is not null",
    );
    running.wait_for_stderr(TEXT_FROM_NOW_ON);
    source.sql("insert into t values (5, 'y', 2.50, 3, 7)");
    followed.end(running).assert_success();
    let rows = "select string_agg(t::text, ' ' order by id) from t";
    assert_eq!(target.value(rows), "(2,w,NaN,2,9) (4,,,,) (5,y,2.50,3,7)");
    let rows = "select string_agg(u::text, ' ' order by id) from u";
    let wanted = r#"(1,"2026-02-03 00:00:00",) (2,"2026-02-03 00:00:00",{})"#;
    assert_eq!(target.value(rows), wanted);
    followed.program("stream cleanup").run().assert_success();
}

#[test]
fn values_of_both_forms_wait_together() {
    let followed = Followed::new(SCHEMA);
    let running = cloned(&followed);
    followed.end(running).assert_success();
    let (source, target) = (&followed.pair.source, &followed.pair.target);
    let received = || {
        let end = source.value("select pg_current_wal_lsn()");
        let receive = followed.program("stream receive").args(["--debug", "--endpos", &end]);
        let output = receive.run();
        output.assert_success();
        output.stderr
    };
    source.sql("insert into t select g, 'b', g, g from generate_series(1, 500) g");
    assert!(received().contains(BINARY));
    // Now a table forbids it: the same rows come in text form.
    source.sql("alter table u add column i interval");
    source.sql("update t set v = 'text' where id < 300; delete from t where id > 400");
    assert!(
        received().contains("values come in text form: column i of public.u has type interval")
    );
    source.sql("alter table u drop column i; update t set v = 'again', g = id where id > 200");
    assert!(received().contains(BINARY));
    assert_eq!(target.value("select count(*) from t"), "0");
    followed.program("stream apply").run().assert_success();
    followed.assert_same();
}
