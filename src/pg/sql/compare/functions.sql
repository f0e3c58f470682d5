-- functions: functions, procedures, aggregates and window functions.
-- returns   class, parent, identity, property, value
select case pf.kind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, null,
       pg_catalog.format('%I.%I(%s)', n.nspname, f.proname,
                         pg_catalog.oidvectortypes(f.proargtypes)),
       p.property, p.value
  from pg_catalog.pg_proc f
       join pg_catalog.pg_namespace n on n.oid = f.pronamespace
       join pg_catalog.pg_language l on l.oid = f.prolang
       cross join lateral pg_catalog.to_jsonb(f) newer (f)
       cross join lateral (
         select coalesce(newer.f ->> 'prokind',
                         case when newer.f ->> 'proisagg' = 'true' then 'a'
                              when newer.f ->> 'proiswindow' = 'true' then 'w' else 'f' end),
                nullif(newer.f ->> 'prosupport', '-')) pf (kind, support)
       cross join lateral (values
         ('kind', case pf.kind when 'w' then 'window function' end),
         ('owner', pg_catalog.pg_get_userbyid(f.proowner)::text),
         ('arguments',
          (select pg_catalog.string_agg(
                    pg_catalog.concat_ws(' ', coalesce(f.proargmodes[a.number], 'i'),
                                         nullif(f.proargnames[a.number], ''),
                                         pg_catalog.format_type(a.type, null)),
                    ', ' order by a.number)
             from pg_catalog.unnest(coalesce(f.proallargtypes, f.proargtypes::oid[]))
                  with ordinality a (type, number))),
         ('defaults', pg_catalog.pg_get_expr(f.proargdefaults, 0)),
         ('returns', case when pf.kind <> 'p' then
            case when f.proretset then 'setof ' else '' end
            || pg_catalog.format_type(f.prorettype, null) end),
         ('language', case when pf.kind <> 'a' then l.lanname::text end),
         -- A body of SQL that was parsed when it was made has no source.
         ('body', case when newer.f ->> 'prosqlbody' is not null
                       then pg_catalog.pg_get_functiondef(f.oid)
                       when pf.kind <> 'a' then f.prosrc end),
         ('object file', f.probin),
         ('volatility', case f.provolatile when 'i' then 'immutable' when 's' then 'stable'
                                           else 'volatile' end),
         ('parallel', case f.proparallel when 's' then 'safe' when 'r' then 'restricted'
                                         else 'unsafe' end),
         ('null input', case when f.proisstrict then 'returns null' end),
         ('security', case when f.prosecdef then 'definer' end),
         ('leakproof', case when f.proleakproof then 'yes' end),
         ('cost', case when pf.kind <> 'a' then f.procost::text end),
         ('rows', case when f.proretset then f.prorows::text end),
         ('support function', pf.support),
         ('transforms',
          (select pg_catalog.string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.number)
             from pg_catalog.unnest(f.protrftypes) with ordinality t (oid, number))),
         ('settings', pg_catalog.array_to_string(f.proconfig, E'\n')),
         ('comment', pg_catalog.obj_description(f.oid, 'pg_proc'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   -- Functions of a range type come with it.
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and e.objid = f.oid and e.deptype in ('e', 'i'))
