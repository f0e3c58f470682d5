//! What the user wants, resolved: every default, unit and conflict is settled.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::FollowSettings;
use serde::{Deserialize, Serialize};

/// How a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beginning {
    /// In a directory and a target that have not seen this clone.
    #[default]
    Fresh,
    /// Anew, forgetting what an earlier run did.
    Restart,
    /// Where an earlier run stopped.
    Resume,
}

/// Numbers of concurrent workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jobs {
    /// Tables (or parts of tables) copied, and tables analysed, at the same time.
    pub table: u16,
    /// Indexes and constraints built at the same time.
    pub index: u16,
    /// Materialized views filled at the same time.
    pub restore: u16,
    /// Batches of large objects copied at the same time.
    pub large_object: u16,
}

/// How the rows travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowFormat {
    /// Binary where every column's type is safe, text otherwise.
    #[default]
    Automatic,
    /// Always text.
    Text,
}

/// How the sizes of tables are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// Every table is looked at.
    #[default]
    Exact,
    /// From the planner's statistics.
    Estimated,
    /// The same, and tables without statistics get some first.
    EstimatedAfterAnalyze,
}

/// What the user wants of a clone.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Numbers of workers.
    pub jobs: Jobs,
    /// How the run begins.
    pub beginning: Beginning,
    /// Whether to go on without the snapshot of an earlier run.
    pub not_consistent: bool,
    /// A snapshot somebody else holds.
    pub snapshot: Option<String>,
    /// The work directory; `None` for the default one.
    pub directory: Option<PathBuf>,
    /// Tables of at least this many bytes are copied in parts; 0 for none, `None` for those that
    /// would leave workers without work.
    pub split_tables_larger_than: Option<u64>,
    /// The most parts one table is cut into.
    pub split_max_parts: Option<u32>,
    /// Do not cut tables by ctid.
    pub skip_split_by_ctid: bool,
    /// How the sizes of tables are known.
    pub sizes: Sizes,
    /// How the rows travel.
    pub row_format: RowFormat,
    /// The filter file.
    pub filters: Option<PathBuf>,
    /// Go on where a name in it matches nothing.
    pub allow_unmatched_filters: bool,
    /// Drop what is in the way on the target.
    pub drop_if_exists: bool,
    /// Leave owners as the target's role.
    pub no_owner: bool,
    /// Leave privileges out.
    pub no_acl: bool,
    /// Leave comments out.
    pub no_comments: bool,
    /// Leave tablespaces out.
    pub no_tablespaces: bool,
    /// Leave large objects out.
    pub skip_large_objects: bool,
    /// Leave ANALYZE and VACUUM out.
    pub skip_vacuum: bool,
    /// Leave extensions out.
    pub skip_extensions: bool,
    /// Leave comments on extensions out.
    pub skip_extension_comments: bool,
    /// Leave collations out.
    pub skip_collations: bool,
    /// Leave the settings of the database out.
    pub skip_db_properties: bool,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Receive changes from the beginning and apply them afterwards.
    pub follow: Option<FollowSettings>,
    /// Copy the roles of the server first.
    pub roles: bool,
    /// Leave the passwords of roles out.
    pub no_role_passwords: bool,
    /// Versions that extensions are wanted in, by their names.
    pub requirements: BTreeMap<String, String>,
    /// Tablespaces that have another name on the target.
    pub tablespace_map: BTreeMap<String, String>,
}

impl Settings {
    /// The name that a tablespace of the source has on the target.
    pub fn target_tablespace<'a>(&'a self, name: &'a String) -> &'a String {
        self.tablespace_map.get(name).unwrap_or(name)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            jobs: Jobs { table: 4, index: 4, restore: 4, large_object: 4 },
            beginning: Beginning::Fresh,
            not_consistent: false,
            snapshot: None,
            directory: None,
            split_tables_larger_than: None,
            split_max_parts: None,
            skip_split_by_ctid: false,
            sizes: Sizes::Exact,
            row_format: RowFormat::Automatic,
            filters: None,
            allow_unmatched_filters: false,
            drop_if_exists: false,
            no_owner: false,
            no_acl: false,
            no_comments: false,
            no_tablespaces: false,
            skip_large_objects: false,
            skip_vacuum: false,
            skip_extensions: false,
            skip_extension_comments: false,
            skip_collations: false,
            skip_db_properties: false,
            fail_fast: false,
            follow: None,
            roles: false,
            no_role_passwords: false,
            requirements: BTreeMap::new(),
            tablespace_map: BTreeMap::new(),
        }
    }
}
