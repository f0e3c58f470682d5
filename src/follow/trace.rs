//! What the tasks say of themselves while they work, for those who watch.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;

/// The longest text that is kept.
const TEXT_BYTES_MAX: usize = 1000;

/// What a task waits for, and what went wrong last.
#[derive(Debug, Default)]
pub(super) struct Trace {
    waits_for: Mutex<Option<String>>,
    error: Mutex<Option<(i64, String)>>,
}

impl Trace {
    /// It has to wait for somebody or something.
    pub fn waits_for(&self, whom: impl Into<String>) {
        *lock(&self.waits_for) = Some(cut(whom.into()));
    }

    /// It waits no more.
    pub fn goes_on(&self) {
        lock(&self.waits_for).take();
    }

    /// Something went wrong, whether or not it is tried again.
    pub fn failed(&self, error: &Error) {
        *lock(&self.error) = Some((now(), cut(error.to_string())));
    }

    /// What it waits for now.
    pub fn waiting(&self) -> Option<String> {
        lock(&self.waits_for).clone()
    }

    /// What went wrong last, and when.
    pub fn error(&self) -> Option<(i64, String)> {
        lock(&self.error).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut(mut text: String) -> String {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
