-- Views, rules and materialized views, on each other.

create view views.simple as select id, note from torture.plain where amount > 1;
create view views."Nested ""view"" \" as select s.id as "Id %", s.note || E'it''s\\' as note from views.simple s;
create recursive view views.depths (id, depth) as
  select id, 1 from torture.tree where parent is null
  union all select t.id, r.depth + 1 from torture.tree t join depths r on t.parent = r.id;
create view views.barrier with (security_barrier = true) as select * from torture.owned;
create view views.checked as select * from torture.plain where amount < 100 with cascaded check option;
create view views.checked_locally with (check_option = local) as select * from views.checked;
\if :pg15
create view views.invoker with (security_invoker = true) as select * from torture.owned;
\endif
create view views.all_columns as select p.*, w.* from torture.plain p cross join types.wide w (wide_id);
alter view views.simple alter column note set default 'by the view';
create view views.no_columns as select;
create view views.with_functions as
  select f.*, row_number() over w, routines.sum_of_squares(1) filter (where true) over w
    from routines."Set Returning %s"(1) with ordinality f window w as (order by f.ordinality rows 2 preceding);
create view views.groups_by_key as select p.id, p.note, count(*) from torture.plain p group by p.id;
alter view views.barrier owner to "torture ""owner""";
-- Two views that need each other: one becomes a dummy in the dump first.
create view views.circle_1 as select 1 as a;
create view views.circle_2 as select a from views.circle_1;
create function views.circle_function() returns setof views.circle_2 language sql stable
  as 'select * from views.circle_2';
create or replace view views.circle_1 as select a from views.circle_function();

create rule "rule ""also""" as on insert to torture.empty do also insert into torture.no_columns default values;
create rule instead as on delete to torture.empty where old.id > 10 do instead nothing;
create rule disabled as on update to torture.empty do also notify torture_channel;
alter table torture.empty disable rule disabled;
create rule view_insert as on insert to views.simple do instead
  insert into torture.empty values (new.id::integer, new.note) returning id::bigint, note;

create materialized view views.first with (fillfactor = 75) as
  select note, count(*) as count, max(id) as id from torture.plain group by note;
create unique index first_id on views.first (id);
create index "first 'note'" on views.first (note) where count > 0;
create materialized view views.second as select f.note, f.count from views.first f join views.simple s using (note);
create materialized view views.third as select count(*) from views.second;
create materialized view views.not_populated as select * from torture.plain with no data;
create index on views.not_populated (id);
create materialized view views.using_second_heap using second_heap as select 1 as a;
alter materialized view views.first cluster on first_id;
create view views.on_materialized as select * from views.third;
