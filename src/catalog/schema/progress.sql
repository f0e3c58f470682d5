-- progress: how much there is of tables, indexes and bytes; how much is worked on; how much is done.
-- returns   three integers each
with copy as (
    select tableoid,
           count(*) filter (where state = 'done') as done,
           count(*) filter (where state = 'running') as running,
           coalesce(max(parts), 1) as parts,
           coalesce(sum(bytes) filter (where state = 'done'), 0) as bytes_done,
           coalesce(sum(bytes) filter (where state = 'running'), 0) as bytes_running
      from step
     where kind in ('copy table', 'copy part')
     group by tableoid
),
build as (
    select oid, min(state = 'done') as is_done, max(state = 'running') as is_running
      from step
     where kind in ('create index', 'finish index')
     group by oid
)
select (select count(*) from source_table where relkind = 'r' and not exclude_data),
       (select count(*) from copy where done < parts and running > 0),
       (select count(*) from copy where done >= parts),
       (select count(*) from s_index),
       (select count(*) from build where is_running),
       (select count(*) from build where is_done),
       (select coalesce(sum(bytes), 0) from source_table where relkind = 'r' and not exclude_data),
       (select coalesce(sum(bytes_running), 0) from copy),
       (select coalesce(sum(bytes_done), 0) from copy)
