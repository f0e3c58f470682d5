//! Changes between major versions, through every plugin that the source has.

use pgcopydb_testkit::{Pair, Version};

use crate::follow::Followed;

/// Sources before and after transactions could be sent while they run.
const MOVES: &[(u32, u32)] = &[(13, 15), (14, 17), (16, 18), (17, 18), (18, 15)];

/// Schema, and changes that show what differs between versions and plugins.
const SCHEMA: &str = "
    do $$ begin
      execute format('alter database %I set logical_decoding_work_mem = ''64kB''',
                     current_database());
    end $$;
    create table t (id int primary key, v text, n numeric not null default 0, b bytea, a text[],
                    g int generated always as (id * 2) stored, big text);
    alter table t alter big set storage external;
    create table whole (x int, j json);
    alter table whole replica identity full;
    create table p (id int, day int, primary key (id, day)) partition by range (day);
    create table p1 partition of p for values from (0) to (10);
    create table p2 partition of p for values from (10) to (20);
    create table parent (id int primary key);
    create table child (id int primary key, parent int references parent)";

const CHANGES: &str = "
    begin; insert into t (id, v, n, b, a) select g, repeat('v', 50), g * 1.5, '\\x00ff', array['a', null, '\"']
      from generate_series(1, 4000) g;
    savepoint s; update t set v = 'never'; rollback to s; delete from t where id % 2 = 0; commit;
    update t set big = repeat('big', 3000) where id = 1; update t set v = 'new' where id = 1;
    update t set id = -1 where id = 1; update t set id = -3, v = null where id = 3;
    insert into whole values (1, '{}'), (1, '{}'), (null, null);
    delete from whole where ctid = (select min(ctid) from whole);
    update whole set x = 7 where x is null;
    insert into p values (1, 1), (2, 12); update p set day = 13 where id = 1;
    insert into parent values (1), (2); insert into child values (1, 1);
    truncate parent, child; insert into parent values (3); insert into child values (1, 3);
    begin; insert into parent values (4); prepare transaction '{name}'; commit prepared '{name}';
    select pg_logical_emit_message(true, 'app', 'nothing')";

/// What a plugin needs of the server's files.
pub fn has(version: &Version, plugin: &str) -> bool {
    let library = format!("{plugin}.so");
    let places = ["../lib", "../lib/postgresql", "../lib/pgoutput"];
    plugin == "pgoutput"
        || places.iter().any(|place| version.bin().join(place).join(&library).exists())
}

#[test]
fn changes_arrive_on_another_version() {
    for (from, to) in MOVES {
        let (Some(source), Some(target)) = (Version::of_major(*from), Version::of_major(*to))
        else {
            eprintln!("skipped {from} to {to}: this machine lacks one of them");
            continue;
        };
        for plugin in ["pgoutput", "test_decoding", "wal2json"] {
            if !has(&source, plugin) {
                eprintln!("skipped {from} to {to} through {plugin}: the source lacks it");
                continue;
            }
            eprintln!("{from} to {to} through {plugin}");
            // Without the array all values come in binary form, from version 14 on.
            let schema = match plugin {
                "pgoutput" => SCHEMA.replace("a text[]", "a text"),
                _ => SCHEMA.to_owned(),
            };
            let followed = Followed::on(Pair::of_versions(&source, &target), &schema);
            let running =
                followed.program("clone --follow").args(["--debug", "--plugin", plugin]).spawn();
            running.wait_for_stderr("applying changes after");
            let name = followed.pair.source.name();
            followed.pair.source.sql(&CHANGES.replace("{name}", name));
            let output = followed.end(running);
            output.assert_success();
            if plugin == "pgoutput" && *from >= 14 {
                output.assert_stderr_has("values come in binary form");
            }
            followed.assert_same();
        }
    }
}
