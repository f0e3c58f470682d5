-- default_privileges: privileges that objects get when they are made.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'default privileges', null,
       pg_catalog.format('of role %I%s on %s', pg_catalog.pg_get_userbyid(d.defaclrole),
         case when n.oid is not null then pg_catalog.format(' in schema %I', n.nspname) end,
         case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                              when 'f' then 'functions' when 'T' then 'types'
                              when 'n' then 'schemas' else 'large objects' end),
       p.property, p.value
  from pg_catalog.pg_default_acl d
       left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
       cross join lateral (
         select 'exists', 'yes'
         union all
         select pg_catalog.format('%s of %s', a.privilege_type,
                  case a.grantee when 0 then 'public' when d.defaclrole then 'the owner'
                    else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end),
                case when a.is_grantable then 'with grant option' else 'granted' end
           from pg_catalog.aclexplode(d.defaclacl) a
          where a.privilege_type <> 'MAINTAIN' or $1::int >= 170000
       ) p (property, value)
