//! Drops what is in the way on the target, and says what else had to go with it.

use std::collections::HashSet;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::{Done, Failure};
use crate::error::{Error, Kind};
use crate::model::{Entry, QualifiedName, quote_identifier};
use crate::plan::drop::{Batch, if_exists, relation_name};

/// What a server answers where not even the schema or the type in an object's name exists.
const NOT_THERE: &[&str] = &["3F000", "42704", "42883", "42P01"];

/// How the server tells what `CASCADE` took along.
const CASCADES: &str = "drop cascades to ";

/// Runs one batch, in the caller's transaction.
pub async fn batch(
    context: &Context,
    target: &mut Connection,
    number: u32,
) -> std::result::Result<Done, Failure> {
    let failed = |error| Error::target("could not drop what is in the way", error);
    target.take_notices();
    target.execute("set local client_min_messages = notice").await.map_err(failed)?;
    let batch = &context.drops[number as usize];
    let dropped = match batch {
        Batch::Relations(names) => relations(target, names).await?,
        Batch::Objects(ids) => {
            let mut dropped = 0;
            for id in ids {
                dropped += u64::from(object(target, &context.entry(*id)).await?);
            }
            dropped
        }
    };
    target.execute("set local client_min_messages = warning").await.map_err(failed)?;
    tell_losses(context, target);
    let what = match batch {
        Batch::Relations(_) => "relations",
        Batch::Objects(_) => "objects that are no relations",
    };
    Ok(Done { rows: dropped, command: format!("drop {what}"), ..Done::default() })
}

async fn relations(
    target: &mut Connection,
    names: &[QualifiedName],
) -> std::result::Result<u64, Failure> {
    let names: Vec<[&str; 2]> = names.iter().map(|n| [&n.namespace[..], &n.name[..]]).collect();
    let names = serde_json::to_string(&names)
        .map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
    let sql = include_str!("../pg/sql/relations_to_drop.sql");
    let found = target.query(sql, &[Some(&names)]).await;
    let failed = |error| Error::target("could not list what is in the way", error);
    let found = found.map_err(failed)?;
    for row in found.iter() {
        let statement = row.required(0).map_err(failed)?;
        tracing::debug!(target: "sql", "[TARGET {}] {statement}", target.backend_pid());
        target.execute(statement).await.map_err(|error| Failure {
            error: Error::target("could not drop what is in the way", error),
            sql: Some(statement.to_owned()),
        })?;
    }
    Ok(found.len() as u64)
}

/// Drops one object; false if there was none.
async fn object(target: &mut Connection, entry: &Entry) -> std::result::Result<bool, Failure> {
    let mut statement = if_exists(entry);
    if entry.description == "SUBSCRIPTION" {
        // Its slot on the publisher may be in use by the source's subscription of the same name.
        let name = quote_identifier(&entry.tag);
        statement = format!(
            "alter subscription {name} disable; \
             alter subscription {name} set (slot_name = none); {statement}"
        );
    }
    tracing::debug!(target: "sql", "[TARGET {}] {statement}", target.backend_pid());
    let guarded = format!("savepoint object; {statement}; release savepoint object");
    match target.execute(&guarded).await {
        Ok(_) => Ok(true),
        Err(error) if error.sqlstate().is_some_and(|state| NOT_THERE.contains(&state)) => {
            let rolled_back = target.execute("rollback to savepoint object").await;
            rolled_back.map_err(|error| Error::target("could not roll back", error))?;
            Ok(false)
        }
        Err(error) => {
            let doing =
                format!("could not drop {} {}", entry.description.to_lowercase(), entry.tag);
            Err(Failure { error: Error::target(doing, error), sql: Some(statement) })
        }
    }
}

/// Objects that depended on the dropped ones and that nobody will make again.
fn tell_losses(context: &Context, target: &mut Connection) {
    let notices = target.take_notices();
    if notices.is_empty() {
        return;
    }
    let entries = context.inventory.entries.iter();
    let ours: HashSet<String> = entries.filter_map(|entry| described(&entry)).collect();
    for notice in notices {
        // One object is in the message, several are in the detail. Names may hold line breaks.
        let text = notice.detail.as_deref().unwrap_or(&notice.message);
        let Some(text) = text.strip_prefix(CASCADES) else { continue };
        for lost in text.split(&format!("\n{CASCADES}")) {
            if !object_of(lost).is_some_and(|object| ours.contains(object)) {
                tracing::warn!("dropped as well, since it depended on what was in the way: {lost}");
            }
        }
    }
}

/// The name under which the server describes the object that an entry makes.
fn described(entry: &Entry) -> Option<String> {
    let namespace = quote_identifier(entry.namespace.as_ref()?);
    match entry.description.as_str() {
        // The archive has these with their arguments, quoted.
        "FUNCTION" => Some(format!("{namespace}.{}", entry.tag)),
        "TYPE" => Some(format!("{namespace}.{}", quote_identifier(&entry.tag))),
        _ => relation_name(entry).map(|name| name.to_string()),
    }
}

/// The object that the server describes, or the relation that it is a part of.
fn object_of(description: &str) -> Option<&str> {
    const KINDS: [&str; 7] = [
        "materialized view ",
        "foreign table ",
        "table ",
        "view ",
        "sequence ",
        "function ",
        "type ",
    ];
    let of = description.rfind(" on ").map_or(0, |at| at + " on ".len());
    let of = description.rfind(" of ").map_or(of, |at| of.max(at + " of ".len()));
    let description = &description[of..];
    KINDS.iter().find_map(|kind| description.strip_prefix(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_in_a_description() {
        for (description, object) in [
            ("view public.v", Some("public.v")),
            ("materialized view \"s on t\".\"a b\"", None),
            ("constraint x on table public.t", Some("public.t")),
            ("column c of table public.t", Some("public.t")),
            ("default value for column c of table public.t", Some("public.t")),
            ("rule r on view public.v", Some("public.v")),
            ("function public.f(public.t)", Some("public.f(public.t)")),
            ("cast from public.a to public.b", None),
        ] {
            assert_eq!(object_of(description), object, "{description}");
        }
    }
}
