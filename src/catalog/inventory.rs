//! The inventory as rows: columns to look at, and the whole object as JSON to load it again. Both
//! ways it passes in pieces, so that it is never in memory twice.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::model::Inventory;

use super::Catalog;
use super::error::explain;
use super::json::{from_json, to_json};
use super::rows::Stored;

/// Rows to a transaction: few enough waits for the disk.
const ROWS_PER_WRITE: usize = 1024;

/// Text to a transaction: a table may have 1,600 columns.
const BYTES_PER_WRITE: usize = 1 << 20;

const SAVING: &str = "could not save what was found on the source";
const LOADING: &str = "could not load what was found on the source";

/// The tables that hold an inventory.
const TABLES: [&str; 10] = [
    "inventory",
    "source_table",
    "s_index",
    "s_foreign_key",
    "s_seq",
    "s_matview",
    "s_extension",
    "s_type",
    "s_role",
    "s_entry",
];

impl Catalog {
    /// Saves an inventory in place of an earlier one. It counts as there only when all of it is.
    pub async fn save_inventory(&self, inventory: &Inventory) -> Result<()> {
        let database = self.json(&inventory.database)?;
        let large_objects = self.json(&inventory.large_objects)?;
        self.write(SAVING, move |transaction| {
            for table in TABLES {
                transaction.execute(&format!("delete from {table}"), ())?;
            }
            let insert = "insert into inventory (id, is_complete, database, large_objects) \
                          values (1, false, ?1, ?2)";
            transaction.execute(insert, (database, large_objects))?;
            Ok(())
        })
        .await?;
        let datname = &inventory.database.name;
        self.save_rows(&inventory.tables, datname).await?;
        self.save_rows(&inventory.indexes, datname).await?;
        self.save_rows(&inventory.foreign_keys, datname).await?;
        self.save_rows(&inventory.sequences, datname).await?;
        self.save_rows(inventory.views.iter().cloned(), datname).await?;
        self.save_rows(inventory.extensions.iter().cloned(), datname).await?;
        self.save_rows(inventory.types.iter().cloned(), datname).await?;
        self.save_rows(inventory.roles.iter().cloned(), datname).await?;
        self.save_rows(&inventory.entries, datname).await?;
        self.write(SAVING, |transaction| {
            transaction.execute("update inventory set is_complete = true", ())?;
            Ok(())
        })
        .await
    }

    /// Whether an inventory was saved, and all of it.
    pub async fn has_inventory(&self) -> Result<bool> {
        self.read(LOADING, |transaction| {
            let query = "select exists (select 1 from inventory where is_complete)";
            transaction.query_row(query, (), |row| row.get(0))
        })
        .await
    }

    /// Loads the inventory; `None` if none was saved, or not all of it.
    pub async fn load_inventory(&self) -> Result<Option<Inventory>> {
        self.read(LOADING, |transaction| {
            let header = "select database, large_objects from inventory where is_complete";
            let header = transaction.query_row(header, (), |row| {
                Ok((from_json(row, "database")?, from_json(row, "large_objects")?))
            });
            let Some((database, large_objects)) = header.optional()? else {
                return Ok(None);
            };
            let roles = "select rolname from s_role order by position";
            let mut roles = transaction.prepare(roles)?;
            let roles = roles.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(Inventory {
                database,
                tables: load_rows(transaction, "source_table")?,
                indexes: load_rows(transaction, "s_index")?,
                foreign_keys: load_rows(transaction, "s_foreign_key")?,
                sequences: load_rows(transaction, "s_seq")?,
                views: load_rows(transaction, "s_matview")?,
                large_objects,
                extensions: load_rows(transaction, "s_extension")?,
                types: load_rows(transaction, "s_type")?,
                roles,
                entries: load_rows(transaction, "s_entry")?,
            }))
        })
        .await
    }

    async fn save_rows<T: Stored>(
        &self,
        objects: impl IntoIterator<Item = T>,
        datname: &str,
    ) -> Result<()> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        for object in objects {
            let row = object.row(datname);
            let row = row.map_err(|cause| explain(SAVING, self.path(), &cause))?;
            bytes += row.iter().map(text_bytes).sum::<usize>();
            rows.push(row);
            if rows.len() == ROWS_PER_WRITE || bytes >= BYTES_PER_WRITE {
                self.insert::<T>(std::mem::take(&mut rows)).await?;
                bytes = 0;
            }
        }
        self.insert::<T>(rows).await
    }

    async fn insert<T: Stored>(&self, rows: Vec<Vec<Value>>) -> Result<()> {
        self.write(SAVING, move |transaction| {
            let mut insert = transaction.prepare_cached(T::INSERT)?;
            for row in rows {
                insert.execute(params_from_iter(row))?;
            }
            Ok(())
        })
        .await
    }

    fn json(&self, value: &impl Serialize) -> Result<String> {
        to_json(value).map_err(|cause| explain(SAVING, self.path(), &cause))
    }
}

fn text_bytes(value: &Value) -> usize {
    if let Value::Text(text) = value { text.len() } else { 0 }
}

fn load_rows<T: DeserializeOwned, List: Default + Extend<T>>(
    transaction: &Transaction,
    table: &str,
) -> rusqlite::Result<List> {
    let mut objects = List::default();
    let query = format!("select detail from {table} order by position");
    let mut query = transaction.prepare(&query)?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        objects.extend([from_json(row, "detail")?]);
    }
    Ok(objects)
}
