-- Indexes of every kind and state, and what tables say about them.

create table torture.indexed (
  id integer primary key, note text, words tsvector, list integer[], at timestamptz, place point,
  data jsonb, mood types.mood
);
insert into torture.indexed
select i, 'note ' || i % 50, to_tsvector('simple', 'word' || i), array[i, i % 5],
       '2024-01-01'::timestamptz + i * interval '1 min', point(i, i), jsonb_build_object('k', i),
       (enum_range(null::types.mood))[i % 9 + 1]
  from generate_series(1, 500) i;

create index "index with ""quotes"" \ 'x'; --" on torture.indexed (note collate "C" text_pattern_ops desc nulls last, id) include (at) with (fillfactor = 60, deduplicate_items = off);
create index on torture.indexed (lower(note), (id % 10), ((data ->> 'k')));
create index partial on torture.indexed (id) where note like '%\_''%' escape '\' and id > 10;
create index hash_index on torture.indexed using hash (note) with (fillfactor = 50);
create index gin_words on torture.indexed using gin (words) with (fastupdate = off);
create index gin_list on torture.indexed using gin (list, data jsonb_path_ops);
create index gist_place on torture.indexed using gist (place) with (buffering = on);
create index spgist_place on torture.indexed using spgist (place);
create index brin_at on torture.indexed using brin (at, id) with (pages_per_range = 8, autosummarize = on);
create index reverse on torture.indexed (id routines.reverse_order);
create index of_enum on torture.indexed (mood);
create unique index unique_expression on torture.indexed ((note || id));
select exists (select from pg_extension where extname = 'pg_trgm') as has_pg_trgm
\gset
\if :has_pg_trgm
create index trigrams on torture.indexed using gin (note extensions.gin_trgm_ops);
create index trigrams_gist on torture.indexed using gist (note extensions.gist_trgm_ops (siglen = 32));
\endif
select exists (select from pg_extension where extname = 'bloom') as has_bloom
\gset
\if :has_bloom
create index bloom_index on torture.indexed using bloom (id, note) with (length = 80, col1 = 2);
\endif
alter index torture.unique_expression alter column 1 set statistics 400;
alter table torture.indexed cluster on "index with ""quotes"" \ 'x'; --";

create table torture.identity_by_index (a integer not null, b text);
create unique index identity_index on torture.identity_by_index (a);
alter table torture.identity_by_index replica identity using index identity_index;
insert into torture.identity_by_index values (1, 'x');
alter table torture.storage replica identity full;
alter table torture.empty replica identity nothing;

-- A primary key made from an index, and clustered on.
create table torture.adopts_index (a integer not null);
create unique index adopted_index on torture.adopts_index (a);
alter table torture.adopts_index add constraint adopted_key primary key using index adopted_index;
alter table torture.adopts_index cluster on adopted_key;

-- The build fails and leaves an index that nobody uses, and that nobody dumps.
create table torture.duplicates (a integer);
insert into torture.duplicates values (1), (1);
\set ON_ERROR_STOP off
\o /dev/null
create unique index concurrently invalid_index on torture.duplicates (a);
\o
\set ON_ERROR_STOP on

create statistics torture.on_columns (ndistinct, dependencies, mcv) on id, note, mood from torture.indexed;
\if :pg14
create statistics torture."on 'expressions'" on (id % 3), lower(note), id from torture.indexed;
alter statistics torture."on 'expressions'" set statistics 77;
\endif
alter statistics torture.on_columns owner to "torture ""owner""";
