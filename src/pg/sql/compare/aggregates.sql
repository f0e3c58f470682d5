-- aggregates: what aggregates are made of.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'aggregate', null,
       pg_catalog.format('%I.%I(%s)', n.nspname, f.proname,
                         pg_catalog.oidvectortypes(f.proargtypes)),
       p.property, p.value
  from pg_catalog.pg_aggregate a
       join pg_catalog.pg_proc f on f.oid = a.aggfnoid
       join pg_catalog.pg_namespace n on n.oid = f.pronamespace
       cross join lateral (values
         ('aggregate kind', case a.aggkind when 'o' then 'ordered set' when 'h' then 'hypothetical set'
                            end),
         ('direct arguments', nullif(a.aggnumdirectargs, 0)::text),
         ('state', pg_catalog.format_type(a.aggtranstype, null)
                   || ' of ' || a.aggtransspace || ' bytes by ' || a.aggtransfn::text),
         ('final function', nullif(a.aggfinalfn::text, '-')
                            || case when a.aggfinalextra then ' with extra arguments' else '' end),
         ('combine function', nullif(a.aggcombinefn::text, '-')),
         ('serial functions', nullif(a.aggserialfn || ' ' || a.aggdeserialfn, '- -')),
         ('moving state', case when a.aggmtransfn <> 0 then
            pg_catalog.format_type(a.aggmtranstype, null) || ' of ' || a.aggmtransspace
            || ' bytes by ' || a.aggmtransfn || ', ' || a.aggminvtransfn end),
         ('moving final function', nullif(a.aggmfinalfn::text, '-')
                                   || case when a.aggmfinalextra then ' with extra arguments'
                                           else '' end),
         ('final function changes its state', case when $1::int >= 110000 then
            pg_catalog.concat(pg_catalog.to_jsonb(a) ->> 'aggfinalmodify',
                              pg_catalog.to_jsonb(a) ->> 'aggmfinalmodify') end),
         ('sort operator', case when a.aggsortop <> 0 then a.aggsortop::regoperator::text end),
         ('initial value', a.agginitval),
         ('moving initial value', a.aggminitval)
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and e.objid = f.oid and e.deptype = 'e')
