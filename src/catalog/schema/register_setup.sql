-- register_setup: what the directory is for.
-- ?1 source, ?2 target, ?3 snapshot, ?4 split size, ?5 parts at most, ?6 filters, ?7 options, ?8 jobs
insert or replace into setup
       (id, source_pg_uri, target_pg_uri, snapshot, split_tables_larger_than, split_max_parts,
        filters, options, jobs)
values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
