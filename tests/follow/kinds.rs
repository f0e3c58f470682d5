//! Every kind of change, with the values and tables that are hard to get right.

use pgcopydb_testkit::Version;
use rustix::process::Signal;

use super::Followed;

/// Runs changes on a followed source and compares; through each plugin.
#[track_caller]
fn arrives(schema: &str, changes: &str) {
    for plugin in plugins() {
        arrives_through(plugin, schema, changes);
    }
}

/// The plugins that are here; wal2json is not part of PostgreSQL.
pub(super) fn plugins() -> Vec<&'static str> {
    let has_wal2json = Version::newest().bin().join("../lib/wal2json.so").exists();
    if !has_wal2json {
        eprintln!("skipped wal2json: this machine lacks it");
    }
    let plugins = ["pgoutput", "test_decoding", "wal2json"].into_iter();
    plugins.filter(|plugin| has_wal2json || *plugin != "wal2json").collect()
}

#[track_caller]
pub(super) fn arrives_through(plugin: &str, schema: &str, changes: &str) {
    eprintln!("through {plugin}");
    let followed = Followed::new(schema);
    let running = followed.program("clone --follow").args(["--plugin", plugin]).spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.source.sql(changes);
    let output = followed.end(running);
    output.assert_success();
    assert!(!output.stderr.contains("one by one"), "{output}");
    followed.assert_same();
}

#[test]
fn rows_of_one_record_of_the_log_all_arrive() {
    arrives(
        "create table t (id int primary key, v text)",
        "copy t from program 'seq 1 700 | sed \"s/.*/&,row &/\"' (format csv);
         insert into t select g, 'x' from generate_series(701, 1500) g;
         update t set v = v || '!' where id % 3 = 0;
         delete from t where id % 7 = 0;",
    );
}

#[test]
fn changes_made_while_the_copy_runs_arrive_once() {
    let schema = "create table t (id bigserial primary key, v text);
                  insert into t (v) select repeat('x', 500) from generate_series(1, 20000)";
    let followed = Followed::new(schema);
    let running = followed.program("clone --follow").spawn();
    running.wait_for_stderr("exported snapshot");
    for _ in 0..20 {
        followed.pair.source.sql(
            "insert into t (v) values ('new'), ('newer');
             update t set v = 'changed' where id in (1, 20000);
             delete from t where id = (select min(id) + 5 from t)",
        );
    }
    running.wait_for_stderr("applying changes after");
    let output = followed.end(running);
    output.assert_success();
    output.assert_stderr_has("all wanted changes are applied, the last one at");
    followed.assert_same();
}

#[test]
fn one_of_several_equal_rows_is_meant() {
    arrives(
        "create table t (a int, doc json, x xml, p point, n numeric not null default 0);
         alter table t replica identity full;
         insert into t select 1, '{\"a\": 1}', '<a/>', '(1,2)', 1.50 from generate_series(1, 5);
         insert into t select null from generate_series(1, 3)",
        "delete from t where ctid = (select min(ctid) from t where a = 1);
         update t set n = 2.50 where ctid = (select max(ctid) from t where a = 1);
         update t set doc = '[]' where ctid = (select max(ctid) from t where a is null);
         delete from t where ctid = (select min(ctid) from t where a is null)",
    );
}

#[test]
fn keys_change_and_other_indexes_identify() {
    arrives(
        "create table by_key (id int primary key, v text);
         create table by_index (id int primary key, code text not null unique, v text);
         alter table by_index replica identity using index by_index_code_key;
         insert into by_key select g, 'v' || g from generate_series(1, 10) g;
         insert into by_index select g, 'c' || g, 'v' from generate_series(1, 10) g",
        "update by_key set id = id + 100 where id > 5;
         update by_key set id = -id, v = null where id < 3;
         update by_index set id = id + 50 where id = 3;
         update by_index set code = 'new' where id = 4;
         update by_index set id = 99, code = 'both', v = 'all' where id = 5;
         delete from by_index where id = 6",
    );
}

