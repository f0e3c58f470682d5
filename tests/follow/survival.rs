//! Many writers, a network that fails, a program that is killed: every row is there once.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgcopydb_testkit::{Database, Pair, Program, Proxy, Running, Version};

use super::Followed;
use crate::versions::follow::has;

const SCHEMA: &str = "
    create table keyed (id bigint primary key, w int, v text, big text);
    alter table keyed alter big set storage external;
    create table whole (w int, v text, doc json);
    alter table whole replica identity full;
    create table emptied (id bigserial primary key, w int);
    create table child (id bigserial primary key, emptied bigint references emptied, w int);
    create table by_code (w int, code text not null unique, v text);
    alter table by_code replica identity using index by_code_code_key;
    create table pairs (a int, b text, n numeric not null, primary key (a, b));
    create table parted (id bigint, w int, v text, primary key (id, w)) partition by list (w);
    create table parted_even partition of parted for values in (0, 2, 4, 6);
    create table parted_odd partition of parted for values in (1, 3, 5, 7);
    insert into keyed select g, g % 8, 'first', repeat(md5(g::text), 200)
      from generate_series(1, 400) g;
    insert into whole select g % 8, 'same', '{}' from generate_series(1, 200) g;
    insert into parted select g, g % 8, 'first' from generate_series(1, 100) g;
";

/// From where to where a life may go, as far as these servers are there.
const MOVES: &[(u32, u32)] =
    &[(15, 15), (13, 18), (18, 18), (14, 17), (16, 18), (17, 17), (13, 13), (18, 15)];

/// What happens to a run while it applies: kills, restarts and crashes of servers.
const TROUBLES: u32 = 5;

/// Xorshift: the same changes for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A transaction of one of the writers, who change rows of their own.
fn transaction(random: &mut Random, writer: u64, number: u64) -> String {
    let mut sql = String::from("begin;");
    for step in 0..1 + random.below(6) {
        let id = 1_000_000 * (writer + 1) + number * 100 + step * 10;
        let _ = match random.below(18) {
            0 | 1 => write!(sql, "insert into keyed values ({id}, {writer}, 'it''s {id}', null);"),
            2 => write!(
                sql,
                "insert into keyed select {id}0 + g, {writer}, 'many', repeat('x', 3000) \
                 from generate_series(0, 40) g;"
            ),
            3 => write!(
                sql,
                "update keyed set v = v || '+' where id in (select id from keyed where w = {writer} \
                 order by id desc limit 7);"
            ),
            4 => write!(
                sql,
                "update keyed set id = {id} + 5 where id = (select min(id) from keyed \
                 where w = {writer});"
            ),
            5 => write!(
                sql,
                "delete from keyed where id = (select max(id) from keyed where w = {writer});"
            ),
            6 => write!(
                sql,
                "insert into whole values ({writer}, 'same', '[{step}]'), ({writer}, 'same', null);"
            ),
            7 => write!(
                sql,
                "delete from whole where ctid = (select min(ctid) from whole where w = {writer});"
            ),
            8 => write!(
                sql,
                "update whole set doc = '{{\"n\": {number}}}' where ctid = (select max(ctid) \
                 from whole where w = {writer});"
            ),
            9 => write!(
                sql,
                "savepoint s; insert into keyed values ({id} + 7, {writer}, 'never', null); \
                 rollback to s;"
            ),
            10 => {
                write!(sql, "insert into emptied (w) select {writer} from generate_series(1, 20);")
            }
            11 => write!(
                sql,
                "copy keyed (id, w, v) from program 'seq {id}00 {id}{:02} | sed \"s/$/,{writer},copied/\"' \
                 (format csv);",
                random.below(99)
            ),
            12 => write!(
                sql,
                "insert into keyed values ({id} + 3, {writer}, 'toast', repeat('{step}', 9000)); \
                 update keyed set v = v || '-' where id in (select id from keyed where w = {writer} \
                 and big is not null limit 5);"
            ),
            13 => write!(
                sql,
                "insert into by_code values ({writer}, 'c{id}', 'a'); update by_code set code = code || 'x' \
                 where code = (select min(code) from by_code where w = {writer}); update by_code set \
                 v = 'b' where w = {writer}; delete from by_code where code = (select max(code) from \
                 by_code where w = {writer});"
            ),
            14 => write!(
                sql,
                "insert into pairs values ({writer}, '{id}', 1.50); update pairs set n = n * 10, b = b || \
                 chr(39) where a = {writer} and b = (select min(b) from pairs where a = {writer});"
            ),
            15 => write!(
                sql,
                "savepoint a; update keyed set v = 'a' where id = (select min(id) from keyed where \
                 w = {writer}); savepoint b; delete from keyed where w = {writer} and id % 3 = 0; \
                 rollback to b; insert into whole values ({writer}, 'kept', '{{}}'); release a; \
                 insert into child (w) values ({writer});"
            ),
            16 if random.below(6) == 0 => write!(
                sql,
                "insert into keyed select {id}000 + g, {writer}, 'large', repeat('y', 250) \
                 from generate_series(1, 9000) g; update keyed set v = 'larger' where w = {writer} \
                 and v = 'large'; delete from keyed where w = {writer} and v = 'larger' and id % 5 > 0;"
            ),
            _ => write!(
                sql,
                "insert into parted values ({id}, {writer}, 'p'); update parted set w = {writer} ^ 1 \
                 where id = {id}; delete from parted where id = (select min(id) from parted \
                 where w = {writer});"
            ),
        };
    }
    if random.below(40) == 0 {
        sql.push_str(match random.below(3) {
            0 => "truncate emptied, child;",
            1 => "truncate emptied restart identity cascade;",
            _ => "truncate child; truncate emptied cascade;",
        });
    }
    sql.push_str(if random.below(8) == 0 { "rollback;" } else { "commit;" });
    sql
}

