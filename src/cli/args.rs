//! Every option, written once: names, letters, variables, ranges and help.
//!
//! Options that belong together are one struct, and commands flatten in what they offer. Old
//! spellings are hidden aliases. What an option means for a run is decided in `settings`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum, value_parser};

use super::size::Size;
use crate::model::settings::Sizes;

/// Options of every command, and of the program itself.
#[derive(Args, Default)]
#[command(next_help_heading = "General")]
pub(super) struct CommonArgs {
    /// Say more: once for NOTICE, twice for SQL, then DEBUG, then TRACE
    #[arg(
        short = 'v',
        long,
        alias = "notice",
        action = ArgAction::Count,
        overrides_with_all = ["debug", "trace", "quiet"]
    )]
    pub(super) verbose: u8,

    /// Log at level DEBUG
    #[arg(short = 'd', long, overrides_with_all = ["verbose", "trace", "quiet"])]
    pub(super) debug: bool,

    /// Log at level TRACE; data of the user may appear in the log
    #[arg(short = 'z', long, overrides_with_all = ["verbose", "debug", "quiet"])]
    pub(super) trace: bool,

    /// Log errors only
    #[arg(short = 'q', long, overrides_with_all = ["verbose", "debug", "trace"])]
    pub(super) quiet: bool,

    /// Print the version and exit
    #[arg(short = 'V', long)]
    pub(super) version: bool,
}

/// Machine-readable output.
#[derive(Args)]
pub(super) struct JsonArgs {
    /// Print JSON instead of text
    #[arg(short = 'J', long)]
    pub(super) json: bool,
}

/// The server that is copied.
#[derive(Args)]
#[command(next_help_heading = "Servers")]
pub(super) struct SourceArgs {
    /// Connection string of the source: a URI or keyword=value pairs, as psql takes them
    #[arg(
        short = 'S',
        long,
        value_name = "URI",
        env = "PGCOPYDB_SOURCE_PGURI",
        hide_env_values = true
    )]
    pub(super) source: Option<String>,
}

/// The server that is copied to.
#[derive(Args)]
#[command(next_help_heading = "Servers")]
pub(super) struct TargetArgs {
    /// Connection string of the target: a URI or keyword=value pairs, as psql takes them
    #[arg(
        short = 'T',
        long,
        value_name = "URI",
        env = "PGCOPYDB_TARGET_PGURI",
        hide_env_values = true
    )]
    pub(super) target: Option<String>,
}

/// Where the program keeps its own files.
#[derive(Args)]
#[command(next_help_heading = "General")]
pub(super) struct DirectoryArgs {
    /// Work directory [default: pgcopydb in $TMPDIR or in /tmp]
    #[arg(short = 'D', long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// Numbers of workers.
#[derive(Args)]
#[command(next_help_heading = "Concurrency (1 to 128 each)")]
pub(super) struct JobsArgs {
    /// Tables, or parts of tables, copied at the same time
    #[arg(
        short = 'J',
        long,
        alias = "jobs",
        value_name = "N",
        env = "PGCOPYDB_TABLE_JOBS",
        default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=128)
    )]
    pub(super) table_jobs: u16,

    /// Indexes and constraints built at the same time
    #[arg(
        short = 'I',
        long,
        value_name = "N",
        env = "PGCOPYDB_INDEX_JOBS",
        default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=128)
    )]
    pub(super) index_jobs: u16,

    /// Materialized views filled at the same time [default: as --index-jobs]
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        env = "PGCOPYDB_RESTORE_JOBS",
        value_parser = value_parser!(u16).range(1..=128)
    )]
    pub(super) restore_jobs: Option<u16>,

    /// Batches of large objects copied at the same time
    #[arg(
        short = 'b',
        long,
        value_name = "N",
        env = "PGCOPYDB_LARGE_OBJECTS_JOBS",
        default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=128)
    )]
    pub(super) large_objects_jobs: u16,
}

