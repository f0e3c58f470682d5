//! Entries of the archive, as `pg_restore` would run them, in transactions of ours.

use std::collections::BTreeMap;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::Failure;
use crate::error::{Error, Kind, Result};
use crate::model::{EntryId, quote_identifier};
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
    let last = context.pre_data.len().saturating_sub(1) as u32;
    let after = match steps.contains(&Step::RestorePreData { chunk: last }) {
        true => context.after_pre_data.join(";\n"),
        false => String::new(),
    };
    if entries.is_empty() {
        return Ok(after);
    }
    let script = context.printer.sql(&entries, &context.stop).await?;
    let script = rewritten(context, &entries, script)?;
    Ok(with_tablespaces(script, &context.settings.tablespace_map) + &after)
}

/// A script with other names of tablespaces.
fn with_tablespaces(script: String, map: &BTreeMap<String, String>) -> String {
    if map.is_empty() {
        return script;
    }
    let mut text = String::with_capacity(script.len());
    let mut copied = 0;
    // Looked for among statements, so that nothing in a string or a body is taken for one.
    for statement in split(&script) {
        let named = without_heading(statement);
        let Some(name) = named.strip_prefix("SET default_tablespace = ") else { continue };
        let other = map.iter().find(|(known, _)| quote_identifier(known) == name);
        let Some((_, other)) = other else { continue };
        // A statement is a piece of the script.
        let at = statement.as_ptr() as usize - script.as_ptr() as usize;
        text.push_str(&script[copied..at]);
        text.push_str(&format!("SET default_tablespace = {}", quote_identifier(other)));
        copied = at + statement.len();
    }
    text.push_str(&script[copied..]);
    text
}

/// Runs a script. `doing` says what it does.
pub async fn run(
    target: &mut Connection,
    script: &str,
    doing: &str,
) -> std::result::Result<(), Failure> {
    match target.execute(script).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // Only for the message: a body of SQL-standard form would shift the count.
            let sql = split(script).get(target.completed()).map(|sql| without_heading(sql));
            let error = Error::target(format!("could not {doing}"), error);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tablespaces_get_their_other_names() {
        let script = "SET default_tablespace = fast;\n\n--\n-- t\n--\nCREATE TABLE t ();\n\
                      SET default_tablespace = \"Odd one\";\nCREATE TABLE u ();\n\
                      CREATE FUNCTION f() AS $$\nSET default_tablespace = fast;\n$$;\n\
                      SET default_tablespace = other;\nSET default_tablespace = '';\n";
        let map = [("fast", "Slow"), ("Odd one", "even")];
        let map = map.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        assert_eq!(
            with_tablespaces(script.to_owned(), &map),
            script.replacen("= fast;", "= \"Slow\";", 1).replacen("\"Odd one\"", "even", 1)
        );
        assert_eq!(with_tablespaces(script.to_owned(), &BTreeMap::new()), script);
    }
}
