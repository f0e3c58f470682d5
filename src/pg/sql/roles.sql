-- roles: roles that own objects of this database, are granted something in it, or are named by its
--           policies; without those every server has.
-- $1 boolean  whether owners are wanted
-- $2 boolean  whether privileges are wanted
-- returns   name
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
 order by r.rolname
