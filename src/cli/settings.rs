//! From words to wishes: defaults that depend on other options, what is mandatory, and what the
//! published defaults mean.

use std::path::PathBuf;

use super::args::{CommonArgs, CopyFormat, RunArgs, SourceArgs, TargetArgs};
use super::commands::{Cli, CloneArgs, Command, HelpArgs};
use super::compare::{CompareDataRequest, CompareSchemaRequest};
use super::exit::{UsageExit, command_tree};
use super::follow::{PruneRequest, SentinelRequest, StreamRequest, check_not_consistent};
use super::list::ListRequest;
use super::parts::{RolesRequest, TablespacesRequest};
use super::requirements::requirements;
use crate::error::Kind;
use crate::log;
use crate::model::FollowSettings;
use crate::model::settings::{Beginning, Jobs, RowFormat, Settings};
use crate::plan::select::{Archive, Selection, Task};

/// A command line that was understood.
///
/// It holds connection strings with their passwords, so that it cannot be printed.
pub struct Invocation {
    /// What is to be done.
    pub request: Request,
    /// How the log is to look.
    pub log: log::Options,
    /// What the user should know once there is a log.
    pub warnings: Vec<String>,
}

/// What is to be done.
pub enum Request {
    /// Copy a database, or do a share of that.
    Clone(Box<CloneRequest>),
    /// Dump a schema.
    Dump(Box<DumpRequest>),
    /// Copy, dump or restore roles.
    Roles(RolesRequest),
    /// Make tablespaces.
    Tablespaces(TablespacesRequest),
    /// Print or write lists of `pg_restore`.
    ParseList(ParseListRequest),
    /// Print a list.
    List(Box<ListRequest>),
    /// Compare the schemas of two databases.
    CompareSchema(CompareSchemaRequest),
    /// Compare the data of two databases.
    CompareData(CompareDataRequest),
    /// Apply changes to a target that was copied before.
    Follow(Box<FollowRequest>),
    /// Do something with the stream of changes.
    Stream(Box<StreamRequest>),
    /// Remove applied changes.
    Prune(PruneRequest),
    /// Print or change the operator's row.
    Sentinel(SentinelRequest),
    /// Export a snapshot and keep it.
    Snapshot(Box<SnapshotRequest>),
    /// Write a page about the runs in a work directory.
    Report(ReportRequest),
    /// Connect to both servers.
    Ping(PingRequest),
    /// Print the version.
    Version {
        /// As JSON.
        json: bool,
    },
}

/// A database to copy.
pub struct CloneRequest {
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target.
    pub target: String,
    /// Everything else.
    pub settings: Settings,
    /// What is to be done of it.
    pub task: Task,
    /// The file for a page about the run.
    pub report: Option<PathBuf>,
    /// Copy all databases of the server.
    pub all_databases: bool,
}

/// A schema to dump.
pub struct DumpRequest {
    /// Connection string of the source.
    pub source: String,
    /// Everything else.
    pub settings: Settings,
}

/// Lists of `pg_restore`.
pub enum ParseListRequest {
    /// To print the entries of a file.
    File(PathBuf),
    /// To write what is made of the dump in a directory.
    Dump(Box<Settings>),
}

/// Changes to apply.
pub struct FollowRequest {
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target.
    pub target: String,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
    /// How it begins.
    pub beginning: Beginning,
    /// How changes are received and applied.
    pub follow: FollowSettings,
}

/// A snapshot to export.
pub struct SnapshotRequest {
    /// Connection string of the source.
    pub source: String,
    /// Where changes are to go, and how, if a slot is made with the snapshot.
    pub follow: Option<(String, FollowSettings)>,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
}

/// A page to write.
pub struct ReportRequest {
    /// The file.
    pub file: PathBuf,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
}

/// Servers to connect to.
pub struct PingRequest {
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target.
    pub target: String,
}

/// Settles what the words of a command line mean.
pub(super) fn invocation(
    cli: Cli,
    parser: clap::Command,
    mut log: log::Options,
) -> Result<Invocation, UsageExit> {
    let Some(command) = cli.command else {
        if cli.common.version {
            return Ok(Invocation {
                request: Request::Version { json: cli.json.json },
                log,
                warnings: Vec::new(),
            });
        }
        let mut parser = parser;
        return Err(UsageExit::missing_command(parser.render_help().ansi().to_string()));
    };

    log.level = level(&cli.common, common(&command), scale(&command));
    let mut warnings = Vec::new();
    let request = if cli.common.version || common(&command).version {
        Request::Version { json: cli.json.json }
    } else {
        request(command, cli.json.json, parser, &mut warnings)?
    };
    Ok(Invocation { request, log, warnings })
}

