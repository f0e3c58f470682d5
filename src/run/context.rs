//! What every worker of a run knows, and never changes.

use std::collections::HashSet;
use std::time::Duration;

use pgcopydb_wire::Connection;

use super::ledger::{COPY_KEY, Ledger, SEQUENCES_KEY};
use super::records::Records;
use super::statistics;
use crate::error::Result;
use crate::model::{
    Entry, EntryId, ForeignKey, Found, Index, Inventory, Oid, Places, QualifiedName, Settings,
    Table, quote_identifier,
};
use crate::pg::{Endpoint, snapshot};
use crate::plan::drop::Batch;
use crate::plan::format::{Format, Types};
use crate::plan::objects::{foreign_key_object, index_object, post_data_by_object};
use crate::plan::statement::{IndexStatements, index_statements};
use crate::plan::{Step, drop, pre_data};
use crate::stop::Stop;
use crate::tools::restore::Printer;

/// What the record of the whole pre-data section is called.
pub const PRE_DATA_KEY: &str = "pre-data";

/// Pause before a session tries again to join the run.
const JOIN_AGAIN: Duration = Duration::from_millis(100);

/// The servers, what is copied between them, and how.
#[derive(Debug)]
pub struct Context {
    /// The server that is copied from.
    pub source: Endpoint,
    /// The server that is copied to.
    pub target: Endpoint,
    /// The version of that server, such as 170004.
    pub target_version: u32,
    /// The exported snapshot that all readers see, if there is one.
    pub snapshot: Option<String>,
    /// What is copied.
    pub inventory: Inventory,
    /// What the user wants.
    pub settings: Settings,
    /// Turns entries of the archive into SQL.
    pub printer: Printer,
    /// Which steps the target remembers as done.
    pub ledger: Ledger,
    /// The wish to stop.
    pub stop: Stop,
    /// Where the statistics of tables are read.
    pub statistics: statistics::Reader,
    /// What is dropped before that, a transaction's worth each.
    pub drops: Vec<Batch>,
    /// Entries of the pre-data section, a transaction's worth each.
    pub pre_data: Vec<Vec<EntryId>>,
    /// Statements that end the last of these.
    pub after_pre_data: Vec<String>,
    /// What was on the target before; nothing where this copy makes the tables.
    pub found: Found,
    /// Namespaces that the target had before.
    pub target_namespaces: HashSet<String>,
    /// What the transactions of the pre-data section are called in records.
    pre_data_keys: Vec<String>,
    types: Types,
    tables: Places<Oid>,
    indexes: Places<Oid>,
    foreign_keys: Places<Oid>,
    entries: Places<EntryId>,
    objects: Places<(Oid, Oid)>,
}

/// What a context is made of.
#[derive(Debug)]
pub struct Parts {
    /// See [`Context`].
    pub source: Endpoint,
    /// See [`Context`].
    pub target: Endpoint,
    /// See [`Context`].
    pub target_version: u32,
    /// See [`Context`].
    pub snapshot: Option<String>,
    /// See [`Context`].
    pub inventory: Inventory,
    /// See [`Context`].
    pub settings: Settings,
    /// See [`Context`].
    pub printer: Printer,
    /// See [`Context`].
    pub ledger: Ledger,
    /// See [`Context`].
    pub stop: Stop,
    /// Namespaces that the target has already: they are not created again.
    pub target_namespaces: HashSet<String>,
}

impl Context {
    /// Prepares what workers look things up in.
    pub fn new(parts: Parts) -> Context {
        let Parts { source, target, target_version, snapshot, .. } = parts;
        let Parts { inventory, settings, printer, ledger, stop, .. } = parts;
        // Namespaces that are there. That of "public" holds no CREATE, but gives it its owner.
        let existing = inventory.entries.iter().filter(|entry| {
            entry.description == "SCHEMA"
                && entry.definition.starts_with("CREATE")
                && parts.target_namespaces.contains(&entry.tag)
        });
        let existing: HashSet<EntryId> = existing.map(|entry| entry.id).collect();
        let entries = Places::new(inventory.entries.iter().map(|entry| entry.id));
        let mut pre_data = pre_data::chunks(&inventory.entries, &settings);
        let first = |chunk: &[EntryId]| match chunk.first() {
            Some(id) => inventory.entries.at(entries.at(*id)).key(),
            None => String::new(),
        };
        let mut pre_data_keys: Vec<String> = pre_data
            .iter()
            .enumerate()
            .map(|(number, chunk)| format!("pre-data {number} {} {}", chunk.len(), first(chunk)))
            .collect();
        // Whatever the transactions were cut by: when the last one is done, so is the section.
        if let Some(last) = pre_data_keys.last_mut() {
            *last = PRE_DATA_KEY.to_owned();
        }
        for chunk in &mut pre_data {
            chunk.retain(|id| !existing.contains(id));
            chunk.shrink_to_fit();
        }
        let objects = post_data_by_object(&inventory.entries)
            .map(|(object, entry)| (object, entries.at(entry.id)));
        Context {
            types: Types::new(&inventory.types),
            tables: Places::new(inventory.tables.iter().map(|table| table.oid)),
            indexes: Places::new(inventory.indexes.iter().map(|index| index.oid)),
            foreign_keys: Places::new(inventory.foreign_keys.iter().map(|key| key.oid)),
            objects: Places::from_pairs(objects),
            drops: drop::batches(&inventory.entries, &settings),
            pre_data,
            pre_data_keys,
            after_pre_data: Vec::new(),
            found: Found::default(),
            statistics: statistics::Reader::default(),
            target_namespaces: parts.target_namespaces,
            entries,
            source,
            target,
            target_version,
            snapshot,
            inventory,
            settings,
            printer,
            ledger,
            stop,
        }
    }

