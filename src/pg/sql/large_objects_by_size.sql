-- large_objects_by_size: the large objects in batches of $1, or fewer where they have more than $2
--           pages, a quarter of the server's blocks, together. One look into an index for each object.
-- returns   the first OID of a batch; ascending
with sized as (
  select m.oid,
         1 + coalesce((select pg_catalog.max(l.pageno) from pg_catalog.pg_largeobject l
                        where l.loid = m.oid), 0)::bigint * $1::bigint / $2::bigint as weight
    from pg_catalog.pg_largeobject_metadata m
), placed as (
  select s.oid, (pg_catalog.sum(s.weight) over (order by s.oid) - s.weight)::bigint / $1::bigint
                  as batch
    from sized s
), numbered as (
  select p.oid, p.batch, pg_catalog.lag(p.batch) over (order by p.oid) as previous
    from placed p
)
select n.oid from numbered n where n.batch is distinct from n.previous order by n.oid
