//! The commands that do a share of a clone: `copy …`, `dump …`, `restore …`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::args::{
    CommonArgs, DirectoryArgs, FilterArgs, RunArgs, SchemaArgs, SourceArgs, TargetArgs,
};
use super::commands::CloneArgs;
use super::exit::UsageExit;
use super::settings::{CloneRequest, DumpRequest, ParseListRequest, Request, both, source};
use crate::model::settings::{Beginning, Jobs, Settings};
use crate::plan::select::{Archive, Selection, Task};

/// What can be copied on its own.
#[derive(Subcommand)]
pub(super) enum CopyCommand {
    /// The same as clone
    #[command(override_usage = "pgcopydb copy db --source <URI> --target <URI> [OPTIONS]")]
    Db(Box<CloneArgs>),

    /// Make the roles of the source server on the target server
    #[command(
        override_usage = "pgcopydb copy roles --source <URI> --target <URI> [OPTIONS]",
        after_help = ROLES_EXAMPLES
    )]
    Roles(Box<CloneArgs>),

    /// Make the tablespaces of the source server on the target server
    #[command(
        override_usage = "pgcopydb copy tablespaces --source <URI> --target <URI> [OPTIONS]",
        after_help = TABLESPACES_EXAMPLES
    )]
    Tablespaces(Box<CloneArgs>),

    /// Make extensions, and copy their configuration tables
    #[command(override_usage = "pgcopydb copy extensions --source <URI> --target <URI> [OPTIONS]")]
    Extensions(Box<CloneArgs>),

    /// Make every object on the target, but copy no rows
    #[command(
        override_usage = "pgcopydb copy schema --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Schema(Box<CloneArgs>),

    /// Copy rows, large objects and sequences, and build indexes and constraints
    #[command(
        override_usage = "pgcopydb copy data --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Data(Box<CloneArgs>),

    /// Copy the rows of all tables
    #[command(
        override_usage = "pgcopydb copy table-data --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    TableData(Box<CloneArgs>),

    /// Copy large objects
    #[command(
        override_usage = "pgcopydb copy blobs --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Blobs(Box<CloneArgs>),

    /// Set sequences to their values on the source
    #[command(
        override_usage = "pgcopydb copy sequences --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Sequences(Box<CloneArgs>),

    /// Build all indexes
    #[command(
        override_usage = "pgcopydb copy indexes --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Indexes(Box<CloneArgs>),

    /// Turn indexes into primary keys and unique constraints
    #[command(
        override_usage = "pgcopydb copy constraints --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Constraints(Box<CloneArgs>),
}

impl CopyCommand {
    pub(super) fn request(self, warnings: &mut Vec<String>) -> Result<Request, UsageExit> {
        let (args, selection) = match self {
            CopyCommand::Roles(args) => return args.roles_request(),
            CopyCommand::Tablespaces(args) => return args.tablespaces_request(),
            CopyCommand::Db(args) => (args, Selection::All),
            CopyCommand::Extensions(args) => (args, Selection::Extensions),
            CopyCommand::Schema(args) => (args, Selection::Schema),
            CopyCommand::Data(args) => (args, Selection::Data),
            CopyCommand::TableData(args) => (args, Selection::TableData),
            CopyCommand::Blobs(args) => (args, Selection::LargeObjects),
            CopyCommand::Sequences(args) => (args, Selection::Sequences),
            CopyCommand::Indexes(args) => (args, Selection::Indexes),
            CopyCommand::Constraints(args) => (args, Selection::Constraints),
        };
        args.request(selection, warnings)
    }

    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            CopyCommand::Db(args)
            | CopyCommand::Roles(args)
            | CopyCommand::Tablespaces(args)
            | CopyCommand::Extensions(args)
            | CopyCommand::Schema(args)
            | CopyCommand::Data(args)
            | CopyCommand::TableData(args)
            | CopyCommand::Blobs(args)
            | CopyCommand::Sequences(args)
            | CopyCommand::Indexes(args)
            | CopyCommand::Constraints(args) => &args.common,
        }
    }
}

/// What can be dumped.
#[derive(Subcommand)]
pub(super) enum DumpCommand {
    /// Dump the schema of the source into the work directory
    #[command(
        override_usage = "pgcopydb dump schema --source <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Schema(Box<DumpArgs>),

    /// The same as dump schema: both are in one archive
    #[command(override_usage = "pgcopydb dump pre-data --source <URI> [OPTIONS]")]
    PreData(Box<DumpArgs>),

    /// The same as dump schema: both are in one archive
    #[command(override_usage = "pgcopydb dump post-data --source <URI> [OPTIONS]")]
    PostData(Box<DumpArgs>),

