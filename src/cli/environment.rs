//! Environment variables: which older names they go by, and what a boolean looks like.
//!
//! The variables of options are declared with the options, in `args`; those of the log are read
//! here. An empty variable counts as one that is not set.

use std::ffi::OsString;
use std::path::PathBuf;

use super::exit::UsageExit;
use crate::error::Kind;
use crate::log;

/// Names that earlier versions knew: the name of today, the older one.
const OLDER_NAMES: [(&str, &str); 2] = [
    ("PGCOPYDB_TABLE_JOBS", "PGCOPYDB_TARGET_TABLE_JOBS"),
    ("PGCOPYDB_INDEX_JOBS", "PGCOPYDB_TARGET_INDEX_JOBS"),
];

/// The environment of the program, or of a test.
pub(super) struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<OsString>) -> Environment<'a> {
        Environment { variable }
    }

    /// The value of a variable, and the name under which it was found.
    pub(super) fn text(&self, name: &str) -> Option<(String, OsString)> {
        let older = OLDER_NAMES.iter().filter(|(today, _)| *today == name).map(|(_, old)| *old);
        std::iter::once(name).chain(older).find_map(|name| {
            let value = (self.variable)(name)?;
            (!value.is_empty()).then(|| (name.to_owned(), value))
        })
    }

    /// Whether a boolean variable is set, and set to a word for true.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, UsageExit> {
        self.boolean_or(name, Kind::Arguments)
    }

    fn boolean_or(&self, name: &str, kind: Kind) -> Result<bool, UsageExit> {
        let Some((name, value)) = self.text(name) else {
            return Ok(false);
        };
        value.to_str().and_then(boolean).ok_or_else(|| {
            let value = value.to_string_lossy();
            UsageExit::new(
                kind.exit_code(),
                format!("invalid value '{value}' for environment variable {name}: not a boolean"),
                "Use one of true, yes, on, 1, false, no, off, 0.",
            )
        })
    }

    /// How the log is to look, at the level of a command without options.
    pub(super) fn log_options(&self) -> Result<log::Options, UsageExit> {
        // The published exit code of a bad boolean is another one here than with an option.
        let json = self.boolean_or("PGCOPYDB_LOG_JSON", Kind::Internal)?;
        let json_file = self.boolean_or("PGCOPYDB_LOG_JSON_FILE", Kind::Internal)?;
        Ok(log::Options {
            level: log::Level::Info,
            json,
            file: self.text("PGCOPYDB_LOG_FILENAME").map(|(_, path)| PathBuf::from(path)),
            json_file,
            time_format: self
                .text("PGCOPYDB_LOG_TIME_FORMAT")
                .map(|(_, format)| format.to_string_lossy().into_owned()),
        })
    }
}

/// Reads a boolean as PostgreSQL does: any case, and any beginning that is clear.
fn boolean(text: &str) -> Option<bool> {
    const WORDS: [(&str, bool); 8] = [
        ("true", true),
        ("yes", true),
        ("on", true),
        ("1", true),
        ("false", false),
        ("no", false),
        ("off", false),
        ("0", false),
    ];
    let text = text.trim().to_ascii_lowercase();
    let mut found = WORDS.iter().filter(|(word, _)| !text.is_empty() && word.starts_with(&text));
    let (_, value) = found.next()?;
    found.next().is_none().then_some(*value)
}

/// The same command without the variables, which only the help still names: what clap itself
/// would take from the environment could neither be tested nor be blamed on the variable. A negative
/// number behind an option is its value, if a wrong one, and no option.
pub(super) fn detached(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let takes_values = arg.get_action().takes_values();
            let arg = if takes_values { arg.allow_negative_numbers(true) } else { arg };
            let Some(name) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else {
                return arg;
            };
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            arg.help(format!("{help} [${name}]")).env(None::<&'static str>)
        })
        .mut_subcommands(detached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boolean_is_any_clear_beginning_in_any_case() {
        for (text, expected) in [
            ("true", Some(true)),
            ("T", Some(true)),
            ("YES", Some(true)),
            ("y", Some(true)),
            ("On", Some(true)),
            ("1", Some(true)),
            ("fal", Some(false)),
            ("N", Some(false)),
            ("of", Some(false)),
            ("0", Some(false)),
            ("o", None),
            ("", None),
            ("truely", None),
            ("2", None),
        ] {
            assert_eq!(boolean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_older_name_is_read_when_the_name_of_today_is_not_set() {
        let variable = |name: &str| match name {
            "PGCOPYDB_TABLE_JOBS" => Some("".into()),
            "PGCOPYDB_TARGET_TABLE_JOBS" => Some("8".into()),
            _ => None,
        };
        assert_eq!(
            Environment::new(&variable).text("PGCOPYDB_TABLE_JOBS"),
            Some(("PGCOPYDB_TARGET_TABLE_JOBS".to_owned(), "8".into()))
        );
    }
}
