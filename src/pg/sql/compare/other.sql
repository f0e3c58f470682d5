-- other: casts, transforms, languages, access methods, collations and conversions. Those that have
--           no namespace are the user's from the first OID on that initdb does not give.
-- returns   class, parent, identity, property, value
select 'cast', null,
       pg_catalog.format('%s as %s', pg_catalog.format_type(k.castsource, null),
                         pg_catalog.format_type(k.casttarget, null)),
       p.property, p.value
  from pg_catalog.pg_cast k
       cross join lateral (values
         ('method', case k.castmethod when 'f' then k.castfunc::regprocedure::text
                                      when 'i' then 'by input and output' else 'binary' end),
         ('context', case k.castcontext when 'e' then 'explicit' when 'a' then 'assignment'
                                        else 'implicit' end),
         ('comment', pg_catalog.obj_description(k.oid, 'pg_cast'))
       ) p (property, value)
 where p.value is not null and k.oid >= 16384
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass
            and e.objid = k.oid and e.deptype in ('e', 'i'))
union all
select 'transform', null,
       pg_catalog.format('for %s language %I', pg_catalog.format_type(t.trftype, null), l.lanname),
       p.property, p.value
  from pg_catalog.pg_transform t
       join pg_catalog.pg_language l on l.oid = t.trflang
       cross join lateral (values
         ('functions', t.trffromsql::oid::regprocedure || ', ' || t.trftosql::oid::regprocedure),
         ('comment', pg_catalog.obj_description(t.oid, 'pg_transform'))
       ) p (property, value)
 where p.value is not null
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_transform'::pg_catalog.regclass
            and e.objid = t.oid and e.deptype = 'e')
union all
select 'language', null, pg_catalog.quote_ident(l.lanname), p.property, p.value
  from pg_catalog.pg_language l
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(l.lanowner)::text),
         ('trusted', case when l.lanpltrusted then 'yes' else 'no' end),
         ('functions', pg_catalog.concat_ws(', ', l.lanplcallfoid::regprocedure,
                                            l.laninline::regprocedure,
                                            l.lanvalidator::regprocedure)),
         ('comment', pg_catalog.obj_description(l.oid, 'pg_language'))
       ) p (property, value)
 where p.value is not null and l.oid >= 16384
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_language'::pg_catalog.regclass
            and e.objid = l.oid and e.deptype = 'e')
union all
select 'access method', null, pg_catalog.quote_ident(a.amname), p.property, p.value
  from pg_catalog.pg_am a
       cross join lateral (values
         ('kind', case a.amtype when 'i' then 'index' when 't' then 'table' end),
         ('handler', a.amhandler::text),
         ('comment', pg_catalog.obj_description(a.oid, 'pg_am'))
       ) p (property, value)
 where p.value is not null and a.oid >= 16384
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_am'::pg_catalog.regclass
            and e.objid = a.oid and e.deptype = 'e')
union all
select 'collation', null, pg_catalog.format('%I.%I', n.nspname, l.collname), p.property, p.value
  from pg_catalog.pg_collation l
       join pg_catalog.pg_namespace n on n.oid = l.collnamespace
       cross join lateral pg_catalog.to_jsonb(l) newer (l)
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(l.collowner)::text),
         ('provider', case l.collprovider when 'd' then 'default' when 'c' then 'libc'
                                          when 'i' then 'icu' when 'b' then 'builtin' end),
         -- Of three columns that hold it in different versions, only those in use are set.
         ('locale', coalesce(newer.l ->> 'colllocale', newer.l ->> 'colliculocale',
                             pg_catalog.concat_ws(', ', nullif(newer.l ->> 'collcollate', ''),
                               nullif(nullif(newer.l ->> 'collctype', ''),
                                      newer.l ->> 'collcollate')))),
         ('deterministic', case newer.l ->> 'collisdeterministic' when 'false' then 'no' end),
         ('rules', newer.l ->> 'collicurules'),
         ('comment', pg_catalog.obj_description(l.oid, 'pg_collation'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass
            and e.objid = l.oid and e.deptype = 'e')
union all
select 'conversion', null, pg_catalog.format('%I.%I', n.nspname, v.conname), p.property, p.value
  from pg_catalog.pg_conversion v
       join pg_catalog.pg_namespace n on n.oid = v.connamespace
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(v.conowner)::text),
         ('definition', pg_catalog.format('%sfor %s to %s from %s',
                          case when v.condefault then 'default ' end,
                          pg_catalog.pg_encoding_to_char(v.conforencoding),
                          pg_catalog.pg_encoding_to_char(v.contoencoding), v.conproc)),
         ('comment', pg_catalog.obj_description(v.oid, 'pg_conversion'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass
            and e.objid = v.oid and e.deptype = 'e')