/// How a big table is cut into parts that are copied side by side.
#[derive(Args)]
#[command(next_help_heading = "Big tables")]
pub(super) struct SplitArgs {
    /// Copy tables of this size and more in parts of about this size, as in 10GB; 0 for never
    /// [default: only where a worker would be left without work]
    #[arg(
        short = 'L',
        long,
        alias = "split-at",
        value_name = "SIZE",
        env = "PGCOPYDB_SPLIT_TABLES_LARGER_THAN"
    )]
    pub(super) split_tables_larger_than: Option<Size>,

    /// Cut no table into more parts than this
    #[arg(
        short = 'u',
        long,
        value_name = "N",
        env = "PGCOPYDB_SPLIT_MAX_PARTS",
        value_parser = value_parser!(u32).range(1..)
    )]
    pub(super) split_max_parts: Option<u32>,

    /// Do not cut tables without a unique integer key by the place of their rows
    #[arg(short = 'k', long, env = "PGCOPYDB_SKIP_CTID_SPLIT")]
    pub(super) skip_split_by_ctid: bool,
}

/// How the sizes of tables are known.
#[derive(Args)]
#[command(next_help_heading = "Big tables")]
pub(super) struct SizeArgs {
    /// Take the sizes of tables from the planner's statistics; tables without any are analysed first
    #[arg(short = 'm', long, env = "PGCOPYDB_ESTIMATE_TABLE_SIZES")]
    pub(super) estimate_table_sizes: bool,

    /// With --estimate-table-sizes: analyse no table of the source
    #[arg(short = 'a', long, env = "PGCOPYDB_SKIP_ANALYZE")]
    pub(super) skip_analyze: bool,
}

impl SizeArgs {
    /// What is asked of the source.
    pub(super) fn sizes(&self) -> Sizes {
        match (self.estimate_table_sizes, self.skip_analyze) {
            (false, _) => Sizes::Exact,
            (true, false) => Sizes::EstimatedAfterAnalyze,
            (true, true) => Sizes::Estimated,
        }
    }
}

/// How rows can travel. The values are explained with the option: a help of their own would
/// make clap print the help of all options in its long form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CopyFormat {
    Auto,
    Text,
}

/// How rows travel.
#[derive(Args)]
#[command(next_help_heading = "Rows")]
pub(super) struct FormatArgs {
    /// Format of the rows: auto is binary where every column's type allows it, text elsewhere
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "PGCOPYDB_COPY_FORMAT",
        default_value = "auto"
    )]
    pub(super) copy_format: CopyFormat,

    /// Accepted for older scripts: the binary format is used anyway where it is safe
    #[arg(short = 'n', long, env = "PGCOPYDB_USE_COPY_BINARY")]
    pub(super) use_copy_binary: bool,
}

/// Which objects are copied.
#[derive(Args)]
#[command(next_help_heading = "Objects")]
pub(super) struct FilterArgs {
    /// Copy what this file leaves in: schemas, tables, rows, indexes, extensions
    #[arg(short = 'F', long, alias = "filter", value_name = "FILE")]
    pub(super) filters: Option<PathBuf>,

    /// Go on when a name in that file matches nothing on the source
    #[arg(long, env = "PGCOPYDB_ALLOW_UNMATCHED_FILTERS")]
    pub(super) allow_unmatched_filters: bool,
}

/// How objects are made on the target.
#[derive(Args)]
#[command(next_help_heading = "Objects")]
pub(super) struct SchemaArgs {
    /// Drop objects on the target that are in the way
    #[arg(short = 'c', long, env = "PGCOPYDB_DROP_IF_EXISTS")]
    pub(super) drop_if_exists: bool,

    /// Leave all objects to the role that connects to the target
    #[arg(short = 'O', long)]
    pub(super) no_owner: bool,

    /// Leave out privileges (GRANT and REVOKE)
    #[arg(short = 'x', long)]
    pub(super) no_acl: bool,

