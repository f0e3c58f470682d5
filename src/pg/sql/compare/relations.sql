-- relations: tables, views, materialized views, sequences and foreign tables.
-- $1 int    version of the older of both servers
-- $2 int    version of the newer of both servers
-- returns   class, parent, identity, property, value
select c.relkind::text, null, pg_catalog.format('%I.%I', n.nspname, c.relname), p.property, p.value
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_am am on am.oid = c.relam
       left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
       left join pg_catalog.pg_class toast on toast.oid = c.reltoastrelid
       left join lateral (
         select pg_catalog.string_agg(pg_catalog.format('%I.%I', pn.nspname, pc.relname), ', '
                                      order by i.inhseqno) as names
           from pg_catalog.pg_inherits i
                join pg_catalog.pg_class pc on pc.oid = i.inhparent
                join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
          where i.inhrelid = c.oid) parents on true
       cross join lateral (values
         ('kind', case c.relkind when 'r' then 'ordinary'
                                 when 'p' then 'partitioned by ' || pg_catalog.pg_get_partkeydef(c.oid)
                  end),
         ('owner', pg_catalog.pg_get_userbyid(c.relowner)::text),
         ('comment', pg_catalog.obj_description(c.oid, 'pg_class')),
         ('persistence', case c.relpersistence when 'u' then 'unlogged' end),
         ('access method', case when c.relkind in ('r', 'm') then coalesce(am.amname, 'heap')
                                when c.relkind = 'p' then am.amname end::text),
         ('tablespace', s.spcname::text),
         ('options', (select pg_catalog.string_agg(o, ', ' order by o collate "C")
                        from (select pg_catalog.unnest(c.reloptions) as o
                              union all
                              select 'toast.' || pg_catalog.unnest(toast.reloptions)) options)),
         ('row security', case when c.relrowsecurity then 'enabled' end),
         ('row security for the owner', case when c.relforcerowsecurity then 'forced' end),
         ('replica identity', case when c.relkind in ('r', 'p') then
            case c.relreplident when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full'
                                when 'i' then 'an index' end end),
         ('of type', case when c.reloftype <> 0
                          then pg_catalog.format_type(c.reloftype, null) end),
         ('partition of', case when c.relispartition then parents.names end),
         ('partition bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid)),
         ('inherits', case when not c.relispartition then parents.names end),
         -- Whoever inherits from several tables, or began to later, gets another order from a dump.
         ('column order',
          case when c.relkind in ('r', 'p', 'f') and (c.relispartition or parents.names is null) then
            (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
               from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) end),
         ('definition', case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end),
         ('populated', case when c.relkind = 'm'
                            then case when c.relispopulated then 'yes' else 'no' end end),
         -- Servers before 16 qualify more names in the text of a view than later ones do: what
         -- the names are of is compared by this.
         ('uses', case when c.relkind in ('v', 'm') and $1::int < 160000 and $2::int >= 160000 then
            (select pg_catalog.string_agg(distinct (o.type || ' ' || o.identity) collate "C", E'\n')
               from pg_catalog.pg_rewrite r
                    join pg_catalog.pg_depend d
                      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                         and d.objid = r.oid and d.refobjid <> c.oid
                    cross join lateral pg_catalog.pg_identify_object(
                                         d.refclassid, d.refobjid, 0) o
              where r.ev_class = c.oid and r.rulename = '_RETURN') end)
       ) p (property, value)
 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
   and c.relpersistence <> 't'
   and p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
