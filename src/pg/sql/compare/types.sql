-- types: types that are no table's row type, and no array or multirange that came with another.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'type', null, pg_catalog.format('%I.%I', n.nspname, t.typname), p.property, p.value
  from pg_catalog.pg_type t
       join pg_catalog.pg_namespace n on n.oid = t.typnamespace
       left join pg_catalog.pg_class c on c.oid = t.typrelid
       left join pg_catalog.pg_type base on base.oid = t.typbasetype
       left join pg_catalog.pg_collation l
         on l.oid = t.typcollation and t.typcollation <> coalesce(base.typcollation, 0)
       left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
       left join pg_catalog.pg_range r on r.rngtypid = t.oid
       left join pg_catalog.pg_collation rl on rl.oid = r.rngcollation
       left join pg_catalog.pg_namespace rn on rn.oid = rl.collnamespace
       left join pg_catalog.pg_opclass ro on ro.oid = r.rngsubopc
       left join pg_catalog.pg_namespace ron on ron.oid = ro.opcnamespace
       cross join lateral pg_catalog.to_jsonb(t) newer (t)
       cross join lateral (values
         ('kind', case when not t.typisdefined then 'shell'
                       else case t.typtype when 'b' then 'base' when 'c' then 'composite'
                                           when 'd' then 'domain' when 'e' then 'enum'
                                           when 'r' then 'range' when 'p' then 'pseudo-type' end
                  end),
         ('owner', pg_catalog.pg_get_userbyid(t.typowner)::text),
         ('comment', pg_catalog.obj_description(t.oid, 'pg_type')),
         ('labels', (select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', '
                                                  order by e.enumsortorder)
                       from pg_catalog.pg_enum e
                      where e.enumtypid = t.oid)),
         ('column order', (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '
                                                        order by a.attnum)
                             from pg_catalog.pg_attribute a
                            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)),
         ('base type', case when t.typtype = 'd'
                            then pg_catalog.format_type(t.typbasetype, t.typtypmod) end),
         ('not null', case when t.typnotnull then 'yes' end),
         ('default', coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), t.typdefault)),
         ('collation', case when t.typtype in ('b', 'd') and l.oid is not null
                            then pg_catalog.format('%I.%I', ln.nspname, l.collname) end),
         ('subtype', pg_catalog.format_type(r.rngsubtype, null)
                     || ' by ' || pg_catalog.quote_ident(ron.nspname)
                     || '.' || pg_catalog.quote_ident(ro.opcname)
                     || coalesce(' collate ' || pg_catalog.quote_ident(rn.nspname)
                                 || '.' || pg_catalog.quote_ident(rl.collname), '')),
         ('canonical function', nullif(r.rngcanonical::text, '-')),
         ('difference function', nullif(r.rngsubdiff::text, '-')),
         ('multirange',
          case when $1::int >= 140000 then pg_catalog.format_type(
            (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid, null) end),
         ('functions', case when t.typtype = 'b' and t.typisdefined then
            pg_catalog.concat_ws(', ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
                                 t.typmodout, t.typanalyze, nullif(newer.t ->> 'typsubscript', '-')) end),
         ('storage', case when t.typtype = 'b' and t.typisdefined then
            pg_catalog.format('%s bytes%s, aligned %s, stored %s', t.typlen,
                              case when t.typbyval then ' by value' end, t.typalign, t.typstorage)
            end),
         ('category', case when t.typtype = 'b' and t.typisdefined then
            t.typcategory::text || case when t.typispreferred then ', preferred' else '' end end),
         ('delimiter', nullif(t.typdelim::text, ',')),
         ('element', case when t.typtype = 'b' and t.typelem <> 0
                          then pg_catalog.format_type(t.typelem, null) end)
       ) p (property, value)
 where p.value is not null
   and (t.typrelid = 0 or c.relkind = 'c')
   and t.typtype <> 'm'
   and not exists (select from pg_catalog.pg_type el where el.typarray = t.oid)
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
            and e.objid = t.oid and e.deptype = 'e')
