//! How following goes, in figures: rates, how far the target is behind, and who waits for what. A line
//! of the log now and then, and a note in the work catalog for those who ask from outside.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::trace::{Trace, now};
use super::{Follow, Mode, Shared, Watermarks};
use crate::error::Result;
use crate::fault;
use crate::model::{FollowTask, Lsn, TaskStatus};

/// Between two lines of the log.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Between two notes, as long as something moves.
const NOTE_INTERVAL: Duration = Duration::from_secs(2);

/// Between two notes when nothing moves.
const LIFE_INTERVAL: Duration = Duration::from_secs(30);

/// What a rate is measured over.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// Arrivals that are remembered; of more, every second one.
const ARRIVALS_MAX: usize = 4096;

/// Less than this still to come from the source is not worth a word.
const TO_COME_TOLD: u64 = 1 << 20;

/// Positions at a moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    received: Lsn,
    done: Lsn,
}

/// How things go.
#[derive(Debug)]
pub(super) struct Meter {
    mode: Mode,
    told: Instant,
    told_marks: Watermarks,
    /// What is before it was copied.
    start: Lsn,
    samples: VecDeque<Sample>,
    /// When what is stored had come, as far as the target lacks it.
    arrivals: VecDeque<(i64, Lsn)>,
    noted: Option<Instant>,
    receive: TaskStatus,
    apply: TaskStatus,
}

impl Meter {
    /// Begins, with what an earlier run knew of how long the target has been behind.
    pub(super) async fn new(follow: &Follow, mode: Mode) -> Result<Meter> {
        let before = follow.catalog.follow_status().await?;
        let sentinel = follow.catalog.sentinel().await?.unwrap_or_default();
        let mut arrivals = VecDeque::new();
        let since = before.receive.and_then(|receive| receive.behind_since);
        if let Some(since) = since.filter(|_| sentinel.flush_lsn > sentinel.replay_lsn) {
            arrivals.push_back((since, sentinel.flush_lsn));
        }
        Ok(Meter {
            mode,
            told: Instant::now(),
            told_marks: Watermarks::new(sentinel.replay_lsn),
            start: sentinel.startpos,
            samples: VecDeque::new(),
            arrivals,
            noted: None,
            receive: TaskStatus::default(),
            apply: TaskStatus::default(),
        })
    }

    /// Takes in where things are.
    pub(super) fn look(&mut self, marks: Watermarks) {
        let (received, done) = (marks.received(), marks.done());
        let at = Instant::now();
        if self.samples.back().is_none_or(|last| at - last.at >= Duration::from_secs(1)) {
            self.samples.push_back(Sample { at, received, done });
        }
        while self.samples.len() > 2 && at - self.samples[0].at > RATE_WINDOW {
            self.samples.pop_front();
        }
        if self.arrivals.back().map_or(done, |(_, lsn)| *lsn) < marks.complete() {
            self.arrivals.push_back((now(), marks.complete()));
        }
        self.arrivals.retain(|(_, lsn)| *lsn > done);
        if self.arrivals.len() > ARRIVALS_MAX {
            let mut place = 0;
            self.arrivals.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
    }

    /// Bytes in a second between two samples, of one of the positions.
    fn rate(&self, position: fn(&Sample) -> Lsn) -> u64 {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return 0;
        };
        let seconds = (last.at - first.at).as_secs_f64();
        match position(first).some() {
            // What was there before is not moved now.
            None => 0,
            Some(_) if seconds < 0.5 => 0,
            Some(before) => (position(last).0.saturating_sub(before.0) as f64 / seconds) as u64,
        }
    }

