//! The `list` commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::args::{CommonArgs, SourceArgs};
use super::exit::UsageExit;
use super::settings::{Request, mandatory, source};
use super::size::Size;
use crate::model::settings::Sizes;

/// What can be listed.
#[derive(Subcommand)]
pub(super) enum ListCommand {
    /// List the databases of the source server
    Databases(Box<ListArgs>),
    /// List extensions, those that can be installed, or a file of requirements
    Extensions(Box<ListArgs>),
    /// List the collations that the database, its columns and its indexes use
    Collations(Box<ListArgs>),
    /// List tables
    #[command(after_help = TABLES_EXAMPLES)]
    Tables(Box<ListArgs>),
    /// List the parts that a table is copied in
    #[command(after_help = PARTS_EXAMPLES)]
    TableParts(Box<ListArgs>),
    /// List sequences and what they belong to
    Sequences(Box<ListArgs>),
    /// List indexes and constraints
    Indexes(Box<ListArgs>),
    /// List what is left out because it needs what --filters leaves out
    #[command(after_help = DEPENDS_EXAMPLES)]
    Depends(Box<ListArgs>),
    /// Print tables, indexes and sequences as one document, with --json
    Schema(Box<ListArgs>),
    /// Print how far the run in the work directory has come
    #[command(after_help = PROGRESS_EXAMPLES)]
    Progress(Box<ListArgs>),
}

/// Options of every `list` command.
#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    source: SourceArgs,

    /// Only this namespace
    #[arg(short = 's', long, value_name = "NAME", help_heading = "Objects")]
    schema_name: Option<String>,

    /// Only this table, in the namespace public unless another is named
    #[arg(short = 't', long, value_name = "NAME", help_heading = "Objects")]
    table_name: Option<String>,

    /// Only what this file leaves in
    #[arg(short = 'F', long, alias = "filter", value_name = "FILE", help_heading = "Objects")]
    filters: Option<PathBuf>,

    /// Go on when a name in that file matches nothing on the source
    #[arg(long, env = "PGCOPYDB_ALLOW_UNMATCHED_FILTERS", help_heading = "Objects")]
    allow_unmatched_filters: bool,

    /// With --filters: list what the file leaves out instead, with what goes because of that
    #[arg(short = 'x', long, help_heading = "Objects")]
    list_skipped: bool,

    /// Only tables that have no primary key
    #[arg(short = 'P', long, help_heading = "Objects")]
    without_pkey: bool,

    /// Cut tables of this size and more into parts of about this size, as in 10GB
    #[arg(
        short = 'L',
        long,
        alias = "split-at",
        value_name = "SIZE",
        env = "PGCOPYDB_SPLIT_TABLES_LARGER_THAN",
        help_heading = "Big tables"
    )]
    split_tables_larger_than: Option<Size>,

    /// Cut no table into more parts than this
    #[arg(
        short = 'u',
        long,
        value_name = "N",
        env = "PGCOPYDB_SPLIT_MAX_PARTS",
        value_parser = value_parser!(u32).range(1..),
        help_heading = "Big tables"
    )]
    split_max_parts: Option<u32>,

    /// Do not cut tables without a unique integer key by the place of their rows
    #[arg(short = 'k', long, help_heading = "Big tables")]
    skip_split_by_ctid: bool,

    /// Take the sizes of tables from the planner's statistics
    #[arg(short = 'm', long, env = "PGCOPYDB_ESTIMATE_TABLE_SIZES", help_heading = "Big tables")]
    estimate_table_sizes: bool,

    /// With extensions: list all that can be installed, with their versions
    #[arg(short = 'a', long, help_heading = "Output")]
    available_versions: bool,

    /// With extensions: list what --requirements of clone reads
    #[arg(short = 'r', long, help_heading = "Output")]
    requirements: bool,

    /// With progress: print the summary of the run
    #[arg(short = 'y', long, help_heading = "Output")]
    summary: bool,

    /// Print JSON instead of text
    #[arg(short = 'J', long, help_heading = "Output")]
    json: bool,

    /// Ask the source, whatever the work directory has
    #[arg(short = 'f', long, help_heading = "Run")]
    force: bool,

    /// Accepted for older scripts: what the work directory has is used anyway
    #[arg(short = 'R', long, help_heading = "Run")]
    resume: bool,

    /// Accepted for older scripts
    #[arg(short = 'I', long, help_heading = "Run")]
    not_consistent: bool,

    /// Read in a snapshot that is kept alive elsewhere, as by the command snapshot
    #[arg(short = 'N', long, value_name = "ID", help_heading = "Run")]
    snapshot: Option<String>,

    /// Work directory [default: pgcopydb in $TMPDIR or in /tmp]
    #[arg(short = 'D', long, value_name = "DIR", help_heading = "General")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    common: CommonArgs,
}

/// A list to print.
pub struct ListRequest {
    /// What is listed.
    pub listing: Listing,
    /// Connection string of the source.
    pub source: String,
    /// A snapshot to read in.
    pub snapshot: Option<String>,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
    /// Only objects in this namespace.
    pub namespace: Option<String>,
    /// Only this table, and what is on it.
    pub table: Option<String>,
    /// Ask the source again.
    pub force: bool,
    /// As JSON.
    pub json: bool,
    /// The filters.
    pub filters: FilterRequest,
    /// How sizes of tables are known.
    pub sizes: Sizes,
    /// How tables are cut.
    pub split: SplitRequest,
}

/// What is left in, or out.
#[derive(Clone, Debug, Default)]
pub struct FilterRequest {
    /// The filter file.
    pub file: Option<PathBuf>,
    /// Go on where a name in it matches nothing.
    pub allow_unmatched: bool,
    /// List what is left out.
    pub skipped: bool,
}

