//! `--filters`: reads the file, asks the source what its lines name, and takes out of the inventory
//! what is left out. What is left out because of something else is told.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use pgcopydb_wire::Connection;

use crate::error::{Error, Kind, Result};
use crate::filter::dependency::{Cause, Dependencies};
use crate::filter::inline::{Part, PartKind, constraint_tags, without_check, without_default};
use crate::filter::inventory::{ForeignKeys, reduce, reduce_tables, torn_trees};
use crate::filter::select::{Ground, Selection, select};
use crate::filter::told::{Skipped, Weight, reason, skipped};
use crate::filter::{Filters, Malformed, Rule, archive, closest, ini};
use crate::model::{EntryId, ForeignKey, Inventory, Object, Rewrite, Settings};
use crate::pg::filter::{self as pg_filter, Matches};
use crate::pg::preflight::listed;

/// Every database has this extension, and hardly a filter means it.
const ALWAYS_THERE: &str = "plpgsql";

/// The filters of a command.
#[derive(Clone, Debug)]
pub struct Filtering {
    filters: Filters,
    /// The file they are from, for messages.
    origin: String,
    /// Whether names may match nothing.
    allows_unmatched: bool,
}

/// What the source says about filters.
#[derive(Debug)]
pub struct Asked {
    matches: Matches,
    dependencies: Dependencies,
}

/// Reads the file that the settings name.
pub fn read(settings: &Settings) -> Result<Option<Filtering>> {
    let Some(path) = &settings.filters else { return Ok(None) };
    let origin = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("filters file \"{origin}\" does not exist"),
            _ => format!("could not read filters file \"{origin}\": {error}"),
        };
        Error::new(Kind::Arguments, message)
    })?;
    let filters = ini::parse(&bytes).map_err(|Malformed { line, problem, hint }| {
        let error = Error::new(Kind::Arguments, format!("{origin}:{line}: {problem}"));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })?;
    let filtering =
        Filtering { filters, origin, allows_unmatched: settings.allow_unmatched_filters };
    filtering.check_options(settings)?;
    Ok(Some(filtering))
}

impl Filtering {
    /// The filters that a work directory remembers.
    pub fn remembered(json: &str, directory: &Path, settings: &Settings) -> Result<Filtering> {
        let origin = format!("filters of \"{}\"", directory.display());
        let filters = Filters::from_json(json).map_err(|error| {
            Error::new(Kind::State, format!("could not read the {origin}: {error}"))
                .hint("Start over with --restart.")
        })?;
        Ok(Filtering { filters, origin, allows_unmatched: settings.allow_unmatched_filters })
    }

    /// What a work directory remembers of them; nothing if nothing is filtered.
    pub fn json(&self) -> Result<Option<String>> {
        let json = self.filters.to_json();
        let json = json.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        Ok(Some(json).filter(|_| !self.filters.is_empty()))
    }

    fn check_options(&self, settings: &Settings) -> Result<()> {
        use crate::filter::Section::{ExcludeSchema, IncludeOnlyExtension, IncludeOnlyTable};
        if self.filters.has(IncludeOnlyExtension) && settings.skip_extensions {
            let message = format!(
                "{}: section [include-only-extension] and option --skip-extensions exclude each \
                 other",
                self.origin
            );
            return Err(Error::new(Kind::Arguments, message).hint("Please use only one of them."));
        }
        if self.filters.has(IncludeOnlyTable) && self.filters.has(ExcludeSchema) {
            tracing::warn!(
                "{}: tables of [include-only-table] that are in a schema of [exclude-schema] are \
                 not copied",
                self.origin
            );
        }
        Ok(())
    }

    /// Asks the source what the lines name, and what needs what.
    pub async fn ask(&self, source: &mut Connection, inventory: &Inventory) -> Result<Asked> {
        let checked = pg_filter::check_patterns(source, &self.filters).await?;
        if let Err((number, words)) = checked {
            let rule = &self.filters.rules[number];
            let message = format!("{}: {rule} is no valid pattern: {words}", self.place(rule));
            return Err(Error::new(Kind::Arguments, message));
        }
        let matches = pg_filter::matches(source, &self.filters, &inventory.extensions).await?;
        self.check_matches(source, &matches, inventory).await?;
        self.check_conditions(source, &matches, inventory).await?;
        let dependencies = pg_filter::dependencies(source).await?;
        Ok(Asked { matches, dependencies })
    }

