-- database: what belongs to the database as a whole: settings, extensions, event triggers, the
--           number of large objects, security labels.
-- returns   class, parent, identity, property, value
select 'database', null, '', p.property, p.value
  from pg_catalog.pg_database d
       cross join lateral (values
         ('encoding', pg_catalog.pg_encoding_to_char(d.encoding)::text),
         ('collation', d.datcollate::text),
         ('character classification', d.datctype::text)
       ) p (property, value)
 where d.datname = pg_catalog.current_database()
union all
select 'database', null, '',
       pg_catalog.format('setting %s%s', pg_catalog.split_part(c.text, '=', 1),
                         case when s.setrole <> 0
                              then pg_catalog.format(' of role %I',
                                                     pg_catalog.pg_get_userbyid(s.setrole)) end),
       pg_catalog.substr(c.text, pg_catalog.strpos(c.text, '=') + 1)
  from pg_catalog.pg_db_role_setting s
       cross join lateral pg_catalog.unnest(s.setconfig) c (text)
 where s.setdatabase = (select oid from pg_catalog.pg_database
                         where datname = pg_catalog.current_database())
union all
select 'extension', null, pg_catalog.quote_ident(e.extname), p.property, p.value
  from pg_catalog.pg_extension e
       join pg_catalog.pg_namespace n on n.oid = e.extnamespace
       cross join lateral (values
         ('schema', pg_catalog.quote_ident(n.nspname)),
         ('version', e.extversion),
         ('comment', pg_catalog.obj_description(e.oid, 'pg_extension'))
       ) p (property, value)
 where p.value is not null
union all
select 'event trigger', null, pg_catalog.quote_ident(t.evtname), p.property, p.value
  from pg_catalog.pg_event_trigger t
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(t.evtowner)::text),
         ('definition', pg_catalog.format('on %s execute %s', t.evtevent,
                                          t.evtfoid::oid::regprocedure)),
         ('fires', case t.evtenabled when 'O' then 'by default' when 'D' then 'never'
                                     when 'R' then 'on a replica' when 'A' then 'always' end),
         ('tags', (select pg_catalog.string_agg(tag, ', ' order by tag collate "C")
                     from pg_catalog.unnest(t.evttags) tag)),
         ('comment', pg_catalog.obj_description(t.oid, 'pg_event_trigger'))
       ) p (property, value)
 where p.value is not null
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
            and e.objid = t.oid and e.deptype = 'e')
union all
select 'large objects', null, '', 'count', pg_catalog.count(*)::text
  from pg_catalog.pg_largeobject_metadata
union all
select 'security label', null,
       pg_catalog.format('%s %s by %I', l.objtype, l.objname, l.provider), 'label', l.label
  from pg_catalog.pg_seclabels l
 where l.objtype not in ('role', 'database', 'tablespace')
