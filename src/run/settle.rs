//! What a run does when its lock was lost, or taken again.

use super::context::Context;
use super::control::Event;
use super::records::Records;
use crate::error::{Error, Kind, Result};

/// What news about the lock of the run come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is held again, and the target remembers everything that it should.
    Held,
    /// It is being taken again.
    Lost,
    /// It is held again, and the target has lost some of what it had told us was done.
    SetBack,
}

/// The lock of the run was lost, or taken again. What the target has told us was done must still be
/// there: a server that crashes may lose its last commits.
pub fn settle(event: Event, context: &Context, recorded: &Records) -> Result<Settled> {
    let (remembered, asked) = match event {
        Event::Lost(error) => {
            tracing::warn!("{error}; opening another");
            return Ok(Settled::Lost);
        }
        Event::Gone(error) => return Err(error.during("this run cannot go on")),
        Event::Back { remembered, asked, .. } => (remembered, asked),
    };
    // Before the ledger was opened there was nothing that could have been lost since.
    if !context.ledger.is_kept() || !context.ledger.was_there(asked) {
        return Ok(Settled::Held);
    }
    let id = remembered.decided.as_ref().map(|decided| &decided.id[..]);
    if id != Some(context.ledger.id()) {
        return Err(record_is_gone());
    }
    let undone = remembered.undone(&context.inventory).len();
    let lost = recorded.missing_in(&remembered.done) + undone;
    if lost == 0 {
        tracing::info!("holding the lock of this run again");
        return Ok(Settled::Held);
    }
    tracing::warn!("the target has lost {lost} steps in a crash; doing them again");
    Ok(Settled::SetBack)
}

/// The error of a run whose ledger was dropped, or is now another's.
pub fn record_is_gone() -> Error {
    let message = "this run cannot go on: the target no longer has its record";
    Error::new(Kind::State, message)
        .detail("Another run has begun, or somebody has dropped the record.")
        .hint("Start over with --restart.")
}
