//! What is left out, and what goes with it.

use super::{assert_clone, shop};

#[test]
fn a_table_goes_with_everything_that_needs_it() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-table]\napp.orders\n",
        // The default of a column that uses a function goes with the function; the table whose
        // column has the table's type goes as a whole.
        "drop table app.notes; drop table app.orders cascade;",
    );
    output.assert_stderr_has("leaving out 1 objects, and ");
    output.assert_stderr_has("table app.notes (needs table app.orders)");
}

#[test]
fn every_object_that_goes_with_another_is_told() {
    let pair = shop();
    let output = super::filtering(&pair, "[exclude-table]\napp.orders\n").arg("-v").run();
    output.assert_success();
    for line in [
        "leaving out view app.recent: it needs table app.orders",
        "leaving out view app.recent_customers: it needs view app.recent",
        "leaving out view app.totals: it needs table app.orders",
        "leaving out materialized view app.by_month: it needs materialized view app.by_day",
        "leaving out index app.by_day_at: it needs materialized view app.by_day",
        "leaving out function app.orders_of(integer): it needs table app.orders",
        "leaving out function app.order_count(): it needs table app.orders",
        "leaving out fk constraint app.items items_order_id_fkey: it needs table app.orders",
        "leaving out publication table app.shop orders: it needs table app.orders",
    ] {
        output.assert_stderr_has(line);
    }
}

#[test]
fn a_sequence_stays_as_long_as_a_table_uses_it() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\n\"app\".\"customers\"",
        "alter sequence app.customers_id_seq owned by none; drop table app.customers cascade;",
    );
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\napp.~/^customers/\n",
        "drop table app.customers_old; drop table app.customers cascade;",
    );
    // One that nobody owns stays in any case.
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\napp.customers\napp.items",
        "alter sequence app.customers_id_seq owned by none;
         drop table app.customers, app.items cascade;",
    );
}

#[test]
fn a_partitioned_table_goes_with_its_partitions() {
    let pair = shop();
    assert_clone(&pair, "[exclude-table]\naudit.events", "drop table audit.events cascade;");
}

#[test]
fn a_partition_goes_alone_and_keys_to_its_rows_are_not_checked() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-table]\naudit.events_2024",
        "alter table audit.remarks drop constraint remarks_event_at_fkey;
         drop table audit.events_2024;
         alter table audit.remarks add constraint remarks_event_at_fkey
           foreign key (event, at) references audit.events not valid;",
    );
    output.assert_stderr_has("left NOT VALID");
    output.assert_stderr_has("\"remarks_event_at_fkey\" of audit.remarks");
}

#[test]
fn an_inheritance_child_goes_with_its_parent() {
    let pair = shop();
    let output = assert_clone(&pair, "[exclude-table]\naudit.log", "drop table audit.log cascade;");
    output.assert_stderr_has("table audit.log_child (needs table audit.log)");
}

#[test]
fn views_are_left_out_when_they_are_named() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\napp.recent\napp.by_day\n",
        "drop view app.recent cascade; drop materialized view app.by_day cascade;",
    );
}

#[test]
fn a_schema_goes_with_its_content_and_what_needs_that() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-schema]\nlib\n",
        // A table goes where one column would.
        "drop table app.items, app.marks, app.positives cascade; drop schema lib cascade;",
    );
    output.assert_stderr_has("table app.items (needs type lib.mood)");
    output.assert_stderr_has("table app.marks (needs function lib.is_good(integer))");
    output.assert_stderr_has("table app.positives (needs domain lib.positive)");
}

#[test]
fn defaults_and_checks_are_taken_out_of_tables_that_stay() {
    let pair = shop();
    let output = super::filtering(&pair, "[exclude-schema]\n~/^li/").arg("-v").run();
    output.assert_success();
    output.assert_stderr_has(
        "leaving out default of column \"mark\" of table app.customers: it needs sequence lib.numbers",
    );
    output.assert_stderr_has(
        "leaving out check \"Good one\" of table app.customers: it needs function lib.is_good",
    );
}