/// Writes until told to stop.
fn write(followed: &Followed, seed: u64, writer: u64, stop: &AtomicBool) {
    let mut random = Random(seed * 1000 + writer * 7 + 1);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut batch = String::new();
        for _ in 0..20 {
            number += 1;
            batch.push_str(&transaction(&mut random, writer, number));
        }
        // TRUNCATE may meet a dead-lock, which the server solves.
        let _ = followed.pair.source.try_sql(&batch.replace("begin;", "\nbegin;"));
    }
}

/// Tells the writers to stop, whatever becomes of the test.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn crash(database: &Database) {
    database.cluster().kill();
    database.cluster().restart();
}

/// Copies everything, and begins to apply changes. A slot that was made amid a TRUNCATE may be of no
/// use to the server, which says so; then one is made anew.
fn begin(program: impl Fn() -> Program) -> Running {
    let mut running = program().spawn();
    loop {
        while running.is_running() && !running.stderr().contains("applying changes after") {
            std::thread::sleep(Duration::from_millis(20));
        }
        if running.is_running() {
            return running;
        }
        let ended = running.wait();
        // pg_dump locks tables, and may be the one whom a dead-lock with a writer ends.
        if !ended.stderr.contains("deadlock detected") {
            assert!(ended.stderr.contains("could not map file"), "{ended}");
            ended.assert_stderr_has("Begin again with --restart");
        }
        running = program().arg("--restart").spawn();
    }
}

fn every_row_arrives_once(seed: u64, plugin: &str, pair: Pair) {
    let followed = match plugin {
        // From version 18 on the server breaks off where it would stream a subtransaction's abort.
        "wal2json" => Followed::on(pair, SCHEMA),
        _ => Followed::streaming(pair, SCHEMA),
    };
    let to_source = Proxy::to(followed.pair.source.cluster());
    let to_target = Proxy::to(followed.pair.target.cluster());
    let program = |command: &str| {
        followed
            .program(command)
            .env("PGCOPYDB_SOURCE_PGURI", to_source.uri(&followed.pair.source))
            .env("PGCOPYDB_TARGET_PGURI", to_target.uri(&followed.pair.target))
            // Large transactions are applied ahead of their commits, and overtaken, again and again.
            .env("PGCOPYDB_FAULT_QUIET_MS", "0")
            .env("PGCOPYDB_FAULT_PENANCE_MS", "0")
    };
    let mut random = Random(seed + 77);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopping = StopAtEnd(&stop);
        let writer = |number| {
            let (followed, stop) = (&followed, &stop);
            scope.spawn(move || write(followed, seed, number, stop))
        };
        let writers: Vec<_> = (0..8).map(writer).collect();
        let mut running = begin(|| program("clone --follow").args(["--plugin", plugin]));
        to_source.cut_every(Duration::from_millis(700), seed);
        to_target.cut_every(Duration::from_millis(900), seed + 1);
        for _ in 0..TROUBLES {
            let life = Duration::from_millis(1000 + random.below(2000));
            if let Some(ended) = running.wait_timeout(life) {
                panic!("seed {seed}: it ended by itself: {ended}");
            }
            match random.below(6) {
                0 => followed.pair.target.cluster().restart(),
                1 => followed.pair.source.cluster().restart(),
                2 => crash(&followed.pair.target),
                3 => crash(&followed.pair.source),
                _ => {
                    running.kill();
                    running = program("follow --resume").spawn();
                }
            }
        }
        drop(stopping);
        to_source.heal();
        to_target.heal();
        for writer in writers {
            writer.join().expect("a writer");
        }
        followed.end(running).assert_success();
    });
    followed.program("stream cleanup").run().assert_success();
    let same = followed.pair.same().without_statistics();
    let differences = same.ignoring("_seq").differences();
    assert!(differences.is_empty(), "seed {seed}: {}", differences.join("\n"));
}

