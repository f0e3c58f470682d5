-- roles: roles that own objects of this database, are granted something in it, or are named by its
--           policies; without those every server has.
-- $1 boolean  whether owners count
-- $2 boolean  whether grantees count
-- $3 json     objects that do not count: catalog and OID of each, in arrays of two
-- returns     name
select distinct r.rolname
  from pg_catalog.pg_shdepend d
       join pg_catalog.pg_roles r on r.oid = d.refobjid
 where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   and d.dbid = (select oid from pg_catalog.pg_database
                  where datname = pg_catalog.current_database())
   and case when d.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass then $2::boolean
            when d.deptype = 'o' then $1::boolean
            when d.deptype = 'a' then $2::boolean
            else true end
   and r.rolname !~ '^pg_'
   and (d.classid, d.objid) not in (
         select (pair ->> 0)::oid, (pair ->> 1)::oid
           from pg_catalog.json_array_elements($3::pg_catalog.json) pair)
 order by r.rolname
