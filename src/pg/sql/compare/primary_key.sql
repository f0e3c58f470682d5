-- primary_key: the columns of a table's primary key.
-- $1 oid    the table
-- returns   name, in the key's order
select a.attname
  from pg_catalog.pg_index i
       cross join lateral pg_catalog.unnest(i.indkey::int2[]) with ordinality key (number, place)
       join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.number
 where i.indrelid = $1::oid and i.indisprimary
   and key.place <= pg_catalog.array_upper(i.indclass, 1) + 1
 order by key.place
