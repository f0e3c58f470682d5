//! One session that applies: statements go out without waiting, every answer is read, and a group
//! of source transactions is committed with the position of the last one, together or not at all.

use std::collections::HashMap;
use std::sync::Arc;

use pgcopydb_wire::pipeline::{Pipeline, Value};

use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, change};
use crate::transform::{Array, Many, Statement, Values};

/// Statements sent before all answers are read: an error is seen this soon.
const SYNC_STATEMENTS: usize = 2_000;

/// Bytes of values sent before all answers are read: the target waits for the next ones then, so
/// that this is several batches.
const SYNC_BYTES: usize = 32 << 20;

/// Statements that are kept prepared.
const PREPARED_MAX: u32 = 500;

/// Source transactions in one of the target.
const GROUP_TRANSACTIONS: usize = 5_000;

/// Changes in a group after which it ends with the source transaction in hand.
const GROUP_CHANGES: usize = 50_000;

/// A statement whose answer has not been read.
struct Sent {
    text: Arc<str>,
    /// The change it repeats, for messages.
    about: Option<About>,
    /// How many rows it must touch, if that is known.
    rows: Option<u64>,
}

/// A change, for messages.
#[derive(Clone)]
pub(super) struct About {
    /// The tables on the source.
    pub table: Arc<str>,
    /// Where it is in the source's log.
    pub lsn: Lsn,
}

/// A session with the target that applies.
pub(super) struct Applier<'a> {
    pipeline: Pipeline<'a>,
    /// Remembers the position `$1`.
    remember: String,
    prepared: HashMap<Arc<str>, u32>,
    sent: Vec<Sent>,
    sent_bytes: usize,
    is_open: bool,
    changes: usize,
    transactions: usize,
    end: Lsn,
}

