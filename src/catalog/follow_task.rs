//! How the tasks of following go: each notes it now and then, for those who ask from outside.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::error::Result;
use crate::model::{FollowStatus, FollowTask, TaskStatus};

use super::Catalog;
use super::json::unsigned;

impl Catalog {
    /// Notes how a task goes.
    pub async fn note_task(&self, task: FollowTask, status: TaskStatus) -> Result<()> {
        self.write("could not note how following goes", move |transaction| {
            transaction
                .execute(
                    include_str!("schema/note_task.sql"),
                    (
                        task.name(),
                        status.noted_at,
                        status.bytes_per_second.cast_signed(),
                        status.position.cast_signed(),
                        status.behind_since,
                        status.waits_for,
                        status.last_error,
                        status.last_error_at,
                    ),
                )
                .map(|_| ())
        })
        .await
    }

    /// How following goes.
    pub async fn follow_status(&self) -> Result<FollowStatus> {
        self.read("could not read how following goes", |transaction| {
            Ok(FollowStatus {
                receive: of(transaction, FollowTask::Receive)?,
                apply: of(transaction, FollowTask::Apply)?,
            })
        })
        .await
    }
}

fn of(transaction: &Transaction, task: FollowTask) -> rusqlite::Result<Option<TaskStatus>> {
    let sql = "select * from follow_task where name = ?1";
    transaction.query_row(sql, [task.name()], read).optional()
}

fn read(row: &Row) -> rusqlite::Result<TaskStatus> {
    Ok(TaskStatus {
        noted_at: row.get("noted_at")?,
        bytes_per_second: unsigned(row.get("bytes_per_second")?),
        position: row.get::<_, i64>("position")?.cast_unsigned(),
        behind_since: row.get("behind_since")?,
        waits_for: row.get("waits_for")?,
        last_error: row.get("last_error")?,
        last_error_at: row.get("last_error_at")?,
    })
}