#[test]
fn schemas_by_pattern() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-schema]\n~/^a.{2,4}$/\n~\"d S\"",
        "drop schema app, audit, \"Odd Schema\" cascade;",
    );
}

#[test]
fn the_schema_of_an_extension_stays() {
    let pair = shop();
    assert_clone(&pair, "[exclude-schema]\next", "");
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-schema]\npublic",
        // The target has one of its own.
        "",
    );
}

#[test]
fn an_index_goes_with_its_constraint_and_what_needs_that() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-index]\napp.orders_pkey\n",
        "alter table app.orders drop constraint orders_pkey cascade;",
    );
    let pair = shop();
    assert_clone(
        &pair,
        "; of several kinds\n[exclude-index]\napp.customers_name_key\napp.by_day_at\n\
         app.\"orders {by}, \"\"amount\"\" \\1\"\n",
        "alter table app.customers drop constraint customers_name_key;
         drop index app.by_day_at, app.\"orders {by}, \"\"amount\"\" \\1\";",
    );
}

#[test]
fn indexes_by_pattern() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-index]\n~/^app$/.~/_(at|trgm)$|\\{by\\}, \"amount\" \\\\\\d$/\n",
        "drop index app.orders_at, app.by_day_at, app.customers_name_trgm,
           app.\"orders {by}, \"\"amount\"\" \\1\";",
    );
}

#[test]
fn the_index_of_a_partitioned_table_goes_with_those_of_its_partitions() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-index]\naudit.events_note\naudit.events_pkey\naudit.events_2023_only\n",
        "drop index audit.events_note, audit.events_2023_only;
         alter table audit.events drop constraint events_pkey cascade;",
    );
}

#[test]
fn the_index_of_one_partition_leaves_the_others_and_no_key_to_them() {
    let pair = shop();
    let output = super::filtering(
        &pair,
        "[exclude-index]\naudit.events_2023_note_idx\naudit.events_2023_pkey\n",
    )
    .run();
    output.assert_success();
    output.assert_stderr_has("\"remarks_event_at_fkey\" of audit.remarks");
    let indexes = pair.target.value(
        "select string_agg(indexrelid::regclass || ' ' || indisvalid, ', '
                           order by indexrelid::regclass::text)
           from pg_index where indrelid::regclass::text like 'audit.events%'",
    );
    assert_eq!(
        indexes,
        "audit.events_2023_only true, audit.events_2024_high_note_idx true, \
         audit.events_2024_high_pkey true, audit.events_2024_low_note_idx true, \
         audit.events_2024_low_pkey true, audit.events_2024_note_idx true, \
         audit.events_2024_pkey true, audit.events_note false, audit.events_pkey false"
    );
}

#[test]
fn odd_names_quoted_or_not() {
    let odd = "drop table \"Odd Schema\".\"t, with {odd} \"\"letters\"\" \\d\",
                 \"Odd Schema\".\"T = # ; é\", \"Odd Schema\".\"a.b\";";
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\r\n\"Odd Schema\".\"t, with {odd} \"\"letters\"\" \\d\"\r\n\
         Odd Schema.T = # ; é\r\n\t Odd Schema.a.b \t\r\n",
        odd,
    );
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table]\n~/^Odd /.~/^t, with \\{odd\\} \"let+ers\" \\\\d$/\n\
         \"Odd Schema\".~|= #|\nOdd Schema.~(^a[.]b$)",
        odd,
    );
}

#[test]
fn sections_may_be_repeated_and_in_any_order() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table-data]\napp.customers_old\n[exclude-table]\napp.marks\n\
         [exclude-index]\napp.orders_at\n[exclude-table]\napp.positives\n\
         [exclude-schema]\nOdd Schema",
        "truncate app.customers_old; drop table app.marks, app.positives; drop index app.orders_at;
         drop schema \"Odd Schema\" cascade;",
    );
}
