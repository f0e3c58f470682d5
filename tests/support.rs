//! What tests share.

use pgcopydb_testkit::{Pair, Program};

/// The program, with the source and the target of a pair.
pub fn pgcopydb(pair: &Pair) -> Program {
    pair.program(env!("CARGO_BIN_EXE_pgcopydb"))
}
