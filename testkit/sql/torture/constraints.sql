-- Keys, checks, exclusions and foreign keys in every state.

create table torture.keys (
  a integer, b integer, c text, d integer, e int4range,
  constraint "keys pkey" primary key (a, b) include (d) with (fillfactor = 80),
  constraint deferrable_unique unique (c) deferrable,
  constraint "unique ""c""" unique (c),
  constraint deferred_unique unique (d) deferrable initially deferred
);
insert into torture.keys select i, i % 3, 'c' || i, i, int4range(i, i + 1) from generate_series(1, 100) i;
alter table torture.keys add constraint exclude_ranges
  exclude using gist (e with &&) where (a > 0) deferrable initially immediate;
alter table torture.keys add constraint exclude_equal
  exclude using btree (c collate "C" with =) with (fillfactor = 90);
alter table torture.keys add constraint "check; with 'quotes' \ %s" check (c <> E'it''s\n\\');
alter table torture.keys add constraint valid_later check (b > 1) not valid;
\if :pg15
create table torture.nulls_not_distinct (a integer, b integer, unique nulls not distinct (a, b));
insert into torture.nulls_not_distinct values (1, null), (2, null), (null, null);
\endif
select exists (select from pg_extension where extname = 'btree_gist') as has_btree_gist
\gset
\if :has_btree_gist
create table torture.excluded (room integer, during tstzrange,
  exclude using gist (room extensions.gist_int4_ops with =, during with &&));
insert into torture.excluded values (1, '[2024-01-01,2024-01-02)'), (1, '[2024-01-02,2024-01-03)');
\endif

-- Foreign keys to itself, in a circle, of several columns, in every mode.
create table torture.tree (id integer primary key, parent integer references torture.tree on delete cascade);
insert into torture.tree select i, nullif(i / 2, 0) from generate_series(1, 100) i;
create table torture.circle_a (id integer primary key, b integer);
create table torture.circle_b (id integer primary key, a integer references torture.circle_a deferrable initially deferred);
insert into torture.circle_a select i, i from generate_series(1, 10) i;
insert into torture.circle_b select i, i from generate_series(1, 10) i;
alter table torture.circle_a add foreign key (b) references torture.circle_b on update cascade on delete restrict;
create table torture.references_keys (
  a integer, b integer, c text references torture.keys (c) match simple,
  constraint "composite 'reference'" foreign key (a, b) references torture.keys (a, b) match full
    on update set default on delete set null
);
insert into torture.references_keys select i, i % 3, 'c' || i from generate_series(1, 50) i;
insert into torture.references_keys values (null, null, null);
\if :pg15
alter table torture.references_keys add constraint set_null_columns
  foreign key (a, b) references torture.keys on delete set null (a);
\endif
-- Some rows of this one refer to nothing.
create table torture.dangling (id integer, keys_a integer);
insert into torture.dangling values (1, 1), (2, -1);
alter table torture.dangling add constraint dangles
  foreign key (keys_a) references torture.tree not valid;
alter table torture.dangling add constraint unchecked check (id < 2) not valid;
-- Two keys on the same columns, and one between schemas.
create table types.far_reference (id integer references torture.tree, again integer references torture.tree);
insert into types.far_reference values (1, 2);
