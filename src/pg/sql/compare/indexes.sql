-- indexes: indexes of tables and materialized views.
-- returns   class, parent, identity, property, value
select 'index', pg_catalog.format('%s %I.%I', t.relkind, tn.nspname, t.relname),
       pg_catalog.format('%I.%I', n.nspname, c.relname), p.property, p.value
  from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_class t on t.oid = i.indrelid
       join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
       left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
       cross join lateral (values
         ('definition', pg_catalog.pg_get_indexdef(i.indexrelid)),
         ('valid', case when i.indisvalid then 'yes' else 'no' end),
         ('clustered', case when i.indisclustered then 'yes' end),
         ('replica identity', case when i.indisreplident then 'yes' end),
         ('tablespace', s.spcname::text),
         ('statistics targets',
          (select pg_catalog.string_agg(a.attnum || ': ' || (v.a ->> 'attstattarget'), ', '
                                        order by a.attnum)
             from pg_catalog.pg_attribute a
                  cross join lateral pg_catalog.to_jsonb(a) v (a)
            where a.attrelid = c.oid and a.attnum > 0 and v.a ->> 'attstattarget' <> '-1')),
         ('attached to',
          (select pg_catalog.format('%I.%I', pn.nspname, pc.relname)
             from pg_catalog.pg_inherits h
                  join pg_catalog.pg_class pc on pc.oid = h.inhparent
                  join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
            where h.inhrelid = c.oid)),
         ('comment', pg_catalog.obj_description(c.oid, 'pg_class'))
       ) p (property, value)
 where t.relkind in ('r', 'p', 'm')
   and t.relpersistence <> 't'
   and p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and e.objid = t.oid and e.deptype = 'e')