    /// A table, which the plan got from the same inventory.
    pub fn table(&self, oid: Oid) -> Table {
        self.inventory.tables.at(self.tables.at(oid))
    }

    /// A table, if the OID is one's.
    pub fn find_table(&self, oid: Oid) -> Option<Table> {
        self.inventory.tables.get(self.tables.get(oid)?)
    }

    /// How a table's rows travel.
    pub fn format(&self, table: &Table) -> Format {
        let encoding = &self.inventory.database.encoding;
        self.types.format_of(table, encoding, self.settings.row_format)
    }

    /// An index.
    pub fn index_by_oid(&self, oid: Oid) -> Index {
        self.inventory.indexes.at(self.indexes.at(oid))
    }

    /// A foreign key.
    pub fn foreign_key(&self, oid: Oid) -> ForeignKey {
        self.inventory.foreign_keys.at(self.foreign_keys.at(oid))
    }

    /// An entry of the archive.
    pub fn entry(&self, id: EntryId) -> Entry {
        self.inventory.entries.at(self.entries.at(id))
    }

    /// The entry that makes an index, and the statements it comes to.
    pub fn index_statements(&self, index: &Index) -> Option<(Entry, IndexStatements)> {
        let entry = self.object(index_object(index))?;
        let table = self.relation_name(index.table)?;
        let statements = index_statements(index, &table, &entry.definition);
        Some((entry, statements))
    }

    /// The statements that the archive holds for a foreign key.
    pub fn foreign_key_sql(&self, key: &ForeignKey) -> Option<String> {
        Some(self.object(foreign_key_object(key))?.definition)
    }

    /// The post-data entry that makes an object.
    fn object(&self, object: (Oid, Oid)) -> Option<Entry> {
        self.inventory.entries.get(self.objects.get(object)?)
    }

    /// The name of a table or materialized view.
    pub fn relation_name(&self, oid: Oid) -> Option<QualifiedName> {
        let table = self.find_table(oid).map(|table| table.name);
        let view = || self.inventory.views.iter().find(|view| view.oid == oid);
        table.or_else(|| view().map(|view| view.name.clone()))
    }

    /// A session that reads from the source.
    pub async fn open_source(&self, role: &str) -> Result<Connection> {
        snapshot::reader(&self.source, self.snapshot.as_deref(), role).await
    }

    /// Lets a session read from the source again.
    pub async fn begin_source(&self, session: &mut Connection) -> Result<()> {
        snapshot::begin(session, self.source.side, self.snapshot.as_deref()).await
    }

    /// A session that writes to the target.
    pub async fn open_target(&self, role: &str) -> Result<Connection> {
        loop {
            self.ledger.wait_for_run().await?;
            let mut session = self.target.open(role).await?;
            if self.ledger.join(&mut session).await? {
                return Ok(session);
            }
            // The lock of the run was lost just now; it is being taken again.
            drop(session);
            tokio::time::sleep(JOIN_AGAIN).await;
        }
    }

    /// Whether a step needs not be done, given the records of earlier runs.
    pub fn is_done(&self, step: Step, records: &Records) -> bool {
        match step {
            // What is there now was made by this copy.
            Step::DropObjects { .. } | Step::RestorePreData { .. }
                if records.contains(PRE_DATA_KEY) =>
            {
                true
            }
            Step::CreateIndex { index } if self.found.indexes.contains(&index) => true,
            // What hangs on the constraint may still be missing.
            Step::FinishIndex { index } if self.found.constraints.contains(&index) => {
                let statements = self.index_statements(&self.index_by_oid(index));
                statements.is_some_and(|(_, statements)| statements.finish.len() == 1)
            }
            step => records.contains(&self.key(step)),
        }
    }

