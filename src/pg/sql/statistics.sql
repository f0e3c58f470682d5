-- statistics: what is known of the columns of tables, as one statement for each that tells it to a
--           server of version 18 or later. Only tables whose statistics are whole, as fresh as
--           autovacuum keeps them, and of kinds that pg_stats shows: not those of ranges, of types
--           with statistics of their own, of several columns, or of inheritance trees.
-- $1        OIDs of tables, separated by commas
-- returns   oid, relpages, reltuples, statement
with recursive about as (
select c.oid, c.oid as table_oid, c.relname, n.nspname, c.relkind = 'p' as inherited, c.reltuples
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
 where c.oid = any (pg_catalog.string_to_array($1, ',')::oid[])
   and c.reltuples > 0
   and pg_catalog.current_setting('track_counts')::bool
   and coalesce(s.n_mod_since_analyze, 0)
       <= pg_catalog.current_setting('autovacuum_analyze_threshold')::float8
          + pg_catalog.current_setting('autovacuum_analyze_scale_factor')::float8 * c.reltuples
   and not exists (select from pg_catalog.pg_statistic_ext e where e.stxrelid = c.oid)
   and (c.relkind = 'p'
        or not exists (select from pg_catalog.pg_inherits h where h.inhparent = c.oid))
),
tree as (
select a.oid as root, h.inhrelid as oid
  from about a join pg_catalog.pg_inherits h on h.inhparent = a.oid
 union all
select t.root, h.inhrelid
  from tree t join pg_catalog.pg_inherits h on h.inhparent = t.oid
),
-- Nobody counts the changes of a partitioned table: its rows are compared with its partitions'.
stale as (
select t.root
  from tree t
       join about a on a.oid = t.root
       join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'r'
 group by t.root, a.reltuples
having abs(pg_catalog.sum(greatest(c.reltuples, 0)) - a.reltuples) > 50 + 0.1 * a.reltuples
),
relation as (
select oid, table_oid, relname, nspname, inherited, null::int2[] as indkey
  from about
 where oid not in (select root from stale)
 union all
select c.oid, a.oid, c.relname, n.nspname, false, i.indkey::int2[]
  from about a
       join pg_catalog.pg_index i on i.indrelid = a.oid and i.indexprs is not null
       join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where a.oid not in (select root from stale)
),
wanted as (
select r.table_oid, r.nspname, r.relname, r.inherited, a.attname, a.attnum,
       type.typtype in ('r', 'm') or coalesce(base.typtype in ('r', 'm'), false)
         or type.typanalyze::oid >= 16384 as is_hidden
  from relation r
       join pg_catalog.pg_attribute a
         on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
       join pg_catalog.pg_type type on type.oid = a.atttypid
       left join pg_catalog.pg_type base on base.oid = type.typbasetype
 where coalesce(a.attstattarget, -1) <> 0
   -- The array of an int2vector begins at 0.
   and (r.indkey is null or r.indkey[a.attnum - 1] = 0)
   and pg_catalog.to_jsonb(a) ->> 'attgenerated' is distinct from 'v'
),
-- A list of names, so that the view need not be read whole.
known as (
select s.*
  from pg_catalog.pg_stats s
 where s.tablename = any (array(select relname from relation))
   and s.schemaname = any (array(select nspname from relation))
)
select w.table_oid, c.relpages, c.reltuples,
       'select pg_catalog.bool_and(done) from (values '
       || pg_catalog.string_agg(
            pg_catalog.format(
              '(pg_catalog.pg_restore_attribute_stats(''version'', %s, ''schemaname'', %L, '
              '''relname'', %L, ''attname'', %L, ''inherited'', %L::boolean',
              pg_catalog.current_setting('server_version_num'), w.nspname, w.relname, w.attname,
              w.inherited)
            || pg_catalog.concat(
                 ', ''null_frac'', ' || pg_catalog.quote_literal(s.null_frac) || '::real',
                 ', ''avg_width'', ' || pg_catalog.quote_literal(s.avg_width) || '::integer',
                 ', ''n_distinct'', ' || pg_catalog.quote_literal(s.n_distinct) || '::real',
                 ', ''most_common_vals'', '
                   || pg_catalog.quote_literal(s.most_common_vals::text) || '::text',
                 ', ''most_common_freqs'', '
                   || pg_catalog.quote_literal(s.most_common_freqs) || '::real[]',
                 ', ''histogram_bounds'', '
                   || pg_catalog.quote_literal(s.histogram_bounds::text) || '::text',
                 ', ''correlation'', ' || pg_catalog.quote_literal(s.correlation) || '::real',
                 ', ''most_common_elems'', '
                   || pg_catalog.quote_literal(s.most_common_elems::text) || '::text',
                 ', ''most_common_elem_freqs'', '
                   || pg_catalog.quote_literal(s.most_common_elem_freqs) || '::real[]',
                 ', ''elem_count_histogram'', '
                   || pg_catalog.quote_literal(s.elem_count_histogram) || '::real[]')
            || '))',
            ', ' order by w.relname, w.attnum)
       || ') as calls (done)'
  from wanted w
       join pg_catalog.pg_class c on c.oid = w.table_oid
       left join known s
         on s.schemaname = w.nspname and s.tablename = w.relname and s.attname = w.attname
            and s.inherited = w.inherited
 group by w.table_oid, c.relpages, c.reltuples
having pg_catalog.bool_and(s.attname is not null and not w.is_hidden)
