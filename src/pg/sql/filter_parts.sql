-- filter_parts: defaults and checks that may be written inside the statement of what they belong to.
-- $1 json   catalog and OID of each, in arrays of two
-- returns   catalog, OID, catalog and OID of what it belongs to, name of the column or constraint,
--           kind (d default, c check, e neither can be without the other, i comes with another
--           object), the default's expression or the check's definition
with part (catalog, oid) as (
  select (pair ->> 0)::oid, (pair ->> 1)::oid
    from pg_catalog.json_array_elements($1::pg_catalog.json) pair
)
select p.catalog, p.oid, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, d.adrelid, a.attname,
       case when coalesce(pg_catalog.to_json(a) ->> 'attgenerated', '') = '' then 'd' else 'e' end,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid)
  from part p
       join pg_catalog.pg_attrdef d on d.oid = p.oid
       join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
 where p.catalog = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
union all
select p.catalog, p.oid,
       case when k.contypid <> 0 then 'pg_catalog.pg_type'::pg_catalog.regclass
            else 'pg_catalog.pg_class'::pg_catalog.regclass end::oid,
       case when k.contypid <> 0 then k.contypid else k.conrelid end,
       k.conname,
       case when k.contype <> 'c' then 'i'
            when k.contypid <> 0 then 'e'
            when k.conislocal or c.relispartition then 'c'
            else 'i' end,
       pg_catalog.pg_get_constraintdef(k.oid)
  from part p
       join pg_catalog.pg_constraint k on k.oid = p.oid
       left join pg_catalog.pg_class c on c.oid = k.conrelid
 where p.catalog = 'pg_catalog.pg_constraint'::pg_catalog.regclass
