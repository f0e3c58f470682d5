//! How far a run is: a live display on a terminal, a line of the log now and then elsewhere.
//!
//! The dispatcher, which knows what every seat does, is the only one to call. What is shown is
//! decided in `count`; here is when and where. Calls are cheap: most of them only note a figure.

mod count;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::log;
use count::Count;

/// How often the display is drawn: more can not be read.
const DRAWING_INTERVAL: Duration = Duration::from_millis(250);

/// How often the log has a line: enough to see that the run is alive, and where it is.
const LOGGING_INTERVAL: Duration = Duration::from_secs(30);

/// What there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of all tables on the source.
    pub bytes: u64,
    /// Tables.
    pub tables: usize,
    /// Indexes.
    pub indexes: usize,
}

/// How far a run is, and where that is shown.
#[derive(Debug)]
pub struct Progress {
    count: Count,
    face: Face,
    shown: Instant,
}

/// Where progress is shown.
#[derive(Debug)]
enum Face {
    /// The last lines of the terminal.
    Terminal(ProgressBar),
    /// The log.
    Log,
}

impl Progress {
    /// Begins to show how far the run is, on the terminal when there is one.
    pub fn start(totals: Totals) -> Progress {
        let face = match log::has_room_for_live_display() {
            true => Face::Terminal(display()),
            false => Face::Log,
        };
        let now = Instant::now();
        Progress { count: Count::new(totals, now), face, shown: now }
    }

    /// There is more to do.
    pub fn add(&mut self, totals: Totals) {
        self.count.add(totals);
    }

    /// A seat, as "copy 3", begins some work, as "public.orders", of about so many bytes.
    pub fn started(&mut self, seat: &str, work: &str, bytes: u64) {
        self.count.started(seat, work, bytes, Instant::now());
        self.tick();
    }

    /// A seat has moved so many bytes of its work.
    pub fn moved(&mut self, seat: &str, bytes_so_far: u64) {
        self.count.moved(seat, bytes_so_far);
        self.tick();
    }

    /// A seat has ended its work, having moved so many bytes; whether that was the last of a
    /// table's rows, or an index.
    pub fn ended(&mut self, seat: &str, bytes: u64, table_done: bool, index_done: bool) {
        self.count.ended(seat, bytes, table_done, index_done);
        self.tick();
    }

    /// Shows what is new, if it is time: to be called at least once a second.
    pub fn tick(&mut self) {
        let now = Instant::now();
        let waited = now.duration_since(self.shown);
        match &self.face {
            Face::Terminal(display) if waited >= DRAWING_INTERVAL => {
                self.count.sample(now);
                let (columns, rows) = terminal_size();
                display.set_message(self.count.lines(columns, rows, now).join("\n"));
                display.tick();
            }
            Face::Log if waited >= LOGGING_INTERVAL => {
                self.count.sample(now);
                tracing::info!("{}", self.count.sentence(now));
            }
            Face::Terminal(_) | Face::Log => return,
        }
        self.shown = now;
    }
}

/// The terminal is as if nothing had been there.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Face::Terminal(display) = &self.face {
            display.finish_and_clear();
            log::set_live_display(None);
        }
    }
}

/// An empty display that lets the lines of the log pass above it.
fn display() -> ProgressBar {
    // One bar whose text has several lines, not several bars: this kind swallows the errors of a
    // terminal that has gone, the other panics.
    let display = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::default_spinner();
    display.set_style(style.clone().template("{msg}").unwrap_or(style));
    let curtain = display.clone();
    log::set_live_display(Some(Box::new(move |write| curtain.suspend(write))));
    display
}

/// Columns and rows of the terminal; the usual ones where it does not say.
fn terminal_size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        Ok(_) | Err(_) => (80, 24),
    }
}
