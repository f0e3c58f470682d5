//! What the user typed: commands, options and environment variables, and what they mean.
//!
//! `parse` turns the words of the command line into an `Invocation`, where every default, unit
//! and conflict is settled. It reads nothing but its arguments, so that tests need no process.
//! Nothing here connects to anything.

mod args;
mod commands;
mod compare;
mod environment;
mod exit;
mod follow;
mod list;
mod parts;
mod requirements;
mod settings;
pub mod size;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use commands::Cli;
pub use compare::{CompareDataRequest, CompareSchemaRequest};
pub use exit::UsageExit;
pub use follow::{PruneRequest, SentinelAction, SentinelRequest, StreamAction, StreamRequest};
pub use list::{FilterRequest, ListRequest, Listing, SplitRequest};
pub use parts::{RolesRequest, RolesTask, TablespacesRequest};
pub use settings::{
    CloneRequest, DumpRequest, FollowRequest, Invocation, ParseListRequest, PingRequest,
    ReportRequest, Request, SnapshotRequest,
};

/// Reads a command line, the name of the program first, and the variables it depends on.
///
/// The command line goes before the environment, which goes before the defaults.
pub fn parse(
    words: impl IntoIterator<Item = impl Into<OsString>>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Invocation, UsageExit> {
    let environment = environment::Environment::new(&variable);
    let declared = Cli::command();
    let mut parser = environment::detached(declared.clone());
    let mut words: Vec<OsString> = words.into_iter().map(Into::into).collect();

    let mut matches = parser
        .try_get_matches_from_mut(&words)
        .map_err(|error| exit::from_clap(&parser, &error))?;
    for (name, word) in missing_words(&declared, &matches, &environment)? {
        insert(&mut words, word);
        matches = parser
            .try_get_matches_from_mut(&words)
            .map_err(|error| exit::from_variable(&name, &error))?;
    }

    let cli = Cli::from_arg_matches(&matches).map_err(|error| exit::from_clap(&parser, &error))?;
    settings::invocation(cli, parser, environment.log_options()?)
}

/// The options that the environment gives and the command line does not: the variable, and the
/// option with its value as one word.
fn missing_words(
    declared: &clap::Command,
    matches: &ArgMatches,
    environment: &environment::Environment<'_>,
) -> Result<Vec<(String, OsString)>, UsageExit> {
    let (command, matches) = chosen(declared, matches);
    let mut words = Vec::new();
    for arg in command.get_arguments() {
        if matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        let (Some(name), Some(long)) = (arg.get_env().and_then(OsStr::to_str), arg.get_long())
        else {
            continue;
        };
        let mut word = OsString::from(format!("--{long}"));
        if arg.get_action().takes_values() {
            let Some((name, value)) = environment.text(name) else {
                continue;
            };
            word.push("=");
            word.push(value);
            words.push((name, word));
        } else if environment.boolean(name)? {
            words.push((name.to_owned(), word));
        }
    }
    Ok(words)
}

/// The innermost command that was named, as declared and as matched.
fn chosen<'a>(
    mut command: &'a clap::Command,
    mut matches: &'a ArgMatches,
) -> (&'a clap::Command, &'a ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else {
            break;
        };
        (command, matches) = (found, inner);
    }
    (command, matches)
}

/// Adds an option at the end of a command line, but before what `--` protects.
fn insert(words: &mut Vec<OsString>, word: OsString) {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.insert(end, word);
}
