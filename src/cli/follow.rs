//! The commands and options that follow the source: `follow`, `stream …`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::args::{CommonArgs, DirectoryArgs, JsonArgs, RunArgs, SourceArgs, TargetArgs};
use super::exit::UsageExit;
use super::settings::{Request, both, given, mandatory};
use super::size::Size;
use crate::error::Kind;
use crate::model::settings::Beginning;
use crate::model::{FollowSettings, Lsn, Plugin, Remote};

/// The port that `stream sentinel` asks.
const PORT: u16 = 5442;

/// The longest name of a slot or an origin; what is longer is cut, as the server cuts it.
const NAME_BYTES_MAX: usize = 63;

/// How changes are received and applied.
#[derive(Args)]
#[command(next_help_heading = "Following changes")]
pub(super) struct FollowArgs {
    /// Output plugin of the replication slot: pgoutput, test_decoding or wal2json [default: pgoutput]
    #[arg(
        short = 'p',
        long,
        value_name = "NAME",
        env = "PGCOPYDB_OUTPUT_PLUGIN",
        value_parser = plugin
    )]
    plugin: Option<Plugin>,

    /// Name of the replication slot
    #[arg(short = 's', long, value_name = "NAME", default_value = "pgcopydb")]
    slot_name: String,

    /// Refuse a wal2json that cannot write numbers as strings, which it does wherever it can
    #[arg(
        short = 'w',
        long,
        alias = "numeric-as-string",
        env = "PGCOPYDB_WAL2JSON_NUMERIC_AS_STRING"
    )]
    wal2json_numeric_as_string: bool,

    /// Accepted for older scripts: a slot that is missing is made
    #[arg(short = 't', long, hide = true)]
    create_slot: bool,

    /// Name of the replication origin on the target
    #[arg(short = 'o', long, value_name = "NAME", default_value = "pgcopydb")]
    origin: String,

    /// A publication that exists on the source [default: one is made, named as the slot]
    #[arg(long, value_name = "NAME")]
    publication: Option<String>,

    /// Stop when everything that has committed up to this position is applied; 0/0 for nowhere
    #[arg(short = 'E', long, value_name = "LSN")]
    endpos: Option<Lsn>,

    /// Apply updates that change nothing as well
    #[arg(long, env = "PGCOPYDB_REPLAY_NO_OP_UPDATES")]
    replay_no_op_updates: bool,

    /// Receive no more while changes of this size wait to be applied, as in 10GB
    #[arg(long, alias = "max-replaydb-size", value_name = "SIZE")]
    max_store_size: Option<Size>,

    /// Answer "stream sentinel" on this address while running; others than 127.0.0.1 need a secret
    #[arg(long, value_name = "HOST", env = "PGCOPYDB_HOST")]
    host: Option<String>,

    /// Port for --host [default: 5442]
    #[arg(long, value_name = "PORT", env = "PGCOPYDB_PORT")]
    port: Option<u16>,

    /// File with the secret that those who ask must know
    #[arg(long, value_name = "FILE", env = "PGCOPYDB_SECRET_FILE")]
    secret_file: Option<PathBuf>,
}

/// The address and the secret of a running command.
fn remote(
    host: Option<String>,
    port: Option<u16>,
    secret_file: Option<PathBuf>,
) -> Result<Option<Remote>, UsageExit> {
    if host.is_none() && port.is_none() {
        return Ok(None);
    }
    let refused = |file: &Path, why: &str| {
        let message = format!("could not read the secret in \"{}\": {why}", file.display());
        mandatory(&message, "The file has the secret on its first line.")
    };
    let secret = match secret_file {
        None => None,
        Some(file) => {
            let text = std::fs::read_to_string(&file);
            let text = text.map_err(|cause| refused(&file, &cause.to_string()))?;
            match text.lines().next().map(str::trim) {
                None | Some("") => return Err(refused(&file, "it is empty")),
                Some(secret) => Some(SecretString::from(secret)),
            }
        }
    };
    let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
    Ok(Some(Remote { host, port: port.unwrap_or(PORT), secret }))
}

fn plugin(name: &str) -> Result<Plugin, String> {
    Plugin::from_name(name)
        .ok_or_else(|| "the output plugin must be pgoutput, test_decoding or wal2json".to_owned())
}

