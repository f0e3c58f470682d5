//! A large transaction is applied before it is whole: while the rest of it comes in, or while it still
//! runs on the source, if nothing else happens there. The target commits it in its turn, after the
//! store has it whole. If another commits first, or any of it is rolled back or sent again, the
//! session is given up, with all that was applied in it, and the next one applies what is stored, in
//! its order.

use super::apply::Work;
use super::blocking;
use crate::changes::{Ahead, Fate, Reader};
use crate::error::Result;

/// What to do after a look at a transaction that was not whole.
pub(super) enum Next {
    /// To go on with it: changes were applied.
    More,
    /// To wait for more of it, or its end.
    Wait,
    /// To read the store, where it comes next.
    Store,
    /// To begin a new session.
    GivenUp,
}

impl Work<'_> {
    /// Begins with the transaction that must be the next to commit, if there is one. Everything that
    /// had committed before it was offered must be applied.
    pub(super) async fn begin_ahead(
        &mut self,
        ahead: &Ahead,
        mut reader: Reader,
    ) -> Result<Reader> {
        let Some(partial) = ahead.partial.clone() else { return Ok(reader) };
        if self.trouble.until.is_some() || self.trouble.given_up == Some(partial.number) {
            return Ok(reader);
        }
        let (reader, begun) = blocking(move || {
            let begun = reader.begin_with(&partial);
            Ok((reader, begun))
        })
        .await?;
        if let Some(descriptions) = begun? {
            tracing::debug!("applying a transaction that is not whole yet");
            self.items(descriptions).await?;
        }
        Ok(reader)
    }

    /// Applies what has come in of the transaction that was begun with. When nothing after it is
    /// wanted (`is_over`), it is not waited for.
    pub(super) async fn go_ahead(
        &mut self,
        number: u64,
        ahead: &Ahead,
        mut reader: Reader,
        is_over: bool,
    ) -> Result<(Reader, Next)> {
        let partial = match ahead.fate(number) {
            Fate::Open(partial) if !is_over => partial,
            Fate::Whole(end) => {
                reader.finish(end);
                return Ok((reader, Next::Store));
            }
            Fate::Open(_) | Fate::Withdrawn => return Ok((reader, self.give_up(number))),
        };
        let (reader, read) = blocking(move || {
            let read = reader.read_on(&partial);
            Ok((reader, read))
        })
        .await?;
        let applied = match read {
            Ok(items) if items.is_empty() => {
                self.applier.nudge().await?;
                return Ok((reader, Next::Wait));
            }
            Ok(items) => self.items(items).await,
            Err(error) => Err(error),
        };
        match applied {
            Ok(()) => Ok((reader, Next::More)),
            Err(error) if error.is_transient() => Err(error),
            // It may never commit; if it does, the error comes again.
            Err(error) => {
                tracing::debug!("a transaction that is not whole cannot be applied: {error}");
                Ok((reader, self.give_up(number)))
            }
        }
    }

    fn give_up(&mut self, number: u64) -> Next {
        tracing::debug!("what was applied of a transaction that is not whole is given up");
        self.trouble.given_up = Some(number);
        Next::GivenUp
    }
}
