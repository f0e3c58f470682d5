//! What the directory is for. Whatever decides which objects and rows are copied, and how, is kept
//! with the first run; a later run in the same directory must want the same.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::model::{Jobs, Settings};

use super::Catalog;
use super::json::{from_json, signed, to_json, unsigned};

/// What a directory is for, as the first run in it registered. A copy is kept on the target, as the
/// directory may be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The source's connection string, without a password.
    pub source: String,
    /// The target's, where one is known.
    pub target: Option<String>,
    /// The snapshot that rows are read in.
    pub snapshot: Option<String>,
    /// Tables of at least this many bytes are copied in parts.
    pub split_tables_larger_than: Option<u64>,
    /// The most parts one table is cut into.
    pub split_max_parts: Option<u32>,
    /// The filters as JSON.
    pub filters: Option<String>,
    /// Other options that change what is copied, by their names as typed.
    pub options: BTreeMap<String, String>,
    /// Numbers of workers: they may differ from run to run.
    pub jobs: Jobs,
}

/// What of an earlier run's set-up binds a later one, besides the servers and the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Whether both must see the same data.
    pub consistency: Consistency,
    /// Whether tables were cut into parts that are still being copied.
    pub split: bool,
    /// Whether every option must be given again; otherwise one that was given once holds.
    pub options: bool,
}

/// Whether all runs in a directory must see the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// They read in one snapshot.
    Required,
    /// `--not-consistent`: a later run may read in another.
    Waived,
}

/// Says what is in the way; it is about one run, not about what is copied.
const DROP_IF_EXISTS: &str = "--drop-if-exists";

/// Where tablespaces have other names, as JSON.
const TABLESPACE_MAP: &str = "--tablespace-map";