fn request(
    command: Command,
    json: bool,
    parser: clap::Command,
    warnings: &mut Vec<String>,
) -> Result<Request, UsageExit> {
    match command {
        Command::Clone(args) => args.request(Selection::All, warnings),
        Command::Copy(command) => command.request(warnings),
        Command::Follow(args) => {
            let (source, target, settings) = args.settings(FollowWish::Always)?;
            Ok(Request::Follow(Box::new(FollowRequest {
                source,
                target,
                directory: settings.directory,
                beginning: settings.beginning,
                follow: settings.follow.unwrap_or_default(),
            })))
        }
        Command::Stream(command) => command.request(),
        Command::Dump(command) => command.request(),
        Command::Restore(command) => command.request(),
        Command::List(command) => command.request(json),
        Command::Compare(command) => command.request(json),
        Command::Snapshot(args) => {
            let directory = args.directory.dir;
            let (source, follow) = match args.follow {
                true => {
                    let (source, target) = both(args.source, args.target)?;
                    (source, Some((target, args.changes.settings()?)))
                }
                false => (source(args.source)?, None),
            };
            Ok(Request::Snapshot(Box::new(SnapshotRequest { source, follow, directory })))
        }
        Command::Report(args) => {
            Ok(Request::Report(ReportRequest { file: args.file, directory: args.directory.dir }))
        }
        Command::Ping(args) => {
            let (source, target) = both(args.source, args.target)?;
            Ok(Request::Ping(PingRequest { source, target }))
        }
        Command::Help(args) => Err(help(&args, parser)),
        Command::Version(args) => Ok(Request::Version { json: json || args.json.json }),
    }
}

/// Whether changes are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FollowWish {
    Always,
    Never,
}

impl CloneArgs {
    pub(super) fn request(
        self,
        selection: Selection,
        warnings: &mut Vec<String>,
    ) -> Result<Request, UsageExit> {
        for word in &self.ignored.ignored {
            let word = word.to_string_lossy();
            warnings.push(format!("ignoring \"{word}\": the command takes options only"));
        }
        if self.format.use_copy_binary && self.format.copy_format == CopyFormat::Text {
            warnings.push("ignoring --use-copy-binary: the format is text".to_owned());
        }
        let task = Task { selection, archive: Archive::Made };
        let report = self.report.report.clone();
        let wish = match selection == Selection::All && self.follow {
            true => FollowWish::Always,
            false => FollowWish::Never,
        };
        if wish == FollowWish::Always {
            check_not_consistent(self.run.not_consistent)?;
        }
        let all_databases = self.all_databases && selection == Selection::All;
        let (source, target, settings) = self.settings(wish)?;
        let request = CloneRequest { source, target, settings, task, report, all_databases };
        Ok(Request::Clone(Box::new(request)))
    }

    /// The connection strings, and everything else.
    fn settings(self, wish: FollowWish) -> Result<(String, String, Settings), UsageExit> {
        let (source, target) = both(self.source, self.target)?;
        // A mistake is one also where it does not matter.
        let changes = self.changes.settings()?;
        let mut settings = Settings {
            jobs: Jobs {
                table: self.jobs.table_jobs,
                index: self.jobs.index_jobs,
                restore: self.jobs.restore_jobs.unwrap_or(self.jobs.index_jobs),
                large_object: self.jobs.large_objects_jobs,
            },
            beginning: self.run.beginning(),
            not_consistent: self.run.not_consistent,
            snapshot: self.run.snapshot,
            directory: self.directory.dir,
            split_tables_larger_than: self.split.split_tables_larger_than.map(|size| size.0),
            split_max_parts: self.split.split_max_parts,
            skip_split_by_ctid: self.split.skip_split_by_ctid,
            sizes: self.sizes.sizes(),
            row_format: match self.format.copy_format {
                CopyFormat::Auto => RowFormat::Automatic,
                CopyFormat::Text => RowFormat::Text,
            },
            filters: self.filters.filters,
            allow_unmatched_filters: self.filters.allow_unmatched_filters,
            skip_large_objects: self.objects.skip_large_objects,
            skip_vacuum: self.objects.skip_vacuum,
            skip_extensions: self.objects.skip_extensions,
            skip_extension_comments: self.objects.skip_ext_comments,
            skip_collations: self.objects.skip_collations,
            skip_db_properties: self.objects.skip_db_properties,
            fail_fast: self.failure.fail_fast,
            follow: Some(changes).filter(|_| wish == FollowWish::Always),
            roles: self.roles.roles,
            no_role_passwords: self.roles.no_role_passwords,
            requirements: requirements(self.requirements.requirements.as_deref())?,
            ..Settings::default()
        };
        self.schema.settle(&mut settings);
        Ok((source, target, settings))
    }
}

