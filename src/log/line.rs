//! One line of the log: what it says, and how it looks as text and as JSON.

use std::fmt;

use jiff::Zoned;
use jiff::fmt::strtime;
use serde::Serialize;
use tracing::Event;
use tracing::field::{Field, Visit};
use tracing::span::Attributes;

use super::{Level, Options};
use crate::error::{Error, Kind, Result};

/// What one line says.
pub(super) struct Line {
    time: Zoned,
    pid: u32,
    level: Level,
    file: String,
    line: u64,
    /// The database it is about, where a command treats several.
    pub(super) database: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

/// The database that a span is about.
#[derive(Default)]
pub(super) struct Database(pub(super) String);

impl Database {
    pub(super) fn of(attributes: &Attributes<'_>) -> Database {
        let mut database = Database::default();
        attributes.record(&mut database);
        database
    }
}

impl Visit for Database {
    fn record_debug(&mut self, _field: &Field, value: &dyn fmt::Debug) {
        self.0 = format!("{value:?}");
    }

    fn record_str(&mut self, _field: &Field, value: &str) {
        self.0 = value.to_owned();
    }
}

impl Line {
    pub(super) fn of(event: &Event<'_>) -> Line {
        let metadata = event.metadata();
        let mut line = Line {
            time: Zoned::now(),
            pid: std::process::id(),
            level: Level::of(metadata),
            file: metadata.file().unwrap_or_default().to_owned(),
            line: metadata.line().unwrap_or_default().into(),
            database: None,
            message: String::new(),
            detail: None,
            hint: None,
        };
        event.record(&mut line);
        line
    }

    /// The file in our own tree, without the folder that all files share.
    fn file(&self) -> &str {
        self.file.strip_prefix("src/").unwrap_or(&self.file)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message.insert_str(0, &format!("{value:?}")),
            name => self.message.push_str(&format!(" {name}={value:?}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "detail" => self.detail = Some(value.to_owned()),
            "hint" => self.hint = Some(value.to_owned()),
            "file" => self.file = value.to_owned(),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "line" => self.line = value,
            _ => self.record_debug(field, &value),
        }
    }
}

const LONG_TIME: &str = "%Y-%m-%d %H:%M:%S%.3f";
const SHORT_TIME: &str = "%H:%M:%S%.3f";

/// How lines look in one place; the default is that of a text file.
pub(super) struct Form {
    pub(super) json: bool,
    pub(super) colours: bool,
    pub(super) location: bool,
    pub(super) time_format: String,
}

impl Default for Form {
    fn default() -> Form {
        Form { json: false, colours: false, location: true, time_format: LONG_TIME.to_owned() }
    }
}

impl Form {
    pub(super) fn of_stderr(options: &Options, terminal: bool) -> Result<Form> {
        if let Some(format) = &options.time_format {
            strtime::format(format, &Zoned::now()).map_err(|cause| {
                Error::new(
                    Kind::Arguments,
                    format!("cannot print the time as \"{format}\": {cause}"),
                )
                .hint("Set PGCOPYDB_LOG_TIME_FORMAT to a format of strftime, or unset it.")
            })?;
        }
        let choice = anstream::AutoStream::choice(&std::io::stderr());
        let default_time = if terminal { SHORT_TIME } else { LONG_TIME };
        Ok(Form {
            json: options.json,
            colours: terminal && choice != anstream::ColorChoice::Never,
            location: !terminal || options.level <= Level::Debug,
            time_format: options.time_format.clone().unwrap_or_else(|| default_time.to_owned()),
        })
    }

    pub(super) fn line(&self, line: &Line) -> String {
        if self.json { json(line) } else { self.text(line) }
    }

