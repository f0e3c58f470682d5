-- constraints: constraints of tables, foreign tables and domains.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'constraint',
       case when c.oid is not null
            then pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname)
            else pg_catalog.format('d %I.%I', tn.nspname, t.typname) end,
       pg_catalog.quote_ident(o.conname), p.property, p.value
  from pg_catalog.pg_constraint o
       left join pg_catalog.pg_class c on c.oid = o.conrelid
       left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_type t on t.oid = o.contypid
       left join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
       cross join lateral pg_catalog.to_jsonb(o) newer (o)
       cross join lateral (values
         ('kind', case when o.contype in ('p', 'u', 'x') then 'index' end),
         ('definition', pg_catalog.pg_get_constraintdef(o.oid)),
         ('validated', case when o.convalidated then 'yes' else 'no' end),
         ('inherited', case when o.coninhcount > 0 and not coalesce(c.relispartition, false)
                            then case when o.conislocal then 'and local' else 'yes' end end),
         -- No dump has the comment of what another object brings with it.
         (case when o.contype = 't' or o.coninhcount > 0 and not o.conislocal
               then 'comment of its own' else 'comment' end,
          pg_catalog.obj_description(o.oid, 'pg_constraint'))
       ) p (property, value)
 where p.value is not null
   and c.relpersistence is distinct from 't'
   -- Before 18 a column's NOT NULL was no constraint.
   and (o.contype <> 'n' or $1::int >= 180000)
   -- What a partition has of its parent's foreign keys is named by the server.
   and (o.contype <> 'f' or coalesce(newer.o ->> 'conparentid', '0') = '0')
   and coalesce(n.nspname, tn.nspname) !~ '^pg_'
   and coalesce(n.nspname, tn.nspname) not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.deptype = 'e'
            and (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
                 or e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and e.objid = t.oid))
