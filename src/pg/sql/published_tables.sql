-- published_tables: tables whose changes can be published, and those of them (or of their
-- partitions) whose rows have no identity.
-- $1 bool   whether partitioned tables can be published (13 and later), or their partitions only
-- $2 oid[]  the tables that are wanted; NULL for all
-- returns   oid, namespace, name, name of a table without identity or NULL
--           A partitioned table of which some partitions are not wanted is published by the others,
--           each by itself.
with recursive member (root, oid) as (
  select c.oid, c.oid
    from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relpersistence = 'p'
     and case when $1::boolean then c.relkind in ('r', 'p') and not c.relispartition
              else c.relkind = 'r' end
     and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
     and not exists (
           select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and d.objid = c.oid and d.deptype = 'e')
  union all
  select m.root, p.oid
    from member m
         join pg_catalog.pg_inherits i on i.inhparent = m.oid
         join pg_catalog.pg_class p on p.oid = i.inhrelid and p.relispartition
), torn (root) as (
  select distinct m.root from member m where m.oid <> all ($2::oid[])
), published (root, oid) as (
  select m.root, m.oid from member m where not exists (select from torn t where t.root = m.root)
  union all
  select m.oid, m.oid
    from member m
         join torn t on t.root = m.root
         join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'r'
   where m.oid = any ($2::oid[])
)
select r.oid, n.nspname, r.relname,
       (select min(m.oid::pg_catalog.regclass::text)
          from published m
               join pg_catalog.pg_class c on c.oid = m.oid
         where m.root = r.oid and c.relkind = 'r'
           and not case c.relreplident
                   when 'f' then true
                   when 'd' then exists (
                     select from pg_catalog.pg_index x
                      where x.indrelid = c.oid and x.indisprimary and x.indimmediate)
                   when 'i' then exists (
                     select from pg_catalog.pg_index x
                      where x.indrelid = c.oid and x.indisreplident)
                   else false
                   end)
  from pg_catalog.pg_class r
       join pg_catalog.pg_namespace n on n.oid = r.relnamespace
 where r.oid in (select root from published)
 order by n.nspname, r.relname
