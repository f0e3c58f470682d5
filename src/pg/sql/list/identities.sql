-- identities: what objects are called.
-- $1        pairs of catalog and object, as JSON
-- returns   catalog, object, type, namespace, name (empty where there is none), identity
select o.classid, o.objid, i.type, coalesce(i.schema, ''), coalesce(i.name, ''), i.identity
  from (select distinct (pair ->> 0)::oid as classid, (pair ->> 1)::oid as objid
          from pg_catalog.json_array_elements($1::json) as pairs (pair)) o
       cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) i
 where i.identity is not null
