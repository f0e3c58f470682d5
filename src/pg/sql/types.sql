-- types: types that columns can have, except the row types of tables.
-- returns   oid, name, extension, kind (b base, a array, d domain, e enum, r range, c composite,
--           o other), OIDs of what it is made of (JSON array), whether it has a binary form
select t.oid, t.typname, e.extname,
       case when el.typarray = t.oid then 'a'
            when t.typtype = 'm' then 'r'
            when t.typtype in ('b', 'd', 'e', 'r', 'c') then t.typtype::text
            else 'o' end,
       case when el.typarray = t.oid then pg_catalog.json_build_array(el.oid::bigint)
            when t.typtype = 'd' then pg_catalog.json_build_array(t.typbasetype::bigint)
            when t.typtype in ('r', 'm') then pg_catalog.json_build_array(r.rngsubtype::bigint)
            when t.typtype = 'c' then
              (select coalesce(pg_catalog.json_agg(a.atttypid::bigint order by a.attnum), '[]')
                 from pg_catalog.pg_attribute a
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)
            else '[]' end,
       t.typsend <> 0 and t.typreceive <> 0
  from pg_catalog.pg_type t
       left join pg_catalog.pg_class c on c.oid = t.typrelid
       left join pg_catalog.pg_type el on el.oid = t.typelem
       -- The column that names a multirange came with 14.
       left join pg_catalog.pg_range r
         on r.rngtypid = t.oid
            or t.typtype = 'm'
               and (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
       left join pg_catalog.pg_depend d
         on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid
            and d.deptype = 'e'
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
       left join pg_catalog.pg_extension e on e.oid = d.refobjid
 where (c.oid is null or c.relkind = 'c')
   and (el.oid is null or el.typtype <> 'c'
        or exists (select from pg_catalog.pg_class ec
                    where ec.oid = el.typrelid and ec.relkind = 'c'))