    /// Takes out of an inventory the tables that are left out, as far as that can be known without
    /// an archive.
    pub async fn reduce_tables(
        &self,
        source: &mut Connection,
        inventory: &mut Inventory,
        mut target_extensions: HashSet<String>,
    ) -> Result<()> {
        let asked = self.ask(source, inventory).await?;
        target_extensions.insert(ALWAYS_THERE.to_owned());
        let selection = select(Ground {
            filters: &self.filters,
            matches: &asked.matches.by_rule,
            namespaces: &asked.matches.namespaces,
            inventory,
            dependencies: &asked.dependencies,
            target_extensions: &target_extensions,
        });
        reduce_tables(inventory, &selection);
        Ok(())
    }

    /// Where a line is.
    fn place(&self, rule: &Rule) -> String {
        match rule.line {
            Some(line) => format!("{}:{line}", self.origin),
            None => self.origin.clone(),
        }
    }

    /// Refuses names that match nothing, and inclusions of nothing.
    async fn check_matches(
        &self,
        source: &mut Connection,
        matches: &Matches,
        inventory: &Inventory,
    ) -> Result<()> {
        let mut unmatched = Vec::new();
        for (rule, found) in self.filters.rules.iter().zip(&matches.by_rule) {
            if !found.is_empty() {
                continue;
            }
            let section = rule.section;
            let is_alone = section.is_inclusion()
                && self.filters.of(section).all(|(other, _)| matches.by_rule[other].is_empty());
            let message =
                format!("{}: {} {rule} matches nothing", self.place(rule), section.noun());
            if self.allows_unmatched || (rule.patterns().next().is_some() && !is_alone) {
                tracing::warn!("{message}");
                continue;
            }
            let names = self.candidates(source, rule, matches, inventory).await?;
            let hint = closest::did_you_mean(&rule.to_string(), names.iter().map(String::as_str));
            unmatched.push((message, hint));
        }
        let mut unmatched = unmatched.into_iter();
        let Some((message, hint)) = unmatched.next() else { return Ok(()) };
        let mut error = Error::new(Kind::Arguments, message);
        let others: Vec<String> = unmatched
            .map(|(message, hint)| format!("{message}. {}", hint.unwrap_or_default()))
            .collect();
        if !others.is_empty() {
            error = error.detail(others.join("\n"));
        }
        Err(error.hint(format!(
            "{}{}Names are exact: upper and lower case differ, and a comment needs a line of its \
             own. To go on without what is not there, use --allow-unmatched-filters.",
            hint.as_deref().unwrap_or_default(),
            if hint.is_some() { " " } else { "" }
        )))
    }

    /// The names that a line could have meant.
    async fn candidates(
        &self,
        source: &mut Connection,
        rule: &Rule,
        matches: &Matches,
        inventory: &Inventory,
    ) -> Result<Vec<String>> {
        Ok(match rule.section.noun() {
            "schema" => matches.namespaces.iter().map(|(_, name)| name.clone()).collect(),
            "extension" => inventory.extensions.iter().map(|e| e.name.clone()).collect(),
            _ => pg_filter::names(source, rule).await?,
        })
    }

    /// Refuses conditions that the source does not understand.
    async fn check_conditions(
        &self,
        source: &mut Connection,
        matches: &Matches,
        inventory: &Inventory,
    ) -> Result<()> {
        let tables = inventory.tables_by_oid();
        for (rule, found) in self.filters.rules.iter().zip(&matches.by_rule) {
            let Some(condition) = &rule.condition else { continue };
            for table in found.iter().filter_map(|object| tables.get(&object.oid)) {
                let checked = pg_filter::check_condition(source, &table.name, condition).await?;
                if let Err(words) = checked {
                    let place = self.place(rule);
                    let message = format!("{place}: condition of {}: {words}", table.name);
                    return Err(Error::new(Kind::Arguments, message)
                        .detail(format!("The condition is: {condition}"))
                        .hint("Functions and other tables are named with their schema."));
                }
            }
        }
        Ok(())
    }
}

/// What filters are applied with.
pub struct Surroundings<'a> {
    /// A session of the source.
    pub source: &'a mut Connection,
    /// The archive of the schema.
    pub archive: &'a Path,
    /// The extensions that the target has; none if there is no target yet.
    pub target_extensions: HashSet<String>,
    /// The version of the target.
    pub target_version: u32,
}

