-- row_filter_columns: columns of a publication's conditions that are not in the identity of their
-- table's rows.
-- $1 text   publication
-- returns   table, column
select r.prrelid::pg_catalog.regclass::text, pg_catalog.quote_ident(a.attname)
  from pg_catalog.pg_publication p
       join pg_catalog.pg_publication_rel r on r.prpubid = p.oid and r.prqual is not null
       join pg_catalog.pg_depend d
         on d.classid = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass and d.objid = r.oid
            and d.refobjid = r.prrelid and d.refobjsubid > 0
       join pg_catalog.pg_class c on c.oid = r.prrelid
       join pg_catalog.pg_attribute a on a.attrelid = r.prrelid and a.attnum = d.refobjsubid
 where p.pubname = $1 and c.relreplident <> 'f'
   and not exists (
         select from pg_catalog.pg_index x
          where x.indrelid = c.oid
            and case c.relreplident when 'd' then x.indisprimary when 'i' then x.indisreplident end
            and a.attnum = any (x.indkey))
 order by 1, 2
