-- replica_table: as replica_table.sql, for servers before 12, which have no generated columns: a table that changes go to, one row for each column (or one, without columns).
-- $1 text   namespace
-- $2 text   name
-- returns   relkind, column, its type, whether it is generated, whether it is GENERATED ALWAYS AS
--           IDENTITY, the operator that compares it or NULL,
--           the type of its arrays or NULL
with recursive used (attnum, typ) as (
  select a.attnum, a.atttypid
    from pg_catalog.pg_attribute a
         join pg_catalog.pg_class c on c.oid = a.attrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
  union all
  select u.attnum, t.typbasetype
    from used u
         join pg_catalog.pg_type t on t.oid = u.typ
   where t.typtype = 'd'
), base (attnum, typ, typtype) as (
  -- What an array is made of decides whether arrays can be compared.
  select u.attnum, coalesce(e.oid, t.oid), coalesce(e.typtype, t.typtype)
    from used u
         join pg_catalog.pg_type t on t.oid = u.typ and t.typtype <> 'd'
         left join pg_catalog.pg_type e
           on e.oid = t.typelem and e.typarray = t.oid and t.typcategory = 'A'
), operator (attnum, name) as (
  select b.attnum,
         case when b.typtype in ('e', 'r', 'm') then 'operator(pg_catalog.=)'
              else (
                select pg_catalog.format('operator(%I.%s)', n.nspname, o.oprname)
                  from pg_catalog.pg_opclass k
                       join pg_catalog.pg_am m on m.oid = k.opcmethod
                       join pg_catalog.pg_amop p
                         on p.amopfamily = k.opcfamily
                            and p.amoplefttype = k.opcintype and p.amoprighttype = k.opcintype
                            and p.amopstrategy = case m.amname when 'btree' then 3 else 1 end
                       join pg_catalog.pg_operator o on o.oid = p.amopopr
                       join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
                 where m.amname in ('btree', 'hash') and k.opcdefault
                   and (k.opcintype = b.typ
                        or exists (
                             select from pg_catalog.pg_cast x
                              where x.castsource = b.typ and x.casttarget = k.opcintype
                                and x.castmethod = 'b' and x.castcontext = 'i'))
                 order by (k.opcintype = b.typ) desc, m.amname, k.oid
                 limit 1)
         end
    from base b
)
select c.relkind, a.attname, pg_catalog.format_type(a.atttypid, -1), false,
       a.attidentity = 'a',
       -- Arrays of a type from an extension find the operator of its elements by themselves.
       case when t.typcategory = 'A' and o.name is not null
            then 'operator(pg_catalog.=)' else o.name end,
       -- Of arrays nobody can tell where one ends; unnest takes rows apart; a box has another
       -- delimiter.
       case when t.typarray <> 0 and t.typcategory <> 'A' and t.typtype not in ('c', 'd')
                 and t.typdelim = ','
            then pg_catalog.format_type(t.typarray, -1) end
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_attribute a
         on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_catalog.pg_type t on t.oid = a.atttypid
       left join operator o on o.attnum = a.attnum
 where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')
