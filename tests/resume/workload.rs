//! A small database in which every kind of step has something to do.

use pgcopydb_testkit::{Pair, Program};

use crate::support::pgcopydb;

/// Options that make the medium table of [`MANY_STEPS`] one COPY and the large one several.
pub const TABLE_OPTIONS: [&str; 4] = ["--split-tables-larger-than", "2MB", "--table-jobs", "2"];

const MANY_STEPS: &str = "
    create schema app;
    create extension hstore schema app;
    create table app.medium as
        select i as id, repeat(md5(i::text), 2) as note from generate_series(1, 15000) i;
    alter table app.medium add primary key (id);
    create table app.large (id bigint primary key, a integer, note text);
    insert into app.large
        select i, i % 1000, repeat(md5(i::text), 2) from generate_series(1, 40000) i;
    create index large_a on app.large (a);
    create unlogged table app.unlogged as select generate_series(1, 100) as i;

    select format('create table app.tiny_%s (id serial primary key, note text unique)', i)
      from generate_series(1, 12) i
    \\gexec
    select format('insert into app.tiny_%s (note) select ''note '' || n
                     from generate_series(1, 20) n', i)
      from generate_series(1, 12) i
    \\gexec

    create table app.events (id bigint, at date not null, tiny integer, primary key (id, at))
        partition by range (at);
    create table app.events_1 partition of app.events for values from ('2020-01-01') to ('2021-01-01');
    create table app.events_2 partition of app.events for values from ('2021-01-01') to ('2022-01-01');
    insert into app.events select i, '2020-01-01'::date + i % 700, 1 + i % 20
      from generate_series(1, 2000) i;
    create index events_at on app.events (at);
    alter table app.events add foreign key (tiny) references app.tiny_1;
    create table app.numbers as select i from generate_series(0, 999) i;
    alter table app.numbers add primary key (i);
    alter table app.large add foreign key (a) references app.numbers;
    alter table app.medium add foreign key (id) references app.large not valid;
    create view app.seen as select * from app.tiny_1;
    create materialized view app.counted as select a, count(*) from app.large group by a;
    create unique index counted_a on app.counted (a);
    create function app.nothing() returns trigger language plpgsql as 'begin return new; end';
    create trigger nothing before insert on app.tiny_2
        for each row execute function app.nothing();
    comment on trigger nothing on app.tiny_2 is 'does nothing';
    grant select on app.tiny_3 to public;
    select count(lo_from_bytea(20000 + i, convert_to(repeat(md5(i::text), i % 20), 'UTF8')))
      from generate_series(1, 1200) i;
    select lo_from_bytea(19999, convert_to(repeat('0123456789abcdef', 100000), 'UTF8'));
    comment on large object 20001 is 'commented';
    alter sequence app.tiny_4_id_seq restart 777;
";

/// Fills the source of a pair.
pub fn many_steps(pair: &Pair) {
    pair.source.sql(MANY_STEPS);
    configured_extension(pair);
}

/// Makes one table on both sides, with rows that must be gone on the target.
pub fn one_large_table(pair: &Pair) {
    for (side, rows) in [(&pair.source, 40_000), (&pair.target, 7)] {
        side.sql(&format!(
            "create table large (id bigint primary key, note text);
             insert into large select i, repeat(md5(i::text), 2) from generate_series(1, {rows}) i"
        ));
    }
}

/// Makes tables on both sides that reference each other in every way, with rows that must be gone on
/// the target.
pub fn tables_with_keys(pair: &Pair) {
    for side in [&pair.source, &pair.target] {
        side.sql(
            "create table large (id bigint primary key, up bigint references large, note text);
             create table a (id int primary key, b int);
             create table b (id int primary key, a int references a on delete cascade
                             deferrable initially deferred);
             alter table a add foreign key (b) references b;
             comment on constraint b_a_fkey on b is 'it''s ours';
             create schema \"Odd one\";
             create table \"Odd one\".\"t.\"\"t\" (b int);
             create table parted (id int primary key, a int references a, up int references parted)
                    partition by hash (id);
             create table parted_0 partition of parted for values with (modulus 2, remainder 0);
             create table parted_1 partition of parted for values with (modulus 2, remainder 1);
             create table of_parted (p int references parted, l bigint references large);",
        );
    }
    pair.source.sql(
        "insert into large select i, i / 2, repeat(md5(i::text), 2) from generate_series(0, 30000) i;
         insert into a select i from generate_series(1, 100) i;
         insert into b select i, i % 100 + 1 from generate_series(1, 1000) i;
         update a set b = id * 10;
         insert into parted select i, i % 100 + 1, i from generate_series(1, 200) i;
         update parted set up = 201 - id;
         insert into of_parted select i, i * 3 from generate_series(1, 200) i;
         insert into \"Odd one\".\"t.\"\"t\" values (1), (-1)",
    );
    pair.target.sql(
        "insert into large values (100000, 100000, 'of the target');
         insert into a values (-1); insert into b values (7, -1); insert into parted values (1, -1, 1);
         insert into of_parted values (1, 100000)",
    );
    for side in [&pair.source, &pair.target] {
        side.sql(
            "alter table \"Odd one\".\"t.\"\"t\" add constraint \"Odd \"\"key\"
               foreign key (b) references b not valid",
        );
    }
}

/// No extension that comes with the server has configuration tables, so one is given one.
fn configured_extension(pair: &Pair) {
    for side in [&pair.source, &pair.target] {
        side.sql(
            "create table public.settings (name text, value text);
             alter extension plpgsql add table public.settings;
             update pg_extension set extconfig = array['public.settings'::regclass::oid],
                                     extcondition = array['']
              where extname = 'plpgsql';",
        );
    }
    pair.source.sql("insert into public.settings values ('mode', 'strict'), ('depth', '3')");
}

/// The program that clones such a pair.
pub fn clone(pair: &Pair) -> Program {
    pgcopydb(pair).arg("clone").args(TABLE_OPTIONS).args(["--index-jobs", "2"])
}

/// The program that goes on with the clone of a source that was left alone.
pub fn resume(pair: &Pair) -> Program {
    clone(pair).args(["--resume", "--not-consistent"])
}
