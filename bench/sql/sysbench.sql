-- sysbench: ten tables as the program sysbench makes them.
-- :rows     rows to a table
set client_min_messages = warning;
select format('create table sbtest%s (id integer not null, k integer not null,
                                      c character(120) not null, pad character(60) not null)', i)
  from generate_series(1, 10) i
\gexec
select format('insert into sbtest%s
               select n, (n * 7919::bigint + %s) %% %s + 1,
                      concat_ws(''-'', md5(n::text), md5((n + 1)::text), md5((n + 2)::text)),
                      md5((n + %s)::text)
                 from generate_series(1, %s) n', i, i, :rows, i, :rows)
  from generate_series(1, 10) i
\gexec
select format('alter table sbtest%s add primary key (id)', i) from generate_series(1, 10) i
\gexec
select format('create index on sbtest%s (k)', i) from generate_series(1, 10) i
\gexec
