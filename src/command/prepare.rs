//! How a run begins: the work directory, the locks, the set-up of an earlier run, the snapshot.

mod snapshot;

use std::collections::HashSet;
use std::sync::Arc;

use pgcopydb_wire::Connection;

use super::afresh;
use super::completion;
use super::filters::{self, Filtering};
use crate::catalog::{Bound, Catalog, Consistency, Setup};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::{Beginning, Inventory, Settings};
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, Side, filter as pg_filter, foreign_keys};
use crate::plan::clone::Tables;
use crate::plan::select::{Archive, Selection, Task};
use crate::run::capacity::Sessions;
use crate::run::context::PRE_DATA_KEY;
use crate::run::control::{self, Control, Event};
use crate::run::crew::Crew;
use crate::run::ledger::{Decided, Ledger, Remembered};
use crate::run::patience::Patience;
use crate::run::watch::Watch;
use crate::run::{self, lock};
use crate::tools::Tools;
use crate::workdir::{Mode, WorkDir};

/// Where a run reads from, and what it keeps of its own.
pub struct Base {
    /// What the user wants.
    pub settings: Settings,
    /// The server that is copied from.
    pub source: Endpoint,
    /// The work directory; the lock lives as long.
    pub workdir: Arc<WorkDir>,
    /// The run's own memory.
    pub catalog: Catalog,
    /// The view of the source that rows are read in.
    pub snapshot: Snapshot,
    /// Why there is no snapshot, although steps that read from the source need one.
    pub no_snapshot: Option<Error>,
    /// What the directory is for.
    pub setup: Setup,
    /// The version of the target, if that is known.
    pub target_version: Option<u32>,
    /// The extensions of the target, if it is known and there are filters.
    pub target_extensions: HashSet<String>,
    /// What is copied, if not everything: as this run wants it, or as the first run in the directory
    /// did.
    pub filtering: Option<Filtering>,
}

impl Base {
    /// The programs that dump a source of that version for this target.
    pub fn tools(&self, source_version: u32) -> Result<Tools> {
        Tools::locate(source_version, self.target_version.unwrap_or(source_version))
    }

    /// Makes the directory one for what this run wants. Until then it is as it was found.
    pub async fn register(&self) -> Result<()> {
        self.catalog.register_setup(&self.setup).await?;
        fault::point("setup", "registered")
    }
}

impl Base {
    /// Takes a new snapshot in place of one of ours that is lost. What was found in that one is not
    /// what is in this one: the schema is dumped again.
    pub async fn take_another_snapshot(&mut self) -> Result<()> {
        self.snapshot = Snapshot::export(&self.source).await?;
        self.setup.snapshot.clone_from(&self.snapshot.id);
        let archive = self.workdir.files().archive();
        match std::fs::remove_file(&archive) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("could not remove {}: {error}", archive.display());
                return Err(Error::new(Kind::State, message));
            }
            _ => {}
        }
        if self.catalog.setup().await?.is_some() {
            self.register().await?;
        }
        Ok(())
    }
}

/// A run that has its locks and knows what it begins from.
pub struct Begun {
    /// Where it reads from.
    pub base: Base,
    /// Which share of a clone it does.
    pub selection: Selection,
    /// Where the archive comes from.
    pub archive: Archive,
    /// The server that is copied to.
    pub target: Endpoint,
    /// The workers.
    pub crew: Arc<Crew>,
    /// The run's lock on the target.
    pub control: Control,
    /// A session for what is asked of the target before and after the steps.
    pub target_session: Connection,
    /// What is to be said once more at the end.
    pub notes: Vec<String>,
    /// What an earlier run left on the target.
    pub remembered: Remembered,
    /// Whether an earlier run has made the whole copy.
    pub is_complete: bool,
    /// Whether foreign keys of the target are to be put back.
    pub has_kept_keys: bool,
    /// Whether steps were handed out.
    pub has_begun_steps: bool,
}

