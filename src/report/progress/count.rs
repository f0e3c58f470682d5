//! The figures of a run, and how they read. Knows no terminal and no clock.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::Totals;
use crate::report::units;

/// The rate is that of about the last half minute: long enough to be steady, short enough to
/// notice that a run has become slow.
const SAMPLES_MAX: usize = 30;

/// Time between samples.
const SAMPLING_INTERVAL: Duration = Duration::from_secs(1);

/// Before this time a rate says nothing.
const RATE_AFTER: Duration = Duration::from_secs(2);

/// Names in a line of the log.
const NAMES_MAX: usize = 4;

/// Width of the bar in characters.
const BAR_WIDTH: u64 = 24;

/// What is done and what is being done.
#[derive(Debug)]
pub(super) struct Count {
    totals: Totals,
    began: Instant,
    /// What the ended work was thought to have, the measure of how far we are.
    settled: u64,
    /// What the ended work really moved, the measure of how fast we are.
    moved: u64,
    tables: usize,
    indexes: usize,
    /// In the order in which it began.
    busy: Vec<Work>,
    samples: VecDeque<Sample>,
}

/// What one seat does.
#[derive(Debug)]
struct Work {
    seat: String,
    name: String,
    bytes: u64,
    moved: u64,
    began: Instant,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    settled: u64,
    moved: u64,
}

impl Count {
    pub(super) fn new(totals: Totals, now: Instant) -> Count {
        Count {
            totals,
            began: now,
            settled: 0,
            moved: 0,
            tables: 0,
            indexes: 0,
            busy: Vec::new(),
            samples: VecDeque::from([Sample { at: now, settled: 0, moved: 0 }]),
        }
    }

    pub(super) fn add(&mut self, more: Totals) {
        self.totals.bytes += more.bytes;
        self.totals.tables += more.tables;
        self.totals.indexes += more.indexes;
    }

    pub(super) fn started(&mut self, seat: &str, name: &str, bytes: u64, now: Instant) {
        self.busy.retain(|work| work.seat != seat);
        self.busy.push(Work {
            seat: seat.to_owned(),
            name: name.to_owned(),
            bytes,
            moved: 0,
            began: now,
        });
    }

    pub(super) fn moved(&mut self, seat: &str, bytes: u64) {
        if let Some(work) = self.busy.iter_mut().find(|work| work.seat == seat) {
            work.moved = bytes;
        }
    }

    pub(super) fn ended(&mut self, seat: &str, bytes: u64, table_done: bool, index_done: bool) {
        if let Some(place) = self.busy.iter().position(|work| work.seat == seat) {
            self.settled += self.busy.remove(place).bytes;
        }
        self.moved += bytes;
        self.tables += usize::from(table_done);
        self.indexes += usize::from(index_done);
    }

