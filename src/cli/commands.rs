//! The tree of commands, and which groups of options each of them offers.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::args::{
    CommonArgs, DirectoryArgs, FailureArgs, FilterArgs, FormatArgs, IgnoredArgs, JobsArgs,
    JsonArgs, ObjectArgs, ReportArgs, RequirementArgs, RoleArgs, RunArgs, SchemaArgs, SizeArgs,
    SourceArgs, SplitArgs, TargetArgs,
};
use super::compare::CompareCommand;
use super::follow::{FollowArgs, StreamCommand};
use super::list::ListCommand;
use super::parts::{CopyCommand, DumpCommand, RestoreCommand};

/// Copy a live PostgreSQL database to another server
#[derive(Parser)]
#[command(
    name = "pgcopydb",
    infer_long_args = true,
    args_override_self = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    after_help = ROOT_EXAMPLES
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) json: JsonArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What the user can ask for.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Copy a whole database: schema, rows, indexes, constraints, sequences, large objects
    #[command(
        visible_alias = "fork",
        alias = "copy-db",
        override_usage = "pgcopydb clone --source <URI> --target <URI> [OPTIONS]",
        after_help = CLONE_EXAMPLES
    )]
    Clone(Box<CloneArgs>),

    /// Copy a part of a database
    #[command(subcommand, arg_required_else_help = true)]
    Copy(CopyCommand),

    /// Dump the schema of the source
    #[command(subcommand, arg_required_else_help = true)]
    Dump(DumpCommand),

    /// Restore what was dumped
    #[command(subcommand, arg_required_else_help = true)]
    Restore(RestoreCommand),

    /// List objects of the source, or how far a run has come
    #[command(subcommand, arg_required_else_help = true)]
    List(ListCommand),
    /// Find out whether source and target are the same
    #[command(subcommand, arg_required_else_help = true)]
    Compare(CompareCommand),

    /// Apply the changes of the source to a target that was copied before
    #[command(
        override_usage = "pgcopydb follow --source <URI> --target <URI> [OPTIONS]",
        after_help = FOLLOW_EXAMPLES
    )]
    Follow(Box<CloneArgs>),

    /// Receive changes, apply them, and control both
    #[command(subcommand, arg_required_else_help = true)]
    Stream(StreamCommand),

    /// Export a snapshot of the source, and keep it alive until told to stop
    #[command(after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(SnapshotArgs),

    /// Write a page for the browser about the runs in a work directory
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportCommandArgs),

    /// Try to connect to both servers
    #[command(after_help = PING_EXAMPLES)]
    Ping(PingArgs),

    /// Print all commands, or the options of one
    Help(HelpArgs),

    /// Print the version
    #[command(after_help = VERSION_EXAMPLES)]
    Version(VersionArgs),
}

/// Options of `clone` and of every `copy` command.
#[derive(Args)]
pub(super) struct CloneArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) jobs: JobsArgs,
    #[command(flatten)]
    pub(super) split: SplitArgs,
    #[command(flatten)]
    pub(super) sizes: SizeArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    #[command(flatten)]
    pub(super) filters: FilterArgs,
    #[command(flatten)]
    pub(super) schema: SchemaArgs,
    #[command(flatten)]
    pub(super) objects: ObjectArgs,
    #[command(flatten)]
    pub(super) requirements: RequirementArgs,
    #[command(flatten)]
    pub(super) roles: RoleArgs,
    #[command(flatten)]
    pub(super) failure: FailureArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Receive changes from the beginning, and apply them when everything is copied
    #[arg(short = 'f', long, help_heading = "Following changes")]
    pub(super) follow: bool,
    #[command(flatten)]
    pub(super) changes: FollowArgs,
    /// Copy all databases of the server; the connection strings name those to begin with
    #[arg(
        long,
        help_heading = "What is copied",
        conflicts_with_all = ["follow", "snapshot", "report"]
    )]
    pub(super) all_databases: bool,
    #[command(flatten)]
    pub(super) report: ReportArgs,
    #[command(flatten)]
    pub(super) directory: DirectoryArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) ignored: IgnoredArgs,
}

/// Options of `snapshot`.
#[derive(Args)]
pub(super) struct SnapshotArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Make a replication slot with the snapshot, for a clone that is followed
    #[arg(short = 'f', long, help_heading = "Following changes")]
    pub(super) follow: bool,
    #[command(flatten)]
    pub(super) changes: FollowArgs,
    #[command(flatten)]
    pub(super) directory: DirectoryArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Options of `report`.
#[derive(Args)]
pub(super) struct ReportCommandArgs {
    /// The file to write
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) directory: DirectoryArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Options of `ping`.
#[derive(Args)]
pub(super) struct PingArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Options of `help`.
#[derive(Args)]
pub(super) struct HelpArgs {
    /// The command to explain
    #[arg(value_name = "COMMAND")]
    pub(super) path: Vec<String>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Options of `version`.
#[derive(Args)]
pub(super) struct VersionArgs {
    #[command(flatten)]
    pub(super) json: JsonArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

const ROOT_EXAMPLES: &str = "\
Examples:
  pgcopydb clone --source postgres://old/app --target postgres://new/app
  pgcopydb help clone";

const CLONE_EXAMPLES: &str = "\
Examples:
  Copy a database, 8 tables at a time
    pgcopydb clone -S postgres://old/app -T postgres://new/app --table-jobs 8
  Copy into a database that has older copies of the same tables
    pgcopydb clone -S postgres://old/app -T postgres://new/app --drop-if-exists
  Cut a few very big tables into parts of 10 GB
    pgcopydb clone -S postgres://old/app -T postgres://new/app --split-at 10GB
  Copy a database that is being written to, and apply what changes meanwhile
    pgcopydb clone -S postgres://old/app -T postgres://new/app --follow
  Go on after a failure
    pgcopydb clone -S postgres://old/app -T postgres://new/app --resume --not-consistent";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  Keep a snapshot in one terminal, use it in another
    pgcopydb snapshot --source postgres://old/app
    pgcopydb clone --snapshot 00000003-00000002-1 -S postgres://old/app -T postgres://new/app";

const REPORT_EXAMPLES: &str = "\
Examples:
  pgcopydb report --dir /var/lib/pgcopydb/app clone.html";

const FOLLOW_EXAMPLES: &str = "\
Examples:
  Go on with the changes after a clone --follow that was stopped
    pgcopydb follow -S postgres://old/app -T postgres://new/app --resume
  Stop at the end of the source's log as it is now
    pgcopydb stream sentinel set endpos --current -S postgres://old/app";

const PING_EXAMPLES: &str = "\
Examples:
  pgcopydb ping --source postgres://old/app --target postgres://new/app";

const VERSION_EXAMPLES: &str = "\
Examples:
  pgcopydb version --json";