    /// Write the roles of the source server to roles.sql in the work directory
    #[command(
        override_usage = "pgcopydb dump roles --source <URI> [OPTIONS]",
        after_help = ROLES_EXAMPLES
    )]
    Roles(Box<DumpArgs>),
}

/// Options of `dump schema`.
#[derive(Args)]
pub(super) struct DumpArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Accepted for older scripts, without a meaning
    #[arg(short = 'T', long, value_name = "URI", hide = true)]
    target: Option<String>,
    #[command(flatten)]
    filters: FilterArgs,
    /// Leave out extensions
    #[arg(short = 'e', long, help_heading = "Objects")]
    skip_extensions: bool,
    /// Leave out the passwords of roles
    #[arg(short = 'P', long, help_heading = "Roles")]
    no_role_passwords: bool,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

impl DumpCommand {
    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            DumpCommand::Schema(args)
            | DumpCommand::PreData(args)
            | DumpCommand::PostData(args)
            | DumpCommand::Roles(args) => &args.common,
        }
    }

    pub(super) fn request(self) -> Result<Request, UsageExit> {
        let args = match self {
            DumpCommand::Roles(args) => {
                return Ok(Request::Roles(RolesRequest {
                    task: RolesTask::Dump { source: source(args.source)? },
                    directory: args.directory.dir,
                    no_passwords: args.no_role_passwords,
                }));
            }
            DumpCommand::Schema(args)
            | DumpCommand::PreData(args)
            | DumpCommand::PostData(args) => args,
        };
        let beginning = args.run.beginning();
        let settings = Settings {
            beginning,
            not_consistent: args.run.not_consistent,
            snapshot: args.run.snapshot,
            directory: args.directory.dir,
            filters: args.filters.filters,
            allow_unmatched_filters: args.filters.allow_unmatched_filters,
            skip_extensions: args.skip_extensions,
            ..Settings::default()
        };
        Ok(Request::Dump(Box::new(DumpRequest { source: source(args.source)?, settings })))
    }
}

/// What can be restored.
#[derive(Subcommand)]
pub(super) enum RestoreCommand {
    /// Make every object of the dump on the target
    #[command(
        override_usage = "pgcopydb restore schema --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    Schema(Box<RestoreArgs>),

    /// Make the objects that come before the rows: tables, types, functions, views
    #[command(
        override_usage = "pgcopydb restore pre-data --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    PreData(Box<RestoreArgs>),

    /// Make the objects that come after the rows: indexes, constraints, triggers, privileges
    #[command(
        override_usage = "pgcopydb restore post-data --source <URI> --target <URI> [OPTIONS]",
        after_help = NEXT
    )]
    PostData(Box<RestoreArgs>),

    /// Make the roles of roles.sql on the target server
    #[command(
        override_usage = "pgcopydb restore roles --source <URI> --target <URI> [OPTIONS]",
        after_help = ROLES_EXAMPLES
    )]
    Roles(Box<RestoreArgs>),

    /// Print the entries of a list of pg_restore, or write the lists of the dump
    ParseList(Box<ParseListArgs>),
}

/// Options of `restore schema`, `restore pre-data` and `restore post-data`.
#[derive(Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Indexes, constraints and views made at the same time, 1 to 128
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        env = "PGCOPYDB_RESTORE_JOBS",
        default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=128),
        help_heading = "Concurrency"
    )]
    restore_jobs: u16,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    schema: SchemaArgs,
    /// Leave out extensions
    #[arg(short = 'e', long, help_heading = "Objects")]
    skip_extensions: bool,
    /// Leave out comments on extensions
    #[arg(short = 'E', long, alias = "skip-ext-comment", help_heading = "Objects")]
    skip_ext_comments: bool,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `restore parse-list`.
#[derive(Args)]
pub(super) struct ParseListArgs {
    /// A list as pg_restore --list prints it [default: write the lists of the dump]
    #[arg(value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    restore: RestoreArgs,
}

impl RestoreCommand {
    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            RestoreCommand::Schema(args)
            | RestoreCommand::PreData(args)
            | RestoreCommand::PostData(args)
            | RestoreCommand::Roles(args) => &args.common,
            RestoreCommand::ParseList(args) => &args.restore.common,
        }
    }

    pub(super) fn request(self) -> Result<Request, UsageExit> {
        let (args, selection) = match self {
            RestoreCommand::Schema(args) => (args, Selection::Schema),
            RestoreCommand::PreData(args) => (args, Selection::PreData),
            RestoreCommand::PostData(args) => (args, Selection::PostData),
            RestoreCommand::ParseList(args) => return args.request(),
            RestoreCommand::Roles(args) => return args.roles_request(),
        };
        args.request(selection).map(|request| Request::Clone(Box::new(request)))
    }
}

