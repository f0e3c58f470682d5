//! Filters that hold for more than one command, and what is looked at before anything is copied.

use pgcopydb_testkit::Pair;

use super::{assert_target, filtering, shop};
use crate::support::pgcopydb;

#[test]
fn filters_hold_for_the_commands_that_come_later() {
    let pair = shop();
    let file = pair.directory().join("filters.ini");
    std::fs::write(&file, "[exclude-table]\napp.marks\n[table-where]\napp.items = line = 1")
        .unwrap();
    let run = |line: &str| pgcopydb(&pair).args(line.split_whitespace()).run();
    let keeper = pgcopydb(&pair).arg("snapshot").spawn();
    keeper.wait_for_stdout("-");
    run(&format!("dump schema --filters {}", file.display())).assert_success();
    for line in [
        "restore pre-data",
        "copy table-data --resume",
        "copy sequences --resume",
        "copy indexes --resume",
        "copy constraints --resume",
        "restore post-data",
    ] {
        run(line).assert_success();
    }
    drop(keeper);
    assert_target(&pair, "drop table app.marks");
}

#[test]
fn other_filters_are_refused_on_resume() {
    let pair = shop();
    let marks = "[exclude-table]\napp.marks\n; of no importance\napp.notes\n";
    // A row that cannot be copied, until it can.
    pair.target.sql(
        "create schema app; create table app.orders_copy (id int);
         create function public.refuse() returns event_trigger language plpgsql as
           'begin raise exception ''not now''; end';
         create event trigger refuse on ddl_command_end when tag in ('CREATE INDEX')
           execute function public.refuse();",
    );
    filtering(&pair, marks).arg("--skip-large-objects").run().assert_code(12);
    let resume = |filters: &str| {
        filtering(&pair, filters)
            .args(["--skip-large-objects", "--resume", "--not-consistent"])
            .run()
    };
    let output = resume("[exclude-table]\napp.marks\n");
    output.assert_code(3);
    output.assert_stderr_has("The directory is for filters {\"type\":\"SOURCE_FILTER_TYPE_EXCL\"");
    pair.target
        .sql("drop event trigger refuse; drop function refuse(); drop table app.orders_copy");
    // The same in another order, or nothing at all.
    resume("[exclude-table]\napp.notes\napp.marks").assert_success();
    assert_target(&pair, "drop table app.marks, app.notes");
}

#[test]
fn what_is_left_out_does_not_stand_in_the_way() {
    let pair = Pair::start();
    pair.source.sql(super::SHOP);
    pair.source.sql(
        "create role only_here; create role reader;
         create table app.owned (id integer); alter table app.owned owner to only_here;
         grant select on app.owned to reader;
         create policy p on app.items to only_here using (true);
         create function app.f() returns integer language sql as 'select 1';
         alter function app.f() owner to reader;",
    );
    pair.target.sql("create schema app; create table app.owned (mine text)");
    let output = filtering(&pair, "[exclude-table]\napp.marks").run();
    output.assert_code(7);
    output.assert_stderr_has("lacks roles that own or are granted objects: only_here, reader");
    let filters = "[exclude-table]\napp.owned\napp.items\n";
    let again = |filters: &str| filtering(&pair, filters).arg("--restart").run();
    let output = again(filters);
    output.assert_code(7);
    output.assert_stderr_has("granted objects: reader\n");
    pair.target.sql("create role reader");
    again(filters).assert_success();
    assert_eq!(pair.target.value("select count(*) from app.orders"), "1000");
    assert_eq!(
        pair.target.value(
            "select string_agg(attname, ',') from pg_attribute
              where attrelid = 'app.owned'::regclass and attnum > 0"
        ),
        "mine"
    );
}

#[test]
fn row_security_of_what_is_left_out_does_not_matter() {
    let pair = Pair::start();
    pair.source.sql(super::SHOP);
    for side in [&pair.source, &pair.target] {
        side.sql("create role copier login");
    }
    pair.source.sql(
        "grant usage on schema app, audit, lib, ext, \"Odd Schema\" to copier;
         grant select on all tables in schema app, audit, \"Odd Schema\" to copier;
         grant select on all sequences in schema app, lib to copier;",
    );
    let uri =
        pair.source.uri().replace("postgres@", "copier@").replace("user=postgres", "user=copier");
    let run = |filters: &str| {
        filtering(&pair, filters)
            .env("PGCOPYDB_SOURCE_PGURI", &uri)
            .args(["--no-acl", "--restart"])
            .run()
    };
    let output = run("[include-only-schema]\napp");
    assert_ne!(output.code(), Some(0), "{output}");
    output.assert_stderr_has("row-level security hides rows of app.orders");
    let output = run("[include-only-schema]\napp\nlib\n[exclude-table]\napp.orders");
    assert!(!output.stderr.contains("row-level security"), "{output}");
}
