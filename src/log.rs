//! The log: lines of the published shape, as text or JSON, on standard error and in a file.
//!
//! Everybody writes through `tracing`. The published levels that `tracing` lacks (FATAL, NOTICE,
//! SQL and SQLITE) are targets of the nearest level; the macros `notice!`, `sql!` and `sqlite!`
//! and the function `fatal` know them. A line is written at once, so that lines never mix.

mod line;

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::error::{Error, Kind, Result};
use line::{Database, Form, Line};

/// The published version: without the number of the patch.
pub const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Logs at level NOTICE: what not everybody wants to know.
#[macro_export]
macro_rules! notice {
    ($($arg:tt)+) => { ::tracing::info!(target: "notice", $($arg)+) };
}

/// Logs at level SQL: a statement for a server.
#[macro_export]
macro_rules! sql {
    ($($arg:tt)+) => { ::tracing::debug!(target: "sql", $($arg)+) };
}

/// Logs at level SQLITE: a statement for a file of the work directory.
#[macro_export]
macro_rules! sqlite {
    ($($arg:tt)+) => { ::tracing::trace!(target: "sqlite", $($arg)+) };
}

/// The published levels; their order is their number in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The inside of things; data of the user may appear.
    Trace,
    /// Statements for files of the work directory.
    Sqlite,
    /// The inside of things.
    Debug,
    /// Statements for servers.
    Sql,
    /// What not everybody wants to know.
    Notice,
    /// What happened.
    #[default]
    Info,
    /// What may be wrong.
    Warn,
    /// What failed.
    Error,
    /// Why the program ends.
    Fatal,
}

impl Level {
    fn of(metadata: &Metadata<'_>) -> Level {
        match (metadata.target(), *metadata.level()) {
            ("fatal", _) => Level::Fatal,
            ("notice", _) => Level::Notice,
            ("sql", _) => Level::Sql,
            ("sqlite", _) => Level::Sqlite,
            (_, tracing::Level::ERROR) => Level::Error,
            (_, tracing::Level::WARN) => Level::Warn,
            (_, tracing::Level::INFO) => Level::Info,
            (_, tracing::Level::DEBUG) => Level::Debug,
            (_, tracing::Level::TRACE) => Level::Trace,
        }
    }

    /// The most talkative level of `tracing` that this level lets through.
    fn filter(self) -> LevelFilter {
        match self {
            Level::Trace | Level::Sqlite => LevelFilter::TRACE,
            Level::Debug | Level::Sql => LevelFilter::DEBUG,
            Level::Notice | Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Level::Trace => "TRACE",
            Level::Sqlite => "SQLITE",
            Level::Debug => "DEBUG",
            Level::Sql => "SQL",
            Level::Notice => "NOTICE",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Fatal => "FATAL",
        }
    }

    /// The colour of the name, as a terminal's escape sequence.
    fn colour(self) -> &'static str {
        match self {
            Level::Trace | Level::Sqlite => "\x1b[90m",
            Level::Debug => "\x1b[34m",
            Level::Sql => "\x1b[94m",
            Level::Notice => "\x1b[36m",
            Level::Info => "\x1b[32m",
            Level::Warn => "\x1b[33m",
            Level::Error => "\x1b[31m",
            Level::Fatal => "\x1b[35m",
        }
    }
}

/// How the log is to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Levels below this one are left out.
    pub level: Level,
    /// JSON on standard error.
    pub json: bool,
    /// A file that gets the lines, too; what it holds is lost.
    pub file: Option<PathBuf>,
    /// JSON in that file.
    pub json_file: bool,
    /// Time format of text on standard error, as for strftime.
    pub time_format: Option<String>,
}

/// Whether a live display has a place on standard error. Unset while there is no log.
static LIVE_DISPLAY: OnceLock<bool> = OnceLock::new();

/// Starts the log of this process, and says which program it is.
pub fn start(options: &Options) -> Result<()> {
    let terminal = std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
    let mut sinks =
        vec![Sink { form: Form::of_stderr(options, terminal)?, write: Box::new(write_stderr) }];
    if let Some(path) = &options.file {
        let file = File::create(path).map_err(|cause| {
            let path = path.display();
            Error::new(Kind::Internal, format!("could not open log file \"{path}\": {cause}"))
                .hint("Set PGCOPYDB_LOG_FILENAME to a file that can be written, or unset it.")
        })?;
        sinks.push(Sink {
            form: Form { json: options.json_file, ..Form::default() },
            // A full disk must not end a clone.
            write: Box::new(move |line| drop((&file).write_all(line.as_bytes()))),
        });
    }
    let lines = Lines { level: options.level, sinks };
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))
        .map_err(|_| Error::new(Kind::Internal, "the log was started twice"))?;
    let _ = LIVE_DISPLAY.set(terminal && !options.json && options.level <= Level::Info);

    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pgcopydb"));
    tracing::info!("Running pgcopydb version {VERSION} from \"{}\"", program.display());
    Ok(())
}