impl RestoreArgs {
    fn roles_request(self) -> Result<Request, UsageExit> {
        let (_, target) = both(self.source, self.target)?;
        Ok(Request::Roles(RolesRequest {
            task: RolesTask::Restore { target },
            directory: self.directory.dir,
            no_passwords: false,
        }))
    }

    fn request(self, selection: Selection) -> Result<CloneRequest, UsageExit> {
        let (source, target) = both(self.source, self.target)?;
        let beginning = match self.run.beginning() {
            // The directory has the dump: it is always gone on with.
            Beginning::Fresh => Beginning::Resume,
            beginning @ (Beginning::Resume | Beginning::Restart) => beginning,
        };
        let jobs = Jobs {
            table: self.restore_jobs,
            index: self.restore_jobs,
            restore: self.restore_jobs,
            ..Settings::default().jobs
        };
        let mut settings = Settings {
            jobs,
            beginning,
            not_consistent: self.run.not_consistent,
            snapshot: self.run.snapshot,
            directory: self.directory.dir,
            filters: self.filters.filters,
            allow_unmatched_filters: self.filters.allow_unmatched_filters,
            skip_extensions: self.skip_extensions,
            skip_extension_comments: self.skip_ext_comments,
            ..Settings::default()
        };
        self.schema.settle(&mut settings);
        let task = Task { selection, archive: Archive::Given };
        let all_databases = false;
        Ok(CloneRequest { source, target, settings, task, report: None, all_databases })
    }
}

impl ParseListArgs {
    fn request(self) -> Result<Request, UsageExit> {
        Ok(Request::ParseList(match self.list {
            Some(list) => ParseListRequest::File(list),
            None => {
                let request = self.restore.request(Selection::Schema)?;
                ParseListRequest::Dump(Box::new(request.settings))
            }
        }))
    }
}

impl SchemaArgs {
    /// Notes how objects are to be made.
    pub(super) fn settle(&self, settings: &mut Settings) {
        settings.drop_if_exists = self.drop_if_exists;
        settings.no_owner = self.no_owner;
        settings.no_acl = self.no_acl;
        settings.no_comments = self.no_comments;
        settings.no_tablespaces = self.no_tablespaces;
        settings.tablespace_map = self.tablespace_map.iter().cloned().collect();
    }
}

impl CloneArgs {
    fn roles_request(self) -> Result<Request, UsageExit> {
        let (source, target) = both(self.source, self.target)?;
        Ok(Request::Roles(RolesRequest {
            task: RolesTask::Copy { source, target },
            directory: self.directory.dir,
            no_passwords: self.roles.no_role_passwords,
        }))
    }

    fn tablespaces_request(self) -> Result<Request, UsageExit> {
        let (source, target) = both(self.source, self.target)?;
        let other_names = self.schema.tablespace_map.into_iter().collect();
        Ok(Request::Tablespaces(TablespacesRequest { source, target, other_names }))
    }
}

/// Tablespaces to make.
pub struct TablespacesRequest {
    /// The server that has them.
    pub source: String,
    /// The server that gets them.
    pub target: String,
    /// Those that are called otherwise on the target.
    pub other_names: BTreeMap<String, String>,
}

/// Roles to copy.
pub struct RolesRequest {
    /// What is to be done with them.
    pub task: RolesTask,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
    /// Leave their passwords out.
    pub no_passwords: bool,
}

/// What is done with roles; connection strings are of any database of a server.
pub enum RolesTask {
    /// They are read, written down, and made.
    Copy {
        /// The server that has them.
        source: String,
        /// The server that gets them.
        target: String,
    },
    /// They are read and written down.
    Dump {
        /// The server that has them.
        source: String,
    },
    /// They are made as they were written down.
    Restore {
        /// The server that gets them.
        target: String,
    },
}

const ROLES_EXAMPLES: &str = "\
Examples:
  pgcopydb copy roles --source postgres://old/app --target postgres://new/app
  Look at them first
    pgcopydb dump roles --source postgres://old/app --dir /var/lib/copy
    less /var/lib/copy/schema/roles.sql
    pgcopydb restore roles -S postgres://old/app -T postgres://new/app --dir /var/lib/copy";

const TABLESPACES_EXAMPLES: &str = "\
Examples:
  pgcopydb copy tablespaces --source postgres://old/app --target postgres://new/app
  pgcopydb copy tablespaces -S postgres://old/app -T postgres://new/app --tablespace-map fast=nvme";

const NEXT: &str = "\
A whole copy in single commands; each but the first goes on in the same work directory
    pgcopydb snapshot &
    pgcopydb dump schema
    pgcopydb restore pre-data
    pgcopydb copy table-data --resume
    pgcopydb copy blobs --resume
    pgcopydb copy sequences --resume
    pgcopydb copy indexes --resume
    pgcopydb copy constraints --resume
    pgcopydb restore post-data";
