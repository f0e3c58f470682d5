//! Hundreds of partitions, which are copied while others are still being attached.

use pgcopydb_testkit::{Database, Pair, Version};

use crate::support::clone;
#[cfg(feature = "faults")]
use crate::support::slow::{GATE, make_slow, set_slow};

/// A partitioned table with partitions of its own, some below another one, and a default one that is
/// partitioned as well; all of them with rows.
fn hundreds_of_partitions(database: &Database) {
    database.sql(
        "create table events (id int, at int, note text, primary key (id, at))
           partition by range (at);
         create index on events (note);
         do $$ begin
           for n in 0 .. 449 loop
             execute format('create table events_%s partition of events for values from (%s) to (%s)',
                            n, n * 10, n * 10 + 10);
           end loop;
         end $$;
         create table branch partition of events for values from (10000) to (20000)
           partition by range (at);
         create table branch_low partition of branch for values from (10000) to (15000);
         create table a_branch_high partition of branch for values from (15000) to (20000);
         create table a_rest partition of events default partition by range (at);
         create table rest_low partition of a_rest for values from (minvalue) to (0);
         create table rest_high partition of a_rest default;
         create table alone (id int primary key, at int references alone);
         insert into events select g, g, md5(g::text) from generate_series(-500, 19999, 3) g;
         insert into alone select g, g from generate_series(1, 100) g",
    );
}

#[test]
fn rows_are_copied_beside_the_attaching_of_other_partitions() {
    let pair = Pair::shared();
    hundreds_of_partitions(&pair.source);
    clone(&pair).run().assert_success();
    pair.assert_same();
    let looked_at = "select array_agg(distinct relname::text)
                       from pg_class join pg_stats on tablename = relname
                      where schemaname = 'public' and relkind = 'p' and inherited";
    assert_eq!(pair.target.value(looked_at), "{a_rest,branch,events}");
    if (12..18).contains(&Version::default().major()) {
        // Those above them have not brought it about again.
        pair.target.wait_for(
            "select count(*) = 455 and max(analyze_count) = 1 and min(analyze_count) = 1
               from pg_stat_user_tables join pg_class on oid = relid where relkind = 'r'",
        );
    }
}

/// Statistics of what is above them come all the same.
#[cfg(feature = "faults")]
#[test]
fn partitions_that_somebody_has_locked_are_analysed_again() {
    if !(12..18).contains(&Version::default().major()) {
        eprintln!("skipped: this server analyses what is above them without a lock");
        return;
    }
    let pair = Pair::shared();
    pair.source.sql(
        "create table p (a int) partition by range (a);
         create table p_1 partition of p for values from (0) to (10);
         create table p_2 partition of p for values from (10) to (20);
         insert into p select g % 20 from generate_series(1, 200) g",
    );
    make_slow(&pair.source, GATE);
    pair.source.sql("create index on p_1 (slow(a))");
    set_slow(&pair.target, "yes");
    let mut gate = pair.target.session();
    gate.run("select pg_advisory_lock(4711)");
    let program = clone(&pair).args(["--debug", "--skip-db-properties"]);
    let running = program.env("PGCOPYDB_FAULT_PARTITIONS_MS", "100").spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_user_tables where relname = 'p_2' and analyze_count = 1)",
    );
    let mut locker = pair.target.session();
    locker.run("begin; lock table p_2 in share update exclusive mode");
    gate.run("select pg_advisory_unlock(4711)");
    running.wait_for_stderr("analysing them again");
    locker.run("commit");
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn another_version_gets_them_as_well() {
    let pair = Pair::of_versions(&Version::oldest(), &Version::newest());
    hundreds_of_partitions(&pair.source);
    clone(&pair).run().assert_success();
    pair.assert_same();
}

#[cfg(feature = "faults")]
#[test]
fn a_run_that_is_killed_between_two_of_them_is_resumed() {
    for point in ["pre_data.after_commit:10", "pre_data.before_commit:13"] {
        let pair = Pair::shared();
        hundreds_of_partitions(&pair.source);
        let killed = clone(&pair).env("PGCOPYDB_FAULT", point).run();
        assert_eq!(killed.signal(), Some(9), "{point}: {killed}");
        clone(&pair).args(["--resume", "--not-consistent"]).run().assert_success();
        pair.assert_same();
    }
}