impl Begun {
    /// Makes the target remember steps from now on.
    pub async fn open_ledger(&mut self, inventory: &Inventory) -> Result<Ledger> {
        self.base.catalog.begin_copy().await?;
        let decided = match self.remembered.decided.take() {
            Some(decided) if self.remembered.is_bound() => decided,
            _ => Decided::new(self.base.setup.clone(), inventory),
        };
        // Known also if we never hear that it was opened.
        self.remembered.decided = Some(decided.clone());
        Ledger::open(&mut self.target_session, self.control.membership(), &decided).await
    }

    /// Makes the session to the target one of the run. What was found out while the lock of the run
    /// was lost may no longer be true: the error says that all of it is to be done again.
    pub async fn join(&mut self) -> Result<()> {
        let mut was_held = true;
        while !self.control.is_held() {
            was_held = false;
            match self.control.event().await {
                Event::Lost(error) => tracing::warn!("{error}; opening another"),
                Event::Back { .. } => self.control.go_on(),
                Event::Gone(error) => return Err(error.during("this run cannot go on")),
            }
        }
        if was_held && self.control.membership().join(&mut self.target_session).await? {
            return Ok(());
        }
        Err(Error::new(Kind::Target, "the lock of this run was lost on the target").transient())
    }

    /// Takes back the records of steps whose work a crash of the target has undone.
    pub async fn take_back_what_was_undone(&mut self, inventory: &Inventory) -> Result<()> {
        let undone = self.remembered.undone(inventory);
        if undone.is_empty() {
            return Ok(());
        }
        tracing::info!("doing {} steps again: a crash empties what is unlogged", undone.len());
        Ledger::take_back(&mut self.target_session, &undone).await?;
        for key in &undone {
            self.remembered.done.remove(key);
        }
        Ok(())
    }

    /// Opens the session to the target again, which may have been lost in the meantime, and reads
    /// what the target remembers now.
    pub async fn look_again(&mut self) -> Result<()> {
        self.target_session = self.target.open("clone").await?;
        let mut now = Ledger::remembered(&mut self.target_session).await?;
        let id = |remembered: &Remembered| remembered.decided.as_ref().map(|d| d.id.clone());
        let is_gone = !now.exists && !self.remembered.done.is_empty();
        if is_gone || (now.decided.is_some() && id(&now) != id(&self.remembered)) {
            return Err(run::settle::record_is_gone());
        }
        let decided = self.remembered.decided.take();
        now.decided = now.decided.or(decided);
        self.remembered = now;
        Ok(())
    }

    /// Where the target's tables come from: from this copy, if it makes them or has made them.
    pub fn tables(&self) -> Tables {
        match self.selection.makes_tables() || self.remembered.done.contains(PRE_DATA_KEY) {
            true => Tables::Made,
            false => Tables::Found,
        }
    }
}

/// Takes the locks, looks at what an earlier run left, and gets a snapshot, unless the caller has
/// taken one.
pub async fn begin(
    source: Endpoint,
    target: Endpoint,
    settings: Settings,
    task: Task,
    crew: Arc<Crew>,
    snapshot: Option<Snapshot>,
) -> Result<Begun> {
    let _locks = Watch::new(source.clone(), target.clone()).tell_of_locks();
    let filtering = filters::read(&settings)?;
    if task.archive == Archive::Given {
        WorkDir::open(settings.directory.as_deref(), Mode::Inspect)?;
    }
    let workdir = Arc::new(WorkDir::open(settings.directory.as_deref(), Mode::Run)?);
    if task.archive == Archive::Given {
        check_archive(&workdir)?;
    }
    let mut start = Start {
        source,
        target,
        settings,
        task,
        filtering,
        workdir,
        crew,
        snapshot,
        has_restarted: false,
        owner: None,
        reached: false,
    };
    let mut patience = Patience::default();
    loop {
        match start.attempt().await {
            Err(error) => pause(&mut patience, start.reached, error).await?,
            begun => return begun,
        }
    }
}

/// Waits before another try at the beginning, or gives back the error: that of a server which no try
/// has reached is told at once, and so is everything but the loss of a connection.
async fn pause(patience: &mut Patience, reached: bool, error: Error) -> Result<()> {
    let pause = match patience.pause(reached) {
        Some(pause) if error.is_transient() && patience.has_reached() => pause,
        _ => return Err(error),
    };
    tracing::warn!("trying to begin again in {} ms: {error}", pause.as_millis());
    tokio::time::sleep(pause).await;
    Ok(())
}