impl RunArgs {
    /// The parser has refused both options together.
    pub(super) fn beginning(&self) -> Beginning {
        match (self.restart, self.resume) {
            (true, _) => Beginning::Restart,
            (false, true) => Beginning::Resume,
            (false, false) => Beginning::Fresh,
        }
    }
}

const SOURCE_HINT: &str = "Give --source, or set PGCOPYDB_SOURCE_PGURI.";
const TARGET_HINT: &str = "Give --target, or set PGCOPYDB_TARGET_PGURI.";

/// The connection string of a command that needs no other.
pub(super) fn source(source: SourceArgs) -> Result<String, UsageExit> {
    given(source.source).ok_or_else(|| mandatory("Option --source is mandatory", SOURCE_HINT))
}

pub(super) fn both(source: SourceArgs, target: TargetArgs) -> Result<(String, String), UsageExit> {
    const MESSAGE: &str = "Options --source and --target are mandatory";
    let source = given(source.source).ok_or_else(|| mandatory(MESSAGE, SOURCE_HINT))?;
    let target = given(target.target).ok_or_else(|| mandatory(MESSAGE, TARGET_HINT))?;
    Ok((source, target))
}

/// An empty connection string means that a variable of a script was not set, not that all the
/// defaults of a connection are wanted.
pub(super) fn given(connection_string: Option<String>) -> Option<String> {
    connection_string.filter(|text| !text.trim().is_empty())
}

pub(super) fn mandatory(message: &str, hint: &str) -> UsageExit {
    UsageExit::new(Kind::Arguments.exit_code(), message, hint)
}

/// What `help` prints: the tree of commands, or the help of the one that is named.
fn help(args: &HelpArgs, mut parser: clap::Command) -> UsageExit {
    if args.path.is_empty() {
        let tree = command_tree(&parser);
        let about = parser.get_about().map(ToString::to_string).unwrap_or_default();
        return UsageExit::help(format!(
            "{about}\n\nCommands:\n{tree}\nOptions of a command: pgcopydb <COMMAND> --help\n"
        ));
    }
    // Gives the commands below their full names.
    parser.build();
    let mut command = &mut parser;
    for name in &args.path {
        match command.find_subcommand_mut(name) {
            Some(found) => command = found,
            None => {
                let path = args.path.join(" ");
                return mandatory(
                    &format!("there is no command \"{path}\""),
                    "See all commands with pgcopydb help.",
                );
            }
        }
    }
    UsageExit::help(command.render_help().ansi().to_string())
}

/// How many levels one `-v` goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Full,
    /// Without SQL.
    Short,
}

fn scale(command: &Command) -> Scale {
    match command {
        Command::Ping(_) => Scale::Short,
        Command::Clone(_)
        | Command::Copy(_)
        | Command::Dump(_)
        | Command::Restore(_)
        | Command::List(_)
        | Command::Compare(_)
        | Command::Follow(_)
        | Command::Stream(_)
        | Command::Snapshot(_)
        | Command::Report(_)
        | Command::Help(_)
        | Command::Version(_) => Scale::Full,
    }
}

fn common(command: &Command) -> &CommonArgs {
    match command {
        Command::Clone(args) | Command::Follow(args) => &args.common,
        Command::Stream(command) => command.common(),
        Command::Copy(command) => command.common(),
        Command::Dump(command) => command.common(),
        Command::Restore(command) => command.common(),
        Command::List(command) => command.common(),
        Command::Compare(command) => command.common(),
        Command::Snapshot(args) => &args.common,
        Command::Report(args) => &args.common,
        Command::Ping(args) => &args.common,
        Command::Help(args) => &args.common,
        Command::Version(args) => &args.common,
    }
}

/// The log level: what stands after the command goes before what stands in front of it, but
/// `-v` in both places adds up.
fn level(before: &CommonArgs, after: &CommonArgs, scale: Scale) -> log::Level {
    use log::Level;

    let fixed = |args: &CommonArgs| match args {
        CommonArgs { trace: true, .. } => Some(Level::Trace),
        CommonArgs { debug: true, .. } => Some(Level::Debug),
        CommonArgs { quiet: true, .. } => Some(Level::Error),
        _ => None,
    };
    if let Some(level) = fixed(after) {
        return level;
    }
    if let (0, Some(level)) = (after.verbose, fixed(before)) {
        return level;
    }
    match (before.verbose.saturating_add(after.verbose), scale) {
        (0, _) => Level::Info,
        (1, _) => Level::Notice,
        (2, Scale::Full) => Level::Sql,
        (3, Scale::Full) | (2, Scale::Short) => Level::Debug,
        _ => Level::Trace,
    }
}
