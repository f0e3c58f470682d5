//! Clones with filters. The target must be what the source would be if somebody had dropped there,
//! with CASCADE, what the filters name: each test says in SQL what that comes to.

mod data;
mod exclude;
mod extensions;
mod include;
mod mistakes;
mod runs;
mod skipped;

use pgcopydb_testkit::{Database, Output, Pair, Program, Same};

use crate::support::pgcopydb;

const SHOP: &str = include_str!("shop.sql");

/// A pair whose source is the shop.
fn shop() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(SHOP);
    pair
}

/// The program with a filter file of this content.
fn filtering(pair: &Pair, filters: &str) -> Program {
    let file = pair.directory().join("filters.ini");
    std::fs::write(&file, filters).unwrap();
    pgcopydb(pair).arg("clone").arg("--filters").arg(file)
}

/// Clones the shop with filters, and compares the target with a copy of the source on which `sql`
/// was run.
#[track_caller]
fn assert_clone(pair: &Pair, filters: &str, sql: &str) -> Output {
    let output = filtering(pair, filters).run();
    output.assert_success();
    assert_target(pair, sql);
    output
}

/// Compares the target with a copy of the source on which `sql` was run.
#[track_caller]
fn assert_target(pair: &Pair, sql: &str) {
    let expected = expected(pair, sql);
    let differences = Same::of(&expected, &pair.target).differences();
    expected.remove().unwrap();
    assert!(differences.is_empty(), "- expected, + found:\n{}", differences.join("\n"));
}

fn expected(pair: &Pair, sql: &str) -> Database {
    let name = format!("{} expected", pair.source.name());
    let template = pair.source.name();
    let cluster = pair.source.cluster_handle();
    cluster.sql("postgres", &format!("create database \"{name}\" template \"{template}\""));
    let expected = Database::new(cluster, &name);
    expected.sql(&format!("set client_min_messages = warning;\n{sql}"));
    expected
}
