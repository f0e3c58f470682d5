-- sequence_owners: what owns a sequence, and which column's default takes values from it; one row
--           for each.
-- returns   oid of the sequence, of the table that owns it, of the table with the default, of the
--           default; 0 if there is none
select c.oid, coalesce(o.refobjid, 0), coalesce(f.adrelid, 0), coalesce(f.oid, 0)
  from pg_catalog.pg_class c
       left join pg_catalog.pg_depend o
         on o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = c.oid
            and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and o.deptype in ('a', 'i') and o.refobjsubid > 0
       left join pg_catalog.pg_depend d
         on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.refobjid = c.oid
       left join pg_catalog.pg_attrdef f on f.oid = d.objid
 where c.relkind = 'S'
 order by c.oid, 2, 4
