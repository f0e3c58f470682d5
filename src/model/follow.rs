//! What following a source needs to know: the slot, the origin, and how far things have come.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Lsn;

/// An output plugin of logical decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plugin {
    /// PostgreSQL's own, for which a publication says what is sent.
    #[default]
    Pgoutput,
    /// PostgreSQL's example, which writes text.
    TestDecoding,
    /// One that writes JSON, installed apart from PostgreSQL.
    Wal2json,
}

impl Plugin {
    /// All of them.
    pub const ALL: [Plugin; 3] = [Plugin::Pgoutput, Plugin::TestDecoding, Plugin::Wal2json];

    /// Its name on the server.
    pub fn name(self) -> &'static str {
        match self {
            Plugin::Pgoutput => "pgoutput",
            Plugin::TestDecoding => "test_decoding",
            Plugin::Wal2json => "wal2json",
        }
    }

    /// The plugin of a name.
    pub fn from_name(name: &str) -> Option<Plugin> {
        Plugin::ALL.into_iter().find(|plugin| plugin.name() == name)
    }
}

/// Where a running command is asked about its progress, and told what to do.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What both sides know, and nobody else.
    pub secret: Option<SecretString>,
}

/// What the user wants of following a source.
#[derive(Clone, Debug)]
pub struct FollowSettings {
    /// The output plugin; `None` for pgoutput, or another where the role may not use it.
    pub plugin: Option<Plugin>,
    /// The name of the replication slot.
    pub slot_name: String,
    /// The name of the replication origin.
    pub origin: String,
    /// A publication that exists already; without it, one named as the slot is made.
    pub publication: Option<String>,
    /// Where to stop.
    pub endpos: Option<Lsn>,
    /// Apply updates that change nothing, too.
    pub replay_no_op_updates: bool,
    /// The most bytes of changes that wait on our disk.
    pub max_store_size: Option<u64>,
    /// A wal2json that cannot write numbers as strings is refused.
    pub numeric_as_string: bool,
    /// Where to listen for the operator.
    pub remote: Option<Remote>,
}

impl Default for FollowSettings {
    fn default() -> FollowSettings {
        FollowSettings {
            plugin: None,
            slot_name: "pgcopydb".to_owned(),
            origin: "pgcopydb".to_owned(),
            publication: None,
            endpos: None,
            replay_no_op_updates: false,
            max_store_size: None,
            numeric_as_string: false,
            remote: None,
        }
    }
}

/// The slot that a work directory belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Changes of transactions that commit after this position come out of it.
    pub consistent_point: Lsn,
    /// The snapshot that was exported with it.
    pub snapshot: Option<String>,
    /// The output plugin.
    pub plugin: Plugin,
    /// The publication, where the plugin has one.
    pub publication: Option<String>,
    /// Whether the publication is ours.
    pub owns_publication: bool,
    /// Whether wal2json writes numbers as strings.
    pub numeric_as_string: bool,
    /// The replication origin on the target.
    pub origin: String,
}

/// The operator's row: where to begin and to stop, whether to apply, and how far things have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sentinel {
    /// Where changes begin.
    pub startpos: Lsn,
    /// Where to stop; [`Lsn::NONE`] for nowhere.
    pub endpos: Lsn,
    /// Whether changes are applied, or only received.
    pub apply: bool,
    /// Received up to here.
    pub write_lsn: Lsn,
    /// Durable in the work directory up to here.
    pub flush_lsn: Lsn,
    /// Durable on the target up to here.
    pub replay_lsn: Lsn,
}

/// The two tasks of following.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowTask {
    /// From the source into the work directory.
    Receive,
    /// From there to the target.
    Apply,
}

impl FollowTask {
    /// Its name in the work catalog.
    pub fn name(self) -> &'static str {
        match self {
            FollowTask::Receive => "receive",
            FollowTask::Apply => "apply",
        }
    }
}

/// How a task of following goes, as it noted last. Points in time are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// When it noted this.
    pub noted_at: i64,
    /// Bytes of the source's log that it gets through in a second.
    pub bytes_per_second: u64,
    /// For who receives: the end of the source's log; for who applies: everything up to here is on
    /// the target. 0 for unknown.
    pub position: u64,
    /// For who receives: when the oldest change came that the target lacks.
    pub behind_since: Option<i64>,
    /// Who or what it has to wait for.
    pub waits_for: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<i64>,
}

/// How following goes, as far as its tasks have noted it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowStatus {
    /// The one that receives.
    pub receive: Option<TaskStatus>,
    /// The one that applies.
    pub apply: Option<TaskStatus>,
}