impl Filtering {
    /// Takes out of an inventory, archive's entries included, what is left out; returns the objects
    /// that are, for whoever lists them.
    pub async fn apply(
        &self,
        asked: &Asked,
        inventory: &mut Inventory,
        mut around: Surroundings<'_>,
    ) -> Result<(Selection, Vec<Skipped>)> {
        around.target_extensions.insert(ALWAYS_THERE.to_owned());
        let ground = Ground {
            filters: &self.filters,
            matches: &asked.matches.by_rule,
            namespaces: &asked.matches.namespaces,
            inventory,
            dependencies: &asked.dependencies,
            target_extensions: &around.target_extensions,
        };
        let mut selection = select(ground);
        let lost = lose_parts(ground, &mut selection, around.source, around.archive).await?;
        self.check_inclusions(&selection, inventory)?;
        self.check_trees(&selection, inventory)?;
        let gone = selection.out.objects().filter(|object| {
            let kept = |e: &&crate::model::Extension| Object::extension(e.oid) == *object;
            let extension = inventory.extensions.iter().find(kept);
            extension.is_some_and(|e| !around.target_extensions.contains(&e.name))
        });
        let gone: Vec<Object> = gone.collect();
        let mut members = pg_filter::members(around.source, gone.into_iter()).await?;
        members.extend(lost.comments);
        let sequences = inventory.sequences.iter().filter(|sequence| {
            sequence.owned_by.is_some_and(|owner| selection.out.has(Object::relation(owner)))
        });
        let without_owner = sequences.map(|sequence| sequence.oid).collect();
        let verdict = archive::Verdict {
            out: &selection.out,
            without_owner: &without_owner,
            without_rows: &selection.without_rows,
            namespaces: &asked.matches.namespaces,
            members: &members,
        };
        let all = inventory.entries.unpack();
        let entries = archive::left_out(&all, verdict);
        let skipped = skipped(&all, &selection, &entries);
        drop(all);
        self.tell(inventory, &selection, &skipped, &lost.told);
        let keys =
            reduce(inventory, &selection, &entries, &asked.dependencies, around.target_version);
        tell_foreign_keys(&keys);
        inventory.entries.change(|entry| entry.rewrite = lost.rewrites.get(&entry.id).cloned());
        Ok((selection, skipped))
    }

    /// Refuses to leave out what the user asked for.
    fn check_inclusions(&self, selection: &Selection, inventory: &Inventory) -> Result<()> {
        let lost = selection.lost_inclusions();
        let Some(&(table, _)) = lost.first() else { return Ok(()) };
        let entries = inventory.entries.unpack();
        let makers = archive::makers(&entries);
        let label = |object: Object| match makers.get(&object) {
            Some(entry) => archive::label(entry),
            None => format!("object {}", object.oid),
        };
        let object = Object::relation(table);
        let needed = reason(object, selection, &makers).map_or_else(String::new, archive::label);
        Err(Error::new(
            Kind::Arguments,
            format!("{}: {} cannot be copied without {needed}", self.origin, label(object)),
        )
        .detail(format!("{needed} is left out."))
        .hint("Include what it needs, too; its rows may be left out with [exclude-table-data]."))
    }

    /// Refuses to leave out some partitions of a table whose rows may change places.
    fn check_trees(&self, selection: &Selection, inventory: &Inventory) -> Result<()> {
        let torn = torn_trees(inventory, &selection.out);
        let Some((partition, parent)) = torn.first() else { return Ok(()) };
        let names = inventory.relation_names();
        let (partition, parent) = (&names[partition], &names[parent]);
        let message = format!(
            "{}: partition {partition} cannot be left out while {parent} is copied",
            self.origin
        );
        Err(Error::new(Kind::Arguments, message)
            .detail(
                "The table is partitioned by the hash of an enum, which differs from server to \
                 server: rows of other partitions may belong to this one on the target.",
            )
            .hint(format!(
                "Leave out all of {parent}, or only the partition's rows with \
                 [exclude-table-data]."
            )))
    }

    /// Tells what is left out: in numbers, and at level NOTICE one by one.
    fn tell(
        &self,
        inventory: &Inventory,
        selection: &Selection,
        skipped: &[Skipped],
        lost: &[String],
    ) {
        for line in lost {
            crate::notice!("{line}");
        }
        let mut heavy = Vec::new();
        let mut dependents = lost.len();
        for skipped in skipped {
            let Skipped { label, because, weight, .. } = skipped;
            let Some(because) = because else { continue };
            dependents += 1;
            crate::notice!("leaving out {label}: it needs {because}");
            if *weight == Weight::Heavy {
                heavy.push(format!("{label} (needs {because})"));
            }
        }
        let named = skipped.iter().filter(|skipped| skipped.because.is_none()).count();
        tracing::info!(
            "{}: leaving out {named} objects, and {dependents} that need them (level NOTICE lists \
             them)",
            self.origin
        );
        if !heavy.is_empty() {
            tracing::warn!(
                "no filter names these, but they need what is left out: {}",
                listed(&heavy)
            );
        }
        let tables = inventory.tables_by_oid();
        let shells = selection.shells.iter().filter_map(|oid| tables.get(oid));
        let shells: Vec<String> = shells.map(|table| table.name.to_string()).collect();
        if !shells.is_empty() {
            tracing::info!(
                "included tables are made of these, which stay empty: {}",
                listed(&shells)
            );
        }
    }
}