    fn text(&self, line: &Line) -> String {
        let (colour, grey, reset) = match self.colours {
            true => (line.level.colour(), "\x1b[90m", "\x1b[0m"),
            false => ("", "", ""),
        };
        let time = strtime::format(&self.time_format, &line.time).unwrap_or_default();
        let mut text = format!("{time} {} {colour}{:<6}{reset} ", line.pid, line.level.name());
        if self.location {
            let location = format!("{}:{}", line.file(), line.line);
            text.push_str(&format!("{grey}{location:<25}{reset} "));
        }
        if let Some(database) = &line.database {
            push_visible(&mut text, &format!("[{database}] "));
        }
        push_visible(&mut text, &line.message);
        for (label, more) in [("DETAIL", &line.detail), ("HINT", &line.hint)] {
            if let Some(more) = more {
                push_visible(&mut text, &format!("\n{label}: {more}"));
            }
        }
        text.push('\n');
        text
    }
}

/// Adds text from outside: further lines are indented, and nothing can take over the terminal.
fn push_visible(line: &mut String, text: &str) {
    for c in text.trim_end_matches('\n').chars() {
        match c {
            '\n' => line.push_str("\n       "),
            '\t' => line.push(c),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
}

/// The published keys, and the two parts of an error that text has on lines of their own.
#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp: String,
    pid: u32,
    error_level: u8,
    error_severity: &'a str,
    file_name: &'a str,
    file_line_num: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

fn json(line: &Line) -> String {
    let object = JsonLine {
        timestamp: strtime::format(LONG_TIME, &line.time).unwrap_or_default(),
        pid: line.pid,
        error_level: line.level as u8,
        error_severity: line.level.name(),
        file_name: line.file(),
        file_line_num: line.line,
        database: line.database.as_deref(),
        message: &line.message,
        detail: line.detail.as_deref(),
        hint: line.hint.as_deref(),
    };
    // Strings and numbers only: this cannot fail.
    let mut text = serde_json::to_string(&object).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Line {
        Line {
            time: "2024-05-06T10:11:12.345678[UTC]".parse().unwrap(),
            pid: 4242,
            level: Level::Error,
            file: "src/run/copy.rs".to_owned(),
            line: 150,
            database: None,
            message: "could not copy table \"a\"".to_owned(),
            detail: Some("It is\ngone.".to_owned()),
            hint: Some("Bring it \x1b[2Jback.".to_owned()),
        }
    }

    #[test]
    fn a_line_of_a_file_has_the_long_time_and_the_location() {
        assert_eq!(
            Form::default().line(&sample()),
            concat!(
                "2024-05-06 10:11:12.345 4242 ERROR  run/copy.rs:150           ",
                "could not copy table \"a\"\n",
                "       DETAIL: It is\n",
                "       gone.\n",
                "       HINT: Bring it \\u{1b}[2Jback.\n",
            )
        );
    }

    #[test]
    fn a_line_on_a_terminal_is_short_and_coloured() {
        let line = Line { level: Level::Info, detail: None, hint: None, ..sample() };
        let form = Form {
            colours: true,
            location: false,
            time_format: SHORT_TIME.to_owned(),
            ..Form::default()
        };
        assert_eq!(
            form.line(&line),
            "10:11:12.345 4242 \x1b[32mINFO  \x1b[0m could not copy table \"a\"\n"
        );
    }

    #[test]
    fn a_line_of_json_has_the_published_keys() {
        let line = Line { level: Level::Info, detail: None, hint: None, ..sample() };
        let form = Form { json: true, ..Form::default() };
        assert_eq!(
            form.line(&line),
            concat!(
                r#"{"timestamp":"2024-05-06 10:11:12.345","pid":4242,"error_level":5,"#,
                r#""error_severity":"INFO","file_name":"run/copy.rs","file_line_num":150,"#,
                r#""message":"could not copy table \"a\""}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_time_format_that_cannot_be_is_refused() {
        let options = Options { time_format: Some("%!".to_owned()), ..Options::default() };
        assert_eq!(Form::of_stderr(&options, false).err().unwrap().kind(), Kind::Arguments);
    }
}