#[test]
fn computed_and_identity_columns() {
    arrives(
        "create table t (g int generated always as (id * 2) stored,
                         id int generated always as identity primary key, y text);
         create table u (k int primary key, i int generated always as identity, y text);
         create table v (i int generated always as identity, y text);
         alter table v replica identity full;
         insert into t (y) values ('a'), ('b'), ('c');
         insert into u (k, y) values (1, 'a'), (2, 'b');
         insert into v (y) values ('a'), ('b')",
        "insert into t (y) values ('d');
         update t set y = 'e' where id = 1;
         update t set id = default where id = 2;
         update u set y = 'c' where k = 1;
         update v set y = 'c' where i = 1;
         update v set i = default where i = 2;
         delete from t where id = 3;
         insert into u (k, i, y) overriding system value values (7, 70, 'x')",
    );
}

#[test]
fn values_that_are_easily_damaged() {
    let (schema, changes) = (
        "create type mood as enum ('sad', 'o''k');
         create domain positive as numeric check (value > 0);
         create type pair as (a int, b text);
         create table t (id int primary key, txt text, num numeric, big bigint, f8 double precision,
           f4 real, b bytea, bits varbit(10), ts timestamptz, iv interval, js jsonb, arr text[],
           m mood, p positive, c char(5), r int4range, pr pair, dt date, bo boolean, big_text text);
         alter table t alter big_text set storage external",
        "insert into t values (1, E'a''b''''c\\\\d\\n\\t\"', 12345678901234567890.123456789,
           9007199254740993, 'NaN', '-0', '\\xdeadbeef00', B'10101', 'infinity', '1 mon -3 days',
           '{\"a\": [1, null, 1e400]}', array['a''b', null, '', '{}', 'NULL', '\"'], 'o''k', 1.50,
           'x', '[1,5)', row(1, 'a,\"b'), '0044-03-15 BC', true, repeat('big', 5000));
         insert into t (id) values (2);
         update t set txt = 'short' where id = 1;
         update t set big_text = repeat('other', 4000) where id = 1;
         update t set num = 'NaN', f8 = 'infinity', ts = now() where id = 2;
         update t set txt = '' where id = 2",
    );
    for plugin in plugins() {
        // Some versions of wal2json write null for what is no number: see the tests of plugins.
        let is_json = plugin == "wal2json";
        let (schema, changes) = match is_json {
            true => (
                schema
                    .replace("num numeric,", "num numeric not null default 0,")
                    .replace("f8 double precision,", "f8 double precision not null default 0,")
                    .replace("f4 real,", "f4 real not null default 0,"),
                changes
                    .replace("num = 'NaN', f8 = 'infinity'", "num = 1e30, f8 = -1e-300")
                    .replace("'NaN', '-0'", "1.5, '-0'"),
            ),
            false => (schema.to_owned(), changes.to_owned()),
        };
        arrives_through(plugin, &schema, &changes);
    }
}

#[test]
fn unchanged_large_values_stay_with_every_identity() {
    arrives(
        "create table a (id int primary key, big text, n int);
         create table b (id int, big text, n int);
         alter table a alter big set storage external;
         alter table b alter big set storage external;
         alter table b replica identity full;
         insert into a select g, repeat(md5(g::text), 1000), 0 from generate_series(1, 5) g;
         insert into b select g, repeat(md5(g::text), 1000), 0 from generate_series(1, 5) g",
        "update a set n = 1;
         update a set id = id + 10;
         update b set n = 2 where id > 2;
         delete from b where id = 1",
    );
}

#[test]
fn tables_are_truncated_together_and_with_their_flags() {
    arrives(
        "create table t (id serial primary key);
         create table u (id serial primary key, t int references t);
         create table v (id serial primary key, u int references u);
         create table alone (id serial primary key);
         insert into t select from generate_series(1, 3);
         insert into u (t) values (1), (2);
         insert into v (u) values (1);
         insert into alone select from generate_series(1, 9)",
        "truncate v, u, t restart identity;
         insert into t select from generate_series(1, 4);
         insert into u (t) values (4);
         truncate alone cascade;
         insert into alone select from generate_series(1, 2);
         truncate t cascade",
    );
}