fn tell_foreign_keys(keys: &ForeignKeys) {
    let tell = |keys: &[ForeignKey], what: &str| {
        let names: Vec<String> =
            keys.iter().map(|key| format!("{:?} of {}", key.name, key.table_name)).collect();
        if !names.is_empty() {
            tracing::warn!("{what}: {}", listed(&names));
        }
        for name in names {
            crate::notice!("{what}: {name}");
        }
    };
    tell(&keys.unchecked, "left NOT VALID, as rows that are referred to are left out: foreign key");
    tell(
        &keys.uncheckable,
        "leaving out, as rows that are referred to are left out and the target has no NOT VALID \
         for partitioned tables: foreign key",
    );
    tell(
        &keys.without_index,
        "leaving out, as a partition lacks its part of the index that is needed: foreign key",
    );
    tell(&keys.inherited, "leaving out with the partitioned table it is from: foreign key");
}

/// What was found about defaults and checks that cannot stay.
#[derive(Default)]
struct LostParts {
    /// Statements of the archive that run without a default.
    rewrites: HashMap<EntryId, Rewrite>,
    /// Comments on what is not there, as namespace and tag.
    comments: HashSet<(Option<String>, String)>,
    /// What to tell.
    told: Vec<String>,
}

/// Defaults and checks that the archive has inside the statement of a table, and that need what is
/// left out: they are taken out of the statement; what cannot be taken out takes its table with it,
/// and that may take more.
async fn lose_parts(
    ground: Ground<'_>,
    selection: &mut Selection,
    source: &mut Connection,
    archive_file: &Path,
) -> Result<LostParts> {
    let entries = ground.inventory.entries.unpack();
    let makers = archive::makers(&entries);
    let mut settled = HashSet::new();
    let mut lost = LostParts::default();
    loop {
        let mut parts: Vec<Object> = ground
            .dependencies
            .lost_parts(&selection.out)
            .into_iter()
            .map(|(part, _)| part)
            .collect();
        parts.retain(|part| !makers.contains_key(part) && settled.insert(*part));
        if parts.is_empty() {
            return Ok(lost);
        }
        let parts = pg_filter::parts(source, &parts).await?;
        let owners = parts.iter().filter_map(|part| makers.get(&part.owner));
        let owners: HashSet<EntryId> = owners.map(|entry| entry.id).collect();
        let statements = statements(archive_file, owners).await?;
        for part in parts {
            let Some(owner) = makers.get(&part.owner) else { continue };
            let Part { object, name, kind, .. } = &part;
            let needed = reason(*object, selection, &makers).map(archive::label);
            let needed = needed.unwrap_or_else(|| "what is left out".to_owned());
            let label = archive::label(owner);
            let rewrite = lost.rewrites.get(&owner.id).cloned().or_else(|| {
                let text = statements.get(&owner.id)?;
                Some(Rewrite { original: text.clone(), reduced: text.clone() })
            });
            let (word, rewritten) = match (kind, rewrite) {
                (PartKind::Inherited, _) => continue,
                (PartKind::Essential, _) | (_, None) => ("", None),
                (PartKind::Default(expression), Some(rewrite)) => {
                    ("default of column", without_default(rewrite, name, expression))
                }
                (PartKind::Check(definition), Some(rewrite)) => {
                    ("check", without_check(rewrite, name, definition))
                }
            };
            match rewritten {
                Some(rewrite) => {
                    lost.rewrites.insert(owner.id, rewrite);
                    if let PartKind::Check(_) = kind {
                        let namespace = owner.namespace.clone();
                        let tags = constraint_tags(name, &owner.tag).into_iter();
                        lost.comments.extend(tags.map(|tag| (namespace.clone(), tag)));
                    }
                    lost.told
                        .push(format!("leaving out {word} {name:?} of {label}: it needs {needed}"));
                }
                None => selection.leave_out(ground, &[part.owner], Cause::Needs(*object)),
            }
        }
        selection.settle_sequences(ground);
    }
}

async fn statements(archive: &Path, ids: HashSet<EntryId>) -> Result<HashMap<EntryId, String>> {
    let archive = archive.to_owned();
    let read =
        tokio::task::spawn_blocking(move || crate::tools::archive::statements(&archive, &ids));
    read.await.map_err(|error| Error::new(Kind::Internal, error.to_string()))?
}
