-- statistics: extended statistics.
-- returns   class, parent, identity, property, value
select 'statistics', pg_catalog.format('%s %I.%I', c.relkind, cn.nspname, c.relname),
       pg_catalog.format('%I.%I', n.nspname, s.stxname), p.property, p.value
  from pg_catalog.pg_statistic_ext s
       join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
       join pg_catalog.pg_class c on c.oid = s.stxrelid
       join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
       cross join lateral (values
         ('definition', pg_catalog.pg_get_statisticsobjdef(s.oid)),
         ('owner', pg_catalog.pg_get_userbyid(s.stxowner)::text),
         -- -1 until 16, NULL from 17 on; came with 13.
         ('statistics target', nullif(pg_catalog.to_jsonb(s) ->> 'stxstattarget', '-1')),
         ('comment', pg_catalog.obj_description(s.oid, 'pg_statistic_ext'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
            and e.objid = s.oid and e.deptype = 'e')