    /// Leave out comments
    #[arg(short = 'X', long)]
    pub(super) no_comments: bool,

    /// Put everything into the default tablespace
    #[arg(short = 'y', long, env = "PGCOPYDB_SKIP_TABLESPACES")]
    pub(super) no_tablespaces: bool,

    /// Put what is in tablespace FROM into tablespace TO; may be repeated
    #[arg(long, value_name = "FROM=TO", value_parser = mapping)]
    pub(super) tablespace_map: Vec<(String, String)>,
}

/// Two names, as in `fast=slow`.
fn mapping(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => {
            Ok((from.to_owned(), to.to_owned()))
        }
        _ => Err("two names are needed, as in fast=slow"),
    }
}

/// What is left out.
#[derive(Args)]
#[command(next_help_heading = "Objects")]
pub(super) struct ObjectArgs {
    /// Leave out large objects
    #[arg(short = 'B', long, alias = "skip-blobs")]
    pub(super) skip_large_objects: bool,

    /// Leave out extensions
    #[arg(short = 'e', long)]
    pub(super) skip_extensions: bool,

    /// Leave out comments on extensions
    #[arg(short = 'M', long, alias = "skip-ext-comment")]
    pub(super) skip_ext_comments: bool,

    /// Leave out collations: those of the target are used, or made beforehand
    #[arg(short = 'l', long)]
    pub(super) skip_collations: bool,

    /// Leave out the settings of the database (ALTER DATABASE SET)
    #[arg(short = 'g', long, env = "PGCOPYDB_SKIP_DB_PROPERTIES")]
    pub(super) skip_db_properties: bool,

    /// Leave out VACUUM ANALYZE
    #[arg(short = 'U', long, env = "PGCOPYDB_SKIP_VACUUM")]
    pub(super) skip_vacuum: bool,
}

/// Extensions in other versions.
#[derive(Args)]
#[command(next_help_heading = "Objects")]
pub(super) struct RequirementArgs {
    /// Make extensions in the versions of this file, as list extensions --requirements --json writes it
    #[arg(short = 'Q', long, value_name = "FILE")]
    pub(super) requirements: Option<PathBuf>,
}

/// The roles of the server.
#[derive(Args)]
#[command(next_help_heading = "Roles")]
pub(super) struct RoleArgs {
    /// Copy the roles of the source server first
    #[arg(short = 'A', long)]
    pub(super) roles: bool,

    /// Leave out the passwords of roles
    #[arg(short = 'P', long)]
    pub(super) no_role_passwords: bool,
}

/// How a run goes on after a failure.
#[derive(Args)]
#[command(next_help_heading = "Run")]
pub(super) struct FailureArgs {
    /// Stop at the first failure instead of going on with other tables
    #[arg(short = 'i', long, env = "PGCOPYDB_FAIL_FAST")]
    pub(super) fail_fast: bool,
}

/// How a run begins.
#[derive(Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    /// Forget what an earlier run did, and start over
    #[arg(short = 'r', long, conflicts_with = "resume")]
    pub(super) restart: bool,

    /// Go on where an earlier run stopped
    #[arg(short = 'R', long)]
    pub(super) resume: bool,

    /// Resume with a new snapshot: rows may come from different moments
    #[arg(short = 'C', long)]
    pub(super) not_consistent: bool,

    /// Use a snapshot that is kept alive elsewhere, as by the command snapshot
    #[arg(short = 'N', long, value_name = "ID", env = "PGCOPYDB_SNAPSHOT")]
    pub(super) snapshot: Option<String>,
}

/// Words that are no options; scripts may have them, and they never meant anything.
#[derive(Args)]
pub(super) struct IgnoredArgs {
    #[arg(hide = true)]
    pub(super) ignored: Vec<OsString>,
}

/// What is written besides the copy.
#[derive(Args)]
#[command(next_help_heading = "Run")]
pub(super) struct ReportArgs {
    /// Write a page for the browser about the run: timeline, slowest tables, what to change
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}
