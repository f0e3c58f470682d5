//! Looks at the servers from outside of the workers' sessions: for sessions of ours that wait for
//! somebody else's lock, and for connections over which nothing comes any more although neither
//! side has closed them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::fault;
use crate::pg::{Endpoint, Side};

/// How long a session may wait for a lock before that is told, and again after that.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Looks at the locks during that time.
const LOOKS_PER_LOCK_WAIT: u32 = 3;

/// Time without progress after which somebody looks at what the servers wait for.
const SILENCE: Duration = Duration::from_secs(30);

/// Looks in a row that must show that both servers wait for us before a connection counts as lost.
const LOOKS_MAX: u32 = 2;

/// How long a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// What a worker is doing, for those who look from outside.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Bytes moved by the steps in hand.
    pub moved: AtomicU64,
    /// The backends at work for it, 0 for none.
    source: AtomicI32,
    target: AtomicI32,
}

impl Pulse {
    /// New steps are in hand.
    pub fn begin(&self) {
        self.moved.store(0, Ordering::Relaxed);
        self.rest();
    }

    /// From now on the worker does nothing but wait for these backends.
    pub fn servers_are_at_work(&self, (source, target): (i32, i32)) {
        self.source.store(source, Ordering::Relaxed);
        self.target.store(target, Ordering::Relaxed);
    }

    /// The worker waits for no backend.
    pub fn rest(&self) {
        self.servers_are_at_work((0, 0));
    }

    fn read(&self) -> (u64, [i32; 2]) {
        let backends = [&self.source, &self.target].map(|pid| pid.load(Ordering::Relaxed));
        (self.moved.load(Ordering::Relaxed), backends)
    }
}

/// What a backend of ours is doing, seen from another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// It is at work, or waits for something that is not us.
    AtWork,
    /// It waits for us, or it is no longer there, or its server cannot be reached.
    NotAtWork,
    /// The server would not say.
    Unknown,
}

/// Sessions to look through, one per server.
#[derive(Debug)]
pub struct Watch {
    source: Window,
    target: Window,
}

#[derive(Debug)]
struct Window {
    endpoint: Endpoint,
    session: Mutex<Option<Connection>>,
}

impl Watch {
    /// A watch over two servers. Sessions are opened when there is something to look at.
    pub fn new(source: Endpoint, target: Endpoint) -> Arc<Watch> {
        let window = |endpoint| Window { endpoint, session: Mutex::new(None) };
        Arc::new(Watch { source: window(source), target: window(target) })
    }

    /// Returns when a worker's connections must be dead: nothing has moved for a long time, and the
    /// servers, asked from outside, are waiting for us while we are waiting for them.
    pub async fn silence(&self, pulse: &Pulse) -> Error {
        let interval = fault::setting("SILENCE", SILENCE);
        let mut before = pulse.read();
        let mut looks = 0;
        loop {
            tokio::time::sleep(interval).await;
            let now = pulse.read();
            let (_, backends) = now;
            if now != before || backends == [0, 0] {
                (before, looks) = (now, 0);
                continue;
            }
            let [source, target] = backends;
            let seen = tokio::join!(self.source.look(source), self.target.look(target));
            looks = match seen {
                (Seen::NotAtWork, Seen::NotAtWork) => looks + 1,
                _ => 0,
            };
            if looks == LOOKS_MAX {
                let doing = "both servers wait for us";
                let after = interval * (LOOKS_MAX + 1);
                let cause = pgcopydb_wire::Error::Timeout { doing, after };
                return Error::target("the network has gone silent", cause);
            }
        }
    }

    /// Tells of locks that sessions of ours wait for, until it is dropped.
    pub async fn locks(self: Arc<Watch>) {
        let patience = fault::setting("LOCK_WAIT", LOCK_WAIT);
        let mut waiting = [HashMap::new(), HashMap::new()];
        loop {
            tokio::time::sleep(patience / LOOKS_PER_LOCK_WAIT).await;
            for (window, waiting) in [&self.source, &self.target].into_iter().zip(&mut waiting) {
                // A server that cannot be asked now is asked again later: the workers will say.
                let _ = window.locks(waiting, patience).await;
            }
        }
    }
}

impl Window {
    /// What a backend is doing.
    async fn look(&self, pid: i32) -> Seen {
        if pid == 0 {
            return Seen::NotAtWork;
        }
        let sql = include_str!("../pg/sql/backend.sql");
        let pid = pid.to_string();
        match self.ask(sql, &[Some(&pid)]).await {
            Ok(rows) => match rows.first().map(|row| row.flag(0)) {
                None | Some(Ok(true)) => Seen::NotAtWork,
                Some(Ok(false)) => Seen::AtWork,
                Some(Err(_)) => Seen::Unknown,
            },
            // A server that answers, be it with a refusal, can be reached.
            Err(error) if error.sqlstate().is_some() => Seen::Unknown,
            Err(_) => Seen::NotAtWork,
        }
    }

    /// Asks through the session, which is opened if need be; twice, since it may have been lost
    /// since the last time.
    async fn ask(&self, sql: &str, parameters: &[Option<&str>]) -> Result<pgcopydb_wire::Rows> {
        let mut session = self.session.lock().await;
        for is_last in [false, true] {
            let asked = async {
                if session.is_none() {
                    *session = Some(self.endpoint.open("watch").await?);
                }
                let Some(session) = session.as_mut() else { return Err(self.late()) };
                let rows = session.query(sql, parameters).await;
                rows.map_err(|error| self.endpoint.side.error("could not look at sessions", error))
            };
            let answer = tokio::time::timeout(LOOK_LIMIT, asked).await;
            match answer.unwrap_or_else(|_| Err(self.late())) {
                Ok(rows) => return Ok(rows),
                Err(error) => {
                    *session = None;
                    if is_last {
                        return Err(error);
                    }
                }
            }
        }
        Err(self.late())
    }

    fn late(&self) -> Error {
        let doing = "looking at sessions";
        let cause = pgcopydb_wire::Error::Timeout { doing, after: LOOK_LIMIT };
        self.endpoint.side.error("could not look at sessions", cause)
    }

    /// Tells of sessions that have waited for a lock for long. `waiting` says since when, and when
    /// that was told.
    async fn locks(
        &self,
        waiting: &mut HashMap<i32, [Instant; 2]>,
        patience: Duration,
    ) -> Result<()> {
        let side: Side = self.endpoint.side;
        let pattern = format!("pgcopydb[{}] %", std::process::id());
        let rows = self.ask(include_str!("../pg/sql/blocked.sql"), &[Some(&pattern)]).await?;
        let failed = |error| side.error("could not look for locks", error);
        let mut still = HashMap::new();
        for row in rows.iter() {
            let pid: i32 = row.parsed(0).map_err(failed)?;
            let now = Instant::now();
            let [since, mut told] = waiting.get(&pid).copied().unwrap_or([now, now]);
            if told.elapsed() >= patience {
                told = now;
                tracing::warn!(
                    "session {pid} on the {} has waited {} s for a lock to run \"{}\"; it is held \
                     by {}",
                    side.word(),
                    since.elapsed().as_secs(),
                    row.required(1).map_err(failed)?,
                    row.required(2).map_err(failed)?
                );
            }
            still.insert(pid, [since, told]);
        }
        *waiting = still;
        Ok(())
    }
}
