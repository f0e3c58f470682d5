-- objects: states of catalog objects that no dump shows.
-- returns   what and which, a tab, its state

-- In the dump a table's access method and tablespace depend on the entries before it.
select pg_catalog.concat('storage of ', pg_catalog.to_json(c.oid::pg_catalog.regclass::text), E'\t',
       'access method ', a.amname, ', tablespace ', coalesce(s.spcname, 'of the database'),
       case when c.relkind = 'm' and not c.relispopulated then ', not populated' end)
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_am a on a.oid = c.relam
       left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
 where c.relkind in ('r', 'p', 'm', 'i', 'I')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   -- Nobody copies an index whose build has failed.
   and not exists (select from pg_catalog.pg_index i
                    where i.indexrelid = c.oid and c.relkind = 'i' and not i.indisvalid);

select pg_catalog.concat('constraint ', pg_catalog.to_json(o.conname::text), ' of ',
       pg_catalog.to_json(coalesce(nullif(o.conrelid, 0)::pg_catalog.regclass::text,
                                   o.contypid::pg_catalog.regtype::text)), E'\t',
       case when o.convalidated then 'validated' else 'not validated' end)
  from pg_catalog.pg_constraint o
       join pg_catalog.pg_namespace n on n.oid = o.connamespace
 -- Older servers have no constraints for NOT NULL.
 where o.contype <> 'n'
   -- The server's own, one for each partition that a foreign key refers to.
   and not exists (select from pg_catalog.pg_constraint parent
                    where parent.oid = o.conparentid and parent.conrelid = o.conrelid)
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb');

select pg_catalog.concat('index ', pg_catalog.to_json(c.oid::pg_catalog.regclass::text), E'\t',
       case when i.indisvalid then 'valid' else 'not valid' end,
       case when i.indisready then ', ready' else ', not ready' end)
  from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and (i.indisvalid or c.relkind = 'I');

select pg_catalog.concat('large object ', m.oid, E'\t',
       'owner ', pg_catalog.to_json(pg_catalog.pg_get_userbyid(m.lomowner)::text),
       ', privileges ', (select pg_catalog.json_agg(item::text order by item::text collate "C")
                           from pg_catalog.unnest(m.lomacl) item),
       ', comment ', pg_catalog.to_json(pg_catalog.obj_description(m.oid, 'pg_largeobject')),
       ', content ', pg_catalog.md5(pg_catalog.lo_get(m.oid)))
  from pg_catalog.pg_largeobject_metadata m;
