//! Named places where tests make the program fail. Only the feature `faults` compiles anything of
//! this; elsewhere a point is nothing.
//!
//! `PGCOPYDB_FAULT=NAME[:HIT[:ACTION]]` says what is to happen: at the given hit of that place
//! (the first if none is named) the program kills itself as `kill -9` does, or, with the action
//! `error`, the place reports an error.

/// All places, about in the order that a run passes them. Tests go through this list.
pub const POINTS: &[&str] = &[
    "snapshot.taken",
    "setup.registered",
    "dump.before_rename",
    "dump.after_rename",
    "inventory.saved",
    "ledger.created",
    "ledger.opened",
    "drop.before_commit",
    "drop.committing",
    "drop.after_commit",
    "pre_data.before_commit",
    "pre_data.committing",
    "pre_data.after_commit",
    "create_extension.sent",
    "create_extension.after_commit",
    "truncate.sent",
    "truncate.after_commit",
    "copy.middle",
    "copy.before_commit",
    "copy.committing",
    "copy.after_commit",
    "part.middle",
    "part.before_commit",
    "part.committing",
    "part.after_commit",
    "batch.before_commit",
    "batch.committing",
    "batch.after_commit",
    "large_objects.middle",
    "large_objects.before_commit",
    "large_objects.committing",
    "large_objects.after_commit",
    "sequences.before_commit",
    "sequences.committing",
    "sequences.after_commit",
    "extension_data.before_commit",
    "extension_data.committing",
    "extension_data.after_commit",
    "foreign_keys.before_drop",
    "foreign_keys.dropped",
    "foreign_keys.adding",
    "foreign_keys.added",
    "foreign_keys.checking",
    "foreign_keys.checked",
    "create_index.sent",
    "create_index.after_commit",
    "finish_index.sent",
    "finish_index.after_commit",
    "attach_index.sent",
    "attach_index.after_commit",
    "add_foreign_key.sent",
    "add_foreign_key.after_commit",
    "validate_foreign_key.sent",
    "validate_foreign_key.after_commit",
    "vacuum.sent",
    "vacuum.before_record",
    "vacuum.after_commit",
    "analyze.sent",
    "analyze.after_commit",
    "statements.sent",
    "statements.after_commit",
    "post_data.before_commit",
    "post_data.committing",
    "post_data.after_commit",
    "refresh_view.sent",
    "refresh_view.after_commit",
    "plan.done",
    "ledger.dropping",
    "ledger.dropped",
];

/// Places that a run passes only when it begins to follow the source.
pub const FOLLOW_POINTS: &[&str] =
    &["slot.noted", "slot.published", "slot.created", "slot.origin", "slot.registered"];

#[cfg(feature = "faults")]
pub use active::{amid, point, setting};

#[cfg(feature = "faults")]
mod active {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::{FOLLOW_POINTS, POINTS};
    use crate::error::{Error, Kind, Result};

    /// What is to happen, and where.
    struct Fault {
        name: String,
        hit: u32,
        is_error: bool,
    }

    impl Fault {
        fn read() -> Option<Fault> {
            let text = std::env::var("PGCOPYDB_FAULT").ok()?;
            let mut words = text.split(':');
            Some(Fault {
                name: words.next()?.to_owned(),
                hit: words.next().and_then(|hit| hit.parse().ok()).unwrap_or(1),
                is_error: words.next() == Some("error"),
            })
        }
    }

    /// The place `what.place` was reached. Fails, or ends the program, if a test wants that.
    pub fn point(what: &str, place: &str) -> Result<()> {
        static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
        static HITS: AtomicU32 = AtomicU32::new(0);
        let name = format!("{what}.{place}");
        let is_known = [POINTS, FOLLOW_POINTS].iter().any(|list| list.contains(&name.as_str()));
        assert!(is_known, "the place {name} is not in the list");
        let Some(fault) = FAULT.get_or_init(Fault::read) else { return Ok(()) };
        if fault.name != name || HITS.fetch_add(1, Ordering::Relaxed) + 1 != fault.hit {
            return Ok(());
        }
        if fault.is_error {
            return Err(Error::new(Kind::Internal, format!("a fault was asked for at {name}")));
        }
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        Ok(())
    }

    /// Does some work, with a place in its middle: reached when the work has begun and `is_there`
    /// says so.
    pub async fn amid<T>(
        what: &str,
        place: &str,
        is_there: impl Fn() -> bool,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let mut reached = false;
        std::future::poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            // An answer that has come at once is not looked at either.
            if !reached && is_there() {
                reached = true;
                // In the middle of something nobody waits for an error.
                let _ = point(what, place);
            }
            polled
        })
        .await
    }

    /// A time that a test makes shorter: `PGCOPYDB_FAULT_<NAME>_MS`.
    pub fn setting(name: &str, usual: Duration) -> Duration {
        let text = std::env::var(format!("PGCOPYDB_FAULT_{name}_MS")).ok();
        let given = text.and_then(|text| text.parse().ok());
        given.map_or(usual, Duration::from_millis)
    }
}

/// A place that tests can make fail.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn point(_what: &str, _place: &str) -> crate::error::Result<()> {
    Ok(())
}

/// Work with a place in its middle that tests can make fail.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn amid<T, F: Future<Output = T>>(
    _what: &str,
    _place: &str,
    _is_there: impl Fn() -> bool,
    work: F,
) -> F {
    work
}

/// A time that tests can make shorter.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn setting(_name: &str, usual: std::time::Duration) -> std::time::Duration {
    usual
}
