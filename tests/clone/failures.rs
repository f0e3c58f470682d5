//! Objects that cannot be copied: the rest is, each failure is told with all there is to know, and
//! after the repair a resumed run does what is left.

use pgcopydb_testkit::{Output, Pair};

use crate::support::{clone, summary};

/// A function that only works in a database that says so; an immutable one, as far as the server
/// knows.
const NEEDS_REPAIR: &str = "
    create function needs_repair(int) returns int language plpgsql immutable as $$
    begin
      if current_setting('test.repaired', true) is distinct from 'yes' then
        raise exception 'not repaired yet' using errcode = 'TR001', hint = 'Repair it.',
                        detail = 'Called with ' || $1 || '.';
      end if;
      return $1;
    end $$;";

/// Something of everything that can fail, what hangs on it, and things that cannot fail.
const FAILING: &str = "
    create table good (a int primary key, b int);
    insert into good select i, i from generate_series(1, 1000) i;
    create index on good (b);
    create table bad_rows (a int primary key, check (needs_repair(a) > 0));
    insert into bad_rows values (3), (2);
    create table needs_bad_rows (a int primary key references bad_rows);
    insert into needs_bad_rows values (2);
    create table bad_index (a int primary key, b int);
    insert into bad_index values (1, 1);
    create index bad_index_b on bad_index (needs_repair(b));
    create index good_index_b on bad_index (b);
    create materialized view bad_view as select needs_repair(a) from good;
    create materialized view on_bad_view as select count(*) from bad_view;
    create table bad_key (a int references good);
    insert into bad_key values (1);
    create function fires() returns trigger language plpgsql as 'begin return new; end';
    create trigger good_trigger before insert on good for each row execute function fires();
    create function doubles() returns trigger language plpgsql as
      'begin new.a = new.a * 2; return new; end';
    create trigger bad_trigger before insert on bad_rows for each row execute function doubles();
    create table ddl (tag text);
    create function logs() returns event_trigger language plpgsql as
      'begin insert into public.ddl values (tg_tag); end';
    create materialized view of_bad_rows as select sum(a) from bad_rows;
    create event trigger logs on ddl_command_end execute function logs();
    create event trigger logs_drops on sql_drop execute function logs();
    create table parted (a int primary key) partition by list (a);
    create table parted_1 partition of parted for values in (1);
    insert into parted values (1);
    create sequence counter;
    select setval('counter', 77);
    select lo_from_bytea(4711, 'content');
    create publication everything for all tables with (publish = 'insert');";

/// Rows that break a foreign key which the source believes in.
const BROKEN_KEY: &str = "
    set session_replication_role = replica;
    insert into bad_key values (-5);";

fn failing_pair() -> Pair {
    let pair = Pair::shared();
    let name = pair.source.name();
    pair.source.sql(&format!("alter database {name} set test.repaired = 'yes'"));
    pair.source.sql(NEEDS_REPAIR);
    pair.source.sql(FAILING);
    pair.source.sql(BROKEN_KEY);
    pair
}

fn repair(pair: &Pair) {
    let name = pair.target.name();
    pair.target.sql(&format!("alter database {name} set test.repaired = 'yes'"));
    // On both sides: what a resumed run validates is what it has copied.
    for side in [&pair.source, &pair.target] {
        side.sql("delete from bad_key where a = -5");
    }
}

/// The paragraph of the summary about one failure.
fn paragraph(output: &Output, about: &str) -> String {
    let list = output.stdout.split("steps failed:").nth(1).unwrap_or_else(|| panic!("{output}"));
    let mut paragraphs = list.split("\n\n").filter(|text| text.contains(about));
    let found = paragraphs.next().unwrap_or_else(|| panic!("no {about:?} in {output}"));
    assert!(paragraphs.next().is_none(), "{about:?} is told twice: {output}");
    found.to_owned()
}

