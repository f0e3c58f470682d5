//! What the user sees of a run, apart from the lines of the log.

pub mod compare;
pub mod follow;
pub mod html;
pub mod json;
pub mod list;
pub mod progress;
pub mod summary;
pub mod units;

use std::io::{ErrorKind, Write};

/// Writes to standard output. A reader who has gone is no failure of what was done; a disk that is
/// full is said.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tracing::error!("could not write to standard output: {error}");
        }
        _ => {}
    }
}
