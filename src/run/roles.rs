//! Makes roles on a server. What our role may not do there is noted, and the rest goes on.

use pgcopydb_wire::Connection;
use secrecy::ExposeSecret;

use crate::error::{Error, Result};
use crate::model::role::RoleStatement;
use crate::plan::roles::RolePlan;

/// What a server answers to a role that may not do something, or where something that a statement
/// names is not there or means nothing.
const REFUSALS: &[&str] = &["0A000", "0LP01", "22023", "42501", "42602", "42704"];

/// A role of that name exists.
const DUPLICATE: &str = "42710";

/// What became of the statements.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many roles were made.
    pub made: usize,
    /// What was refused, and why.
    pub refused: Vec<String>,
    /// What failed, and why.
    pub failed: Vec<String>,
}

/// What keeps statements, and so passwords, out of the log of a server and its statistics.
const KEEP_QUIET: [&str; 5] = [
    "set log_statement = 'none'",
    "set log_min_duration_statement = -1",
    "set log_min_duration_sample = -1",
    "set log_min_error_statement = 'panic'",
    "set pg_stat_statements.track_utility = off",
];

/// Does what is planned.
pub async fn make(target: &mut Connection, plan: &RolePlan) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for quiet in KEEP_QUIET {
        match target.execute(quiet).await {
            // Only superusers may, and not every server has all of them.
            Err(error) if error.sqlstate().is_some() => tracing::debug!("{quiet}: {error}"),
            answered => {
                drop(answered.map_err(|error| Error::target("could not make roles", error))?)
            }
        }
    }
    for step in &plan.steps {
        make_step(target, step, &mut outcome).await?;
    }
    Ok(outcome)
}

/// One role with all it is given, or something else: in one transaction, so that a role that is
/// there is complete.
async fn make_step(
    target: &mut Connection,
    step: &[RoleStatement],
    outcome: &mut Outcome,
) -> Result<()> {
    let failed = |error| Error::target("could not make roles", error);
    target.execute("begin").await.map_err(failed)?;
    for statement in step {
        let sql = statement.sql();
        let sql = format!("savepoint role; {}; release savepoint role", sql.expose_secret());
        let error = match target.execute(&sql).await {
            Ok(_) => {
                tracing::debug!(target: "sql", "[TARGET {}] {statement}", target.backend_pid());
                outcome.made += usize::from(matches!(statement, RoleStatement::Create { .. }));
                continue;
            }
            Err(error) if error.sqlstate().is_some() => error,
            Err(error) => return Err(failed(error)),
        };
        target.execute("rollback to savepoint role").await.map_err(failed)?;
        let state = error.sqlstate().unwrap_or_default();
        let is_new = matches!(statement, RoleStatement::Create { .. });
        if is_new && state == DUPLICATE {
            // Somebody was quicker, and knows better.
            break;
        }
        let what = format!("{statement}: {error}");
        // A setting that the target does not have is no reason to give up its role.
        let is_setting = matches!(statement, RoleStatement::Set { .. });
        match REFUSALS.contains(&state) || is_setting {
            true => outcome.refused.push(what),
            false => outcome.failed.push(what),
        }
        if is_new {
            break;
        }
    }
    target.execute("commit").await.map_err(failed)?;
    Ok(())
}
