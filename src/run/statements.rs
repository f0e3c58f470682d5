//! Steps that are nothing but statements on the target.

use super::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::{EntryId, Oid, TableKind, quote_identifier};
use crate::plan::Step;
use crate::plan::clone::analyze::ANALYZE_ONLY_VERSION;
use crate::plan::statement::{not_valid, split};

/// How a step is best done at the moment it is handed out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// Whether the server may use parallel workers: only while fewer indexes are being built than
    /// there are seats for it.
    pub parallel: bool,
    /// The target server's version.
    pub target_version: u32,
}

/// What a step comes to.
#[derive(Clone, Debug)]
pub struct Command {
    /// The statements, separated by semicolons.
    pub text: String,
    /// Whether it is a VACUUM, which no transaction can hold.
    pub is_vacuum: bool,
}

/// Whether a step needs only statements on the target.
pub fn is_sql_only(step: Step) -> bool {
    matches!(
        step,
        Step::CreateExtension { .. }
            | Step::Truncate { .. }
            | Step::CreateIndex { .. }
            | Step::FinishIndex { .. }
            | Step::AttachIndex { .. }
            | Step::AddForeignKey { .. }
            | Step::ValidateForeignKey { .. }
            | Step::Analyze { .. }
            | Step::RefreshView { .. }
    )
}

/// The statements of such a step.
pub fn sql(context: &Context, step: Step, hints: Hints) -> Result<Command> {
    let text = match step {
        Step::CreateExtension { entry } => create_extension(context, entry)?,
        Step::Truncate { table } => truncate(context, table)?,
        Step::CreateIndex { index } => create_index(context, index, hints)?,
        Step::FinishIndex { index } => finish_index(context, index)?,
        Step::AttachIndex { entry } => split(&context.entry(entry).definition).join("; "),
        Step::AddForeignKey { constraint } => add_foreign_key(context, constraint)?,
        Step::ValidateForeignKey { constraint } => validate(context, constraint)?,
        Step::Analyze { table } => return analyze(context, table, hints),
        Step::RefreshView { entry } => {
            let view = context.entry(entry).oid;
            let name = context.relation_name(view).ok_or_else(|| unknown("view", view))?;
            format!("refresh materialized view {name}")
        }
        step => return Err(Error::new(Kind::Internal, format!("{step:?} is no statement"))),
    };
    Ok(Command { text, is_vacuum: false })
}

fn unknown(what: &str, oid: Oid) -> Error {
    Error::new(Kind::Internal, format!("{what} {oid} is not in the inventory"))
}

/// An extension that must be told before its own tables are filled, and after that.
pub const TIMESCALEDB: &str = "timescaledb";

fn create_extension(context: &Context, id: EntryId) -> Result<String> {
    let oid = context.entry(id).oid;
    let extension = context.inventory.extensions.iter().find(|extension| extension.oid == oid);
    let extension = extension.ok_or_else(|| unknown("extension", oid))?;
    let (name, namespace) =
        (quote_identifier(&extension.name), quote_identifier(&extension.namespace));
    let mut text = String::new();
    if !context.target_namespaces.contains(&extension.namespace) {
        text.push_str(&format!("create schema if not exists {namespace}; "));
    }
    text.push_str(&format!("create extension if not exists {name} with schema {namespace}"));
    if let Some(version) = context.settings.requirements.get(&extension.name) {
        text.push_str(&format!(" version {}", quote_identifier(version)));
    }
    text.push_str(" cascade");
    if extension.name == TIMESCALEDB {
        text.push_str(&format!("; select {namespace}.timescaledb_pre_restore()"));
    }
    Ok(text)
}

fn truncate(context: &Context, oid: Oid) -> Result<String> {
    let name = context.relation_name(oid).ok_or_else(|| unknown("table", oid))?;
    let is_partitioned = context.table(oid).kind == TableKind::Partitioned;
    Ok(match context.found.tables.get(&oid) {
        // Empty already, and not ours to truncate.
        Some(table) if !table.is_emptied => String::from("select"),
        Some(table) if !table.is_partitioned && !is_partitioned => format!("truncate only {name}"),
        _ => format!("truncate {name}"),
    })
}

fn create_index(context: &Context, oid: Oid, hints: Hints) -> Result<String> {
    let index = context.index_by_oid(oid);
    let (entry, statements) =
        context.index_statements(&index).ok_or_else(|| unknown("index", oid))?;
    let mut text = String::new();
    let build = statements.build.ok_or_else(|| unknown("index", oid))?;
    if !hints.parallel {
        text.push_str("set local max_parallel_maintenance_workers = 0; ");
        let table_bytes = context.find_table(index.table).map_or(0, |table| table.bytes);
        text.push_str(&sort_memory(&build, table_bytes));
    }
    let tablespace = index.tablespace.as_ref().or(entry.tablespace.as_ref());
    let tablespace = tablespace.map(|tablespace| context.settings.target_tablespace(tablespace));
    if let Some(tablespace) = tablespace.filter(|_| !context.settings.no_tablespaces) {
        text.push_str(&format!(
            "set local default_tablespace = {}; ",
            quote_identifier(tablespace)
        ));
    }
    text.push_str(&build);
    if text.contains("default_tablespace") {
        text.push_str("; set local default_tablespace = ''");
    }
    Ok(text)
}

