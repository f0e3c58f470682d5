-- parameters: privileges on settings (GRANT SET ON PARAMETER), of servers from 15 on.
-- returns   statements
select pg_catalog.format('GRANT %s ON PARAMETER %s TO %s%s', g.privilege_type,
                         (select pg_catalog.string_agg(pg_catalog.quote_ident(part), '.'
                                                       order by number)
                            from pg_catalog.unnest(pg_catalog.string_to_array(p.parname, '.'))
                                 with ordinality as parts (part, number)),
                         case when g.grantee = 0 then 'PUBLIC'
                              else pg_catalog.quote_ident(r.rolname) end,
                         case when g.is_grantable then ' WITH GRANT OPTION' else '' end)
  from pg_catalog.pg_parameter_acl p
       cross join lateral pg_catalog.aclexplode(p.paracl) g
       left join pg_catalog.pg_roles r on r.oid = g.grantee
 where (g.grantee = 0 or r.rolname is not null and r.rolname !~ '^pg_')
   and g.grantor <> g.grantee and g.grantee <> 10
 order by 1
