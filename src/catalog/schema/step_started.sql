-- step_started: a step begins, for the first time or again.
-- ?1 key, ?2 kind, ?3 section, ?4 oid, ?5 table, ?6 label, ?7 part, ?8 parts, ?9 seat, ?10 now
insert or replace into step
       (key, kind, section, oid, tableoid, label, part, parts, seat, started, state)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running')
