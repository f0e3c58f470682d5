-- wide: four tables with thirty columns, a type each.
-- :rows     rows to a table
set client_min_messages = warning;
create type mood as enum ('sad', 'ok', 'happy');
select format('create table wide_%s (
                 id bigint primary key, small smallint, number integer, fraction real,
                 exact double precision, amount numeric(12, 2), large numeric, yes boolean,
                 code character(8), word character varying(40), sentence text, note text,
                 day date, at timestamp, instant timestamptz, hour time, lapse interval,
                 key uuid, host inet, net cidr, card macaddr, raw bytea, document jsonb,
                 numbers integer[], words text[], place point, bits bit varying(16),
                 mood mood, span int4range, empty text)', i)
  from generate_series(1, 4) i
\gexec
select format('insert into wide_%s
               select n, n %% 32000, n * 31, n / 7.0, n / 13.0, n %% 100000 / 100.0, n::numeric ^ 3,
                      n %% 3 = 0, substr(md5(n::text), 1, 8), md5((n + 1)::text),
                      ''sentence number '' || n || '' about '' || md5((n + 2)::text),
                      repeat(''note '', n %% 20), date ''2020-01-01'' + n %% 2000,
                      timestamp ''2020-01-01'' + n * interval ''1 s'',
                      timestamptz ''2020-01-01'' + n * interval ''61 s'',
                      time ''00:00'' + n %% 86400 * interval ''1 s'', n * interval ''1 min'',
                      md5(n::text)::uuid, inet ''10.0.0.0'' + n, cidr ''10.0.0.0/8'',
                      ''08:00:2b:01:02:03''::macaddr, decode(md5(n::text), ''hex''),
                      jsonb_build_object(''id'', n, ''name'', md5(n::text), ''tags'',
                                         jsonb_build_array(n %% 10, n %% 100)),
                      array[n, n + 1, n + 2], array[''a'' || n, ''b'' || n], point(n, -n),
                      (n %% 65536)::bit(16), (array[''sad'', ''ok'', ''happy''])[n %% 3 + 1]::mood,
                      int4range(n, n + 10), null
                 from generate_series(1, %s) n', i, :rows)
  from generate_series(1, 4) i
\gexec
