-- binary_obstacle: why the values of a publication's tables cannot come in binary form, one row; none
-- if nothing is in the way. Tables that are published with their schema are not looked at, and none is
-- locked, as pg_get_publication_tables() does.
-- $1 text     publication
-- $2 oid[]    types whose values can
-- returns     the reason
select 'the encoding is ' || pg_catalog.getdatabaseencoding()
 where pg_catalog.getdatabaseencoding() <> 'UTF8'
union all
(select pg_catalog.format('column %I of %s has type %s', a.attname,
                          c.oid::pg_catalog.regclass,
                          pg_catalog.format_type(a.atttypid, a.atttypmod))
   from pg_catalog.pg_publication p
        join pg_catalog.pg_class c
          on c.relkind in ('r', 'p')
             and (p.puballtables and c.oid >= 16384 and c.relpersistence = 'p'
                  or exists (select from pg_catalog.pg_publication_rel r
                              where r.prpubid = p.oid and r.prrelid = c.oid))
        join pg_catalog.pg_attribute a
          on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             and a.attgenerated = ''
  where p.pubname = $1 and a.atttypid <> all ($2::pg_catalog.oid[])
  limit 1)
 limit 1
