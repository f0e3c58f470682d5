-- rules: rules of tables and views, without those that make a view.
-- returns   class, parent, identity, property, value
select 'rule', pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname),
       pg_catalog.quote_ident(r.rulename), p.property, p.value
  from pg_catalog.pg_rewrite r
       join pg_catalog.pg_class c on c.oid = r.ev_class
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join lateral (values
         ('definition', pg_catalog.pg_get_ruledef(r.oid)),
         ('applies', case r.ev_enabled when 'O' then 'by default' when 'D' then 'never'
                                       when 'R' then 'on a replica' when 'A' then 'always' end),
         ('comment', pg_catalog.obj_description(r.oid, 'pg_rewrite'))
       ) p (property, value)
 where r.rulename <> '_RETURN'
   and p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.deptype = 'e'
            and (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
                 or e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and e.objid = r.oid))
