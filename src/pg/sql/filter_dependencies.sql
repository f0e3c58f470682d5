-- filter_dependencies: which objects of users need which, once for all of the database. Columns
--           count as their tables.
-- returns   catalog and OID of the object, catalog and OID of what it needs, the bond:
--           o a sequence that belongs to a column, a attached to a partitioned one, i is how the
--           other is made, e member of an extension, p default or check of a relation or domain,
--           n any other need
select d.classid, d.objid, d.refclassid, d.refobjid,
       case
         when d.deptype = 'e' then 'e'
         when c.relkind = 'S' and d.deptype = 'a' then 'o'
         -- A partition, or an index of one.
         when c.relispartition and r.relkind in ('p', 'I')
              and (c.relkind in ('r', 'p', 'f') or r.relkind = 'I') then 'a'
         -- What a partition or its foreign keys have of the partitioned table.
         when d.classid = d.refclassid and d.deptype in ('P', 'I', 'i')
              and d.classid in ('pg_catalog.pg_constraint'::pg_catalog.regclass,
                                'pg_catalog.pg_trigger'::pg_catalog.regclass) then 'a'
         when d.deptype = 'i' then 'i'
         when d.deptype = 'a'
              and d.classid in ('pg_catalog.pg_attrdef'::pg_catalog.regclass,
                                'pg_catalog.pg_constraint'::pg_catalog.regclass)
              and d.refclassid in ('pg_catalog.pg_class'::pg_catalog.regclass,
                                   'pg_catalog.pg_type'::pg_catalog.regclass) then 'p'
         else 'n'
       end
  from pg_catalog.pg_depend d
       left join pg_catalog.pg_class c
         on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = d.objid
       left join pg_catalog.pg_class r
         on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and r.oid = d.refobjid
 -- Below are the objects that initdb makes.
 where d.objid >= 16384 and d.deptype <> 'p'
