-- large_object_metadata: statements that give large objects their owner, privileges and comment.
-- $1 oid      first OID of the batch
-- $2 oid      first OID of the next batch, NULL for the last
-- $3 boolean  whether to give owners
-- $4 boolean  whether to give privileges
-- $5 boolean  whether to give comments
-- $6 text     the role that creates the objects, and so owns them already
-- returns     statements, in the order they must run
with object as (
  select m.oid, m.lomowner, m.lomacl, pg_catalog.pg_get_userbyid(m.lomowner) as owner,
         pg_catalog.obj_description(m.oid, 'pg_largeobject') as comment
    from pg_catalog.pg_largeobject_metadata m
   where m.oid >= $1::oid and ($2::oid is null or m.oid < $2::oid)
), statement (oid, step, text) as (
  select oid, 1, pg_catalog.format('alter large object %s owner to %I', oid, owner)
    from object
   where $3::boolean and owner <> $6
  union all
  -- Without owners the one who creates the objects keeps what an owner has.
  select oid, 2,
         pg_catalog.format('revoke all on large object %s from public', oid)
         || case when $3::boolean then pg_catalog.format(', %I', owner) else '' end
    from object
   where $4::boolean and lomacl is not null
  union all
  select o.oid, 3,
         pg_catalog.format('grant %s on large object %s to %s%s', a.privilege_type, o.oid,
                           case when a.grantee = 0 then 'public'
                                else pg_catalog.quote_ident(
                                       pg_catalog.pg_get_userbyid(a.grantee)) end,
                           case when a.is_grantable then ' with grant option' else '' end)
    from object o, pg_catalog.aclexplode(o.lomacl) a
   where $4::boolean and o.lomacl is not null and ($3::boolean or a.grantee <> o.lomowner)
  union all
  select oid, 4, pg_catalog.format('comment on large object %s is %L', oid, comment)
    from object
   where $5::boolean and comment is not null
)
select text from statement order by oid, step
