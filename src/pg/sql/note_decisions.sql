-- note_decisions: what was decided when a copy began; kept as soon as rows are copied.
-- $1 text   what tells this copy apart from others
-- $2 text   the decisions, as JSON
-- returns   nothing
with canary as (
  insert into pgcopydb.canary select true where not exists (select from pgcopydb.run)
)
insert into pgcopydb.run (id, detail) values ($1, $2)
    on conflict (only_one) do update set id = excluded.id, detail = excluded.detail
 where not exists (
         select from pgcopydb.step where key like 'copy %' or key like 'large-objects %')
