-- keep_foreign_key: remembers a foreign key that is about to go. One that an earlier run has put back
-- without checking its rows had been checked before.
-- $1 text   namespace of its table
-- $2 text   name of its table
-- $3 text   its name
-- $4 text   its definition
-- $5 text   its comment, if it has one
-- $6 boolean   whether its rows were checked
-- $7 boolean   whether its table is partitioned
-- returns   nothing
insert into pgcopydb.foreign_key as kept
       (namespace, relation, name, definition, comment, is_validated, is_partitioned)
values ($1, $2, $3, $4, $5, $6::boolean, $7::boolean)
    on conflict (namespace, relation, name) do update
   set definition = case when kept.is_validated then kept.definition else excluded.definition end,
       comment = excluded.comment,
       is_validated = kept.is_validated or excluded.is_validated,
       is_partitioned = excluded.is_partitioned
