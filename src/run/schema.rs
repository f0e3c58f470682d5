//! Entries of the archive, as `pg_restore` would run them, in transactions of ours.

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::{Done, Failure};
use crate::error::Error;
use crate::model::EntryId;
use crate::plan::Step;
use crate::plan::statement::split;

/// Runs a transaction's worth of the pre-data section.
pub async fn pre_data(
    context: &Context,
    target: &mut Connection,
    chunk: u32,
) -> std::result::Result<Done, Failure> {
    run(context, target, &context.pre_data[chunk as usize], "the pre-data section").await
}

/// Runs some entries of the post-data section.
pub async fn post_data(
    context: &Context,
    target: &mut Connection,
    steps: &[Step],
) -> std::result::Result<Vec<Done>, Failure> {
    let entries: Vec<EntryId> = steps
        .iter()
        .filter_map(|step| match step {
            Step::RestorePostData { entry } => Some(*entry),
            _ => None,
        })
        .collect();
    let label = context.label(steps[0]);
    let done = run(context, target, &entries, &label).await?;
    Ok(vec![Done { command: label, ..done }; steps.len()])
}

async fn run(
    context: &Context,
    target: &mut Connection,
    entries: &[EntryId],
    what: &str,
) -> std::result::Result<Done, Failure> {
    if entries.is_empty() {
        return Ok(Done::default());
    }
    let script = context.printer.sql(entries, &context.stop).await?;
    match target.execute(&script).await {
        Ok(_) => Ok(Done { command: what.to_owned(), ..Done::default() }),
        Err(error) => {
            // Only for the message: a body of SQL-standard form would shift the count.
            let sql = split(&script).get(target.completed()).map(|sql| (*sql).to_owned());
            let error = Error::target(format!("could not restore {what}"), error);
            Err(Failure { error, sql })
        }
    }
}
