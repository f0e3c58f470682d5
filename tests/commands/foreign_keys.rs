//! Rows into tables that reference each other already.

use pgcopydb_testkit::{Output, Pair, Signal};

use crate::resume::workload::{TABLE_OPTIONS, tables_with_keys};
use crate::support::pgcopydb;

fn run(pair: &Pair, line: &str) -> Output {
    pgcopydb(pair).args(line.split_whitespace()).run()
}

const KEYS: &str =
    "select string_agg(conrelid::regclass || ' ' || conname || ' ' || convalidated, ', '
                                      order by conrelid::regclass::text, conname)
                      from pg_constraint where contype = 'f' and conparentid = 0";

const FORGOTTEN: &str = "select to_regnamespace('pgcopydb') is null";

#[test]
fn keys_of_every_kind_are_as_they_were_when_the_rows_are_in() {
    for line in ["copy table-data", "copy data"] {
        let pair = Pair::shared();
        tables_with_keys(&pair);
        let output = pgcopydb(&pair).args(line.split(' ')).args(TABLE_OPTIONS).run();
        output.assert_success().assert_stderr_has("dropping 8 foreign keys of the target");
        output.assert_stderr_has("8 foreign keys of the target are as they were");
        pair.same().without_statistics().assert();
        let validated = |side: &pgcopydb_testkit::Database| side.value(KEYS);
        assert_eq!(validated(&pair.target), validated(&pair.source), "{line}");
        assert_eq!(pair.target.value(FORGOTTEN), "t");
    }
}

#[test]
fn a_key_that_rows_break_is_back_for_new_rows_and_told() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    pair.target.sql(
        "create table extra (b int constraint \"Odd\" references b); insert into extra values (7)",
    );
    pair.source.sql("delete from b where id = 7");
    let broken = run(&pair, "copy table-data");
    broken.assert_code(12);
    broken.assert_stderr_has(
        "foreign key \"Odd\" of public.extra is back, but its rows could not be",
    );
    broken.assert_stderr_has("Repair the rows and continue");
    let insert = pair.target.try_sql("insert into extra values (123456)");
    assert!(insert.unwrap_err().contains("violates foreign key constraint"));
    assert_eq!(
        pair.target.value("select convalidated from pg_constraint where conname = 'Odd'"),
        "f"
    );
    assert_eq!(
        pair.target.value(
            "select count(*) from pg_constraint
              where contype = 'f' and conparentid = 0 and not convalidated"
        ),
        "2"
    );
    pair.target.sql("delete from extra");
    run(&pair, "copy table-data --resume --not-consistent").assert_success();
    assert_eq!(
        pair.target.value("select convalidated from pg_constraint where conname = 'Odd'"),
        "t"
    );
    assert_eq!(pair.target.value(FORGOTTEN), "t");
}

#[test]
fn keys_come_back_also_where_a_table_could_not_be_filled() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    let before = pair.target.value(KEYS);
    pair.target.sql("alter table of_parted add constraint low check (p < 100) not valid");
    let failed = run(&pair, "copy table-data");
    failed.assert_code(12).assert_stderr_has("could not copy table public.of_parted");
    // Its old row refers to what is no longer there.
    failed.assert_stderr_has("foreign key of_parted_l_fkey of public.of_parted is back, but");
    let now = before.replace("of_parted of_parted_l_fkey true", "of_parted of_parted_l_fkey false");
    assert_ne!(now, before);
    assert_eq!(pair.target.value(KEYS), now);
    pair.target.sql("alter table of_parted drop constraint low");
    run(&pair, "copy table-data --resume --not-consistent").assert_success();
    assert_eq!(pair.target.value(KEYS), before);
    pair.same().without_statistics().assert();
}

#[test]
fn a_run_that_is_stopped_leaves_keys_for_new_rows() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    let before = pair.target.value(KEYS);
    pair.target.sql(
        "create function slow(int) returns boolean language plpgsql as
           $$ begin perform pg_sleep(60); return true; end $$;
         alter table \"Odd one\".\"t.\"\"t\" add constraint slow check (slow(b)) not valid",
    );
    let running = pgcopydb(&pair).args(["copy", "table-data"]).spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'PgSleep')",
    );
    running.signal(Signal::TERM);
    let stopped = running.wait();
    stopped.assert_code(12).assert_stderr_has("foreign keys of the target are not as they were");
    // Those of partitioned tables come back with a look at the rows only.
    let orphan = pair.target.try_sql("insert into b values (-5, -5)");
    assert!(orphan.unwrap_err().contains("violates foreign key constraint"));
    pair.target.sql(
        "alter table \"Odd one\".\"t.\"\"t\" drop constraint slow;
                     drop function slow",
    );
    run(&pair, "copy table-data --resume --not-consistent").assert_success();
    assert_eq!(pair.target.value(KEYS), before);
    pair.same().without_statistics().assert();
}