#[test]
fn partitions_old_and_new() {
    arrives(
        "create table p (id int, day int, v text, primary key (id, day)) partition by range (day);
         create table p1 partition of p for values from (0) to (10);
         create table p2 partition of p for values from (10) to (20);
         create type mood as enum ('a', 'b', 'c', 'd');
         create table h (m mood primary key, v text) partition by hash (m);
         create table h0 partition of h for values with (modulus 2, remainder 0);
         create table h1 partition of h for values with (modulus 2, remainder 1);
         insert into p values (1, 1, 'x'), (2, 11, 'y');
         insert into h values ('a', '1'), ('b', '2')",
        "insert into p values (3, 5, 'z');
         update p set day = 15 where id = 1;
         update p set v = 'other' where id = 2;
         delete from p where id = 3;
         insert into h values ('c', '3'), ('d', '4');
         update h set v = '9' where m = 'b';
         delete from h where m = 'a';
         truncate p, h; insert into h values ('a', '1'), ('d', '2');
         insert into p values (7, 7, 'x'), (8, 17, 'y'); truncate p1",
    );
}

#[test]
fn a_partition_made_later_goes_to_the_parent() {
    let followed = Followed::new(
        "create table p (id int primary key, v text) partition by range (id);
         create table p1 partition of p for values from (0) to (10)",
    );
    let running = followed.cloned();
    followed.pair.target.sql("create table rest partition of p for values from (10) to (99)");
    followed.pair.source.sql(
        "create table p2 partition of p for values from (10) to (20);
         insert into p values (11, 'a'), (12, 'b');
         update p set v = 'c' where id = 12;
         delete from p where id = 11",
    );
    followed.end(running).assert_success();
    assert_eq!(followed.pair.target.sql("select * from p"), "12|c");
}

#[test]
fn names_that_need_quotes() {
    arrives(
        "create schema \"S x\";
         create table \"S x\".\"T\"\"a\" (\"Id\" int primary key, \"select\" text, \"a.b\" int)",
        "insert into \"S x\".\"T\"\"a\" values (1, 'a', 2), (2, 'b', 3);
         update \"S x\".\"T\"\"a\" set \"select\" = null where \"Id\" = 1;
         delete from \"S x\".\"T\"\"a\" where \"Id\" = 2;
         truncate \"S x\".\"T\"\"a\"",
    );
}

#[test]
fn triggers_and_foreign_keys_of_the_target_do_not_act_again() {
    arrives(
        "create table t (id int primary key, v text);
         create table child (id int primary key, t int references t on delete cascade);
         create table log (id serial primary key, what text);
         create function note() returns trigger language plpgsql as
           'begin insert into public.log (what) values (tg_op); return new; end';
         create trigger note after insert or update on t for each row execute function note();",
        "insert into t values (1, 'a'), (2, 'b');
         insert into child values (1, 1), (2, 2);
         update t set v = 'c' where id = 1;
         delete from t where id = 1",
    );
}

#[test]
fn transactions_that_were_rolled_back_leave_nothing() {
    arrives(
        "create table t (id int primary key)",
        "begin; insert into t values (1); rollback;
         begin; insert into t values (2); savepoint s; insert into t values (3);
         rollback to s; insert into t values (4); commit;
         begin; insert into t values (5); prepare transaction 'follow_kinds';
         insert into t values (6);
         commit prepared 'follow_kinds'",
    );
}

#[test]
fn columns_added_on_both_sides_are_followed() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    for side in [&followed.pair.target, &followed.pair.source] {
        side.sql("alter table t add column v text default 'd'");
    }
    followed.pair.source.sql("insert into t values (1, 'x'); insert into t values (2)");
    for side in [&followed.pair.source, &followed.pair.target] {
        side.wait_for("select count(*) = 2 from t");
        side.sql("alter table t rename v to w");
    }
    followed.pair.source.sql("update t set w = 'y' where id = 2");
    let output = followed.end(running);
    output.assert_success();
    output.assert_stderr_has("table public.t was altered on the source");
    followed.assert_same();
}