/// What a run is begun with, once more where a connection is lost meanwhile.
struct Start {
    source: Endpoint,
    target: Endpoint,
    settings: Settings,
    task: Task,
    filtering: Option<Filtering>,
    workdir: Arc<WorkDir>,
    crew: Arc<Crew>,
    /// The snapshot that the caller has taken.
    snapshot: Option<Snapshot>,
    /// Whether everything that an earlier run left is gone.
    has_restarted: bool,
    /// The backend that holds the run's lock on the target, or did in the last try.
    owner: Option<i32>,
    /// Whether this try had a session on both servers.
    reached: bool,
}

impl Start {
    /// One try. Whatever it has written may be written once more by the next.
    async fn attempt(&mut self) -> Result<Begun> {
        self.reached = false;
        let Task { selection, archive } = self.task;
        let (source, target) = (&self.source, &self.target);
        let mut source_session = source.open("clone").await?;
        let mut control_session = target.open(control::ROLE).await?;
        self.reached = true;
        refuse_standby(&mut control_session).await?;
        if let Some(owner) = self.owner.replace(control_session.backend_pid()) {
            // The server may not have noticed that the session of the last try is gone.
            let application = target.application_name(control::ROLE);
            lock::end_backend(&mut control_session, owner, &application).await?;
        }
        lock::take(&mut control_session).await?;
        refuse_same_database(&mut source_session, &mut control_session).await?;
        Sessions::least().check(&mut source_session, Side::Source).await?;
        Sessions::least().check(&mut control_session, Side::Target).await?;
        source_session.close().await;
        self.restart(&mut control_session).await?;
        let remembered = Ledger::remembered(&mut control_session).await?;
        let has_kept_keys = foreign_keys::are_kept(&mut control_session).await?;
        let target_extensions = pg_filter::extensions(&mut control_session).await?;
        let target_identity = completion::identity(&mut control_session).await?;
        let target_session = self.target.open("clone").await?;
        let wanted = Wanted {
            selection,
            target: Some(&self.target),
            target_version: Some(target_session.server_version()),
            target_identity,
            remembered: &remembered,
            taken: &mut self.snapshot,
        };
        let (settings, filtering) = (self.settings.clone(), self.filtering.clone());
        let base = base(self.source.clone(), settings, filtering, self.workdir.clone(), wanted);
        // From here on the directory is this run's: there is no way back.
        let (mut base, is_complete) = base.await?;
        if base.filtering.is_some() {
            base.target_extensions = target_extensions;
        }
        base.catalog.begin_run().await?;
        let target = self.target.clone();
        Ok(Begun {
            base,
            selection,
            archive,
            control: Control::keep(target.clone(), control_session),
            target,
            crew: self.crew.clone(),
            target_session,
            notes: Vec::new(),
            remembered,
            is_complete,
            has_kept_keys,
            has_begun_steps: false,
        })
    }

    /// Removes what an earlier run left, if that is wanted; once.
    async fn restart(&mut self, target_session: &mut Connection) -> Result<()> {
        let Start { source, target, settings, task, workdir, .. } = self;
        if self.has_restarted {
            return Ok(());
        }
        if task.selection == Selection::All {
            afresh::if_snapshot_is_gone(settings, source, target_session, workdir).await?;
        }
        if settings.beginning == Beginning::Restart {
            // What is restored again is not dumped again.
            if task.archive == Archive::Made {
                if settings.follow.is_some() {
                    snapshot::forget_slot(source, target, workdir).await?;
                }
                workdir.clear()?;
            }
            Ledger::drop(target_session).await?;
        }
        self.has_restarted = true;
        Ok(())
    }
}

