//! Keeps the target's WAL writer at work. A COPY or an index build leaves its WAL in the server's
//! buffers, and the WAL writer looks there five times a second (`wal_writer_delay`), which is too
//! seldom for a hundred megabytes a second: the backend writes them out itself then, and waits for
//! the disk instead of making rows. A transaction that does not wait for its commit wakes the WAL
//! writer (PostgreSQL documentation, "Asynchronous Commit"). The smallest there is writes a message
//! that nobody decodes: it takes no transaction id.

use std::convert::Infallible;
use std::time::Duration;

use pgcopydb_wire::Connection;

use super::crew::Crew;
use crate::error::{Error, Result};
use crate::model::Lsn;

/// What the WAL writer is woken up for: some megabytes are the least that the buffers have room for.
const STRIDE_BYTES: u64 = 2 << 20;

/// Between two wakings, while much is written.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Between two wakings, while nothing is.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Does some work of other sessions while this one wakes the WAL writer, unless another run of the
/// crew does. The session may be in the middle of a question afterwards.
pub async fn keep_flowing<T>(
    session: &mut Connection,
    crew: &Crew,
    work: impl Future<Output = T>,
) -> T {
    let waking = async {
        let _turn = crew.waking().await;
        // The work gets on without.
        let Err(error) = keep_waking(session).await;
        tracing::debug!("{error}");
    };
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = waking => work.await,
    }
}

async fn keep_waking(session: &mut Connection) -> Result<Infallible> {
    let mut before = wake(session).await?;
    let mut pause = PAUSE_MIN;
    loop {
        tokio::time::sleep(pause).await;
        let now = wake(session).await?;
        pause = next_pause(pause, now.0.saturating_sub(before.0));
        before = now;
    }
}

/// How long to wait for the next stride, when so many bytes were written during the last pause.
fn next_pause(last: Duration, bytes: u64) -> Duration {
    let stride = last.mul_f64(STRIDE_BYTES as f64 / bytes.max(1) as f64);
    // Whatever begins is noticed before long.
    stride.min(last * 2).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// Wakes the WAL writer; returns the end of what was written.
async fn wake(session: &mut Connection) -> Result<Lsn> {
    let sql = "select pg_catalog.pg_logical_emit_message(false, 'pgcopydb', ''::text)";
    let failed = |error| Error::target("could not wake the WAL writer", error);
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    rows.first().map_or(Ok(Lsn::NONE), |row| row.parsed(0).map_err(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_is_woken_once_a_stride() {
        let next = |millis, bytes| next_pause(Duration::from_millis(millis), bytes).as_millis();
        assert_eq!(next(100, STRIDE_BYTES), 100);
        assert_eq!(next(100, 5 * STRIDE_BYTES), 20);
        assert_eq!(next(100, STRIDE_BYTES * 100), 10);
        assert_eq!(next(100, 0), 200);
        assert_eq!(next(900, 0), 1000);
    }
}
