//! Work of the target that a test makes slow, or has wait.

use pgcopydb_testkit::{Database, Pair, Session};

/// A function that takes a minute in a database that says so.
pub const SLOW: &str = "pg_sleep(60)";

/// One that waits there for as long as somebody holds an advisory lock.
pub const GATE: &str = "pg_advisory_xact_lock_shared(4711)";

/// Makes the function `slow`, which calls something where `set_slow` says so.
pub fn make_slow(database: &Database, call: &str) {
    database.sql(&format!(
        "create function slow(int) returns int language plpgsql immutable as $$
         begin
           if current_setting('test.slow', true) = 'yes' then
             perform {call};
           end if;
           return $1;
         end $$"
    ));
}

pub fn set_slow(database: &Database, slow: &str) {
    database.sql(&format!("alter database {} set test.slow = '{slow}'", database.name()));
}

/// A table on the source with an index that the target does not finish as long as the session that is
/// returned keeps its advisory lock.
pub fn hold_up_index(pair: &Pair) -> Session {
    make_slow(&pair.source, GATE);
    pair.source
        .sql("create table t (a int); insert into t values (1); create index on t (slow(a))");
    set_slow(&pair.target, "yes");
    let mut gate = pair.target.session();
    gate.run("select pg_advisory_lock(4711)");
    gate
}
