-- source.sql: the catalog of one database, schema/source.db in the work directory.
-- Run once, in the transaction that makes the file ours. Tables and views whose names and columns
-- are published keep them; other columns and tables are this program's own. Points in time are in
-- milliseconds since 1970, in the published columns in seconds.

-- What the directory is for. (published, but for the last two columns)
create table setup (
    id integer primary key check (id = 1),
    source_pg_uri text not null,
    target_pg_uri text,
    snapshot text,
    split_tables_larger_than integer,
    split_max_parts integer,
    filters text,
    options text not null,
    jobs text not null
);

-- The replication slot that the directory belongs to; noted before it is made, so that what a run
-- leaves that dies meanwhile is found. (published, but for the last two columns)
create table replication_slot (
    id integer primary key check (id = 1),
    slot_name text not null,
    lsn text not null,
    snapshot text,
    plugin text not null,
    wal2json_numeric_as_string boolean not null default false,
    publication_name text,
    publication_auto_managed boolean not null,
    origin text not null,
    is_made boolean not null
);

-- The operator's row: what is wanted of following, and how far it has come. (published)
create table sentinel (
    id integer primary key check (id = 1),
    startpos text not null,
    endpos text not null,
    apply boolean not null,
    write_lsn text not null,
    flush_lsn text not null,
    replay_lsn text not null
);

-- How the tasks of following go (receive, apply), as they noted last.
create table follow_task (
    name text primary key,
    noted_at integer not null,
    bytes_per_second integer not null,
    position integer not null,
    behind_since integer,
    waits_for text,
    last_error text,
    last_error_at integer
);

-- The identity of the database on the target that a whole copy was made into.
create table completion (
    id integer primary key check (id = 1),
    target text not null
);

-- What was found on the source. The column detail is the whole object as JSON: what is loaded
-- again; the others are there to be looked at. The order of position is the inventory's.
create table inventory (
    id integer primary key check (id = 1),
    is_complete integer not null,
    database text not null,
    large_objects text not null
);

create table source_table (
    position integer primary key,
    oid integer not null unique,
    datname text,
    qname text,
    nspname text,
    relname text,
    relkind text,
    amname text,
    relpages integer,
    reltuples integer,
    bytes integer,
    exclude_data boolean,
    part_key text,
    detail text not null
);

create table s_index (
    position integer primary key,
    oid integer not null unique,
    qname text,
    nspname text,
    relname text,
    tableoid integer,
    isprimary boolean,
    isunique boolean,
    columns text,
    bytes integer,
    sql text,
    detail text not null
);

create table s_foreign_key (
    position integer primary key,
    oid integer not null unique,
    conname text,
    tableoid integer,
    reftableoid integer,
    detail text not null
);

create table s_seq (
    position integer primary key,
    oid integer not null unique,
    datname text,
    qname text,
    nspname text,
    relname text,
    ownedby integer,
    detail text not null
);

create table s_matview (
    position integer primary key,
    oid integer not null unique,
    qname text,
    nspname text,
    relname text,
    bytes integer,
    detail text not null
);

create table s_extension (
    position integer primary key,
    oid integer not null unique,
    extname text,
    extnamespace text,
    extversion text,
    detail text not null
);

create table s_type (
    position integer primary key,
    oid integer not null unique,
    typname text,
    detail text not null
);

create table s_role (
    position integer primary key,
    rolname text not null
);

create table s_entry (
    position integer primary key,
    id integer not null,
    description text,
    tag text,
    detail text not null
);

-- What was done: one row for each step that was begun.
create table step (
    key text primary key,
    kind text not null,
    section integer not null,
    oid integer,
    tableoid integer,
    label text not null,
    started integer not null,
    ended integer,
    duration_ms integer,
    bytes integer not null default 0,
    rows integer not null default 0,
    part integer,
    parts integer,
    seat integer,
    command text,
    state text not null check (state in ('running', 'done', 'failed', 'interrupted')),
    server text,
    sqlstate text,
    error text,
    detail text,
    hint text
);

create index step_by_oid on step (oid);
create index step_by_table on step (tableoid);
create index step_unfinished on step (state) where state <> 'done';

