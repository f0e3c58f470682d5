//! Sessions on both servers while a run is at work.

use pgcopydb_testkit::Pair;

use crate::support::clone;
use crate::support::slow::{GATE, make_slow, set_slow};

#[test]
fn sessions_end_as_soon_as_nothing_is_left_for_them() {
    let pair = Pair::shared();
    make_slow(&pair.source, GATE);
    pair.source
        .sql("create table t (a int); insert into t values (1); create index on t (slow(a))");
    set_slow(&pair.target, "yes");
    let mut gate = pair.target.session();
    gate.run("select pg_advisory_lock(4711)");
    let running = clone(&pair).arg("--skip-db-properties").spawn();
    // The index is being built: the tables are made, and their rows are there.
    pair.target.wait_for(
        "select count(*) filter (where application_name ~ ' index \\d+$'
                                   and wait_event_type = 'Lock') = 1
                and count(*) filter (where application_name ~ ' (restore|copy) \\d+$') = 0
           from pg_stat_activity
          where application_name like 'pgcopydb%' and datname = current_database()",
    );
    pair.source.wait_for(
        "select count(*) = 0 from pg_stat_activity
          where application_name ~ '^pgcopydb.* copy \\d+$' and datname = current_database()",
    );
    gate.run("select pg_advisory_unlock(4711)");
    running.wait().assert_success();
    pair.assert_same();
}