#[test]
fn what_can_be_done_is_done_and_what_cannot_is_told() {
    let pair = failing_pair();
    let output = clone(&pair).run();
    output.assert_code(12);
    output.assert_stderr_has("the copy is not complete: 3 steps failed and");
    output.assert_stderr_has("HINT: Repair what the errors above name and continue");

    for (about, details) in [
        ("copy public.bad_rows", ["SQLSTATE TR001", "HINT: Repair it.", "SQL: copy"]),
        ("create index public.bad_index_b", ["SQLSTATE TR001", "HINT: Repair it.", "CREATE INDEX"]),
        ("validate foreign key \"bad_key_a_fkey\"", ["SQLSTATE 23503", "is not present", "SQL: "]),
    ] {
        let paragraph = paragraph(&output, about);
        for detail in details.into_iter().chain(["target"]) {
            assert!(paragraph.contains(detail), "no {detail:?} in {paragraph}\nof {output}");
        }
    }
    let failures = summary(&pair)["failures"].as_array().unwrap().clone();
    assert_eq!(failures.len(), 3, "{failures:?}");
    for failure in failures {
        assert_eq!(failure["server"], "target");
        assert!(failure["sqlstate"].as_str().unwrap().len() == 5, "{failure}");
        assert!(failure["sql"].is_string() && failure["message"].is_string(), "{failure}");
    }

    let target = |query: &str| pair.target.value(query);
    assert_eq!(target("select count(*) from good"), "1000");
    assert_eq!(target("select to_regclass('good_index_b') is not null"), "t");
    assert_eq!(target("select lo_get(4711) = 'content' and nextval('counter') = 78"), "t");
    assert_eq!(target("select count(*) from pg_trigger where tgname = 'good_trigger'"), "1");
    assert_eq!(target("select count(*) from pg_publication"), "1");
    // What is not complete is not looked at, and nothing fires when its rows come later.
    assert_eq!(target("select count(*) from bad_rows"), "0");
    assert_eq!(target("select count(*) from pg_trigger where tgname = 'bad_trigger'"), "0");
    assert_eq!(target("select count(*) from pg_class where relkind = 'm' and relispopulated"), "0");
    assert_eq!(target("select count(*) from pg_event_trigger"), "0");
    pair.target.sql("select setval('counter', 77)");
}

#[test]
fn after_the_repair_only_the_rest_is_done() {
    let pair = failing_pair();
    clone(&pair).run().assert_code(12);
    repair(&pair);
    let output = clone(&pair).args(["--resume", "--not-consistent", "--debug"]).run();
    output.assert_success();
    output.assert_stderr_has("steps were done before");
    for done in ["copy public.good", "create index public.good_index_b", "copy large objects"] {
        assert!(!output.stderr.contains(&format!(": {done}\n")), "{done} was done again: {output}");
    }
    output.assert_stderr_has(": copy public.bad_rows\n");
    pair.assert_same();
    assert!(summary(&pair)["failures"].is_null());
    let left = "select count(*) from pg_namespace where nspname = 'pgcopydb'";
    assert_eq!(pair.target.value(left), "0");
    // Everything is done: there is nothing that could be resumed by mistake.
    clone(&pair).run().assert_code(3);
}

#[test]
fn the_same_snapshot_is_used_for_the_rest() {
    let pair = failing_pair();
    let service = crate::support::pgcopydb(&pair).arg("snapshot").spawn();
    service.wait_for_stdout("-");
    clone(&pair).run().assert_code(12);
    repair(&pair);
    // Nobody who resumes in the same snapshot sees this.
    pair.source.sql("insert into bad_rows values (5); insert into good values (5000, 1)");
    clone(&pair).arg("--resume").run().assert_success();
    service.signal(pgcopydb_testkit::Signal::TERM);
    service.wait().assert_success();
    pair.source.sql("delete from bad_rows where a = 10; delete from good where a = 5000");
    // The row that was deleted on the target by the repair is in the snapshot, and was copied.
    pair.assert_same();
}