#[test]
fn whatever_fails_every_row_arrives_once() {
    every_row_arrives_once(20_261, "pgoutput", Pair::start());
}

#[test]
fn whatever_fails_every_row_arrives_once_through_other_plugins() {
    for plugin in super::kinds::plugins().into_iter().skip(1) {
        every_row_arrives_once(20_262, plugin, Pair::start());
    }
}

/// A life between two of the servers that this machine has, both of which its seed says.
fn life(seed: u64) {
    let versions = MOVES
        .iter()
        .filter_map(|(from, to)| Some((Version::of_major(*from)?, Version::of_major(*to)?)));
    let mut versions: Vec<_> = versions.collect();
    if versions.is_empty() {
        versions.push((Version::newest(), Version::newest()));
    }
    let (source, target) = &versions[seed as usize % versions.len()];
    let plugins = super::kinds::plugins().into_iter().filter(|plugin| has(source, plugin));
    let plugins: Vec<_> = plugins.collect();
    let plugin = plugins[seed as usize / versions.len() % plugins.len()];
    let [from, to] = [source, target].map(Version::major);
    println!("following, seed {seed}, from {from} to {to} through {plugin}");
    every_row_arrives_once(seed, plugin, Pair::of_versions(source, target));
}

/// Two seeds; under `make torture` as many as there is time for, or the one that is named.
#[test]
fn torture_of_following() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("PGCOPYDB_TORTURE_SEED") {
        return life(seed);
    }
    let Some(seconds) = number("PGCOPYDB_TORTURE_SECONDS") else {
        return [1, 2]
            .into_iter()
            .for_each(|seed| every_row_arrives_once(seed, "pgoutput", Pair::start()));
    };
    let begun = std::time::Instant::now();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut seed = now.map_or(1, |now| now.as_secs());
    while begun.elapsed().as_secs() < seconds {
        life(seed);
        seed += 1;
    }
}

#[test]
fn a_copy_that_was_killed_begins_again_and_follows() {
    for point in [
        "snapshot.taken",
        "inventory.saved",
        "copy.middle",
        "copy.after_commit",
        "create_index.sent",
    ] {
        let followed = Followed::new(
            "create table t (id int primary key, v text); create table u (id int primary key);
             create index on t (v);
             insert into t select g, md5(g::text) from generate_series(1, 3000) g;
             insert into u select generate_series(1, 3000)",
        );
        let killed = followed.program("clone --follow").env("PGCOPYDB_FAULT", point).run();
        assert_eq!(killed.signal(), Some(9), "{point}: {killed}");
        followed.pair.source.sql("delete from t where id < 10; insert into u values (5000)");
        let running = followed.program("clone --follow --resume").spawn();
        running.wait_for_stderr("applying changes after");
        followed.pair.source.sql("update t set v = 'x' where id = 20");
        followed.end(running).assert_success();
        followed.assert_same();
    }
}

#[test]
fn a_copy_that_was_killed_while_it_made_tables_begins_again() {
    let followed = Followed::new(
        "do $$ begin
           for n in 1 .. 450 loop
             execute format('create table t_%s (a int primary key)', n);
           end loop;
         end $$;
         create table t (id int primary key)",
    );
    let program = || followed.program("clone --follow");
    let killed = program().env("PGCOPYDB_FAULT", "pre_data.after_commit:4").run();
    assert_eq!(killed.signal(), Some(9), "{killed}");
    let running = followed.program("clone --follow --resume").spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.source.sql("insert into t values (1)");
    followed.end(running).assert_success();
    followed.assert_same();
}
