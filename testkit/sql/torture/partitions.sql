-- Partitioned tables: by range, list and hash, in several levels, with partitions that were
-- tables of another shape before.

create table partitions.by_range (id bigint not null, at date not null, note text default 'x', primary key (id, at))
  partition by range (at);
create table partitions.range_2023 partition of partitions.by_range
  for values from (minvalue) to ('2024-01-01') with (fillfactor = 80);
create table partitions.range_2024 (note text, gone integer, at date not null, id bigint not null);
alter table partitions.range_2024 drop column gone;
alter table partitions.by_range attach partition partitions.range_2024 for values from ('2024-01-01') to ('2025-01-01');
create table partitions.range_default partition of partitions.by_range default partition by range (id);
create table partitions."default \ 'list'" partition of partitions.range_default for values from (minvalue) to (1000);
create table torture.in_another_schema partition of partitions.range_default default;
insert into partitions.by_range select i, '2023-01-01'::date + i, case when i % 3 = 0 then 'y' else 'x' end from generate_series(1, 1500) i;

create index on partitions.by_range (note);
create index only_on_parent on only partitions.by_range (at);
create index attached_index on partitions.range_2023 (at);
alter index partitions.only_on_parent attach partition partitions.attached_index;
create index only_on_partition on partitions.range_2024 (note, id);
create unique index unique_partitioned on partitions.by_range (at, id);

create table partitions.by_list (region text, id integer, constraint "check 'region'" check (region <> '')) partition by list (region);
create table partitions.list_a partition of partitions.by_list for values in ('a', E'quote''s \\ \n') partition by hash (id);
create table partitions.list_a_0 partition of partitions.list_a for values with (modulus 2, remainder 0);
create table partitions.list_a_1 partition of partitions.list_a for values with (modulus 2, remainder 1);
create table partitions.list_null partition of partitions.by_list for values in (null);
insert into partitions.by_list select (array['a', null])[i % 2 + 1], i from generate_series(1, 100) i;

-- An enum value hashes as its number in the catalog, which is another one on the target: there
-- the rows belong to other partitions.
create table partitions.by_hash (mood types.mood, id integer) partition by hash (mood);
create table partitions.hash_0 partition of partitions.by_hash for values with (modulus 3, remainder 0);
create table partitions.hash_1 partition of partitions.by_hash for values with (modulus 3, remainder 1);
create table partitions.hash_2 partition of partitions.by_hash for values with (modulus 3, remainder 2);
alter table partitions.hash_2 replica identity full;
insert into partitions.by_hash select (enum_range(null::types.mood))[i % 9 + 1], i from generate_series(1, 90) i;

create table partitions.by_expression (id integer, note text) partition by range ((id % 100), lower(note) collate "C");
create table partitions.expression_1 partition of partitions.by_expression for values from (minvalue, minvalue) to (50, 'm');
create table partitions.expression_2 partition of partitions.by_expression for values from (50, 'm') to (maxvalue, maxvalue);
insert into partitions.by_expression select i, 'note ' || i from generate_series(1, 200) i;
create table partitions.without_partitions (id integer) partition by list (id);

-- Foreign keys from and to partitioned tables, and from a partition alone.
create table partitions.refers (id bigint, at date, foreign key (id, at) references partitions.by_range on delete cascade)
  partition by range (id);
create table partitions.refers_1 partition of partitions.refers for values from (minvalue) to (100);
create table partitions.refers_2 partition of partitions.refers for values from (100) to (maxvalue);
insert into partitions.refers select id, at from partitions.by_range where id % 5 = 0;
create table partitions.plain_refers (id bigint, at date, foreign key (id, at) references partitions.by_range deferrable);
insert into partitions.plain_refers select id, at from partitions.by_range where id % 7 = 0;
alter table partitions.list_null add primary key (id);
create table partitions.refers_to_partition (id integer references partitions.list_null);
insert into partitions.refers_to_partition values (3);

\if :pg17
create table partitions.with_identity (id integer generated always as identity, note text) partition by range (id);
create table partitions.identity_1 partition of partitions.with_identity for values from (1) to (1000);
insert into partitions.with_identity (note) values ('a'), ('b');
\endif
