-- columns: columns of tables, views, materialized views, foreign tables and composite types.
-- returns   class, parent, identity, property, value
select 'column', pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname),
       pg_catalog.quote_ident(a.attname), p.property, p.value
  from pg_catalog.pg_attribute a
       join pg_catalog.pg_class c on c.oid = a.attrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_type t on t.oid = a.atttypid
       left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       left join pg_catalog.pg_collation l
         on l.oid = a.attcollation and a.attcollation <> t.typcollation
       left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
       -- Some of its columns are newer than the oldest server that is read.
       cross join lateral pg_catalog.to_jsonb(a) newer (a)
       cross join lateral (values
         ('type', pg_catalog.format_type(a.atttypid, a.atttypmod)),
         ('collation', case when l.oid is not null
                            then pg_catalog.format('%I.%I', ln.nspname, l.collname) end),
         ('not null', case when a.attnotnull then 'yes' end),
         ('identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end),
         (case newer.a ->> 'attgenerated' when 's' then 'generated' when 'v' then 'generated virtually'
               else 'default' end,
          pg_catalog.pg_get_expr(d.adbin, d.adrelid)),
         ('storage', case when a.attstorage <> t.typstorage then
            case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main'
                              when 'x' then 'extended' end end),
         ('compression', case newer.a ->> 'attcompression' when 'p' then 'pglz' when 'l' then 'lz4'
                         end),
         -- -1 until 16, NULL from 17 on.
         ('statistics target', nullif(newer.a ->> 'attstattarget', '-1')),
         ('options', (select pg_catalog.string_agg(o, ', ' order by o collate "C")
                        from pg_catalog.unnest(a.attoptions) o)),
         ('foreign options', (select pg_catalog.string_agg(o, ', ' order by o collate "C")
                                from pg_catalog.unnest(a.attfdwoptions) o)),
         ('inherited', case when a.attinhcount > 0 and not c.relispartition
                            then case when a.attislocal then 'and local' else 'yes' end end),
         ('comment', pg_catalog.col_description(c.oid, a.attnum))
       ) p (property, value)
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
   and c.relpersistence <> 't'
   and a.attnum > 0 and not a.attisdropped
   and p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.deptype = 'e'
            and (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
                 or c.relkind = 'c' and e.objid = c.reltype
                    and e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass))
