//! The mark of a whole copy. It is made just before the target's own record of the steps is
//! dropped, so that a run that is killed in between is known to have nothing left to do.

use rusqlite::OptionalExtension;

use super::Catalog;
use crate::error::Result;

impl Catalog {
    /// The database that a whole copy was made into; `None` if none was.
    pub async fn completed(&self) -> Result<Option<String>> {
        self.read("could not read whether the copy is whole", |transaction| {
            transaction.query_row("select target from completion", (), |row| row.get(0)).optional()
        })
        .await
    }

    /// A whole copy has been made into the database with this identity; durable afterwards.
    pub async fn complete(&self, target: &str) -> Result<()> {
        let target = target.to_owned();
        self.write("could not note that the copy is whole", move |transaction| {
            let insert = "insert or replace into completion (id, target) values (1, ?1)";
            transaction.execute(insert, [target]).map(|_| ())
        })
        .await
    }

    /// A copy begins: it is not whole.
    pub async fn begin_copy(&self) -> Result<()> {
        self.write("could not note that a copy begins", |transaction| {
            transaction.execute("delete from completion", ()).map(|_| ())
        })
        .await
    }
}
