-- many: small tables with a key, an index, a sequence and a reference to the table before, in ten
-- schemas. Each statement has a transaction of its own: together they would need too many locks.
-- :tables   how many
set client_min_messages = warning;
set synchronous_commit = off;
select format('create schema many_%s', i) from generate_series(0, 9) i
\gexec
select format('create table many_%s.table_%s (id serial primary key, parent integer, note text,
                                              at timestamptz)', i % 10, i)
  from generate_series(1, :tables) i
\gexec
select format('create index on many_%s.table_%s (note)', i % 10, i)
  from generate_series(1, :tables) i
\gexec
select format('insert into many_%s.table_%s (parent, note, at)
               select case when n <= %s then n end, md5(n::text),
                      timestamptz ''2024-01-01'' + n * interval ''1 h''
                 from generate_series(1, %s) n', i % 10, i, (i - 1) % 20, i % 20)
  from generate_series(1, :tables) i
\gexec
select format('alter table many_%s.table_%s add foreign key (parent) references many_%s.table_%s',
              i % 10, i, (i - 1) % 10, i - 1)
  from generate_series(2, :tables) i
\gexec
