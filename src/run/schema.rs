//! Entries of the archive, as `pg_restore` would run them, in transactions of ours.

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::Failure;
use crate::error::{Error, Kind, Result};
use crate::model::EntryId;
use crate::plan::Step;
use crate::plan::statement::split;

/// The statements of one transaction of the pre-data section, or of some entries of the post-data
/// section.
pub async fn script(context: &Context, steps: &[Step]) -> Result<String> {
    let entries: Vec<EntryId> = steps
        .iter()
        .flat_map(|step| match step {
            Step::RestorePreData { chunk } => context.pre_data[*chunk as usize].clone(),
            Step::RestorePostData { entry } => vec![*entry],
            _ => Vec::new(),
        })
        .collect();
    if entries.is_empty() {
        return Ok(String::new());
    }
    let script = context.printer.sql(&entries, &context.stop).await?;
    rewritten(context, &entries, script)
}

/// Runs a script. `label` says what it does.
pub async fn run(
    target: &mut Connection,
    script: &str,
    label: &str,
) -> std::result::Result<(), Failure> {
    match target.execute(script).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // Only for the message: a body of SQL-standard form would shift the count.
            let sql = split(script).get(target.completed()).map(|sql| without_heading(sql));
            let error = Error::target(format!("could not {label}"), error);
            Err(Failure { error, sql })
        }
    }
}

/// A statement without the comment that `pg_restore` writes above it.
fn without_heading(sql: &str) -> String {
    let is_heading = |line: &&str| line.is_empty() || line.starts_with("--");
    sql.lines().skip_while(is_heading).collect::<Vec<_>>().join("\n")
}

/// Takes out of the statements what needs something that is left out.
fn rewritten(context: &Context, entries: &[EntryId], mut script: String) -> Result<String> {
    for entry in entries.iter().map(|id| context.entry(*id)) {
        let Some(rewrite) = &entry.rewrite else { continue };
        if script.matches(&rewrite.original).count() != 1 {
            let message = format!("could not find the statement of {} in the archive", entry.tag);
            return Err(Error::new(Kind::Internal, message));
        }
        script = script.replacen(&rewrite.original, &rewrite.reduced, 1);
    }
    Ok(script)
}
