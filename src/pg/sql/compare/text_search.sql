-- text_search: text search configurations, dictionaries, parsers and templates.
-- returns   class, parent, identity, property, value
select 'text search configuration', null, pg_catalog.format('%I.%I', n.nspname, c.cfgname),
       p.property, p.value
  from pg_catalog.pg_ts_config c
       join pg_catalog.pg_namespace n on n.oid = c.cfgnamespace
       join pg_catalog.pg_ts_parser ps on ps.oid = c.cfgparser
       join pg_catalog.pg_namespace pn on pn.oid = ps.prsnamespace
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(c.cfgowner)::text),
         ('parser', pg_catalog.format('%I.%I', pn.nspname, ps.prsname)),
         ('mappings',
          (select pg_catalog.string_agg(mapping.text, E'\n' order by mapping.text collate "C")
             from (select (select t.alias from pg_catalog.ts_token_type(c.cfgparser) t
                            where t.tokid = m.maptokentype) || ': '
                          || pg_catalog.string_agg(m.mapdict::regdictionary::text, ', '
                                                   order by m.mapseqno)
                     from pg_catalog.pg_ts_config_map m
                    where m.mapcfg = c.oid
                    group by m.maptokentype) mapping (text))),
         ('comment', pg_catalog.obj_description(c.oid, 'pg_ts_config'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass
            and e.objid = c.oid and e.deptype = 'e')
union all
select 'text search dictionary', null, pg_catalog.format('%I.%I', n.nspname, d.dictname),
       p.property, p.value
  from pg_catalog.pg_ts_dict d
       join pg_catalog.pg_namespace n on n.oid = d.dictnamespace
       join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate
       join pg_catalog.pg_namespace tn on tn.oid = t.tmplnamespace
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(d.dictowner)::text),
         ('template', pg_catalog.format('%I.%I', tn.nspname, t.tmplname)),
         ('options', d.dictinitoption),
         ('comment', pg_catalog.obj_description(d.oid, 'pg_ts_dict'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass
            and e.objid = d.oid and e.deptype = 'e')
union all
select 'text search parser', null, pg_catalog.format('%I.%I', n.nspname, s.prsname),
       p.property, p.value
  from pg_catalog.pg_ts_parser s
       join pg_catalog.pg_namespace n on n.oid = s.prsnamespace
       cross join lateral (values
         ('functions', pg_catalog.concat_ws(', ', s.prsstart, s.prstoken, s.prsend, s.prsheadline,
                                            s.prslextype)),
         ('comment', pg_catalog.obj_description(s.oid, 'pg_ts_parser'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass
            and e.objid = s.oid and e.deptype = 'e')
union all
select 'text search template', null, pg_catalog.format('%I.%I', n.nspname, t.tmplname),
       p.property, p.value
  from pg_catalog.pg_ts_template t
       join pg_catalog.pg_namespace n on n.oid = t.tmplnamespace
       cross join lateral (values
         ('functions', pg_catalog.concat_ws(', ', t.tmplinit, t.tmpllexize)),
         ('comment', pg_catalog.obj_description(t.oid, 'pg_ts_template'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_ts_template'::pg_catalog.regclass
            and e.objid = t.oid and e.deptype = 'e')