    /// Tells how far things are, if it is time and there is something to tell.
    pub(super) fn tell(&mut self, marks: Watermarks, shared: &Shared) {
        if self.told.elapsed() < fault::setting("TELL", TELL_INTERVAL) {
            return;
        }
        let waits: String = [("receiving", &shared.receiving), ("applying", &shared.applying)]
            .iter()
            .filter_map(|(task, trace)| Some(format!("; {task} waits for {}", trace.waiting()?)))
            .collect();
        let is_behind = marks.done() < marks.complete();
        let to_come = shared.source_end().0.saturating_sub(marks.received().0);
        if marks != self.told_marks || is_behind || !waits.is_empty() || to_come > TO_COME_TOLD {
            let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let coming = match to_come > TO_COME_TOLD {
                true => format!("; {:.1} MB to receive", megabytes(to_come)),
                false => String::new(),
            };
            let behind = match self.arrivals.front() {
                Some((since, _)) => format!(", {} s behind,", (now() - since).max(0) / 1000),
                None => String::new(),
            };
            tracing::info!(
                "received {} ({:.1} MB/s), stored {}, applied {} ({:.1} MB/s); \
                 {:.1} MB{behind} to apply{coming}{waits}",
                marks.received(),
                megabytes(self.rate(|sample| sample.received)),
                marks.complete(),
                marks.applied(),
                megabytes(self.rate(|sample| sample.done)),
                megabytes(marks.complete().0.saturating_sub(marks.done().max(self.start).0)),
            );
        }
        (self.told, self.told_marks) = (Instant::now(), marks);
    }

    /// Notes how things go, if it is time.
    pub(super) async fn note(
        &mut self,
        follow: &Follow,
        marks: Watermarks,
        shared: &Shared,
    ) -> Result<()> {
        let mut receive = status(&shared.receiving);
        receive.bytes_per_second = self.rate(|sample| sample.received);
        receive.position = shared.source_end().max(marks.received()).0;
        receive.behind_since = self.arrivals.front().map(|(since, _)| *since);
        let mut apply = status(&shared.applying);
        apply.bytes_per_second = self.rate(|sample| sample.done);
        apply.position = marks.done().0;
        let news = (said(&receive) != said(&self.receive)) || (said(&apply) != said(&self.apply));
        let elapsed = self.noted.map(|noted| noted.elapsed());
        let is_same = receive == self.receive && apply == self.apply;
        let is_time = elapsed.is_none_or(|elapsed| {
            news || elapsed >= if is_same { LIFE_INTERVAL } else { NOTE_INTERVAL }
        });
        if !is_time {
            return Ok(());
        }
        (self.receive, self.apply) = (receive, apply);
        self.noted = Some(Instant::now());
        self.write(follow).await
    }

    async fn write(&self, follow: &Follow) -> Result<()> {
        let noted = |status: &TaskStatus| TaskStatus { noted_at: now(), ..status.clone() };
        if self.mode != Mode::Apply {
            follow.catalog.note_task(FollowTask::Receive, noted(&self.receive)).await?;
        }
        if self.mode != Mode::Receive {
            follow.catalog.note_task(FollowTask::Apply, noted(&self.apply)).await?;
        }
        Ok(())
    }

    /// The last note: nothing moves any more.
    pub(super) async fn end(
        &mut self,
        follow: &Follow,
        marks: Watermarks,
        shared: &Shared,
    ) -> Result<()> {
        self.look(marks);
        self.samples.clear();
        shared.receiving.goes_on();
        shared.applying.goes_on();
        self.noted = None;
        self.note(follow, marks, shared).await
    }

    /// What another process has applied: without it nobody knows here.
    pub(super) async fn done_elsewhere(&self, follow: &Follow) -> Result<Lsn> {
        if self.mode != Mode::Receive || self.noted.is_some_and(|at| at.elapsed() < NOTE_INTERVAL) {
            return Ok(Lsn::NONE);
        }
        let status = follow.catalog.follow_status().await?;
        Ok(Lsn(status.apply.map_or(0, |apply| apply.position)))
    }
}

fn status(trace: &Trace) -> TaskStatus {
    let (at, error) = trace.error().unzip();
    TaskStatus {
        waits_for: trace.waiting(),
        last_error: error,
        last_error_at: at,
        ..TaskStatus::default()
    }
}

/// What is noted at once.
fn said(status: &TaskStatus) -> (&Option<String>, &Option<i64>) {
    (&status.waits_for, &status.last_error_at)
}
