//! What tests share.

pub mod onlookers;
pub mod slow;
pub mod torture;

use pgcopydb_testkit::{Pair, Program};

/// The program, with the source and the target of a pair.
pub fn pgcopydb(pair: &Pair) -> Program {
    pair.program(env!("CARGO_BIN_EXE_pgcopydb"))
}

/// `pgcopydb clone` between the databases of a pair.
pub fn clone(pair: &Pair) -> Program {
    pgcopydb(pair).arg("clone")
}

/// What `summary.json` says in the default work directory of a pair.
pub fn summary(pair: &Pair) -> serde_json::Value {
    let file = pair.directory().join("pgcopydb/summary.json");
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap()
}
