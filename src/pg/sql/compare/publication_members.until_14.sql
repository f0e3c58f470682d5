-- publication_members: as publication_members.sql, for servers before 15, which publish whole
--           tables only.
-- returns   class, parent, identity, property, value
select 'publication', null, pg_catalog.quote_ident(b.pubname),
       pg_catalog.format('table %I.%I', n.nspname, c.relname), 'all columns'
  from pg_catalog.pg_publication_rel r
       join pg_catalog.pg_publication b on b.oid = r.prpubid
       join pg_catalog.pg_class c on c.oid = r.prrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname <> 'pgcopydb'
