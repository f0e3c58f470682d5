//! The words of the program: what a database is made of, in PostgreSQL's own terms. No room above
//! has a second word for any of it.

pub mod binary;
pub mod change;
pub mod compare;
pub mod content;
pub mod database;
pub mod distributed;
pub mod entry;
pub mod follow;
pub mod found;
pub mod history;
pub mod index;
pub mod inventory;
pub mod kept_key;
pub mod listing;
pub mod lsn;
pub mod name;
pub mod object;
pub mod oid;
pub mod packed;
pub mod places;
pub mod replica;
pub mod role;
pub mod settings;
pub mod summary;
pub mod table;
pub mod types;

pub use database::{Database, Extension, ExtensionTable, LargeObjects, Sequence, View};
pub use distributed::{Distributed, Distribution};
pub use entry::{Entry, EntryId, Rewrite};
pub use follow::{
    FollowSettings, FollowStatus, FollowTask, Plugin, Remote, Sentinel, Slot, TaskStatus,
};
pub use found::{Found, FoundTable};
pub use history::{History, SectionRecord, StepRecord, StepState};
pub use index::{Constraint, ConstraintKind, ForeignKey, Index};
pub use inventory::Inventory;
pub use kept_key::{KeptKey, KeyState};
pub use listing::{
    AvailableExtension, Identity, ListedDatabase, RelationFacts, RunningWork, SequenceOwner,
    UsedCollation,
};
pub use lsn::Lsn;
pub use name::{QualifiedName, quote_identifier, quote_literal};
pub use object::Object;
pub use oid::Oid;
pub use packed::Packed;
pub use places::Places;
pub use settings::{Beginning, Jobs, Settings};
pub use summary::{
    Counter, Failure, ObjectSummary, PartSummary, Progress, Section, SectionSummary, StepKind,
    Summary, TableSummary,
};
pub use table::{Column, PartRange, Table, TableKind, TablePart};
pub use types::{Type, TypeKind};
