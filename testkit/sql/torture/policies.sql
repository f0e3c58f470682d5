-- Row security, also for the owner of a table.

alter table torture.owned enable row level security;
alter table torture.owned force row level security;
create policy "policy ""of"" \ 'x'" on torture.owned as restrictive for select
  to "torture 'reader'; --", torture_plain using (a > 0 and secret <> E'it''s\\');
create policy for_all on torture.owned using (true) with check (b < 10);
create policy for_insert on torture.owned for insert to current_user with check (a = 1);
alter table torture.unlogged enable row level security;
create policy with_query on torture.unlogged for delete using (exists (select from torture.plain p where p.id = unlogged.id));
create table torture.secured_without_policy (a integer);
insert into torture.secured_without_policy values (1);
alter table torture.secured_without_policy enable row level security;
alter table partitions.by_list enable row level security;
