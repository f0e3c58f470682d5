-- rows: counts and checksums of tables, states of sequences.
-- returns   what and which, a tab, its content
-- Each select writes selects, a hundred in one, which \gexec runs. A row's hash does not depend on
-- where the row is, and the sum of all hashes does not depend on their order.

-- An enum value hashes as its number in the catalog, which is not the same on both sides: then
-- only the table as a whole is, and each row has to be where its own side wants it.
create temporary view placed_by_enum as
select p.partrelid as root, tree.relid as leaf
  from pg_catalog.pg_partitioned_table p,
       pg_catalog.pg_partition_tree(p.partrelid) tree
 where p.partstrat = 'h' and tree.isleaf
   and exists (select from pg_catalog.unnest(p.partclass) key
                      join pg_catalog.pg_opclass c on c.oid = key
                where c.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype);

select pg_catalog.string_agg(query, ' union all ')
  from (select pg_catalog.format(
                 'select pg_catalog.concat(%L, E''\t'', pg_catalog.count(*), '' rows, checksum '', '
                 'pg_catalog.sum(pg_catalog.hashtextextended((row_of_it.*)::text collate "C", 0))) '
                 'from %s %I.%I as row_of_it %s',
                 pg_catalog.concat('rows of ',
                                   pg_catalog.to_json(c.oid::pg_catalog.regclass::text)),
                 case when c.relkind <> 'p' then 'only' end, n.nspname, c.relname,
                 -- An extension may keep a part of its configuration table to itself.
                 e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)]),
               pg_catalog.row_number() over (order by c.oid) / 100
          from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               left join pg_catalog.pg_depend d
                 on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                    and d.objsubid = 0 and d.deptype = 'e'
               left join pg_catalog.pg_extension e on e.oid = d.refobjid
         where (c.relkind = 'r' and c.oid not in (select leaf from pg_temp.placed_by_enum)
                or c.relkind = 'm' and c.relispopulated
                or c.oid in (select root from pg_temp.placed_by_enum))
           and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
           and (e.oid is null or c.oid = any (e.extconfig))) as t (query, batch)
 group by batch
\gexec

select pg_catalog.format(
         'select pg_catalog.concat(%L, E''\t'', pg_catalog.count(*)) from only %I.%I where not (%s)',
         pg_catalog.concat('misplaced rows in ',
                           pg_catalog.to_json(c.oid::pg_catalog.regclass::text)),
         n.nspname, c.relname, pg_catalog.pg_get_partition_constraintdef(c.oid))
  from pg_temp.placed_by_enum p
       join pg_catalog.pg_class c on c.oid = p.leaf
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r'
\gexec

select pg_catalog.string_agg(query, ' union all ')
  from (select pg_catalog.format(
                 'select pg_catalog.concat(%L, E''\t'', last_value, '
                 'case when is_called then '' used'' else '' not used'' end) from %I.%I',
                 pg_catalog.concat('sequence ',
                                   pg_catalog.to_json(c.oid::pg_catalog.regclass::text)),
                 n.nspname, c.relname),
               pg_catalog.row_number() over (order by c.oid) / 100
          from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'S' and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
       ) as t (query, batch)
 group by batch
\gexec
