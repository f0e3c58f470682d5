//! Sessions that look how long sessions and locks of the program are left on both servers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pgcopydb_testkit::{Pair, Session};

/// The published limit.
const SOON: Duration = Duration::from_secs(2);

/// Looks on until nobody of ours is left, and returns when that was, by the server's clock, without
/// the time for which a busy machine kept the onlooker itself from looking.
const WAIT_FOR_NOBODY: &str = "
    create function pg_temp.nobody_is_left_at() returns float8 language plpgsql as $$
    declare
      pause constant float8 := 0.02;
      stolen float8 := 0;
      before timestamptz;
    begin
      for look in 1..3000 loop
        perform pg_stat_clear_snapshot();
        exit when not exists (select from pg_stat_activity
                               where datname = current_database()
                                 and application_name ~ '^(pgcopydb|pg_dump|pg_restore)')
              and not exists (select from pg_locks l join pg_database d on d.oid = l.database
                               where d.datname = current_database() and l.locktype = 'advisory');
        before := clock_timestamp();
        perform pg_sleep(pause);
        stolen := stolen + extract(epoch from clock_timestamp() - before) - pause;
      end loop;
      return extract(epoch from clock_timestamp()) - stolen;
    end $$";

/// One on each server.
pub struct Onlookers([Session; 2]);

impl Onlookers {
    /// Begins to be there. They look when they are asked.
    pub fn at(pair: &Pair) -> Onlookers {
        Onlookers([&pair.source, &pair.target].map(|side| {
            let mut session = side.session();
            session.run("set client_min_messages = warning");
            session.run(WAIT_FOR_NOBODY);
            session
        }))
    }

    /// Fails if anybody is left two seconds after the program has ended.
    #[track_caller]
    pub fn assert_nobody_left(&mut self, ended: SystemTime) {
        for onlooker in &mut self.0 {
            onlooker.send("select pg_temp.nobody_is_left_at()");
        }
        let ended = ended.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        for (onlooker, side) in self.0.iter_mut().zip(["source", "target"]) {
            let left = onlooker.answer().unwrap().parse::<f64>().unwrap() - ended;
            eprintln!("nobody was left on the {side} after {left:.3} s");
            assert!(left < SOON.as_secs_f64(), "somebody was left on the {side} for {left:.3} s");
        }
    }
}
