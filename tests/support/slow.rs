//! Work of the target that a test makes slow, or has wait.

use pgcopydb_testkit::Database;

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
