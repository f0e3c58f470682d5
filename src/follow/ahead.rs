//! A large transaction is applied while it still runs on the source, if nothing else happens there:
//! when its commit comes, most of it is done. The target commits it in its turn, after the store has
//! it whole. If another commits first, or any of it is rolled back, the session is given up, with
//! all that was applied in it, and the next one applies what is stored, in its order.

use super::apply::Work;
use super::blocking;
use crate::changes::{Ahead, Begun, Fate, Reader};
use crate::error::Result;

/// Bytes of changes that are read at a time.
const READ_BYTES: usize = 1 << 20;

/// What to do after a look at a transaction that still ran.
pub(super) enum Next {
    /// To go on with it: changes were applied.
    More(Begun),
    /// To wait for more of it, or its end.
    Wait(Begun),
    /// To read the store, where it comes next.
    Store,
    /// To begin a new session.
    GivenUp,
}

impl Work<'_> {
    /// Begins with the transaction that may be the next to commit, if there is one. Everything that
    /// had committed before it was offered must be applied.
    pub(super) async fn begin_ahead(&mut self, ahead: &Ahead) -> Result<Option<Begun>> {
        let Some(running) = ahead.running.clone() else { return Ok(None) };
        if self.trouble.until.is_some() || self.trouble.given_up == Some(running.number) {
            return Ok(None);
        }
        let begun = blocking(move || Begun::open(&running)).await?;
        if begun.is_some() {
            tracing::debug!("applying a transaction that still runs");
        }
        Ok(begun)
    }

    /// Applies what has come in of a transaction that was begun with. When nothing after it is wanted
    /// (`is_over`), it is not waited for.
    pub(super) async fn go_ahead(
        &mut self,
        mut begun: Begun,
        ahead: &Ahead,
        reader: &mut Reader,
        is_over: bool,
    ) -> Result<Next> {
        let number = begun.number;
        let running = match ahead.fate(number) {
            Fate::Runs(running) if !is_over => running,
            Fate::Committed(end) => {
                reader.go_on(begun, end);
                return Ok(Next::Store);
            }
            Fate::Runs(_) | Fate::Withdrawn => return Ok(self.give_up(number)),
        };
        let (begun, items) = blocking(move || {
            let items = begun.read(&running, READ_BYTES)?;
            Ok((begun, items))
        })
        .await?;
        if items.is_empty() {
            self.applier.nudge().await?;
            return Ok(Next::Wait(begun));
        }
        match self.items(items).await {
            Ok(()) => Ok(Next::More(begun)),
            Err(error) if error.is_transient() => Err(error),
            // It may never commit; if it does, the error comes again.
            Err(error) => {
                tracing::debug!("a transaction that still runs cannot be applied: {error}");
                Ok(self.give_up(number))
            }
        }
    }

    fn give_up(&mut self, number: u64) -> Next {
        tracing::debug!("what was applied of a transaction that still runs is given up");
        self.trouble.given_up = Some(number);
        Next::GivenUp
    }
}
