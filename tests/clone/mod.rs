//! Whole databases.

mod all_databases;
mod encodings;
mod failures;
mod objects;
mod options;
mod partitions;
mod refused;
mod replace;
mod scheduling;
mod sessions;
mod signals;
mod sizes;
mod split;
mod standby;

use pgcopydb_testkit::{Pair, workload};

use crate::support::pgcopydb;

#[test]
fn a_database_with_every_kind_of_object_arrives_whole() {
    let pair = Pair::start();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    workload::torture(&pair.source);
    pgcopydb(&pair).arg("clone").run().assert_success();
    pair.assert_same();
}

#[test]
fn pgbench_tables_arrive_whole() {
    let pair = Pair::shared();
    workload::pgbench(&pair.source, 2);
    pgcopydb(&pair).arg("clone").run().assert_success();
    pair.assert_same();
}
