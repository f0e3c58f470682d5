-- large_objects: the large objects in batches of $1.
-- returns   how many there are in all, the first OID of a batch, whether we may see how large they
--           are; ascending by OID
select numbered.total, numbered.oid,
       pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select')
  from (select m.oid,
               pg_catalog.count(*) over () as total,
               pg_catalog.row_number() over (order by m.oid) as number
          from pg_catalog.pg_largeobject_metadata m) numbered
 where (numbered.number - 1) % $1::bigint = 0
 order by numbered.oid
