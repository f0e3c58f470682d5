-- collations: the database's collation, and others that user columns and indexes use.
-- returns   oid, name, what uses it
-- The collation that has the name of the database's locale, or else the one called default.
select coalesce(l.oid, 100), coalesce(l.collname, d.datcollate),
       pg_catalog.format('database %s', pg_catalog.quote_ident(d.datname))
  from pg_catalog.pg_database d
       left join lateral (
         select l.oid, l.collname
           from pg_catalog.pg_collation l
          where l.collname = d.datcollate and l.collencoding in (-1, d.encoding)
          order by l.collencoding desc, l.oid
          limit 1) l on true
 where d.datname = pg_catalog.current_database()
union all
select l.oid, l.collname,
       pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum)
  from pg_catalog.pg_attribute a
       join pg_catalog.pg_class c on c.oid = a.attrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_collation l on l.oid = a.attcollation
 where c.relkind in ('r', 'p', 'm', 'f') and a.attnum > 0 and not a.attisdropped
   and l.collname <> 'default'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
union all
select distinct l.oid, l.collname,
       pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0)
  from pg_catalog.pg_index i
       cross join lateral pg_catalog.unnest(i.indcollation) as used (oid)
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_collation l on l.oid = used.oid
 where l.collname <> 'default'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by 1, 3