#[test]
fn any_command_puts_back_what_a_killed_one_has_taken() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    let before = pair.target.value(KEYS);
    // As after a run that was killed, and whose work directory is lost.
    pair.target.sql(
        "create schema pgcopydb;
         create table pgcopydb.foreign_key (namespace text, relation text, name text, definition text,
           comment text, is_validated boolean, is_partitioned boolean,
           primary key (namespace, relation, name));
         insert into pgcopydb.foreign_key values
           ('public', 'b', 'b_a_fkey', 'FOREIGN KEY (a) REFERENCES public.a(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
            'it''s ours', true, false),
           ('public', 'gone', 'k', 'FOREIGN KEY (a) REFERENCES public.a(id)', null, true, false);
         alter table b drop constraint b_a_fkey",
    );
    let refused = run(&pair, "clone");
    refused.assert_code(7).assert_stderr_has("relations of the same name exist on the target");
    refused.assert_stderr_has("foreign key k of public.gone is not put back: its table is gone");
    assert_eq!(pair.target.value(KEYS), before);
    assert_eq!(pair.target.value("select to_regclass('pgcopydb.foreign_key') is null"), "t");
}

#[test]
fn keys_that_may_not_be_dropped_are_named_before_anything_is_done() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    let (role, database) = (format!("{}_keys", pair.target.name()), pair.target.name());
    pair.target.sql(&format!(
        "create role {role} login; grant all on all tables in schema public, \"Odd one\" to {role};
         grant usage on schema \"Odd one\" to {role}; grant create on database {database} to {role}"
    ));
    let target = pair.target.uri().replace("postgres@", &format!("{role}@"));
    let refused =
        pgcopydb(&pair).args(["copy", "table-data"]).env("PGCOPYDB_TARGET_PGURI", &target).run();
    refused.assert_code(7).assert_stderr_has("cannot copy rows while 7 foreign keys on the target");
    refused.assert_stderr_has("our role does not own their tables");
    assert_eq!(pair.target.value("select count(*) from large"), "1");
    // Without a place to remember them they stay as well.
    pair.target.sql(&format!(
        "revoke create on database {database} from {role};
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relkind in ('r', 'p') and relnamespace in
                    ('public'::regnamespace, '\"Odd one\"'::regnamespace) and not relispartition loop
             execute format('alter table %s owner to {role}', t); end loop; end $$"
    ));
    let refused = pgcopydb(&pair)
        .args(["copy", "table-data", "--restart"])
        .env("PGCOPYDB_TARGET_PGURI", &target)
        .run();
    refused.assert_code(7).assert_stderr_has("our role may not create the schema");
    assert_eq!(pair.target.value("select count(*) from large"), "1");
    pair.target.sql(&format!(
        "reassign owned by {role} to postgres; drop owned by {role}; drop role {role}"
    ));
}

#[cfg(feature = "faults")]
#[test]
fn keys_come_back_where_not_all_could_be_dropped() {
    let pair = Pair::shared();
    for side in [&pair.source, &pair.target] {
        side.sql(
            "create table hub (id int primary key); insert into hub values (1);
             select format('create table spoke_%s (id int references hub)', i)
               from generate_series(1, 60) i
             \\gexec",
        );
    }
    let before = pair.target.value(KEYS);
    let failed = pgcopydb(&pair)
        .args(["copy", "table-data"])
        .env("PGCOPYDB_FAULT", "foreign_keys.before_drop:2:error")
        .run();
    failed.assert_code(12).assert_stderr_has("50 foreign keys of the target are as they were");
    assert_eq!(pair.target.value(KEYS), before);
    run(&pair, "copy table-data --restart").assert_success();
    pair.same().without_statistics().assert();
}

#[test]
fn a_run_that_waits_for_a_lock_on_such_a_table_can_be_stopped() {
    let pair = Pair::shared();
    tables_with_keys(&pair);
    let before = pair.target.value(KEYS);
    let mut session = pair.target.session();
    session.run("begin; select count(*) from of_parted");
    let running = pgcopydb(&pair).args(["copy", "table-data"]).spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock')",
    );
    running.signal(Signal::TERM);
    running.wait().assert_code(12);
    session.run("rollback");
    assert_eq!(pair.target.value(KEYS), before);
}
