-- What belongs to the database as a whole: publications, a subscription, event triggers.

create publication "publishes ""all"" \ 'x'" for all tables with (publish = 'insert, truncate');
create publication empty;
create publication one_table for table torture.plain, only torture.parent
  with (publish_via_partition_root = true);
\if :pg15
create publication filtered for table torture.plain (id, note) where (id > 10 and note <> E'it''s'),
  torture.tree;
create publication schema_and_table for table torture.tree where (id > 5), tables in schema types;
create publication of_schemas for tables in schema partitions, "empty schema";
\endif
alter publication empty owner to "postgres";

create subscription "subscribes %s; --" connection 'host=nowhere dbname=''it\''s'' password=secret'
  publication "p ""1""", p2 with (connect = false, slot_name = none, enabled = false);

create event trigger "event \ 'trigger'" on ddl_command_end
  when tag in ('CREATE TABLE', 'DROP VIEW') execute function routines.event_trigger_function();
create event trigger event_always on sql_drop execute function routines.event_trigger_function();
alter event trigger event_always enable always;
create event trigger event_disabled on table_rewrite execute function routines.event_trigger_function();
alter event trigger event_disabled disable;
