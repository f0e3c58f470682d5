//! From one major version to another, as far as this machine has them: the default run needs only
//! its own, `scripts/majors` provides others.

pub mod follow;
mod statistics;

use pgcopydb_testkit::{Pair, Version, workload};

use crate::support::pgcopydb;

/// The moves that people make.
const MOVES: &[(u32, u32)] =
    &[(13, 13), (13, 15), (13, 17), (14, 15), (15, 17), (15, 18), (17, 17), (17, 18), (18, 18)];

#[test]
fn every_kind_of_object_arrives_on_a_newer_version() {
    for (from, to) in MOVES {
        let (Some(source), Some(target)) = (Version::of_major(*from), Version::of_major(*to))
        else {
            eprintln!("skipped {from} to {to}: this machine lacks one of them");
            continue;
        };
        eprintln!("{from} to {to}");
        let pair = Pair::of_versions(&source, &target);
        workload::torture_roles(&pair.target);
        workload::torture(&pair.source);
        pgcopydb(&pair).arg("clone").run().assert_success();
        pair.assert_same();
    }
}