/// Logs why the program ends.
#[track_caller]
pub fn fatal(error: &Error) {
    let at = Location::caller();
    tracing::error!(
        target: "fatal",
        file = at.file(),
        line = at.line(),
        detail = error.detail_text(),
        hint = error.hint_text(),
        "{error}"
    );
}

/// Logs what failed, where the program goes on.
#[track_caller]
pub fn error(error: &Error) {
    let at = Location::caller();
    tracing::error!(
        file = at.file(),
        line = at.line(),
        detail = error.detail_text(),
        hint = error.hint_text(),
        "{error}"
    );
}

/// Makes room on the terminal, calls what writes a line, and takes the room again.
pub type MakeRoom = Box<dyn Fn(&mut dyn FnMut()) + Send>;

/// What is logged within says that it is about this database: for commands that treat several.
pub fn database(name: &str) -> Span {
    // Errors are the last thing that anybody leaves out.
    tracing::error_span!("database", name)
}

/// Who occupies the last lines of the terminal; also keeps lines from mixing.
static TERMINAL: Mutex<Option<MakeRoom>> = Mutex::new(None);

/// Whether people watch standard error on a terminal, at a level that wants to see progress.
pub fn has_room_for_live_display() -> bool {
    LIVE_DISPLAY.get().copied().unwrap_or(false)
}

/// Lets a live display move aside for every line, until it is called with `None`.
pub fn set_live_display(make_room: Option<MakeRoom>) {
    *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = make_room;
}

fn write_stderr(line: &str) {
    let terminal = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner);
    // With standard error closed there is nobody left to tell.
    let mut write = || drop(std::io::stderr().write_all(line.as_bytes()));
    match terminal.as_ref() {
        Some(make_room) => make_room(&mut write),
        None => write(),
    }
}

/// A place for lines, and how they look there.
struct Sink {
    form: Form,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

/// The layer that makes lines of events.
struct Lines {
    level: Level,
    sinks: Vec<Sink>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Level::of(metadata) >= self.level { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        Level::of(metadata) >= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.filter())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Database::of(attributes));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::of(event);
        if let Some(span) = context.event_span(event) {
            line.database = span.extensions().get::<Database>().map(|database| database.0.clone());
        }
        for sink in &self.sinks {
            (sink.write)(&sink.form.line(&line));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What is written at a level, without time, pid and location.
    fn written(level: Level, say: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&written);
        let lines = Lines {
            level,
            sinks: vec![Sink {
                form: Form { location: false, time_format: "now".to_owned(), ..Form::default() },
                write: Box::new(move |line| sink.lock().unwrap().push_str(line)),
            }],
        };
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, say);
        let pid = format!("now {} ", std::process::id());
        written.lock().unwrap().replace(&pid, "")
    }

    fn say_everything() {
        fatal(&Error::new(Kind::Source, "the end").hint("Try again."));
        error(&Error::new(Kind::Source, "a failure").detail("Because."));
        tracing::warn!("a warning");
        tracing::info!(table = "public.a", bytes = 12, "an info");
        notice!("a {}", "notice");
        sql!("select 1");
        tracing::debug!("a debug");
        sqlite!("select 2");
        tracing::trace!("a trace");
    }

    #[test]
    fn nine_levels_are_printed_under_their_own_names() {
        assert_eq!(
            written(Level::Trace, say_everything),
            "FATAL  the end\n       HINT: Try again.\n\
             ERROR  a failure\n       DETAIL: Because.\n\
             WARN   a warning\n\
             INFO   an info table=\"public.a\" bytes=12\n\
             NOTICE a notice\n\
             SQL    select 1\n\
             DEBUG  a debug\n\
             SQLITE select 2\n\
             TRACE  a trace\n"
        );
    }

    #[test]
    fn what_is_about_one_of_several_databases_says_which() {
        let say = || {
            database("odd \u{1b} name").in_scope(|| error(&Error::new(Kind::Source, "a failure")));
            tracing::error!("another");
        };
        let expected = "ERROR  [odd \\u{1b} name] a failure\nERROR  another\n";
        assert_eq!(written(Level::Error, say), expected);
    }

    #[test]
    fn levels_below_the_chosen_one_are_left_out() {
        for (level, lines) in [
            (Level::Sqlite, 8),
            (Level::Debug, 7),
            (Level::Sql, 6),
            (Level::Notice, 5),
            (Level::Info, 4),
            (Level::Error, 2),
        ] {
            let text = written(level, say_everything);
            let count = text.lines().filter(|line| !line.starts_with(' ')).count();
            assert_eq!(count, lines, "{level:?}");
        }
    }

    #[test]
    fn an_error_is_located_where_it_was_reported() {
        let written = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&written);
        let lines = Lines {
            level: Level::Info,
            sinks: vec![Sink {
                form: Form { json: true, ..Form::default() },
                write: Box::new(move |line| sink.lock().unwrap().push_str(line)),
            }],
        };
        let here = line!() + 2;
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            error(&Error::new(Kind::Source, "a failure"));
        });
        let object: serde_json::Value = serde_json::from_str(&written.lock().unwrap()).unwrap();
        assert_eq!(object["file_name"], "log.rs");
        assert_eq!(object["file_line_num"], here);
    }
}