    /// What a step does, as in "could not …".
    pub fn doing(&self, step: Step) -> String {
        let label = self.label(step);
        match step {
            // These are called what they make.
            Step::AttachIndex { .. } | Step::RestorePostData { .. } => format!("make {label}"),
            Step::RefreshView { .. } => format!("fill {label}"),
            _ => label,
        }
    }

    /// What a step is called in messages.
    pub fn label(&self, step: Step) -> String {
        let relation = |oid| match self.relation_name(oid) {
            Some(name) => name.to_string(),
            None => oid.to_string(),
        };
        match step {
            Step::DropObjects { batch } => {
                format!("drop what is in the way {}/{}", batch + 1, self.drops.len())
            }
            Step::RestorePreData { chunk } => {
                format!("restore pre-data {}/{}", chunk + 1, self.pre_data.len())
            }
            Step::CreateExtension { entry } => {
                format!("create extension {}", quote_identifier(&self.entry(entry).tag))
            }
            Step::Truncate { table } => format!("truncate {}", relation(table)),
            Step::CopyTable { table } => format!("copy {}", relation(table)),
            Step::CopyPart { table, part } => {
                format!("copy {} part {part}/{}", relation(table), self.table(table).parts.len())
            }
            Step::CreateIndex { index } => {
                format!("create index {}", self.index_by_oid(index).name)
            }
            Step::FinishIndex { index } => {
                let index = self.index_by_oid(index);
                format!("add constraint {} to {}", index.name, relation(index.table))
            }
            Step::AddForeignKey { constraint } => {
                let key = self.foreign_key(constraint);
                format!("add foreign key {:?} to {}", key.name, key.table_name)
            }
            Step::ValidateForeignKey { constraint } => {
                let key = self.foreign_key(constraint);
                format!("validate foreign key {:?} of {}", key.name, key.table_name)
            }
            Step::Analyze { table } => format!("analyze {}", relation(table)),
            Step::CopyLargeObjects { batch } => format!(
                "copy large objects {}/{}",
                batch + 1,
                self.inventory.large_objects.batches.len()
            ),
            Step::SetSequences => "set sequences".into(),
            Step::CopyExtensionData { extension } => {
                let extension = self.inventory.extensions.iter().find(|e| e.oid == extension);
                let name = extension.map_or("?", |extension| &extension.name);
                format!("copy configuration of extension {name:?}")
            }
            Step::AttachIndex { entry }
            | Step::RefreshView { entry }
            | Step::RestorePostData { entry } => {
                let entry = self.entry(entry);
                let namespace = entry.namespace.as_ref();
                let namespace =
                    namespace.map_or(String::new(), |namespace| format!("{namespace}."));
                format!("{} {namespace}{}", entry.description.to_lowercase(), entry.tag)
            }
            Step::Milestone => String::new(),
        }
    }

    /// What a step is called in records, which outlive this run and its archive.
    pub fn key(&self, step: Step) -> String {
        match step {
            Step::DropObjects { batch } => {
                let (count, first) = match &self.drops[batch as usize] {
                    Batch::Relations(names) => (names.len(), names[0].to_string()),
                    Batch::Objects(ids) => (ids.len(), self.entry(ids[0]).key()),
                };
                format!("drop {batch} {count} {first}")
            }
            Step::RestorePreData { chunk } => self.pre_data_keys[chunk as usize].clone(),
            Step::CreateExtension { entry } => {
                format!("create-extension {}", self.entry(entry).tag)
            }
            Step::Truncate { table } => format!("truncate {table}"),
            Step::CopyTable { table } => format!("{COPY_KEY}{table}"),
            Step::CopyPart { table, part } => {
                let parts = &self.table(table).parts;
                let range = serde_json::to_string(&parts[part as usize - 1].range);
                format!("{COPY_KEY}{table} {part}/{} {}", parts.len(), range.unwrap_or_default())
            }
            Step::CreateIndex { index } => format!("index {index}"),
            Step::FinishIndex { index } => format!("constraint {index}"),
            Step::AddForeignKey { constraint } => format!("foreign-key {constraint}"),
            Step::ValidateForeignKey { constraint } => format!("validate {constraint}"),
            Step::Analyze { table } => format!("analyze {table}"),
            Step::CopyLargeObjects { batch } => {
                let batches = &self.inventory.large_objects.batches;
                format!("large-objects {batch} {}", batches[batch as usize])
            }
            Step::SetSequences => SEQUENCES_KEY.into(),
            Step::CopyExtensionData { extension } => format!("extension {extension}"),
            Step::AttachIndex { entry }
            | Step::RefreshView { entry }
            | Step::RestorePostData { entry } => format!("post-data {}", self.entry(entry).key()),
            Step::Milestone => String::new(),
        }
    }
}