/// The options that change what is copied.
fn options(settings: &mut Settings) -> [(&'static str, &mut bool); 11] {
    [
        ("--skip-split-by-ctid", &mut settings.skip_split_by_ctid),
        (DROP_IF_EXISTS, &mut settings.drop_if_exists),
        ("--no-owner", &mut settings.no_owner),
        ("--no-acl", &mut settings.no_acl),
        ("--no-comments", &mut settings.no_comments),
        ("--no-tablespaces", &mut settings.no_tablespaces),
        ("--skip-large-objects", &mut settings.skip_large_objects),
        ("--skip-extensions", &mut settings.skip_extensions),
        ("--skip-ext-comments", &mut settings.skip_extension_comments),
        ("--skip-collations", &mut settings.skip_collations),
        ("--skip-db-properties", &mut settings.skip_db_properties),
    ]
}

impl Setup {
    /// What these settings want of a directory.
    pub fn new(source: String, target: Option<String>, settings: &Settings) -> Setup {
        let mut asked = settings.clone();
        let given = options(&mut asked).into_iter().filter(|(_, is_given)| **is_given);
        let map = Some(&settings.tablespace_map).filter(|map| !map.is_empty());
        let map = map.and_then(|map| serde_json::to_string(map).ok());
        let tablespaces = map.map(|map| (TABLESPACE_MAP.to_owned(), map));
        Setup {
            source,
            target,
            snapshot: settings.snapshot.clone(),
            split_tables_larger_than: settings.split_tables_larger_than,
            split_max_parts: settings.split_max_parts,
            filters: None,
            options: given
                .map(|(name, _)| (name.to_owned(), String::new()))
                .chain(tablespaces)
                .collect(),
            jobs: settings.jobs,
        }
    }

    /// Adds what the directory was given by earlier runs to what this one wants.
    pub fn settle(&self, settings: &mut Settings) {
        for (name, is_given) in options(settings) {
            *is_given |= self.options.contains_key(name);
        }
        if let Some(map) = self.options.get(TABLESPACE_MAP)
            && let Ok(map) = serde_json::from_str(map)
        {
            settings.tablespace_map = map;
        }
        settings.split_tables_larger_than = self.split_tables_larger_than;
        settings.split_max_parts = self.split_max_parts;
    }

    /// What a later run goes on with: what it wants, and where it names nothing, what was
    /// registered. An error if it wants something else.
    pub fn continued(&self, wanted: &Setup, bound: Bound, directory: &Path) -> Result<Setup> {
        let refused = |what: &str, was: &dyn Display, is: &dyn Display, hint: &str| {
            Error::new(Kind::State, format!("could not resume in \"{}\"", directory.display()))
                .detail(format!("The directory is for {what} {was}, this command names {is}."))
                .hint(hint)
        };
        let different = |what, was: &dyn Display, is: &dyn Display| {
            let hint = "Name another directory with --dir, or start over with --restart.";
            Err(refused(what, was, is, hint))
        };
        let quoted = |text: &str| format!("\"{text}\"");
        if wanted.source != self.source {
            return different("source", &quoted(&self.source), &quoted(&wanted.source));
        }
        if let (Some(was), Some(is)) = (&self.target, &wanted.target)
            && was != is
        {
            return different("target", &quoted(was), &quoted(is));
        }
        if let (Some(was), Some(is)) = (&self.snapshot, &wanted.snapshot)
            && was != is
            && bound.consistency == Consistency::Required
        {
            let hint = "Name that snapshot with --snapshot, use another with --not-consistent, or \
                        start over with --restart.";
            return Err(refused("snapshot", &quoted(was), &quoted(is), hint));
        }
        for (option, was, is) in [
            (
                "--split-tables-larger-than",
                self.split_tables_larger_than,
                wanted.split_tables_larger_than,
            ),
            (
                "--split-max-parts",
                self.split_max_parts.map(u64::from),
                wanted.split_max_parts.map(u64::from),
            ),
        ] {
            let must_agree = bound.options || is.is_some();
            if bound.split && must_agree && was != is {
                return different(option, &limit(was), &limit(is));
            }
        }
        if wanted.filters.is_some() && wanted.filters != self.filters {
            let was = self.filters.as_deref().unwrap_or("none");
            let is = wanted.filters.as_deref().unwrap_or("none");
            return different("filters", &was, &is);
        }
        if bound.options && wanted.options != self.options {
            let (was, is) = (typed(&self.options), typed(&wanted.options));
            return different("options", &was, &is);
        }
        Ok(self.merged(wanted, bound))
    }

    fn merged(&self, wanted: &Setup, bound: Bound) -> Setup {
        let snapshot = match bound.consistency {
            Consistency::Required => wanted.snapshot.clone().or_else(|| self.snapshot.clone()),
            Consistency::Waived => wanted.snapshot.clone(),
        };
        let mut options = wanted.options.clone();
        if !bound.options {
            let kept = self.options.iter().filter(|(name, _)| *name != DROP_IF_EXISTS);
            for (name, value) in kept {
                options.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Setup {
            target: wanted.target.clone().or_else(|| self.target.clone()),
            filters: wanted.filters.clone().or_else(|| self.filters.clone()),
            split_tables_larger_than: wanted
                .split_tables_larger_than
                .or(self.split_tables_larger_than),
            split_max_parts: wanted.split_max_parts.or(self.split_max_parts),
            snapshot,
            options,
            ..wanted.clone()
        }
    }

    fn read(row: &Row) -> rusqlite::Result<Setup> {
        Ok(Setup {
            source: row.get("source_pg_uri")?,
            target: row.get("target_pg_uri")?,
            snapshot: row.get("snapshot")?,
            split_tables_larger_than: row
                .get::<_, Option<i64>>("split_tables_larger_than")?
                .map(unsigned),
            split_max_parts: row.get("split_max_parts")?,
            filters: row.get("filters")?,
            options: from_json(row, "options")?,
            jobs: from_json(row, "jobs")?,
        })
    }
}

impl Catalog {
    /// What the directory is for; `None` before the first run has registered it.
    pub async fn setup(&self) -> Result<Option<Setup>> {
        self.read("could not read the set-up", |transaction| {
            transaction.query_row("select * from setup", (), Setup::read).optional()
        })
        .await
    }

    /// Registers what the directory is for, in place of what was registered before.
    pub async fn register_setup(&self, setup: &Setup) -> Result<()> {
        let setup = setup.clone();
        self.write("could not register the set-up", move |transaction| {
            transaction.execute(
                include_str!("schema/register_setup.sql"),
                (
                    &setup.source,
                    &setup.target,
                    &setup.snapshot,
                    setup.split_tables_larger_than.map(signed),
                    setup.split_max_parts,
                    &setup.filters,
                    to_json(&setup.options)?,
                    to_json(&setup.jobs)?,
                ),
            )?;
            Ok(())
        })
        .await
    }
}

/// Options as they would be typed.
fn typed(options: &BTreeMap<String, String>) -> String {
    if options.is_empty() {
        return "none".to_owned();
    }
    let typed = options.iter().map(|(name, value)| format!("{name} {value}").trim_end().to_owned());
    typed.collect::<Vec<_>>().join(" ")
}

fn limit(value: Option<u64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
