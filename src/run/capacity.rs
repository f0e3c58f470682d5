//! How many sessions and files a run needs, counted before its first step, so that it does not end
//! in the middle because a server or this machine has too few.

use pgcopydb_wire::Connection;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::error::{Error, Kind, Result};
use crate::model::Jobs;
use crate::pg::Side;
use crate::pg::room::{self, Limit};
use crate::pg::statistics::TAKEN_FROM_VERSION;
use crate::plan::{Plan, Pool};

/// Sessions that do no steps: who holds the snapshot, and who looks at the source from outside.
const SOURCE_OTHERS: i64 = 2;

/// Who holds the lock, who asks before and after the steps, and who looks from outside.
const TARGET_OTHERS: i64 = 3;

/// Files besides connections: those of SQLite, of the runtime, of children, and what the user's
/// terminal takes.
const FILES: i64 = 64;

/// How many sessions a run opens at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    source: i64,
    target: i64,
}

impl Sessions {
    /// What the outstanding steps of an opened plan need, with a target of this version.
    pub fn of(plan: &Plan, jobs: Jobs, target_version: u32) -> Sessions {
        let mut sessions = Sessions { source: SOURCE_OTHERS, target: TARGET_OTHERS };
        for (pool, seats, _) in seats(jobs) {
            let steps = i64::try_from(plan.outstanding_in(pool)).unwrap_or(i64::MAX);
            let at_once = steps.min(i64::from(seats));
            sessions.target += at_once;
            sessions.source += match pool {
                Pool::Copy | Pool::LargeObject => at_once,
                // One reads the statistics for all.
                Pool::Vacuum if target_version >= TAKEN_FROM_VERSION => at_once.min(1),
                _ => 0,
            };
        }
        sessions
    }

    /// What is needed before there is a plan.
    pub fn least() -> Sessions {
        // The catalogs are read by us and by pg_dump at the same time.
        Sessions { source: SOURCE_OTHERS + 2, target: TARGET_OTHERS }
    }

    /// Asks a server whether it has room for them. Too few for ever is an error; the limits that
    /// are too small at the moment are returned, since others may go.
    pub async fn check(&self, session: &mut Connection, side: Side) -> Result<Vec<Limit>> {
        let ours = format!("pgcopydb[{}] %", std::process::id());
        let limits = room::limits(session, side, &ours).await?;
        limits.iter().try_for_each(|limit| check_limit(limit, self.on(side), side))?;
        let is_short = |limit: &Limit| self.on(side) > limit.allowed - limit.used;
        Ok(limits.into_iter().filter(is_short).collect())
    }

    /// Says that workers will have to wait for the sessions of others to end.
    pub fn tell(&self, short: &[Limit], side: Side) {
        let (word, needed) = (side.word(), self.on(side));
        for Limit { name, allowed, used } in short {
            tracing::warn!(
                "the {word} may have too few connections: this run needs up to {needed}, {name} \
                 allows {allowed}, and others use {used} of them; workers that get none wait and \
                 try again"
            );
        }
    }

    fn on(&self, side: Side) -> i64 {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    /// Makes sure that this process may open as many files.
    pub fn allow_files(&self) -> Result<()> {
        let needed = (self.source + self.target + FILES).unsigned_abs();
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_none_or(|current| current >= needed) {
            return Ok(());
        }
        if limit.maximum.is_none_or(|maximum| maximum >= needed) {
            limit.current = Some(needed);
            if setrlimit(Resource::Nofile, limit).is_ok() {
                return Ok(());
            }
        }
        let allowed = limit.maximum.or(limit.current).unwrap_or_default();
        let message = format!("this run needs {needed} open files, and may have {allowed}");
        Err(Error::new(Kind::Arguments, message)
            .hint("Raise the limit (\"ulimit -n\"), or ask for fewer jobs."))
    }
}

/// The seats of every pool, and what they are called.
pub fn seats(jobs: Jobs) -> [(Pool, u16, &'static str); 6] {
    [
        (Pool::Schema, 1, "schema"),
        (Pool::Copy, jobs.table, "copy"),
        (Pool::Index, jobs.index, "index"),
        (Pool::Vacuum, jobs.table, "vacuum"),
        (Pool::Restore, jobs.restore, "restore"),
        (Pool::LargeObject, jobs.large_object, "large objects"),
    ]
}

fn check_limit(limit: &Limit, needed: i64, side: Side) -> Result<()> {
    let Limit { name, allowed, .. } = limit;
    if needed <= *allowed {
        return Ok(());
    }
    let kind = match side {
        Side::Source => Kind::Source,
        Side::Target => Kind::Target,
    };
    let message = format!("the {} has too few connections for this run", side.word());
    Err(Error::new(kind, message)
        .detail(format!("This run needs {needed}, and {name} allows {allowed}."))
        .hint(
            "Ask for fewer jobs with --table-jobs, --index-jobs, --restore-jobs and \
             --large-objects-jobs, or raise the limit.",
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(allowed: i64, used: i64) -> Limit {
        Limit { name: "max_connections".to_owned(), allowed, used }
    }

    #[test]
    fn only_what_can_never_be_had_is_an_error() {
        assert!(check_limit(&limit(10, 0), 10, Side::Source).is_ok());
        assert!(check_limit(&limit(10, 9), 10, Side::Source).is_ok());
        let error = check_limit(&limit(9, 0), 10, Side::Target).unwrap_err();
        assert_eq!(error.kind(), Kind::Target);
        let detail = error.detail_text().unwrap();
        assert_eq!(detail, "This run needs 10, and max_connections allows 9.");
    }

    #[test]
    fn a_small_plan_needs_few() {
        let jobs = Jobs { table: 64, index: 64, restore: 64, large_object: 64 };
        let plan = Plan::new();
        assert_eq!(Sessions::of(&plan, jobs, 180_000), Sessions { source: 2, target: 3 });
    }
}
