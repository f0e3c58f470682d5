//! The commands that compare: `compare schema`, `compare data`.

use clap::{Args, Subcommand, value_parser};

use super::args::{CommonArgs, DirectoryArgs, JsonArgs, SourceArgs, SplitArgs, TargetArgs};
use super::exit::UsageExit;
use super::settings::{Request, both};

/// What can be compared.
#[derive(Subcommand)]
pub(super) enum CompareCommand {
    /// Compare every object of both databases, but not their rows
    #[command(
        override_usage = "pgcopydb compare schema --source <URI> --target <URI> [OPTIONS]",
        after_help = SCHEMA_EXAMPLES
    )]
    Schema(Box<CompareSchemaArgs>),

    /// Compare rows, sequences and large objects of both databases
    #[command(
        override_usage = "pgcopydb compare data --source <URI> --target <URI> [OPTIONS]",
        after_help = DATA_EXAMPLES
    )]
    Data(Box<CompareDataArgs>),
}

/// Options of `compare schema`.
#[derive(Args)]
pub(super) struct CompareSchemaArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    databases: DatabasesArgs,
    #[command(flatten)]
    jobs: CompareJobsArgs,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `compare data`.
#[derive(Args)]
pub(super) struct CompareDataArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    databases: DatabasesArgs,
    #[command(flatten)]
    jobs: CompareJobsArgs,
    #[command(flatten)]
    split: SplitArgs,
    /// Name the first rows that differ of each table, 10 or as many as given
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10",
        value_parser = value_parser!(u32).range(1..=10_000)
    )]
    rows: Option<u32>,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Which databases.
#[derive(Args)]
#[command(next_help_heading = "What is compared")]
struct DatabasesArgs {
    /// Compare all databases of the source with those of the same names on the target
    #[arg(short = 'a', long)]
    all_databases: bool,
}

/// Numbers of workers.
#[derive(Args)]
#[command(next_help_heading = "Concurrency (1 to 128)")]
struct CompareJobsArgs {
    /// Tables, or parts of tables, compared at the same time
    #[arg(
        short = 'j',
        long,
        alias = "jobs",
        value_name = "N",
        env = "PGCOPYDB_TABLE_JOBS",
        default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=128)
    )]
    table_jobs: u16,
}

/// Two schemas to compare.
pub struct CompareSchemaRequest {
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target.
    pub target: String,
    /// Whether the result is printed as JSON.
    pub json: bool,
    /// Whether all databases of the servers are compared.
    pub all_databases: bool,
}

/// The data of two databases to compare.
pub struct CompareDataRequest {
    /// Connection string of the source.
    pub source: String,
    /// Connection string of the target.
    pub target: String,
    /// Whether the result is printed as JSON.
    pub json: bool,
    /// Whether all databases of the servers are compared.
    pub all_databases: bool,
    /// Tables, or parts of tables, compared at the same time.
    pub table_jobs: u16,
    /// Tables of at least this many bytes are compared in parts; 0 for never.
    pub split_tables_larger_than: Option<u64>,
    /// The most parts of one table.
    pub split_max_parts: Option<u32>,
    /// Whether tables are never cut by the place of their rows.
    pub skip_split_by_ctid: bool,
    /// How many rows that differ are named of each table.
    pub rows: u32,
}

impl CompareCommand {
    /// What is wanted; `json` says whether JSON was asked for in front of the command.
    pub(super) fn request(self, json: bool) -> Result<Request, UsageExit> {
        match self {
            CompareCommand::Schema(args) => {
                let (source, target) = both(args.source, args.target)?;
                let json = json || args.json.json;
                let all_databases = args.databases.all_databases;
                let request = CompareSchemaRequest { source, target, json, all_databases };
                Ok(Request::CompareSchema(request))
            }
            CompareCommand::Data(args) => {
                let (source, target) = both(args.source, args.target)?;
                Ok(Request::CompareData(CompareDataRequest {
                    source,
                    target,
                    json: json || args.json.json,
                    all_databases: args.databases.all_databases,
                    table_jobs: args.jobs.table_jobs,
                    split_tables_larger_than: args.split.split_tables_larger_than.map(|s| s.0),
                    split_max_parts: args.split.split_max_parts,
                    skip_split_by_ctid: args.split.skip_split_by_ctid,
                    rows: args.rows.unwrap_or(0),
                }))
            }
        }
    }

    /// Options that every command has.
    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            CompareCommand::Schema(args) => &args.common,
            CompareCommand::Data(args) => &args.common,
        }
    }
}

const SCHEMA_EXAMPLES: &str = "\
Exit codes: 0 the same, 12 not the same

Examples:
  pgcopydb compare schema -S postgres://old/app -T postgres://new/app
  pgcopydb compare schema -S postgres://old/app -T postgres://new/app --json";

const DATA_EXAMPLES: &str = "\
Exit codes: 0 the same, 12 not the same

Examples:
  Compare 8 tables at a time
    pgcopydb compare data -S postgres://old/app -T postgres://new/app --table-jobs 8
  Name up to 20 rows of each table that differ
    pgcopydb compare data -S postgres://old/app -T postgres://new/app --rows=20";