impl FollowArgs {
    pub(super) fn settings(self) -> Result<FollowSettings, UsageExit> {
        if self.wal2json_numeric_as_string && self.plugin != Some(Plugin::Wal2json) {
            return Err(mandatory(
                "--wal2json-numeric-as-string needs --plugin wal2json",
                "Leave it out: other plugins write every number exactly.",
            ));
        }
        if self.publication.is_some() && self.plugin.unwrap_or_default() != Plugin::Pgoutput {
            return Err(mandatory(
                "--publication needs --plugin pgoutput",
                "Leave it out: other plugins know no publications.",
            ));
        }
        Ok(FollowSettings {
            plugin: self.plugin,
            slot_name: cut(self.slot_name),
            origin: cut(self.origin),
            publication: self.publication,
            endpos: self.endpos,
            replay_no_op_updates: self.replay_no_op_updates,
            max_store_size: self.max_store_size.map(|size| size.0).filter(|bytes| *bytes > 0),
            numeric_as_string: self.wal2json_numeric_as_string,
            remote: remote(self.host, self.port, self.secret_file)?,
        })
    }
}

fn cut(name: String) -> String {
    let end = (0..=NAME_BYTES_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name[..end.min(name.len())].to_owned()
}

/// What can be done with the stream of changes.
#[derive(Subcommand)]
pub(super) enum StreamCommand {
    /// Make the publication and the replication slot on the source, and the origin on the target
    Setup(Box<StreamArgs>),

    /// Drop what setup made
    Cleanup(Box<StreamArgs>),

    /// Receive changes and apply them
    Replay(Box<StreamArgs>),

    /// Receive changes into the work directory
    #[command(visible_alias = "prefetch")]
    Receive(Box<StreamArgs>),

    /// Apply the changes that were received
    #[command(visible_alias = "catchup")]
    Apply(Box<StreamArgs>),

    /// Remove changes from the work directory that are applied
    Prune(Box<PruneArgs>),

    /// Print or change where following stops, and whether changes are applied
    #[command(subcommand, arg_required_else_help = true)]
    Sentinel(SentinelCommand),
}

/// Options of the stream commands.
#[derive(Args)]
pub(super) struct StreamArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    follow: FollowArgs,
    /// Accepted for older scripts: changes are kept in the work directory anyway
    #[arg(short = 'O', long, hide = true)]
    to_stdout: bool,
    /// Accepted for older scripts
    #[arg(short = 'I', long, hide = true)]
    from_stdin: bool,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `stream prune`.
#[derive(Args)]
pub(super) struct PruneArgs {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Accepted for older scripts: the work directory knows
    #[arg(short = 'S', long, hide = true)]
    source: Option<String>,
    /// Accepted for older scripts
    #[arg(short = 'T', long, hide = true)]
    target: Option<String>,
    /// Ask the command that runs there, instead of the work directory
    #[arg(short = 'H', long, value_name = "HOST")]
    host: Option<String>,
    /// The port that it listens on [default: 5442]
    #[arg(short = 'P', long, value_name = "PORT")]
    port: Option<u16>,
    /// File with its secret
    #[arg(long, value_name = "FILE", env = "PGCOPYDB_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// What can be done with the operator's row.
#[derive(Subcommand)]
pub(super) enum SentinelCommand {
    /// Write a new row: where changes begin, and where they end
    Setup(SentinelSetupArgs),

    /// Print the row, or one value of it
    Get(Box<SentinelGetArgs>),

    /// Change the row
    #[command(subcommand, arg_required_else_help = true)]
    Set(SentinelSetCommand),
}

/// Options of `stream sentinel setup`.
#[derive(Args)]
pub(super) struct SentinelSetupArgs {
    /// Where changes begin
    #[arg(value_name = "STARTPOS")]
    startpos: Lsn,
    /// Where to stop; 0/0 for nowhere
    #[arg(value_name = "ENDPOS")]
    endpos: Lsn,
    #[command(flatten)]
    rest: SentinelArgs,
}

/// Options of all sentinel commands.
#[derive(Args)]
pub(super) struct SentinelArgs {
    /// Ask the command that runs there, instead of the work directory
    #[arg(short = 'H', long, value_name = "HOST")]
    host: Option<String>,
    /// The port that it listens on [default: 5442]
    #[arg(short = 'P', long, value_name = "PORT")]
    port: Option<u16>,
    /// File with its secret
    #[arg(long, value_name = "FILE", env = "PGCOPYDB_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `stream sentinel get`.
#[derive(Args)]
pub(super) struct SentinelGetArgs {
    /// Print only where changes begin
    #[arg(short = 's', long, group = "one")]
    startpos: bool,
    /// Print only where to stop
    #[arg(short = 'e', long, group = "one")]
    endpos: bool,
    /// Print only whether changes are applied
    #[arg(short = 'a', long, group = "one")]
    apply: bool,
    /// Print only how far changes were received
    #[arg(short = 'w', long, alias = "write-pos", group = "one")]
    write_lsn: bool,
    /// Print only how far changes are durable in the work directory
    #[arg(short = 'f', long, alias = "flush-pos", group = "one")]
    flush_lsn: bool,
    /// Print only how far changes are applied
    #[arg(short = 'r', long, alias = "replay-pos", group = "one")]
    replay_lsn: bool,
    /// Accepted for older scripts: everything is printed
    #[arg(short = 't', long, hide = true)]
    transform_lsn: bool,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    rest: SentinelArgs,
}

/// What of the row can be changed.
#[derive(Subcommand)]
pub(super) enum SentinelSetCommand {
    /// Change where changes begin
    Startpos(SentinelLsnArgs),
    /// Change where to stop, also while the program runs; 0/0 for nowhere
    Endpos(SentinelEndposArgs),
    /// Apply changes from now on
    Apply(SentinelArgs),
    /// Only receive changes from now on
    Prefetch(SentinelArgs),
}

/// Options of `stream sentinel set startpos`.
#[derive(Args)]
pub(super) struct SentinelLsnArgs {
    /// The position
    #[arg(value_name = "LSN")]
    lsn: Lsn,
    #[command(flatten)]
    rest: SentinelArgs,
}

/// Options of `stream sentinel set endpos`.
#[derive(Args)]
pub(super) struct SentinelEndposArgs {
    /// The position
    #[arg(value_name = "LSN", required_unless_present = "current", conflicts_with = "current")]
    lsn: Option<Lsn>,
    /// The end of the source's log as it is now; the position is printed
    #[arg(short = 'C', long)]
    current: bool,
    #[command(flatten)]
    rest: SentinelArgs,
}

/// Something to do with the stream of changes.
pub struct StreamRequest {
    /// What.
    pub action: StreamAction,
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target, where the action needs one.
    pub target: Option<String>,
    /// The work directory; `None` for the default one.
    pub directory: Option<std::path::PathBuf>,
    /// How it begins.
    pub beginning: Beginning,
    /// How changes are received and applied.
    pub follow: FollowSettings,
}

/// What to do with the stream of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamAction {
    /// Make slot, publication and origin.
    Setup,
    /// Drop them.
    Cleanup,
    /// Receive and apply.
    Replay,
    /// Receive.
    Receive,
    /// Apply what was received.
    Apply,
}

/// Applied changes to remove.
pub struct PruneRequest {
    /// The work directory; `None` for the default one.
    pub directory: Option<std::path::PathBuf>,
    /// Only say what would be removed.
    pub dry_run: bool,
    /// The running command to ask instead.
    pub remote: Option<Remote>,
}

/// Something to do with the operator's row.
pub struct SentinelRequest {
    /// What.
    pub action: SentinelAction,
    /// Connection string of the source, for what needs one.
    pub source: Option<String>,
    /// The work directory; `None` for the default one.
    pub directory: Option<std::path::PathBuf>,
    /// The running command to ask instead.
    pub remote: Option<Remote>,
}

/// What to do with the operator's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentinelAction {
    /// Write a new one.
    Setup {
        /// Where changes begin.
        startpos: Lsn,
        /// Where to stop.
        endpos: Lsn,
    },
    /// Print it, or one value of it.
    Get {
        /// The value's name.
        only: Option<&'static str>,
        /// As JSON.
        json: bool,
    },
    /// Change where changes begin.
    SetStartpos(Lsn),
    /// Change where to stop; `None` for the end of the log as it is now.
    SetEndpos(Option<Lsn>),
    /// Change whether changes are applied.
    SetApply(bool),
}

impl StreamCommand {
    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            StreamCommand::Setup(args)
            | StreamCommand::Cleanup(args)
            | StreamCommand::Replay(args)
            | StreamCommand::Receive(args)
            | StreamCommand::Apply(args) => &args.common,
            StreamCommand::Prune(args) => &args.common,
            StreamCommand::Sentinel(command) => command.common(),
        }
    }

    pub(super) fn request(self) -> Result<Request, UsageExit> {
        match self {
            StreamCommand::Setup(args) => args.request(StreamAction::Setup),
            StreamCommand::Cleanup(args) => args.request(StreamAction::Cleanup),
            StreamCommand::Replay(args) => args.request(StreamAction::Replay),
            StreamCommand::Receive(args) => args.request(StreamAction::Receive),
            StreamCommand::Apply(args) => args.request(StreamAction::Apply),
            StreamCommand::Prune(args) => Ok(Request::Prune(PruneRequest {
                directory: args.directory.dir,
                dry_run: args.dry_run,
                remote: remote(args.host, args.port, args.secret_file)?,
            })),
            StreamCommand::Sentinel(command) => Ok(Request::Sentinel(command.request()?)),
        }
    }
}

