//! How the kernel treats the program beside servers on the same machine.

#![cfg(target_os = "linux")]

use pgcopydb_testkit::Pair;

use crate::support::slow::hold_up_index;

/// `SCHED_BATCH`, sched(7).
const BATCH: u32 = 3;

/// `SCHED_IDLE`.
const IDLE: u32 = 5;

/// The scheduling policies of all threads of a process: field 41 of `stat`, proc(5).
fn policies(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let policy = |stat: String| {
        // The second field is a name in parentheses, with whatever in it.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(41 - 3).unwrap().parse().unwrap()
    };
    // One that ends meanwhile has none.
    let stats =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.map(policy).collect()
}

/// The policies of a clone at work that a program starts, which runs in the same process.
fn policies_at_work(starter: &str, arguments: &[&str]) -> Vec<u32> {
    let pair = Pair::shared();
    let mut gate = hold_up_index(&pair);
    let program = pair.program(starter).args(arguments);
    let pgcopydb = [env!("CARGO_BIN_EXE_pgcopydb"), "clone", "--skip-db-properties"];
    let running = program.args(pgcopydb).spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb%')",
    );
    let policies = policies(running.pid());
    gate.run("select pg_advisory_unlock(4711)");
    running.wait().assert_success();
    policies
}

#[test]
fn the_program_does_not_take_the_servers_processors() {
    let policies = policies_at_work("env", &[]);
    assert!(policies.len() > 1);
    assert!(policies.iter().all(|policy| *policy == BATCH), "{policies:?}");
}

#[test]
fn what_the_user_has_chosen_stays() {
    let policies = policies_at_work("chrt", &["--idle", "0"]);
    assert!(policies.len() > 1);
    assert!(policies.iter().all(|policy| *policy == IDLE), "{policies:?}");
}
