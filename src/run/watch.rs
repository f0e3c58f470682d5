//! Looks at the servers from outside of the workers' sessions: for sessions of ours that wait for
//! somebody else's lock, and for connections over which nothing comes any more although neither
//! side has closed them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

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
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// It is at work, or waits for something that is not us.
    AtWork,
    /// It waits for us, since the time that is told; or it is no longer there, or its server cannot
    /// be reached.
    NotAtWork(String),
    /// The server would not say.
    Unknown,
}

/// Whom to look at.
#[derive(Clone, Copy, Debug)]
enum Whom<'a> {
    Backend(i32),
    Application(&'a str),
}

/// Sessions to look through, one per server.
#[derive(Debug)]
pub struct Watch {
    source: Window,
    target: Option<Window>,
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
        Arc::new(Watch { source: window(source), target: Some(window(target)) })
    }

    /// A watch over a source alone.
    pub fn of_source(source: Endpoint) -> Arc<Watch> {
        let source = Window { endpoint: source, session: Mutex::new(None) };
        Arc::new(Watch { source, target: None })
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
            let (source, target) = (Whom::Backend(source), Whom::Backend(target));
            let seen =
                tokio::join!(self.look(Side::Source, source), self.look(Side::Target, target));
            looks = match seen {
                (Seen::NotAtWork(_), Seen::NotAtWork(_)) => looks + 1,
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

    /// Does some work over one session, and gives it up when the server, asked from outside, has
    /// been waiting for us all the while.
    pub async fn over<T>(
        &self,
        side: Side,
        backend: i32,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            done = work => done,
            error = self.standstill(side, Whom::Backend(backend), || 0) => Err(error),
        }
    }

    /// Returns when a program of ours must have lost its connection to the source: the server waits
    /// for it, and it waits for the server.
    pub async fn program(&self, application: &str, processor_time: impl Fn() -> u64) -> Error {
        self.standstill(Side::Source, Whom::Application(application), processor_time).await
    }

    async fn standstill(&self, side: Side, whom: Whom<'_>, work: impl Fn() -> u64) -> Error {
        let interval = fault::setting("SILENCE", SILENCE);
        let mut before = None;
        loop {
            tokio::time::sleep(interval).await;
            let now = (self.look(side, whom).await, work());
            if matches!(now.0, Seen::NotAtWork(_)) && before.as_ref() == Some(&now) {
                let doing = "the server waits for us";
                let cause = pgcopydb_wire::Error::Timeout { doing, after: interval * LOOKS_MAX };
                return side.error("the network has gone silent", cause);
            }
            before = Some(now);
        }
    }

    /// Tells of locks that sessions of ours wait for, for as long as the answer is kept. To make a
    /// replication slot is to wait for the transactions that are at work.
    pub fn tell_of_locks(self: Arc<Watch>) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.locks().in_current_span()))
    }

    /// Tells of locks that sessions of ours wait for, until it is dropped.
    async fn locks(self: Arc<Watch>) {
        let patience = fault::setting("LOCK_WAIT", LOCK_WAIT);
        let mut waiting = [HashMap::new(), HashMap::new()];
        loop {
            tokio::time::sleep(patience / LOOKS_PER_LOCK_WAIT).await;
            for (window, waiting) in self.windows().zip(&mut waiting) {
                // A server that cannot be asked now is asked again later: the workers will say.
                let _ = window.locks(waiting, patience).await;
            }
        }
    }
}

impl Watch {
    fn windows(&self) -> impl Iterator<Item = &Window> {
        std::iter::once(&self.source).chain(&self.target)
    }

    async fn look(&self, side: Side, whom: Whom<'_>) -> Seen {
        match (side, &self.target) {
            (Side::Source, _) => self.source.look(whom).await,
            (Side::Target, Some(target)) => target.look(whom).await,
            (Side::Target, None) => Seen::Unknown,
        }
    }
}

impl Window {
    /// What a backend is doing.
    async fn look(&self, whom: Whom<'_>) -> Seen {
        let gone = || Seen::NotAtWork("gone".to_owned());
        let (pid, application) = match whom {
            Whom::Backend(0) => return gone(),
            Whom::Backend(pid) => (Some(pid.to_string()), None),
            Whom::Application(name) => (None, Some(name)),
        };
        let sql = include_str!("../pg/sql/backend.sql");
        match self.ask(sql, &[pid.as_deref(), application]).await {
            Ok(rows) => match rows.first().map(|row| (row.flag(0), row.text(1))) {
                None => gone(),
                Some((Ok(true), since)) => {
                    Seen::NotAtWork(since.ok().flatten().unwrap_or_default().to_owned())
                }
                Some((Ok(false), _)) => Seen::AtWork,
                Some((Err(_), _)) => Seen::Unknown,
            },
            // A server that answers, be it with a refusal, can be reached.
            Err(error) if error.sqlstate().is_some() => Seen::Unknown,
            Err(_) => Seen::NotAtWork("out of reach".to_owned()),
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
            let answer = tokio::time::timeout(fault::setting("LOOK", LOOK_LIMIT), asked).await;
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
