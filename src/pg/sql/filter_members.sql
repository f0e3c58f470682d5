-- filter_members: members of extensions as the archive names them where it says something about one:
--           it has grants that were changed, though not the member itself.
-- $1 json   OIDs of the extensions
-- returns   namespace, tag of the archive's entry
select n.nspname,
       case d.classid
         when 'pg_catalog.pg_class'::pg_catalog.regclass
         then case when c.relkind = 'S' then 'SEQUENCE ' else 'TABLE ' end
              || pg_catalog.quote_ident(c.relname)
         when 'pg_catalog.pg_proc'::pg_catalog.regclass
         then case when pg_catalog.to_json(p) ->> 'prokind' = 'p' then 'PROCEDURE '
                   else 'FUNCTION ' end
              || pg_catalog.quote_ident(p.proname)
              || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'
         when 'pg_catalog.pg_type'::pg_catalog.regclass
         then 'TYPE ' || pg_catalog.quote_ident(t.typname)
         when 'pg_catalog.pg_namespace'::pg_catalog.regclass
         then 'SCHEMA ' || pg_catalog.quote_ident(s.nspname)
         when 'pg_catalog.pg_language'::pg_catalog.regclass
         then 'LANGUAGE ' || pg_catalog.quote_ident(l.lanname)
         when 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
         then 'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname)
         when 'pg_catalog.pg_foreign_server'::pg_catalog.regclass
         then 'FOREIGN SERVER ' || pg_catalog.quote_ident(v.srvname)
       end
  from pg_catalog.pg_depend d
       left join pg_catalog.pg_class c
         on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = d.objid
       left join pg_catalog.pg_proc p
         on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = d.objid
       left join pg_catalog.pg_type t
         on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.oid = d.objid
       left join pg_catalog.pg_namespace s
         on d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and s.oid = d.objid
       left join pg_catalog.pg_language l
         on d.classid = 'pg_catalog.pg_language'::pg_catalog.regclass and l.oid = d.objid
       left join pg_catalog.pg_foreign_data_wrapper w
         on d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
            and w.oid = d.objid
       left join pg_catalog.pg_foreign_server v
         on d.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass and v.oid = d.objid
       left join pg_catalog.pg_namespace n
         on n.oid = coalesce(c.relnamespace, p.pronamespace, t.typnamespace)
 where d.deptype = 'e'
   and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
   and d.refobjid in (select e.value::oid
                        from pg_catalog.json_array_elements_text($1::pg_catalog.json) e)
   and d.classid in ('pg_catalog.pg_class'::pg_catalog.regclass,
                     'pg_catalog.pg_proc'::pg_catalog.regclass,
                     'pg_catalog.pg_type'::pg_catalog.regclass,
                     'pg_catalog.pg_namespace'::pg_catalog.regclass,
                     'pg_catalog.pg_language'::pg_catalog.regclass,
                     'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass,
                     'pg_catalog.pg_foreign_server'::pg_catalog.regclass)
