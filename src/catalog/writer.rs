//! The one thread that owns the file. Records are written in groups, as many as have arrived while
//! the last group was made durable: the disk is asked once per group, not once per record.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

use super::error::{Failure, explain};
use super::record::StepNote;
use super::timing::SectionNote;

/// Jobs that may wait. Two groups: while one is made durable the next can gather.
pub(super) const JOBS_MAX: usize = 2 * GROUP_MAX;

/// Records to a group. Enough to make the disk's share negligible, few enough that a question waits
/// for milliseconds.
const GROUP_MAX: usize = 1024;

/// Something for the thread to do.
pub(super) enum Job {
    /// To write a record, some time soon.
    Note(Note),
    /// To answer a question; its reply goes back on a channel of its own.
    Ask(Question),
}

/// A question, or a change that is waited for.
pub(super) type Question = Box<dyn FnOnce(&mut Connection) + Send>;

/// A record that nobody waits for.
#[derive(Debug)]
pub(super) enum Note {
    /// About a step.
    Step(StepNote),
    /// About a top-level section.
    Section(SectionNote),
}

/// Works until all handles are gone, or until a record cannot be written: then `failure` says why
/// to everybody who comes later.
pub(super) fn serve(
    mut connection: Connection,
    mut inbox: mpsc::Receiver<Job>,
    failure: &Failure,
    path: &Path,
) {
    while let Some(job) = inbox.blocking_recv() {
        let note = match job {
            Job::Note(note) => note,
            Job::Ask(question) => {
                question(&mut connection);
                continue;
            }
        };
        let mut question = None;
        if let Err(cause) = write_group(&mut connection, note, &mut inbox, &mut question) {
            // Before the questions are dropped: whoever asked looks for the reason then.
            failure.set(&explain("could not write the catalog", path, &cause));
            return;
        }
        if let Some(question) = question {
            question(&mut connection);
        }
    }
}

/// Writes a record and those that have arrived meanwhile; a question ends the group and is left in
/// `question`.
fn write_group(
    connection: &mut Connection,
    first: Note,
    inbox: &mut mpsc::Receiver<Job>,
    question: &mut Option<Question>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    first.write(&transaction)?;
    for _ in 1..GROUP_MAX {
        match inbox.try_recv() {
            Ok(Job::Note(note)) => note.write(&transaction)?,
            Ok(Job::Ask(asked)) => {
                *question = Some(asked);
                break;
            }
            Err(_) => break,
        }
    }
    transaction.commit()
}

impl Note {
    fn write(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        match self {
            Note::Step(note) => note.write(transaction),
            Note::Section(note) => note.write(transaction),
        }
    }
}
