//! Killed runs whose snapshot lives on: another run goes on in it, and sees nothing of what was
//! written since, also when the work directory is gone.

use pgcopydb_testkit::{Database, Output, Pair, Running, Session, Signal};

use super::workload::{clone, many_steps};
use crate::support::pgcopydb;

/// Where runs are killed: before any rows, among them, among the indexes, and near the end.
const POINTS: [&str; 6] = [
    "ledger.opened",
    "copy.middle",
    "part.after_commit",
    "large_objects.committing",
    "create_index.sent",
    "plan.done",
];

/// What happens on the source while nobody copies. Nothing of it is in the snapshot.
const MEANWHILE: &str = "
    insert into app.large select 100000 + i, i % 1000, 'too late' from generate_series(1, 5000) i;
    insert into app.medium select 100000 + i, 'too late' from generate_series(1, 5000) i;
    update app.large set note = note || '!' where id between 10 and 9000;
    select lo_from_bytea(30000, 'too late');
    vacuum app.large;";

const TAKEN_BACK: &str = "
    delete from app.medium where id > 100000;
    delete from app.large where id > 100000;
    update app.large set note = rtrim(note, '!') where id between 10 and 9000;
    select lo_unlink(30000);";

/// Whoever keeps the snapshot.
enum Holder {
    Service(Box<Running>),
    Session(Session),
}

impl Holder {
    fn service(pair: &Pair) -> (Holder, String) {
        let service = pgcopydb(pair).arg("snapshot").spawn();
        let id = service.wait_for_stdout("-").trim().to_owned();
        (Holder::Service(Box::new(service)), id)
    }

    fn session(database: &Database) -> (Holder, String) {
        let mut session = database.session();
        session.run("begin transaction isolation level repeatable read, read only");
        let id = session.run("select pg_export_snapshot()");
        (Holder::Session(session), id)
    }

    fn let_go(self) {
        match self {
            Holder::Service(service) => {
                service.signal(Signal::TERM);
                service.wait();
            }
            Holder::Session(mut session) => drop(session.run("rollback")),
        }
    }
}

fn killed(pair: &Pair, point: &str, arguments: &[&str]) {
    let killed = clone(pair).args(arguments).env("PGCOPYDB_FAULT", point).run();
    assert_eq!(killed.signal(), Some(Signal::KILL.as_raw()), "{point}: {killed}");
}

/// Fails unless the target is what the source was before [`MEANWHILE`].
fn assert_as_it_was(pair: &Pair, holder: Holder, resumed: &Output) {
    resumed.assert_success();
    holder.let_go();
    pair.source.sql(TAKEN_BACK);
    pair.same().ignoring("no statistics of \"public.settings\"").assert();
}

#[test]
fn a_snapshot_of_the_service_is_gone_on_in() {
    for point in POINTS {
        let pair = Pair::shared();
        many_steps(&pair);
        let (holder, id) = Holder::service(&pair);
        killed(&pair, point, &[]);
        pair.source.sql(MEANWHILE);
        // Killed again, and again somewhere else: the snapshot does not care.
        killed(&pair, "plan.done", &["--resume"]);
        let resumed = clone(&pair).arg("--resume").run();
        assert!(!resumed.stderr.contains("exported snapshot"), "not {id}: {resumed}");
        assert_as_it_was(&pair, holder, &resumed);
    }
}

#[test]
fn a_snapshot_of_somebody_else_is_gone_on_in() {
    for point in POINTS {
        let pair = Pair::shared();
        many_steps(&pair);
        let (holder, id) = Holder::session(&pair.source);
        killed(&pair, point, &["--snapshot", &id]);
        pair.source.sql(MEANWHILE);
        let resumed = clone(&pair).args(["--resume", "--snapshot", &id]).run();
        assert_as_it_was(&pair, holder, &resumed);
    }
}

#[test]
fn a_lost_work_directory_loses_nothing() {
    for (number, point) in POINTS.into_iter().enumerate() {
        let pair = Pair::shared();
        many_steps(&pair);
        let (holder, id) = match number % 2 {
            0 => Holder::service(&pair),
            _ => Holder::session(&pair.source),
        };
        killed(&pair, point, &["--snapshot", &id]);
        pair.source.sql(MEANWHILE);
        std::fs::remove_dir_all(pair.directory().join("pgcopydb")).unwrap();
        let done = pair.target.value("select count(*) from pgcopydb.step");
        let resumed = clone(&pair).args(["--resume", "--snapshot", &id]).run();
        if done.parse::<u32>().unwrap() > 0 {
            resumed.assert_stderr_has("steps were done before");
        }
        assert_as_it_was(&pair, holder, &resumed);
    }
}

#[test]
fn what_cannot_be_gone_on_with_is_refused_with_a_way_out() {
    let pair = Pair::shared();
    many_steps(&pair);
    let (holder, id) = Holder::session(&pair.source);
    killed(&pair, "part.after_commit", &["--snapshot", &id]);
    let (other, other_id) = Holder::session(&pair.source);
    // Rows of another snapshot beside those that are there.
    for directory_is_lost in [false, true] {
        if directory_is_lost {
            std::fs::remove_dir_all(pair.directory().join("pgcopydb")).unwrap();
        }
        let output = clone(&pair).args(["--resume", "--snapshot", &other_id]).run();
        output.assert_code(3);
        output.assert_stderr_has("The directory is for snapshot");
        output.assert_stderr_has("--not-consistent");
    }
    holder.let_go();
    let output = clone(&pair).args(["--resume", "--snapshot", &id]).run();
    output.assert_code(3);
    output.assert_stderr_has("cannot use the snapshot");
    output.assert_stderr_has("A snapshot lives only as long as the session that exported it.");
    other.let_go();
    let output = clone(&pair).args(["--resume", "--not-consistent"]).run();
    output.assert_success();
    pair.same().ignoring("no statistics of \"public.settings\"").assert();
}