#[test]
fn many_changes_go_together_whatever_their_types_are() {
    arrives_through(
        "pgoutput",
        "create type mood as enum ('sad', 'o''k', '');
         create domain positive as numeric check (value > 0);
         create type pair as (a int, b text);
         create table t (id int, code text, txt text, num numeric(20, 4), f8 float8, b bytea,
           bits bit(4), ts timestamptz, js jsonb, doc json, arr text[], deep int[], m mood,
           p positive, c char(5), ch \"char\", r int4range, pr pair, prs pair[], bx box, x xml,
           vc varchar(9), primary key (id, code));
         create table u (id numeric primary key, v int);
         create table w (code char(3) primary key, v mood[])",
        "insert into t select g, E'k\\\t\n\"' || g, E'a''b\\N\t{}\r\n,\"' || g, g / 7.0,
           'NaN', decode(md5(g::text), 'hex'), B'1010', '2026-01-01'::timestamptz + g * '1 day'::interval,
           jsonb_build_object('k', g, 'q', '\"'), '[1, \"\\u00e9\"]', array['NULL', null, '{', g::text],
           array[[g, 2], [3, null]], 'o''k', g + 0.5, 'ab', 'z', int4range(g, g + 5), row(g, 'a,\"'::text)::pair,
           array[row(g, '\\'::text)::pair, null], box(point(g, 1), point(2, 3)), '<a>&amp;</a>', 'v'
           from generate_series(1, 300) g;
         insert into t (id, code) select g, '' from generate_series(301, 400) g;
         insert into u select g, 0 from generate_series(1, 100) g;
         insert into w select to_char(g, 'FM99'), array['sad', null]::mood[] from generate_series(1, 20) g;
         update t set txt = E'\\\\' || txt, m = '', bx = '((0,0),(1,1))', prs = null, deep = '{}',
           arr = '{}', js = null, ch = '', c = 'x', ts = 'infinity' where id % 2 = 0;
         update t set txt = null where id % 5 = 0;
         update u set v = v + 1; update u set v = v + 1 where id < 50; update u set v = 9 where id = 7;
         update w set v = '{}' where code < '15';
         delete from t where id % 7 = 0; delete from u where id % 10 = 3; delete from w where code > '5';
         insert into u select g, 5 from generate_series(200, 260) g; delete from u where id = 201;
         insert into u values (201, 77); update u set v = 78 where id = 201",
    );
}

#[test]
fn values_of_unique_columns_change_hands() {
    let followed = Followed::new(
        "create table t (id int primary key, place int unique);
         insert into t select g, g from generate_series(1, 50) g",
    );
    let running = followed.cloned();
    followed.pair.source.sql(
        "begin; update t set place = -place; update t set place = 51 + place; commit;
         begin; update t set place = 100 where id = 1; update t set place = 50 where id = 2;
         update t set place = 49 where id = 1; commit;
         begin; delete from t where id = 10; insert into t values (60, 41);
         update t set id = 10 where id = 60; commit",
    );
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn rows_of_tables_that_inherit_are_their_own() {
    arrives(
        "create table parent (id int primary key, v text);
         create table child (primary key (id)) inherits (parent);
         insert into parent values (1, 'parent'), (2, 'parent');
         insert into child values (1, 'child'), (2, 'child')",
        "update only parent set v = 'changed' where id = 1; delete from only parent where id = 2;
         update child set v = 'new' where id = 2; truncate only parent; insert into parent values (1, 'x')",
    );
}

#[test]
fn triggers_that_are_meant_for_replicas_see_changes_in_their_order() {
    let followed = Followed::new(
        "create table a (id int primary key, v int); create table b (id int primary key, v int)",
    );
    let running = followed.cloned();
    let seen = "create table seen (n serial, what text);
         create function note() returns trigger language plpgsql as
           'begin insert into public.seen (what) values (tg_table_name || new.v); return new; end';
         create trigger note after insert or update on a for each row execute function note();
         create trigger note after insert or update on b for each row execute function note();
         alter table a enable always trigger note; alter table b enable replica trigger note";
    followed.pair.target.sql(seen);
    running.signal(Signal::TERM);
    running.wait();
    followed.pair.source.sql(
        "insert into a values (1, 1); insert into b values (1, 2); update a set v = 3;
         update a set v = 4; insert into a values (2, 5); update b set v = 6",
    );
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    let order = "select string_agg(what, ' ' order by n) from seen";
    assert_eq!(followed.pair.target.value(order), "a1 b2 a3 a4 a5 b6");
    followed.program("stream cleanup").run().assert_success();
}