#[test]
fn without_a_snapshot_the_user_has_to_decide() {
    let pair = failing_pair();
    clone(&pair).run().assert_code(12);
    repair(&pair);
    let output = clone(&pair).arg("--resume").run();
    output.assert_code(3);
    output.assert_stderr_has("cannot use the snapshot");
    output.assert_stderr_has("--not-consistent");
}

#[test]
fn the_first_failure_can_be_the_last() {
    let pair = failing_pair();
    let output = clone(&pair).args(["-J", "1"]).env("PGCOPYDB_FAIL_FAST", "on").run();
    output.assert_code(12);
    output.assert_stderr_has("--fail-fast");
    output.assert_stdout_has("1 step failed:");
    assert_eq!(pair.target.value("select count(*) from pg_publication"), "0");
    repair(&pair);
    let output = clone(&pair).args(["--resume", "--not-consistent", "--fail-fast"]).run();
    output.assert_success();
    pair.assert_same();
}

#[test]
fn an_event_trigger_of_the_target_refuses_an_object() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (a int primary key);
         create function fires() returns trigger language plpgsql as 'begin return new; end';
         create trigger fires before insert on t for each row execute function fires();
         create rule also as on insert to t do also notify t",
    );
    pair.target.sql(
        "create schema guard;
         create function guard.refuse() returns event_trigger language plpgsql as
         $$ begin raise exception 'no triggers here' using errcode = 'TR002'; end $$;
         create event trigger refuse on ddl_command_start when tag in ('CREATE TRIGGER')
           execute function guard.refuse()",
    );
    let output = clone(&pair).run();
    output.assert_code(12);
    let paragraph = output.stdout.split("1 step failed:").nth(1).unwrap();
    for text in ["trigger public.t fires", "TR002", "no triggers here", "SQL: CREATE TRIGGER fires"]
    {
        assert!(paragraph.contains(text), "no {text:?} in {output}");
    }
    assert_eq!(pair.target.value("select count(*) from pg_rules where rulename = 'also'"), "1");
    pair.target.sql("drop event trigger refuse; drop schema guard cascade");
    clone(&pair).args(["--resume", "--not-consistent"]).run().assert_success();
    pair.assert_same();
}

#[test]
fn what_was_changed_meanwhile_is_told_and_repaired() {
    let pair = Pair::shared();
    let name = pair.source.name();
    pair.source.sql(&format!("alter database {name} set test.repaired = 'yes'"));
    pair.source.sql(NEEDS_REPAIR);
    pair.source.sql(
        "create table parent (a int primary key);
         insert into parent select generate_series(1, 100);
         create table child (a int references parent, check (needs_repair(a) > 0));
         insert into child values (5);
         create function fires() returns trigger language plpgsql as 'begin return new; end';
         create trigger fires before insert on child for each row execute function fires()",
    );
    clone(&pair).run().assert_code(12);
    // The parents are there as they were, the children come as they are; the target has changed too.
    pair.source.sql("insert into parent values (1000); insert into child values (1000)");
    let name = pair.target.name();
    pair.target.sql(&format!("alter database {name} set test.repaired = 'yes'"));
    pair.target.sql("drop function fires()");
    let resume = || clone(&pair).args(["--resume", "--not-consistent"]).run();
    let output = resume();
    output.assert_code(12);
    for (about, details) in [
        ("validate foreign key \"child_a_fkey\"", ["SQLSTATE 23503", "(a)=(1000)", "SQL: "]),
        ("trigger public.child fires", ["SQLSTATE 42883", "fires()", "SQL: CREATE TRIGGER"]),
    ] {
        let paragraph = paragraph(&output, about);
        for detail in details {
            assert!(paragraph.contains(detail), "no {detail:?} in {paragraph}\nof {output}");
        }
    }
    pair.target.sql(
        "insert into parent values (1000);
         create function fires() returns trigger language plpgsql as 'begin return new; end'",
    );
    resume().assert_success();
    pair.assert_same();
}
