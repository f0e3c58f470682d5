-- key_columns: columns of primary keys and of indexes that are a replica identity.
-- returns   table oid, number of the column, is in the primary key, is in the replica identity
select i.indrelid, k.number, pg_catalog.bool_or(i.indisprimary),
       pg_catalog.bool_or(i.indisreplident)
  from pg_catalog.pg_index i
       -- Which columns are in the index only to be returned is known from 11 on.
       cross join lateral pg_catalog.unnest(
         (i.indkey::int2[])[0:coalesce((pg_catalog.to_jsonb(i) ->> 'indnkeyatts')::int,
                                       i.indnatts) - 1]) as k (number)
       join pg_catalog.pg_class c on c.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where (i.indisprimary or i.indisreplident) and k.number > 0
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 group by i.indrelid, k.number
