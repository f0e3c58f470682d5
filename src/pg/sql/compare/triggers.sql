-- triggers: triggers of tables, views and foreign tables.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'trigger', pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname),
       pg_catalog.quote_ident(t.tgname), p.property, p.value
  from pg_catalog.pg_trigger t
       join pg_catalog.pg_class c on c.oid = t.tgrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join lateral pg_catalog.to_jsonb(t) newer (t)
       cross join lateral (values
         -- The words until 10, and those of today.
         ('definition', pg_catalog.regexp_replace(pg_catalog.pg_get_triggerdef(t.oid),
                                                  ' EXECUTE PROCEDURE (?!.* EXECUTE PROCEDURE )',
                                                  ' EXECUTE FUNCTION ')),
         ('fires', case t.tgenabled when 'O' then 'by default' when 'D' then 'never'
                                    when 'R' then 'on a replica' when 'A' then 'always' end),
         -- No dump has the comment of what another object brings with it.
         (case when coalesce(newer.t ->> 'tgparentid', '0') <> '0'
               then 'comment of its own' else 'comment' end,
          pg_catalog.obj_description(t.oid, 'pg_trigger'))
       ) p (property, value)
 where not t.tgisinternal
   and c.relpersistence <> 't'
   -- Before 15 a partition's own copy of its parent's trigger counted as internal.
   and ($1::int >= 150000 or coalesce(newer.t ->> 'tgparentid', '0') = '0')
   and p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.deptype = 'e'
            and (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
                 or e.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and e.objid = t.oid))