-- Top-level sections that are timed by the clock; the others are the sums of their steps.
create table timing (
    id integer primary key,
    label text not null,
    started integer,
    ended integer,
    duration_ms integer
);

-- Published shapes.

create view s_table as
select oid, datname, qname, nspname, relname, amname, relpages, reltuples, bytes, exclude_data,
       part_key, detail
  from source_table
 where relkind = 'r';

create view s_table_size as
select oid, bytes from s_table;

create view s_table_part as
select t.oid,
       p.value ->> '$.number' as partnum,
       json_array_length(t.detail, '$.parts') as partcount,
       coalesce(p.value ->> '$.range.Key.from', p.value ->> '$.range.Ctid.from') as min,
       coalesce(p.value ->> '$.range.Key.below', p.value ->> '$.range.Ctid.below') - 1 as max
  from s_table t, json_each(t.detail, '$.parts') p;

create view s_constraint as
select i.detail ->> '$.constraint.oid' as oid,
       i.detail ->> '$.constraint.name' as conname,
       i.oid as indexoid,
       i.detail ->> '$.constraint.deferrable' as condeferrable,
       i.detail ->> '$.constraint.deferred' as condeferred,
       i.detail ->> '$.constraint.definition' as sql
  from s_index i
 where i.detail ->> '$.constraint.oid' is not null;

create view summary as
select null as pid,
       iif(s.kind in ('copy table', 'copy part'), s.tableoid, null) as tableoid,
       iif(s.kind in ('copy table', 'copy part'), coalesce(s.part, 0), null) as partnum,
       iif(s.kind = 'create index', s.oid, null) as indexoid,
       iif(s.kind = 'finish index', c.oid, iif(s.kind like '%foreign key', s.oid, null)) as conoid,
       s.started / 1000 as start_time_epoch,
       iif(s.state = 'done', s.ended / 1000, null) as done_time_epoch,
       s.duration_ms as duration,
       s.bytes,
       s.command
  from step s
       left join s_constraint c on s.kind = 'finish index' and c.indexoid = s.oid
 where s.kind in ('copy table', 'copy part', 'create index', 'add foreign key',
                  'validate foreign key')
    or c.oid is not null;

create view vacuum_summary as
select null as pid,
       tableoid,
       started / 1000 as start_time_epoch,
       iif(state = 'done', ended / 1000, null) as done_time_epoch,
       duration_ms as duration
  from step
 where kind = 'analyze';

create view s_table_parts_done as
select tableoid, null as pid
  from step
 where kind in ('copy table', 'copy part')
 group by tableoid
having count(*) filter (where state = 'done') >= coalesce(max(parts), 1);

create view timings as
with section as (
    select t.id,
           t.label,
           coalesce(t.started, min(s.started)) / 1000 as start_time_epoch,
           coalesce(t.ended, max(s.ended)) / 1000 as done_time_epoch,
           coalesce(t.duration_ms, sum(s.duration_ms)) as duration,
           count(s.key) as count,
           coalesce(sum(s.bytes), 0) as bytes
      from timing t
           left join step s on s.section = t.id and s.state = 'done'
     group by t.id
)
select id, label, start_time_epoch, done_time_epoch, duration,
       case when duration < 1000 then format('%3dms', duration)
            when duration < 60000 then format('%2ds%03d', duration / 1000, duration % 1000)
            when duration < 3600000
            then format('%2dm%02ds', duration / 60000, duration / 1000 % 60)
            when duration < 86400000
            then format('%2dh%02dm', duration / 3600000, duration / 60000 % 60)
            else format('%2dd%02dh', duration / 86400000, duration / 3600000 % 24)
        end as duration_pretty,
       count,
       bytes,
       case when bytes < 10240 then format('%d B', bytes)
            when bytes >> 10 < 10240 then format('%d kB', bytes >> 10)
            when bytes >> 20 < 10240 then format('%d MB', bytes >> 20)
            when bytes >> 30 < 10240 then format('%d GB', bytes >> 30)
            else format('%d TB', bytes >> 40)
        end as bytes_pretty
  from section;