impl StreamArgs {
    fn request(self, action: StreamAction) -> Result<Request, UsageExit> {
        let (source, target) = match action {
            StreamAction::Receive => (super::settings::source(self.source)?, None),
            _ => {
                let (source, target) = both(self.source, self.target)?;
                (source, Some(target))
            }
        };
        if self.run.snapshot.is_some() {
            return Err(mandatory(
                "--snapshot means nothing here: a slot has its own",
                "Leave it out.",
            ));
        }
        Ok(Request::Stream(Box::new(StreamRequest {
            action,
            source,
            target,
            beginning: self.run.beginning(),
            directory: self.directory.dir,
            follow: self.follow.settings()?,
        })))
    }
}

impl SentinelCommand {
    fn common(&self) -> &CommonArgs {
        match self {
            SentinelCommand::Setup(args) => &args.rest.common,
            SentinelCommand::Get(args) => &args.rest.common,
            SentinelCommand::Set(SentinelSetCommand::Startpos(args)) => &args.rest.common,
            SentinelCommand::Set(SentinelSetCommand::Endpos(args)) => &args.rest.common,
            SentinelCommand::Set(
                SentinelSetCommand::Apply(args) | SentinelSetCommand::Prefetch(args),
            ) => &args.common,
        }
    }

    fn request(self) -> Result<SentinelRequest, UsageExit> {
        let (action, rest) = match self {
            SentinelCommand::Setup(args) => {
                let (startpos, endpos) = (args.startpos, args.endpos);
                (SentinelAction::Setup { startpos, endpos }, args.rest)
            }
            SentinelCommand::Get(args) => {
                let only = [
                    (args.startpos, "startpos"),
                    (args.endpos, "endpos"),
                    (args.apply, "apply"),
                    (args.write_lsn, "write_lsn"),
                    (args.flush_lsn, "flush_lsn"),
                    (args.replay_lsn, "replay_lsn"),
                ];
                let only = only.into_iter().find(|(wanted, _)| *wanted).map(|(_, name)| name);
                (SentinelAction::Get { only, json: args.json.json }, args.rest)
            }
            SentinelCommand::Set(SentinelSetCommand::Startpos(args)) => {
                (SentinelAction::SetStartpos(args.lsn), args.rest)
            }
            SentinelCommand::Set(SentinelSetCommand::Endpos(args)) => {
                (SentinelAction::SetEndpos(args.lsn), args.rest)
            }
            SentinelCommand::Set(SentinelSetCommand::Apply(args)) => {
                (SentinelAction::SetApply(true), args)
            }
            SentinelCommand::Set(SentinelSetCommand::Prefetch(args)) => {
                (SentinelAction::SetApply(false), args)
            }
        };
        Ok(SentinelRequest {
            action,
            source: given(rest.source.source),
            directory: rest.directory.dir,
            remote: remote(rest.host, rest.port, rest.secret_file)?,
        })
    }
}

/// Options that make no sense together with following.
pub(super) fn check_not_consistent(not_consistent: bool) -> Result<(), UsageExit> {
    if not_consistent {
        return Err(UsageExit::new(
            Kind::Arguments.exit_code(),
            "--not-consistent cannot be used with --follow",
            "Rows of another snapshot than the slot's would be there twice, or not at all.",
        ));
    }
    Ok(())
}