/// How tables would be cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct SplitRequest {
    /// Tables of at least this many bytes.
    pub larger_than: Option<u64>,
    /// The most parts of a table.
    pub max_parts: Option<u32>,
    /// Not by page.
    pub skip_by_ctid: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The databases of a server.
    Databases,
    /// Installed extensions.
    Extensions,
    /// Extensions that can be installed, with all versions.
    AvailableExtensions,
    /// The same with the default version, as a file of requirements.
    Requirements,
    /// Collations in use.
    Collations,
    /// Tables.
    Tables,
    /// Tables without a primary key.
    TablesWithoutKey,
    /// The parts of one table.
    TableParts,
    /// Sequences.
    Sequences,
    /// Indexes.
    Indexes,
    /// What is left out because of something else.
    Dependents,
    /// Everything as one document.
    Schema,
    /// How far a run has come.
    Progress,
    /// What a run has done.
    Summary,
}

impl ListCommand {
    pub(super) fn common(&self) -> &CommonArgs {
        match self {
            ListCommand::Databases(args)
            | ListCommand::Extensions(args)
            | ListCommand::Collations(args)
            | ListCommand::Tables(args)
            | ListCommand::TableParts(args)
            | ListCommand::Sequences(args)
            | ListCommand::Indexes(args)
            | ListCommand::Depends(args)
            | ListCommand::Schema(args)
            | ListCommand::Progress(args) => &args.common,
        }
    }

    pub(super) fn request(self, json: bool) -> Result<Request, UsageExit> {
        let (args, listing) = match self {
            ListCommand::Databases(args) => (args, Listing::Databases),
            ListCommand::Extensions(args) if args.available_versions => {
                (args, Listing::AvailableExtensions)
            }
            ListCommand::Extensions(args) if args.requirements => (args, Listing::Requirements),
            ListCommand::Extensions(args) => (args, Listing::Extensions),
            ListCommand::Collations(args) => (args, Listing::Collations),
            ListCommand::Tables(args) if args.without_pkey => (args, Listing::TablesWithoutKey),
            ListCommand::Tables(args) => (args, Listing::Tables),
            ListCommand::TableParts(args) => (args, Listing::TableParts),
            ListCommand::Sequences(args) => (args, Listing::Sequences),
            ListCommand::Indexes(args) => (args, Listing::Indexes),
            ListCommand::Depends(args) => (args, Listing::Dependents),
            ListCommand::Schema(args) => (args, Listing::Schema),
            ListCommand::Progress(args) if args.summary => (args, Listing::Summary),
            ListCommand::Progress(args) => (args, Listing::Progress),
        };
        args.request(listing, json).map(|request| Request::List(Box::new(request)))
    }
}

impl ListArgs {
    fn request(self, listing: Listing, json: bool) -> Result<ListRequest, UsageExit> {
        let source = source(self.source)?;
        let larger_than = self.split_tables_larger_than.map(|size| size.0);
        // Without a size nothing is listed, and nothing else is asked for.
        let wants_parts = listing == Listing::TableParts && larger_than.is_some_and(|b| b > 0);
        if wants_parts && self.table_name.is_none() {
            return Err(mandatory("Option --table-name is mandatory", "Name the table to cut."));
        }
        if self.list_skipped && self.filters.is_none() {
            return Err(mandatory(
                "Option --list-skipped needs the option --filters",
                "Name the file whose effect is to be listed.",
            ));
        }
        let is_filtered = !matches!(
            listing,
            Listing::Databases
                | Listing::AvailableExtensions
                | Listing::Requirements
                | Listing::Collations
                | Listing::TableParts
                | Listing::Progress
                | Listing::Summary
        );
        if self.list_skipped && !is_filtered {
            return Err(mandatory(
                "Option --list-skipped has no meaning for this list",
                "Filters leave out extensions, tables, sequences, indexes and what depends on them: \
                 ask \"list extensions\", \"tables\", \"sequences\", \"indexes\", \"depends\" or \
                 \"schema\".",
            ));
        }
        if listing == Listing::Dependents && !self.list_skipped {
            return Err(mandatory(
                "Options --filters and --list-skipped are mandatory",
                "Dependents are listed of what a filter file leaves out.",
            ));
        }
        Ok(ListRequest {
            listing,
            source,
            snapshot: self.snapshot,
            directory: self.dir,
            namespace: self.schema_name,
            table: self.table_name,
            force: self.force,
            json: json || self.json,
            filters: FilterRequest {
                file: self.filters,
                allow_unmatched: self.allow_unmatched_filters,
                skipped: self.list_skipped,
            },
            sizes: match self.estimate_table_sizes {
                true => Sizes::Estimated,
                false => Sizes::Exact,
            },
            split: SplitRequest {
                larger_than,
                max_parts: self.split_max_parts,
                skip_by_ctid: self.skip_split_by_ctid,
            },
        })
    }
}

const TABLES_EXAMPLES: &str = "\
Examples:
  pgcopydb list tables --source postgres://old/app
  pgcopydb list tables --source postgres://old/app --without-pkey
  pgcopydb list tables --source postgres://old/app --filters filters.ini --list-skipped";

const DEPENDS_EXAMPLES: &str = "\
Examples:
  pgcopydb list depends --source postgres://old/app --filters filters.ini --list-skipped";

const PARTS_EXAMPLES: &str = "\
Examples:
  pgcopydb list table-parts --source postgres://old/app --table-name rental --split-at 300kB";

const PROGRESS_EXAMPLES: &str = "\
Examples:
  pgcopydb list progress --source postgres://old/app --dir /var/lib/copy --json
  pgcopydb list progress --source postgres://old/app --summary";