/// What the runs of a sort fit into, so that sorting one stays in the processor's caches.
const SORT_RUN_BYTES: u64 = 16 << 20;

/// What merging needs for each run that it reads: a tape's buffers (`MERGE_BUFFER_SIZE` and
/// `TAPE_BUFFER_OVERHEAD` in PostgreSQL's `tuplesort.c`).
const MERGE_BYTES_PER_RUN: u64 = 264 << 10;

/// Sorts for a B-tree in small runs, as few as one pass can merge: with more memory the sort of the
/// same rows takes up to a third longer. Never more than what the server is set to; parallel builds
/// are left alone, as the server starts them only where there is memory for each process.
fn sort_memory(build: &str, table_bytes: u64) -> String {
    if table_bytes <= SORT_RUN_BYTES || !build.contains(" USING btree ") {
        return String::new();
    }
    // So much that as many runs of it as it can merge at once hold the whole table.
    let memory = table_bytes.saturating_mul(MERGE_BYTES_PER_RUN).isqrt().max(SORT_RUN_BYTES) >> 10;
    format!(
        "select pg_catalog.set_config('maintenance_work_mem', least({memory}, \
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024)::text, \
         true); "
    )
}

fn finish_index(context: &Context, oid: Oid) -> Result<String> {
    let index = context.index_by_oid(oid);
    let (entry, statements) =
        context.index_statements(&index).ok_or_else(|| unknown("index", oid))?;
    let made = usize::from(context.found.constraints.contains(&oid));
    let text = statements.finish[made.min(statements.finish.len())..].join("; ");
    let tablespace = entry.tablespace.as_ref().filter(|_| !context.settings.no_tablespaces);
    let tablespace = tablespace.map(|tablespace| context.settings.target_tablespace(tablespace));
    match tablespace {
        // An exclusion constraint builds its index here.
        Some(tablespace) if statements.build.is_none() => Ok(format!(
            "set local default_tablespace = {}; {text}; set local default_tablespace = ''",
            quote_identifier(tablespace)
        )),
        _ => Ok(text),
    }
}

fn add_foreign_key(context: &Context, oid: Oid) -> Result<String> {
    let key = context.foreign_key(oid);
    let definition = context.foreign_key_sql(&key).ok_or_else(|| unknown("foreign key", oid))?;
    Ok(match key.is_validated {
        true => not_valid(&definition).join("; "),
        // What the source does not hold for all rows says NOT VALID already.
        false => split(&definition).join("; "),
    })
}

fn validate(context: &Context, oid: Oid) -> Result<String> {
    let key = context.foreign_key(oid);
    if key.is_partitioned {
        let definition =
            context.foreign_key_sql(&key).ok_or_else(|| unknown("foreign key", oid))?;
        return Ok(split(&definition).join("; "));
    }
    let name = quote_identifier(&key.name);
    Ok(format!("alter table {} validate constraint {name}", key.table_name))
}

fn analyze(context: &Context, oid: Oid, hints: Hints) -> Result<Command> {
    let name = context.relation_name(oid).ok_or_else(|| unknown("relation", oid))?;
    let table = context.find_table(oid);
    let is_partitioned = table.is_some_and(|table| table.kind == TableKind::Partitioned);
    if is_partitioned && hints.target_version >= ANALYZE_ONLY_VERSION {
        return Ok(Command { text: format!("analyze only {name}"), is_vacuum: false });
    }
    if is_vacuumed(context, oid) {
        return Ok(Command { text: format!("vacuum (analyze) {name}"), is_vacuum: true });
    }
    Ok(Command { text: format!("analyze {name}"), is_vacuum: false })
}

/// Whether a table is vacuumed as well: what was copied in parts could not be frozen by COPY.
pub fn is_vacuumed(context: &Context, oid: crate::model::Oid) -> bool {
    context.find_table(oid).is_some_and(|table| !table.parts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_get_the_memory_that_one_merge_needs() {
        let build = "CREATE INDEX i ON public.t USING btree (a)";
        assert_eq!(sort_memory(build, 10 << 20), "");
        assert!(sort_memory(build, 100 << 20).contains("least(16384, "));
        // 64 MB merge 248 runs of 64 MB.
        let large = sort_memory(build, 248 * (64 << 20));
        assert!(large.contains("least(65503, "), "{large}");
        assert_eq!(sort_memory("CREATE INDEX i ON t USING gin (a)", 1 << 40), "");
        assert!(sort_memory(build, u64::MAX).contains("least("));
    }
}
