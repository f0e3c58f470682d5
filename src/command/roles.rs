//! `copy roles`, `dump roles`, `restore roles`, and `--roles` of clone.

use pgcopydb_wire::Connection;

use crate::cli::{RolesRequest, RolesTask};
use crate::error::{Error, Kind, Result};
use crate::model::Settings;
use crate::model::role::RoleStatement;
use crate::pg::preflight::listed;
use crate::pg::roles::{self as source_roles, Passwords};
use crate::pg::{Endpoint, Side};
use crate::plan::roles::{RolePlan, Script, Server, parse, script, settle};
use crate::run::roles::{Outcome, make};
use crate::stop::Stop;
use crate::workdir::{Files, Mode, WorkDir};

/// Copies roles, or does one half of that.
pub async fn roles(request: RolesRequest, stop: &Stop) -> Result<()> {
    tokio::select! {
        done = work(request) => done,
        () = stop.requested() => Err(crate::tools::child::stopped()),
    }
}

async fn work(request: RolesRequest) -> Result<()> {
    let directory = request.directory.as_deref();
    let passwords = match request.no_passwords {
        true => Passwords::LeftOut,
        false => Passwords::Wanted,
    };
    match &request.task {
        RolesTask::Dump { source } => {
            let source = Endpoint::parse(Side::Source, source)?;
            let workdir = WorkDir::open(directory, Mode::Run)?;
            dump(&source, workdir.files(), passwords, Script::Whole).await?;
            Ok(())
        }
        RolesTask::Restore { target } => {
            let target = Endpoint::parse(Side::Target, target)?;
            let workdir = WorkDir::open(directory, Mode::Inspect)?;
            let statements = dumped(workdir.files())?;
            restore(&target, statements).await
        }
        RolesTask::Copy { source, target } => {
            let source = Endpoint::parse(Side::Source, source)?;
            let target = Endpoint::parse(Side::Target, target)?;
            let workdir = WorkDir::open(directory, Mode::Run)?;
            let kind = Script::WithoutPasswords;
            let statements = dump(&source, workdir.files(), passwords, kind).await?;
            restore(&target, statements).await
        }
    }
}

/// Reads the roles, and writes them down.
async fn dump(
    source: &Endpoint,
    files: &Files,
    passwords: Passwords,
    kind: Script,
) -> Result<Vec<RoleStatement>> {
    let mut session = source.open("roles").await?;
    let statements = source_roles::statements(&mut session, passwords).await?;
    session.close().await;
    files.write(&files.roles(), script(&statements, kind).as_bytes())?;
    let roles = statements.iter().filter(|s| matches!(s, RoleStatement::Create { .. })).count();
    tracing::info!("{roles} roles are in \"{}\"", files.roles().display());
    Ok(statements)
}

/// What was written down.
fn dumped(files: &Files) -> Result<Vec<RoleStatement>> {
    match files.read(&files.roles())? {
        Some(text) => Ok(parse(&text)),
        None => Err(Error::new(
            Kind::State,
            format!("there is no dump of roles in \"{}\"", files.root().display()),
        )
        .hint("Make one with \"pgcopydb dump roles\", or name its directory with --dir.")),
    }
}

async fn restore(target: &Endpoint, statements: Vec<RoleStatement>) -> Result<()> {
    let mut session = target.open("roles").await?;
    let notes = make_all(&mut session, statements).await?;
    session.close().await;
    for note in notes {
        tracing::warn!("{note}");
    }
    Ok(())
}

/// The roles of a clone, before anything that they own or are granted. Returns what is to be said
/// again at its end.
pub async fn copy_first(
    source: &Endpoint,
    files: &Files,
    settings: &Settings,
    target: &Endpoint,
) -> Result<Vec<String>> {
    let passwords = match settings.no_role_passwords {
        true => Passwords::LeftOut,
        false => Passwords::Wanted,
    };
    let statements = dump(source, files, passwords, Script::WithoutPasswords).await?;
    // A session of its own, as it is kept out of the target's log.
    let mut session = target.open("roles").await?;
    let notes = make_all(&mut session, statements).await?;
    session.close().await;
    if !notes.is_empty() {
        tracing::warn!("not everything about roles could be copied: listed at the end");
    }
    Ok(notes)
}

/// Makes what the target lacks. Returns what it did not get, a sentence each.
async fn make_all(target: &mut Connection, statements: Vec<RoleStatement>) -> Result<Vec<String>> {
    let found = source_roles::server(target).await?;
    let server =
        Server { version: found.version, is_superuser: found.is_superuser, roles: &found.roles };
    let plan = settle(statements, server);
    let outcome = make(target, &plan).await?;
    tell(&plan, &outcome)
}

fn tell(plan: &RolePlan, outcome: &Outcome) -> Result<Vec<String>> {
    tracing::info!("made {} roles", outcome.made);
    if !plan.existing.is_empty() {
        tracing::info!(
            "roles that are on the target already keep their attributes and passwords: {}",
            listed(&plan.existing)
        );
    }
    if !plan.reserved.is_empty() {
        tracing::info!(
            "roles of the server or its service are left alone: {}",
            listed(&plan.reserved)
        );
    }
    for failure in &outcome.failed {
        tracing::error!("could not do what makes roles: {failure}");
    }
    if !outcome.failed.is_empty() {
        let message = format!("{} statements about roles failed", outcome.failed.len());
        return Err(Error::new(Kind::Target, message)
            .hint("Repair what the errors above name and try again: what is done is kept."));
    }
    let mut notes: Vec<String> = plan.lost.clone();
    notes.extend(outcome.refused.iter().map(|refused| format!("the target refused {refused}")));
    Ok(notes)
}
