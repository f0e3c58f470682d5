-- Triggers in every position and state. Rows were inserted before, and are not as the triggers
-- would have made them.

create trigger before_row before insert or update of note, amount on torture.plain
  for each row when (new.note is distinct from 'untouched') execute function routines.trigger_function('an argument', E'it''s \\ "x"');
create trigger "always ""fires""" before insert on torture.plain
  for each row execute function routines.trigger_function();
alter table torture.plain enable always trigger "always ""fires""";
create trigger on_replica before insert on torture.plain
  for each row execute function routines.trigger_function();
alter table torture.plain enable replica trigger on_replica;
create trigger disabled before update on torture.plain
  for each row execute function routines.trigger_function();
alter table torture.plain disable trigger disabled;
create trigger after_statement after truncate or delete on torture.plain
  for each statement execute function routines.trigger_function();
create trigger with_tables after update on torture.plain
  referencing old table as old_rows new table as "new ""rows"""
  for each statement execute function routines.trigger_function();
create constraint trigger constraint_trigger after insert on torture.plain
  from torture.tree deferrable initially deferred
  for each row execute function routines.trigger_function();
create trigger instead_of instead of update on views."Nested ""view"" \"
  for each row execute function routines.trigger_function();
create trigger on_partitioned before insert on partitions.by_range
  for each row execute function routines.trigger_function();
create trigger on_partition_only before insert on partitions.range_2023
  for each row execute function routines.trigger_function();
alter table partitions.range_2024 disable trigger on_partitioned;
-- The foreign key's own triggers.
alter table torture.circle_b disable trigger all;
