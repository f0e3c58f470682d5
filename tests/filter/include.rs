//! What alone is copied.

use super::{assert_clone, filtering, shop};

#[test]
fn only_these_tables() {
    let pair = shop();
    assert_clone(
        &pair,
        "[include-only-table]\napp.orders\napp.by_day\n",
        "drop materialized view app.by_month;
         drop table app.customers_old, app.items, app.notes, app.marks, app.positives, audit.remarks,
           audit.log, audit.log_child, audit.events, \"Odd Schema\".\"a.b\",
           \"Odd Schema\".\"t, with {odd} \"\"letters\"\" \\d\", \"Odd Schema\".\"T = # ; é\" cascade;
         drop table app.customers cascade;",
    );
}

#[test]
fn a_partitioned_table_brings_its_partitions() {
    let pair = shop();
    assert_clone(
        &pair,
        "[include-only-table]\naudit.~/^(events|remarks)$/\n[include-only-schema]\naudit\n",
        "drop schema app, lib, \"Odd Schema\" cascade; drop table audit.log cascade;",
    );
}

#[test]
fn a_partition_brings_what_it_is_a_partition_of_without_its_rows() {
    let pair = shop();
    let output = filtering(
        &pair,
        "[include-only-table]\naudit.events_2024_low\naudit.remarks\naudit.log_child\n\
         [exclude-schema]\nOdd Schema\n",
    )
    .run();
    output.assert_success();
    output.assert_stderr_has("tables of [include-only-table] that are in a schema of");
    output.assert_stderr_has("audit.events, audit.events_2024, audit.log");
    super::assert_target(
        &pair,
        "drop schema \"Odd Schema\" cascade;
         alter table audit.remarks drop constraint remarks_event_at_fkey;
         drop table audit.events_2023, audit.events_2024_high;
         alter table audit.remarks add constraint remarks_event_at_fkey
           foreign key (event, at) references audit.events not valid;
         drop materialized view app.by_day cascade;
         drop table app.customers_old, app.customers, app.orders, app.items, app.notes, app.marks,
           app.positives cascade;
         truncate only audit.log;",
    );
}

#[test]
fn only_these_schemas() {
    let pair = shop();
    assert_clone(
        &pair,
        "[include-only-schema]\naudit\n~/^lib$/\n",
        "drop schema app, \"Odd Schema\" cascade;",
    );
}

#[test]
fn a_partition_whose_parent_is_in_another_schema_is_a_table() {
    let pair = shop();
    pair.source.sql(
        "alter table audit.events_2023 set schema app;
         alter table audit.log_child set schema app;",
    );
    let output = assert_clone(
        &pair,
        "[exclude-schema]\naudit\n",
        "drop table audit.remarks; alter table audit.events detach partition app.events_2023;
         alter table app.events_2023 drop constraint events_customer_fkey;
         drop schema audit cascade;",
    );
    output.assert_stderr_has("foreign key: \"events_customer_fkey\" of app.events_2023");
    output.assert_stderr_has("table app.log_child (needs table audit.log)");
}

#[test]
fn an_included_table_that_cannot_be_made_is_refused() {
    let pair = shop();
    let output = filtering(&pair, "[include-only-table]\napp.notes").run();
    output.assert_code(1);
    output.assert_stderr_has("table app.notes cannot be copied without table app.orders");
    output.assert_stderr_has("HINT: Include what it needs, too");
    assert_eq!(pair.target.value("select to_regnamespace('app') is null"), "t");
    assert_clone(
        &pair,
        "[include-only-table]\napp.notes\napp.orders\n[exclude-table-data]\napp.orders\n\
         [include-only-schema]\napp",
        "drop schema audit, lib, \"Odd Schema\" cascade;
         drop materialized view app.by_day cascade;
         drop table app.customers, app.customers_old, app.items, app.marks, app.positives cascade;
         truncate app.orders;",
    );
}
