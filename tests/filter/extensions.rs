//! Extensions that are left out, and those that are not.

use super::{assert_clone, filtering, shop};

#[test]
fn an_extension_goes_with_what_uses_it() {
    let pair = shop();
    pair.source.sql(
        "create table app.of_hstore (id integer);
         create index on app.of_hstore ((ext.hstore('a', id::text)));
         create view app.pairs as select (ext.each('a=>1')).key;
         grant execute on function ext.akeys(ext.hstore) to public;
         revoke execute on function ext.avals(ext.hstore) from public;",
    );
    let output = assert_clone(
        &pair,
        "[exclude-extension]\nhstore\n",
        "drop view app.pairs; alter sequence app.customers_id_seq owned by none;
         drop table app.customers cascade; drop extension hstore cascade;",
    );
    output.assert_stderr_has("table app.customers (needs extension hstore)");
}

#[test]
fn only_these_extensions() {
    let pair = shop();
    assert_clone(&pair, "[include-only-extension]\nhstore\n", "drop extension pg_trgm cascade;");
}

#[test]
fn what_an_included_extension_requires_is_included() {
    let pair = shop();
    pair.source.sql("create extension earthdistance schema ext cascade");
    assert_clone(
        &pair,
        "[include-only-extension]\nearthdistance\nhstore\n",
        "drop extension pg_trgm cascade;",
    );
}

#[test]
fn an_extension_that_the_target_has_is_as_good() {
    let pair = shop();
    pair.target.sql("create schema ext; create extension hstore schema ext");
    let output = filtering(&pair, "[exclude-extension]\nhstore\n").run();
    output.assert_success();
    pair.same()
        .ignoring("COMMENT; Schema: -; Owner: \nEXTENSION hstore")
        .ignoring("EXTENSION hstore")
        .assert();
    assert_eq!(pair.target.value("select count(*) from app.customers"), "100");
}

#[test]
fn extensions_by_name_and_none_at_all_exclude_each_other() {
    let pair = shop();
    let output =
        filtering(&pair, "[include-only-extension]\nhstore\n").arg("--skip-extensions").run();
    output.assert_code(1);
    output.assert_stderr_has("Please use only one of them.");
}