    /// Notes the figures of now, for the rate.
    pub(super) fn sample(&mut self, now: Instant) {
        let last = self.samples.back().map_or(self.began, |sample| sample.at);
        if now.duration_since(last) < SAMPLING_INTERVAL {
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(self.figures(now));
    }

    /// The display: lines that fit a terminal.
    pub(super) fn lines(&self, columns: usize, rows: usize, now: Instant) -> Vec<String> {
        let mut lines = vec![
            format!("{} {}", self.bar(now), self.amount(now)),
            format!("{}, {}", self.objects(), units::seconds(now.duration_since(self.began))),
        ];
        // A row for the cursor, and one so that the last line of the log can be seen.
        let room = rows.saturating_sub(lines.len() + 2);
        let shown = match self.busy.len() {
            busy if busy <= room => busy,
            _ => room.saturating_sub(1),
        };
        for work in &self.busy[..shown] {
            let spent = units::seconds(now.duration_since(work.began));
            lines.push(format!("  {} {spent}", work.describe()));
        }
        if shown < self.busy.len() && room > 0 {
            lines.push(format!("  and {} more", self.busy.len() - shown));
        }
        // The last column stays free: some terminals begin a new line when it is used.
        for line in &mut lines {
            cut(line, columns.saturating_sub(1));
        }
        lines
    }

    /// The same as a line of the log.
    pub(super) fn sentence(&self, now: Instant) -> String {
        let spent = units::seconds(now.duration_since(self.began));
        let mut text = format!("{}, {} after {spent}", self.amount(now), self.objects());
        for (place, work) in self.busy.iter().take(NAMES_MAX).enumerate() {
            text.push_str(if place == 0 { "; " } else { ", " });
            text.push_str(&work.describe());
        }
        if self.busy.len() > NAMES_MAX {
            // Writing to a string cannot fail.
            let _ = write!(text, " and {} more", self.busy.len() - NAMES_MAX);
        }
        text
    }

    fn figures(&self, at: Instant) -> Sample {
        let settled: u64 = self.busy.iter().map(|work| work.moved.min(work.bytes)).sum();
        let moved: u64 = self.busy.iter().map(|work| work.moved).sum();
        Sample { at, settled: self.settled + settled, moved: self.moved + moved }
    }

    /// How far we are in thousandths, in bytes where there are any.
    fn permille(&self, now: Instant) -> u64 {
        let (done, total) = match self.totals.bytes {
            0 => (self.tables as u64, self.totals.tables as u64),
            total => (self.figures(now).settled, total),
        };
        let permille = u128::from(done) * 1000 / u128::from(total.max(1));
        u64::try_from(permille).unwrap_or(u64::MAX).min(1000)
    }

    fn bar(&self, now: Instant) -> String {
        let permille = self.permille(now);
        let filled = usize::try_from(permille * BAR_WIDTH / 1000).unwrap_or_default();
        let empty = BAR_WIDTH as usize - filled;
        format!("[{}{}] {:3}%", "#".repeat(filled), "-".repeat(empty), permille / 10)
    }

    /// Bytes, rate, and the time that is left.
    fn amount(&self, now: Instant) -> String {
        let done = self.figures(now);
        let total = self.totals.bytes.max(done.settled);
        let mut text = format!("{} of {}", units::bytes(done.settled), units::bytes(total));
        let Some(before) = self.samples.front() else {
            return text;
        };
        let span = done.at.duration_since(before.at);
        if span < RATE_AFTER {
            return text;
        }
        let per_second = |bytes: u64| bytes as f64 / span.as_secs_f64();
        let moving = per_second(done.moved.saturating_sub(before.moved));
        let settling = per_second(done.settled.saturating_sub(before.settled));
        // Both are shown to people, who do not miss what a conversion loses.
        let _ = write!(text, ", {}/s", units::bytes(moving as u64));
        let left = (total - done.settled) as f64 / settling;
        if left >= 1.0 && left.is_finite() {
            let left = units::seconds(Duration::from_secs(left as u64));
            let _ = write!(text, ", about {left} left");
        }
        text
    }

    fn objects(&self) -> String {
        let tables = format!("{} of {} tables", self.tables, self.totals.tables);
        match self.totals.indexes {
            0 => tables,
            total => format!("{tables}, {} of {total} indexes", self.indexes),
        }
    }
}

impl Work {
    fn describe(&self) -> String {
        let Work { seat, name, .. } = self;
        let (moved, bytes) = (units::bytes(self.moved), units::bytes(self.bytes));
        match (self.moved, self.bytes) {
            (0, 0) => format!("{seat}: {name}"),
            (_, 0) => format!("{seat}: {name} {moved}"),
            (_, _) => format!("{seat}: {name} {moved} of {bytes}"),
        }
    }
}

/// Shortens a line; says so where there is room to say it.
fn cut(line: &mut String, width: usize) {
    if line.chars().count() <= width {
        return;
    }
    let (kept, mark) = if width > 3 { (width - 3, "...") } else { (width, "") };
    *line = line.chars().take(kept).chain(mark.chars()).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Ten seconds into a run: one table done, one being copied, an index being built.
    fn sample(began: Instant) -> Count {
        let totals = Totals { bytes: 1000 * MB, tables: 12, indexes: 30 };
        let mut count = Count::new(totals, began);
        count.started("copy 1", "public.small", 100 * MB, began);
        count.started("copy 2", "public.big", 700 * MB, began);
        count.moved("copy 2", 100 * MB);
        count.ended("copy 1", 80 * MB, true, false);
        count.started("index 1", "public.small_pkey", 0, began + seconds(4));
        count
    }

    #[test]
    fn a_display_has_a_bar_and_a_line_for_each_busy_seat() {
        let began = Instant::now();
        let count = sample(began);
        assert_eq!(
            count.lines(80, 24, began + seconds(10)),
            [
                "[####--------------------]  20% 200 MB of 1000 MB, 18 MB/s, about 40s left",
                "1 of 12 tables, 0 of 30 indexes, 10s",
                "  copy 2: public.big 100 MB of 700 MB 10s",
                "  index 1: public.small_pkey 6s",
            ]
        );
    }

    #[test]
    fn a_display_fits_the_terminal() {
        let began = Instant::now();
        let mut count = sample(began);
        for seat in 3..100 {
            count.started(&format!("copy {seat}"), "public.t", 0, began);
        }
        let lines = count.lines(20, 7, began);
        assert_eq!(
            lines,
            [
                "[####-----------...",
                "1 of 12 tables, ...",
                "  copy 2: public...",
                "  index 1: publi...",
                "  and 97 more",
            ]
        );
        for (columns, rows) in [(0, 0), (1, 1), (2, 3), (5, 4), (3, 5)] {
            let lines = count.lines(columns, rows, began);
            assert!(lines.len() <= rows.max(2));
            assert!(lines.iter().all(|line| line.chars().count() <= columns));
        }
    }

    #[test]
    fn a_line_of_the_log_names_some_of_the_work() {
        let began = Instant::now();
        let mut count = sample(began);
        for seat in 2..5 {
            count.started(&format!("index {seat}"), "public.i", 0, began);
        }
        assert_eq!(
            count.sentence(began + seconds(10)),
            "200 MB of 1000 MB, 18 MB/s, about 40s left, 1 of 12 tables, 0 of 30 indexes after \
             10s; copy 2: public.big 100 MB of 700 MB, index 1: public.small_pkey, \
             index 2: public.i, index 3: public.i and 1 more"
        );
    }

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let began = Instant::now();
        let mut count = Count::new(Totals { bytes: 10_000 * MB, tables: 1, indexes: 0 }, began);
        count.started("copy 1", "public.t", 10_000 * MB, began);
        for second in 1..=100 {
            // Fast at first, then ten times slower.
            let moved = if second <= 50 { second * 100 } else { 5000 + (second - 50) * 10 };
            count.moved("copy 1", moved * MB);
            count.sample(began + seconds(second));
        }
        assert_eq!(
            count.amount(began + seconds(100)),
            "5500 MB of 10000 MB, 10 MB/s, about 7m30s left"
        );
    }

    #[test]
    fn a_run_without_bytes_is_measured_in_tables() {
        let began = Instant::now();
        let mut count = Count::new(Totals { bytes: 0, tables: 4, indexes: 0 }, began);
        count.ended("copy 1", 0, true, false);
        assert_eq!(count.permille(began), 250);
        assert_eq!(Count::new(Totals::default(), began).permille(began), 0);
    }

    #[test]
    fn estimates_that_were_too_low_do_no_harm() {
        let began = Instant::now();
        let mut count = Count::new(Totals { bytes: 10, tables: 1, indexes: 0 }, began);
        count.started("copy 1", "public.t", 50, began);
        count.moved("copy 1", 70);
        assert_eq!(count.amount(began), "50 B of 50 B");
        assert_eq!(count.permille(began), 1000);
    }
}