/// The same for a command that writes to no target.
pub async fn begin_dump(source: Endpoint, settings: Settings) -> Result<Base> {
    let filtering = filters::read(&settings)?;
    let workdir = Arc::new(WorkDir::open(settings.directory.as_deref(), Mode::Run)?);
    if settings.beginning == Beginning::Restart {
        workdir.clear()?;
    }
    let mut patience = Patience::default();
    loop {
        let mut reached = false;
        let attempt = async {
            source.open("clone").await?.close().await;
            reached = true;
            // The schema is read in the snapshot that the rows are to be read in.
            let wanted = Wanted {
                selection: Selection::PreData,
                target: None,
                target_version: None,
                target_identity: None,
                remembered: &Remembered::default(),
                taken: &mut None,
            };
            let (settings, filtering) = (settings.clone(), filtering.clone());
            base(source.clone(), settings, filtering, workdir.clone(), wanted).await
        };
        match attempt.await {
            Err(error) => pause(&mut patience, reached, error).await?,
            Ok((base, _)) => return Ok(base),
        }
    }
}

/// What a run is for.
struct Wanted<'a> {
    selection: Selection,
    target: Option<&'a Endpoint>,
    target_version: Option<u32>,
    target_identity: Option<String>,
    remembered: &'a Remembered,
    /// The snapshot that the caller has taken; it is left there as long as something can fail.
    taken: &'a mut Option<Snapshot>,
}

/// What a run begins from, and whether an earlier one has left nothing to do.
async fn base(
    source: Endpoint,
    mut settings: Settings,
    filtering: Option<Filtering>,
    workdir: Arc<WorkDir>,
    wanted: Wanted<'_>,
) -> Result<(Base, bool)> {
    let Wanted { selection, target, target_version, target_identity, remembered, taken } = wanted;
    let files = workdir.files();
    let catalog = Catalog::open(&files.source_catalog()).await?;
    let decided = remembered.decided.as_ref().map(|decided| decided.setup.clone());
    let registered = catalog.setup().await?.or(decided);
    let kept = files.read(&files.snapshot())?;
    let kept = kept.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let begins_with_snapshot = kept.is_some() || settings.snapshot.is_some();
    let is_part = selection != Selection::All;
    let identity = target_identity.as_deref().filter(|_| !is_part);
    let is_complete = completion::is_complete(&catalog, &settings, remembered, identity).await?;
    check_beginning(
        &settings,
        &workdir,
        registered.is_some(),
        remembered,
        is_part || begins_with_snapshot || is_complete,
    )?;
    let mut wanted = wanted_setup(&source, target, &settings);
    if let Some(filtering) = &filtering {
        wanted.filters = filtering.json()?;
    }
    let bound = Bound {
        consistency: match settings.not_consistent {
            true => Consistency::Waived,
            false => Consistency::Required,
        },
        split: selection.fills_tables() && remembered.has_rows(),
        options: !is_part && !remembered.done.is_empty(),
    };
    let mut setup = match &registered {
        Some(registered) => registered.continued(&wanted, bound, workdir.path())?,
        None => wanted,
    };
    setup.settle(&mut settings);
    // Whoever asks for large objects alone wants them, whatever an earlier command left out.
    settings.skip_large_objects &= selection != Selection::LargeObjects;
    let is_known = files.archive().exists() && catalog.has_inventory().await?;
    let mut no_snapshot = None;
    let snapshot = match is_complete || (is_known && !selection.reads_source()) {
        true => Snapshot::none(),
        false => {
            let found = match (&settings.follow, target, taken.take()) {
                (_, _, Some(taken)) => Ok(taken),
                (Some(follow), Some(target), None) => {
                    snapshot::of_slot(
                        &source,
                        target,
                        (&settings, follow),
                        filtering.as_ref(),
                        &catalog,
                    )
                    .await
                }
                _ => snapshot::named_or_new(&source, &settings, setup.snapshot.clone(), kept).await,
            };
            match found {
                // Perhaps all rows are there; only the plan can tell.
                Err(error) if is_known && remembered.has_rows() && !error.is_transient() => {
                    no_snapshot = Some(error);
                    Snapshot::none()
                }
                found => found?,
            }
        }
    };
    fault::point("snapshot", "taken")?;
    if snapshot.id.is_some() {
        setup.snapshot.clone_from(&snapshot.id);
    }
    let filtering = match (filtering, &setup.filters) {
        (None, Some(json)) => Some(Filtering::remembered(json, workdir.path(), &settings)?),
        (filtering, _) => filtering,
    };
    // New filters may name what is not there: then the directory is left as it was found.
    let is_certain = filtering.is_none() || registered.is_some();
    let target_extensions = HashSet::new();
    let base = Base {
        settings,
        source,
        workdir,
        catalog,
        snapshot,
        no_snapshot,
        target_version,
        target_extensions,
        filtering,
        setup,
    };
    if is_certain {
        base.register().await?;
    }
    Ok((base, is_complete))
}

