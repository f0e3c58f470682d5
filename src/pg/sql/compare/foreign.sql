-- foreign: foreign data wrappers, servers, user mappings, and what makes a table a foreign one.
--           Passwords are shown as a fingerprint.
-- returns   class, parent, identity, property, value
with options (catalog, oid, text) as (
  select object.catalog, object.oid,
         pg_catalog.string_agg(
           case when o.option_name ~* 'passw'
                then pg_catalog.format('%I (fingerprint %s)', o.option_name,
                                       pg_catalog.to_hex(pg_catalog.hashtext(o.option_value)))
                else pg_catalog.format('%I %L', o.option_name, o.option_value) end,
           ', ' order by o.option_name collate "C")
    from (select 'wrapper', w.oid, w.fdwoptions from pg_catalog.pg_foreign_data_wrapper w
          union all select 'server', s.oid, s.srvoptions from pg_catalog.pg_foreign_server s
          union all select 'mapping', m.umid, m.umoptions from pg_catalog.pg_user_mappings m
          union all select 'table', t.ftrelid, t.ftoptions from pg_catalog.pg_foreign_table t
         ) object (catalog, oid, options)
         cross join lateral pg_catalog.pg_options_to_table(object.options) o
   group by object.catalog, object.oid
)
select 'foreign data wrapper', null, pg_catalog.quote_ident(w.fdwname), p.property, p.value
  from pg_catalog.pg_foreign_data_wrapper w
       left join options o on o.catalog = 'wrapper' and o.oid = w.oid
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(w.fdwowner)::text),
         ('functions', pg_catalog.concat_ws(', ', w.fdwhandler::regproc, w.fdwvalidator::regproc)),
         ('options', o.text),
         ('comment', pg_catalog.obj_description(w.oid, 'pg_foreign_data_wrapper'))
       ) p (property, value)
 where p.value is not null
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
            and e.objid = w.oid and e.deptype = 'e')
union all
select 'server', null, pg_catalog.quote_ident(s.srvname), p.property, p.value
  from pg_catalog.pg_foreign_server s
       join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
       left join options o on o.catalog = 'server' and o.oid = s.oid
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(s.srvowner)::text),
         ('foreign data wrapper', pg_catalog.quote_ident(w.fdwname)),
         ('type', s.srvtype),
         ('version', s.srvversion),
         ('options', o.text),
         ('comment', pg_catalog.obj_description(s.oid, 'pg_foreign_server'))
       ) p (property, value)
 where p.value is not null
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass
            and e.objid = s.oid and e.deptype = 'e')
union all
select 'user mapping', null,
       pg_catalog.format('for %s server %I', case when m.umuser = 0 then 'public'
                                                  else pg_catalog.quote_ident(m.usename) end,
                         m.srvname),
       p.property, p.value
  from pg_catalog.pg_user_mappings m
       left join options o on o.catalog = 'mapping' and o.oid = m.umid
       cross join lateral (values ('exists', 'yes'), ('options', o.text)) p (property, value)
 where p.value is not null
union all
select 'f', null, pg_catalog.format('%I.%I', n.nspname, c.relname), p.property, p.value
  from pg_catalog.pg_foreign_table t
       join pg_catalog.pg_class c on c.oid = t.ftrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_foreign_server s on s.oid = t.ftserver
       left join options o on o.catalog = 'table' and o.oid = t.ftrelid
       cross join lateral (values
         ('server', pg_catalog.quote_ident(s.srvname)),
         ('foreign options', o.text)
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and e.objid = c.oid and e.deptype = 'e')
