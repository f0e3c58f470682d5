-- source_table: a table as its changes have to be understood, one row for each column (or one,
-- without columns), for plugins that do not say what identifies a row.
-- $1 text   namespace
-- $2 text   name
-- returns   whether its changes are wanted at all (a table of a user, not of an extension), whether
--           the whole row identifies it, column, whether the column is part of the identity
select c.relkind in ('r', 'p')
         and not exists (
               select from pg_catalog.pg_depend d
                where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.objid = c.oid and d.deptype = 'e'),
       c.relreplident = 'f', a.attname,
       c.relreplident = 'f'
         or exists (
              select from pg_catalog.pg_index x
               where x.indrelid = c.oid
                 and case c.relreplident
                       when 'd' then x.indisprimary and x.indimmediate
                       when 'i' then x.indisreplident
                       else false
                     end
                 -- Columns that are only included come last; before 11 there were none.
                 and a.attnum = any ((x.indkey::int2[])[0:coalesce(
                       (pg_catalog.to_jsonb(x) ->> 'indnkeyatts')::int, x.indnatts) - 1]))
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_attribute a
         on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'm')
 order by a.attnum
