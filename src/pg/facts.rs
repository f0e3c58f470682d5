//! What a database is, as facts that can be compared with those of another one.

use pgcopydb_wire::{Connection, Row};

use super::{Side, contents};
use crate::error::Result;
use crate::model::compare::{Class, Fact, Object};

/// The versions of two servers that are compared: each says as much as both can know.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    /// The smaller one.
    pub older: u32,
    /// The larger one.
    pub newer: u32,
}

/// A query for facts.
struct Question {
    /// What it is about, for messages.
    about: &'static str,
    sql: &'static str,
    /// How many of the versions of both servers it is given.
    parameters: usize,
    needs: Needs,
}

/// Who can answer a question.
enum Needs {
    Nothing,
    Version(u32),
    VersionBelow(u32),
    /// Rights on both sides that not everybody has.
    SubscriptionDetails,
}

macro_rules! question {
    ($about:literal, $file:literal, $parameters:literal, $needs:expr) => {
        Question {
            about: $about,
            sql: include_str!(concat!("sql/compare/", $file, ".sql")),
            parameters: $parameters,
            needs: $needs,
        }
    };
}

const QUESTIONS: &[Question] = &[
    question!("the database", "database", 0, Needs::Nothing),
    question!("namespaces", "schemas", 0, Needs::Nothing),
    question!("types", "types", 1, Needs::Nothing),
    question!("relations", "relations", 2, Needs::Nothing),
    question!("sequences", "sequences", 0, Needs::Nothing),
    question!("columns", "columns", 0, Needs::Nothing),
    question!("constraints", "constraints", 1, Needs::Nothing),
    question!("indexes", "indexes", 0, Needs::Nothing),
    question!("extended statistics", "statistics", 0, Needs::Nothing),
    question!("triggers", "triggers", 1, Needs::Nothing),
    question!("rules", "rules", 0, Needs::Nothing),
    question!("policies", "policies", 0, Needs::Nothing),
    question!("functions", "functions", 0, Needs::Nothing),
    question!("aggregates", "aggregates", 1, Needs::Nothing),
    question!("operators", "operators", 0, Needs::Nothing),
    question!("casts, languages and collations", "other", 0, Needs::Nothing),
    question!("text search objects", "text_search", 0, Needs::Nothing),
    question!("foreign data", "foreign", 0, Needs::Nothing),
    question!("publications", "publications", 1, Needs::Nothing),
    question!("published tables", "publication_members", 0, Needs::Version(150_000)),
    question!("published tables", "publication_members.until_14", 0, Needs::VersionBelow(150_000)),
    question!("subscriptions", "subscriptions", 0, Needs::Nothing),
    question!("subscriptions", "subscription_details", 0, Needs::SubscriptionDetails),
    question!("privileges", "privileges", 1, Needs::Nothing),
    question!("default privileges", "default_privileges", 1, Needs::Nothing),
];

/// Whether our role may read all that a subscription is made of.
pub async fn reads_subscriptions(session: &mut Connection, side: Side) -> Result<bool> {
    let sql = "select pg_catalog.has_table_privilege('pg_catalog.pg_subscription', 'SELECT')";
    let answered = session.query(sql, &[]).await;
    let answered = answered.and_then(|rows| rows.value().map(|value| value == Some("t")));
    answered.map_err(|error| side.error("could not look at our privileges", error))
}

/// Hands every fact to `each`, in no order. `details` says whether both sides' subscriptions can be
/// read.
pub async fn facts(
    session: &mut Connection,
    side: Side,
    versions: Versions,
    details: bool,
    mut each: impl FnMut(Fact),
) -> Result<()> {
    let version = session.server_version();
    let [older, newer] = [versions.older, versions.newer].map(|version| version.to_string());
    let parameters = [Some(older.as_str()), Some(newer.as_str())];
    for question in QUESTIONS {
        let is_for_us = match question.needs {
            Needs::Nothing => true,
            Needs::Version(from) => version >= from,
            Needs::VersionBelow(below) => version < below,
            Needs::SubscriptionDetails => details,
        };
        if !is_for_us {
            continue;
        }
        let parameters = &parameters[..question.parameters];
        let queried = session.query_each(question.sql, parameters, |row| {
            each(fact(&row)?);
            Ok(())
        });
        queried
            .await
            .map_err(|error| side.error(format!("could not read {}", question.about), error))?;
    }
    for (name, value) in contents::sequences(session, side).await? {
        let Some((last_value, is_called)) = value else { continue };
        let Some(class) = Class::named("sequence") else { continue };
        let object = Object { parent: None, class, identity: name.to_string().into() };
        let last_value = last_value.to_string().into();
        each(Fact { object: object.clone(), property: "last_value".into(), value: last_value });
        let is_called = is_called.to_string().into();
        each(Fact { object, property: "is_called".into(), value: is_called });
    }
    Ok(())
}

fn fact(row: &Row) -> pgcopydb_wire::Result<Fact> {
    let class = |name: &str| {
        Class::named(name).ok_or_else(|| {
            pgcopydb_wire::Error::Protocol(format!("an object of unknown kind {name:?}"))
        })
    };
    let parent = match row.text(1)? {
        Some(text) => {
            let (kind, identity) = text.split_once(' ').unwrap_or((text, ""));
            Some((class(kind)?, identity.into()))
        }
        None => None,
    };
    Ok(Fact {
        object: Object {
            parent,
            class: class(row.required(0)?)?,
            identity: row.required(2)?.into(),
        },
        property: row.required(3)?.into(),
        value: row.required(4)?.into(),
    })
}
