//! Files that say nothing understandable, and names that are not there.

use pgcopydb_testkit::Pair;

use super::{assert_clone, filtering, shop};
use crate::support::pgcopydb;

#[test]
fn a_file_is_read_before_any_server_is_asked() {
    let pair = Pair::shared();
    for (text, message, hint) in [
        (
            "[exclude-tabel]\napp.t",
            "filters.ini:1: there is no section [exclude-tabel]",
            "HINT: Did you mean \"exclude-table\"",
        ),
        (
            "\n[exclude-table]\norders\n",
            "filters.ini:3: \"orders\" has no schema",
            "HINT: Write schema.name: did you mean \"public.orders\"?",
        ),
        ("[exclude-table]\na.\"b", "filters.ini:2: unbalanced quote", ""),
        ("[exclude-table]\na.~/b", "filters.ini:2: unterminated pattern", ""),
        (
            "[include-only-table]\na.b\n[exclude-table]\nc.d",
            "filters.ini:4: sections [include-only-table] and [exclude-table] exclude each other",
            "please use only one of these sections.",
        ),
    ] {
        let output = filtering(&pair, text).env("PGCOPYDB_SOURCE_PGURI", "host=/nowhere").run();
        output.assert_code(1);
        output.assert_stderr_has(message);
        assert!(output.stderr.to_lowercase().contains(&hint.to_lowercase()), "{output}");
    }
    let output = pgcopydb(&pair).args(["clone", "-F", "/nowhere/filters.ini"]).run();
    output.assert_code(1);
    output.assert_stderr_has("filters file \"/nowhere/filters.ini\" does not exist");
}

#[test]
fn a_name_that_matches_nothing_is_an_error_and_costs_nothing() {
    let pair = shop();
    for (text, messages) in [
        (
            "[exclude-table]\napp.ordrs",
            ["filters.ini:2: table app.ordrs matches nothing", "Did you mean \"app.orders\""],
        ),
        (
            "[include-only-table]\nAPP.orders ; the orders",
            ["table \"APP\".\"orders ; the orders\" matches nothing", "a comment needs a line"],
        ),
        ("[exclude-schema]\nAudit\n", ["schema \"Audit\" matches nothing", "mean \"audit\"?"]),
        ("[exclude-index]\napp.order_at\n", ["index app.order_at", "mean \"app.orders_at\"?"]),
        ("[exclude-extension]\nhstor\n", ["extension hstor matches", "mean \"hstore\"?"]),
        ("[exclude-table-data]\napp.recent\n", ["table app.recent matches nothing", ""]),
        ("[table-where]\napp.by_day = true", ["table app.by_day matches nothing", ""]),
        ("[include-only-table]\napp.~/^ordrs/", ["table app.~/^ordrs/ matches nothing", ""]),
    ] {
        let output = filtering(&pair, text).run();
        output.assert_code(1);
        for message in messages {
            output.assert_stderr_has(message);
        }
    }
    let output = filtering(&pair, "[exclude-table]\napp.a1\naudit.evnts\napp.marks\nx.y").run();
    output.assert_code(1);
    output.assert_stderr_has("filters.ini:3: table audit.evnts matches nothing. Did you mean");
    output.assert_stderr_has("filters.ini:5: table x.y matches nothing.");
    // The directory and the target are as they were.
    assert_clone(&pair, "[exclude-table]\napp.marks", "drop table app.marks");
}

#[test]
fn what_matches_nothing_can_be_allowed() {
    let pair = shop();
    let output =
        filtering(&pair, "[exclude-table]\napp.ordrs\napp.marks\n[exclude-schema]\nno such\n")
            .arg("--allow-unmatched-filters")
            .run();
    output.assert_success();
    output.assert_stderr_has("WARN ");
    output.assert_stderr_has("filters.ini:2: table app.ordrs matches nothing");
    super::assert_target(&pair, "drop table app.marks");
    let pair = shop();
    let output = filtering(&pair, "[exclude-table]\napp.ordrs\n")
        .env("PGCOPYDB_ALLOW_UNMATCHED_FILTERS", "yes")
        .run();
    output.assert_success();
    pair.assert_same();
}

#[test]
fn a_pattern_among_others_may_match_nothing() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-table]\naudit.~/^tmp_/\n[include-only-schema]\n~/^nothing$/\naudit\nlib\n",
        "drop schema app, \"Odd Schema\" cascade",
    );
    output.assert_stderr_has("filters.ini:2: table audit.~/^tmp_/ matches nothing");
}

#[test]
fn a_pattern_that_the_server_does_not_understand() {
    let pair = shop();
    let output = filtering(&pair, "[exclude-table]\napp.~/^a/\napp.~/b(/").run();
    output.assert_code(1);
    output.assert_stderr_has("filters.ini:3: app.~/b(/ is no valid pattern: invalid regular");
}

#[test]
fn some_partitions_of_the_hash_of_an_enum_cannot_be_left_out() {
    let pair = shop();
    pair.source.sql(
        "create table app.hashed (mood lib.mood) partition by hash (mood);
         create table app.hashed_0 partition of app.hashed for values with (modulus 2, remainder 0);
         create table app.hashed_1 partition of app.hashed for values with (modulus 2, remainder 1);
         insert into app.hashed values ('good'), ('bad');",
    );
    let output = filtering(&pair, "[exclude-table]\napp.hashed_1").run();
    output.assert_code(1);
    output.assert_stderr_has("partition app.hashed_1 cannot be left out while app.hashed is");
    assert_clone(&pair, "[exclude-table]\napp.hashed", "drop table app.hashed");
}