impl<'a> Applier<'a> {
    pub(super) fn new(pipeline: Pipeline<'a>, remember: String) -> Applier<'a> {
        Applier {
            pipeline,
            remember,
            prepared: HashMap::new(),
            sent: Vec::new(),
            sent_bytes: 0,
            is_open: false,
            changes: 0,
            transactions: 0,
            end: Lsn::NONE,
        }
    }

    /// Sends a statement, in the transaction of the group.
    pub(super) async fn apply(&mut self, statement: Statement, about: About) -> Result<()> {
        self.open().await?;
        let Statement { text, parameters, touches_one_row } = statement;
        let name = self.prepared(&text, Some(about), touches_one_row.then_some(1)).await?;
        let values: Vec<Value<'_>> = parameters
            .iter()
            .map(|value| match value {
                change::Value::Null | change::Value::Unchanged => Value::Null,
                change::Value::Text(text) => Value::TextBytes(text),
                change::Value::Binary(binary) => Value::Binary(binary),
            })
            .collect();
        self.sent_bytes += parameters.iter().map(change::Value::bytes).sum::<usize>();
        self.pipeline.execute(&name, &values).await.map_err(lost)?;
        self.sync_if_full().await
    }

    /// Sends many changes, in the transaction of the group.
    pub(super) async fn apply_many(&mut self, many: Many, about: About) -> Result<()> {
        self.open().await?;
        let name = self.prepared(&many.text, Some(about), Some(many.rows)).await?;
        match &many.values {
            Values::Rows(rows) => {
                self.sent_bytes += rows.len();
                self.pipeline.copy(&name, rows).await.map_err(lost)?;
            }
            Values::Arrays(arrays) => {
                self.sent_bytes += arrays.iter().map(Array::len).sum::<usize>();
                let values: Vec<Value<'_>> = arrays
                    .iter()
                    .map(|array| match array {
                        Array::Text(text) => Value::TextBytes(text),
                        Array::Binary(binary) => Value::Binary(binary),
                    })
                    .collect();
                self.pipeline.execute(&name, &values).await.map_err(lost)?;
            }
        }
        self.sync_if_full().await
    }

    /// Keeps the target at work while something else is done.
    pub(super) async fn nudge(&mut self) -> Result<()> {
        self.pipeline.nudge().await.map_err(lost)
    }

    /// Another change of the group is on its way.
    pub(super) fn count_change(&mut self) {
        self.changes += 1;
    }

    async fn sync_if_full(&mut self) -> Result<()> {
        match self.sent.len() >= SYNC_STATEMENTS || self.sent_bytes >= SYNC_BYTES {
            true => self.sync().await,
            false => Ok(()),
        }
    }

    /// The source transaction in hand is whole.
    pub(super) fn end(&mut self, end: Lsn) {
        self.transactions += 1;
        self.end = end;
    }

    /// Whether the group is large enough.
    pub(super) fn is_full(&self) -> bool {
        self.transactions >= GROUP_TRANSACTIONS || self.changes >= GROUP_CHANGES
    }

    /// Commits the group, if there is one, and gives back its end. All its answers have been read
    /// before, and none was an error or a surprise.
    pub(super) async fn commit(&mut self) -> Result<Option<Lsn>> {
        if self.transactions == 0 {
            return Ok(None);
        }
        self.open().await?;
        let remember = self.remember.clone();
        let name = self.prepared(&remember, None, Some(1)).await?;
        let end = self.end.to_string();
        self.pipeline.execute(&name, &[Value::Text(&end)]).await.map_err(lost)?;
        self.sync().await?;
        self.run("commit").await?;
        self.sync().await?;
        (self.is_open, self.changes, self.transactions) = (false, 0, 0);
        Ok(Some(self.end))
    }

    async fn open(&mut self) -> Result<()> {
        if !self.is_open {
            self.is_open = true;
            self.run("begin").await?;
        }
        Ok(())
    }

    async fn run(&mut self, sql: &str) -> Result<()> {
        let text = Arc::from(sql);
        self.sent.push(Sent { text, about: None, rows: None });
        self.pipeline.run(sql).await.map_err(lost)
    }

    /// The name of a prepared statement whose answer is waited for from now on.
    async fn prepared(
        &mut self,
        text: &str,
        about: Option<About>,
        rows: Option<u64>,
    ) -> Result<String> {
        let (text, number) = match self.prepared.get_key_value(text) {
            Some((text, number)) => (text.clone(), *number),
            None => self.prepare(text).await?,
        };
        self.sent.push(Sent { text, about, rows });
        Ok(format!("s{number}"))
    }

    async fn prepare(&mut self, text: &str) -> Result<(Arc<str>, u32)> {
        if self.prepared.len() >= PREPARED_MAX as usize {
            self.run("deallocate all").await?;
            self.prepared.clear();
        }
        let number = self.prepared.len() as u32;
        let text: Arc<str> = Arc::from(text);
        self.pipeline.prepare(&format!("s{number}"), &text).await.map_err(lost)?;
        self.prepared.insert(text.clone(), number);
        Ok((text, number))
    }

    /// Reads all answers.
    async fn sync(&mut self) -> Result<()> {
        let answered = self.pipeline.sync().await;
        let counts = self.pipeline.take_counts();
        let sent = std::mem::take(&mut self.sent);
        self.sent_bytes = 0;
        if let Err(cause) = answered {
            let failed = sent.get(counts.len());
            return Err(refused(cause, failed));
        }
        if counts.len() != sent.len() {
            let message = format!("{} statements had {} answers", sent.len(), counts.len());
            return Err(Error::new(Kind::Internal, message));
        }
        for (sent, count) in sent.iter().zip(counts) {
            if sent.rows.is_some_and(|rows| rows != count) {
                return Err(surprise(sent, count));
            }
        }
        Ok(())
    }
}

fn lost(cause: pgcopydb_wire::Error) -> Error {
    Error::target("could not apply changes", cause)
}

fn refused(cause: pgcopydb_wire::Error, failed: Option<&Sent>) -> Error {
    let Some(sent) = failed else { return lost(cause) };
    let is_server = matches!(cause, pgcopydb_wire::Error::Server(_));
    let error = match &sent.about {
        Some(About { table, lsn }) => {
            let doing = format!("could not apply the change of {table} at {lsn}");
            Error::target(doing, cause)
        }
        None => lost(cause),
    };
    if !is_server {
        return error;
    }
    let detail = match error.detail_text() {
        Some(detail) => format!("{detail} The statement was: {}", sent.text),
        None => format!("The statement was: {}", sent.text),
    };
    let has_hint = error.hint_text().is_some();
    let error = error.detail(detail);
    if has_hint {
        return error;
    }
    error.hint("Nothing after it was applied. Repair the target, then continue with --resume.")
}

/// The target is not what the source was: that must not be passed over.
fn surprise(sent: &Sent, count: u64) -> Error {
    let Some(About { table, lsn }) = &sent.about else {
        return Error::new(Kind::Target, "the target does not remember the progress any more")
            .hint("Was the replication origin dropped? Start over with --restart.");
    };
    let rows = match sent.rows {
        Some(1) | None => "one row".to_owned(),
        Some(rows) => format!("{rows} rows"),
    };
    let message = format!(
        "the change of {table} at {lsn} is about {rows}, and {count} rows of the target fit it"
    );
    Error::new(Kind::Target, message).detail(format!("The statement was: {}", sent.text)).hint(
        "The target differs from what the source was: did somebody else write to it? Nothing \
             after it was applied. Repair the target, then continue with --resume.",
    )
}
