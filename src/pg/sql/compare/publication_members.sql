-- publication_members: tables and namespaces that are published.
-- returns   class, parent, identity, property, value
select 'publication', null, pg_catalog.quote_ident(b.pubname),
       pg_catalog.format('table %I.%I', n.nspname, c.relname),
       pg_catalog.concat(
         coalesce('columns '
                  || (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '
                                                   order by a.attnum)
                        from pg_catalog.pg_attribute a
                       where a.attrelid = c.oid and a.attnum = any (r.prattrs)), 'all columns'),
         coalesce(' where ' || pg_catalog.pg_get_expr(r.prqual, c.oid), ''))
  from pg_catalog.pg_publication_rel r
       join pg_catalog.pg_publication b on b.oid = r.prpubid
       join pg_catalog.pg_class c on c.oid = r.prrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname <> 'pgcopydb'
union all
select 'publication', null, pg_catalog.quote_ident(b.pubname),
       pg_catalog.format('schema %I', n.nspname), 'all tables'
  from pg_catalog.pg_publication_namespace r
       join pg_catalog.pg_publication b on b.oid = r.pnpubid
       join pg_catalog.pg_namespace n on n.oid = r.pnnspid
