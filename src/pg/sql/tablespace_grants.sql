-- tablespace_grants: who else than its owner may use a tablespace.
-- returns   tablespace, grantee (null for everybody), with grant option
select t.spcname, r.rolname, g.is_grantable
  from pg_catalog.pg_tablespace t
       cross join lateral pg_catalog.aclexplode(t.spcacl) g
       left join pg_catalog.pg_roles r on r.oid = g.grantee
 where t.spcname !~ '^pg_' and g.grantee <> t.spcowner and (g.grantee = 0 or r.rolname is not null)
 order by t.spcname, r.rolname
