-- sequence_names: sequences of users.
-- returns   namespace, name, whether we can read it: a standby has no values of unlogged ones
select n.nspname, c.relname,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
       and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery())
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S'
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and e.objid = c.oid and e.deptype = 'e')
 order by n.nspname, c.relname