/// Refuses to restore what was not dumped.
fn check_archive(workdir: &WorkDir) -> Result<()> {
    if workdir.files().archive().exists() {
        return Ok(());
    }
    let message = format!("there is no dump of a schema in \"{}\"", workdir.path().display());
    Err(Error::new(Kind::State, message).hint(
        "Make one with \"pgcopydb dump schema\", or name the directory that has one with --dir.",
    ))
}

async fn refuse_standby(target: &mut Connection) -> Result<()> {
    let database = crate::pg::discover::database(target).await?;
    if database.is_standby {
        return Err(Error::new(
            Kind::Target,
            "the target is a standby: nothing can be written to it",
        )
        .hint("Connect to the primary, for example with target_session_attrs=read-write."));
    }
    Ok(())
}

/// Refuses to copy a database onto itself, whatever its servers are called in the two connection
/// strings.
pub async fn refuse_same_database(source: &mut Connection, target: &mut Connection) -> Result<()> {
    let found = crate::pg::discover::database(source).await?;
    let refused = |message: &str| {
        Err(Error::new(Kind::Arguments, message).hint("Check --source and --target."))
    };
    if lock::is_held_by(source, target).await? {
        return refused("the source and the target are the same database");
    }
    if !found.is_standby {
        return Ok(());
    }
    let sql = include_str!("../pg/sql/identity.sql");
    let ours = source.query(sql, &[]).await;
    let theirs = target.query(sql, &[]).await;
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours.value().ok() == theirs.value().ok() => {
            refused("the source is a standby of the target: they are the same database")
        }
        // Where a server does not tell, the user has to know.
        _ => Ok(()),
    }
}

fn wanted_setup(source: &Endpoint, target: Option<&Endpoint>, settings: &Settings) -> Setup {
    let bare = |endpoint: &Endpoint| endpoint.conninfo().bare().to_string();
    Setup::new(bare(source), target.map(bare), settings)
}

/// Refuses to begin where an earlier run stands in the way, and to resume where there is none.
fn check_beginning(
    settings: &Settings,
    workdir: &WorkDir,
    was_set_up: bool,
    remembered: &Remembered,
    may_be_first: bool,
) -> Result<()> {
    let directory = workdir.path().display();
    match settings.beginning {
        Beginning::Restart => Ok(()),
        Beginning::Fresh if remembered.exists => Err(Error::new(
            Kind::State,
            "the target holds the unfinished copy of an earlier run",
        )
        .detail(format!("{} of its steps are done.", remembered.done.len()))
        .hint(
            "Continue it with --resume, or start over with --restart (and --drop-if-exists to \
             drop what it has made).",
        )),
        Beginning::Fresh if was_set_up => Err(Error::new(
            Kind::State,
            format!("the work directory \"{directory}\" was used by an earlier run"),
        )
        .hint(
            "Go on there with --resume, start over with --restart, or name another directory with \
             --dir.",
        )),
        Beginning::Fresh => Ok(()),
        Beginning::Resume if !was_set_up && !remembered.exists && may_be_first => Ok(()),
        Beginning::Resume if !was_set_up && !remembered.exists && workdir.was_used() => {
            tracing::warn!("the earlier run had not begun to copy: every step is to be done");
            Ok(())
        }
        Beginning::Resume if !was_set_up && !remembered.exists => Err(Error::new(
            Kind::State,
            format!("there is nothing to resume in \"{directory}\""),
        )
        .hint("Name the directory of the run to be resumed with --dir, or leave --resume out.")),
        Beginning::Resume if was_set_up && !remembered.exists && !may_be_first => {
            tracing::warn!("the target has no record of an earlier run: every step is to be done");
            Ok(())
        }
        Beginning::Resume => Ok(()),
    }
}
