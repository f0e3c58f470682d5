-- partitions: the same rows in more and more partitions, each with a key and an index.
-- :partitions  how many
-- :rows        of all of them
set client_min_messages = warning;
create table events (id bigint, account integer, note text, primary key (id)) partition by hash (id);
select format('create table events_%s partition of events for values with (modulus %s, remainder %s)',
              i, :partitions, i)
  from generate_series(0, :partitions - 1) i
\gexec
insert into events select n, n % 1000, md5(n::text) from generate_series(1, :rows) n;
create index on events (account);
