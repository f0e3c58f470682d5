-- Foreign data: wrappers, servers, user mappings, tables.

create foreign data wrapper "wrapper ""without"" \ handler" options (debug 'it''s "true"');
create server "server 'of' %s" type 'a type' version '1.0' foreign data wrapper "wrapper ""without"" \ handler"
  options (host 'nowhere', "odd ""option""" 'back\slash');
create user mapping for public server "server 'of' %s" options (password 'secret ''word''');
create user mapping for "torture 'reader'; --" server "server 'of' %s";
alter server "server 'of' %s" owner to "postgres";
select count(*) = 2 as has_wrappers from pg_extension where extname in ('postgres_fdw', 'file_fdw')
\gset
\if :has_wrappers
create server remote foreign data wrapper postgres_fdw options (host 'nowhere', dbname 'none', port '1');
create user mapping for current_user server remote options (user 'nobody', password 'x');
create foreign table torture.remote_table (
  id integer options (column_name 'other "name"') not null,
  note text collate "C" default 'x',
  constraint "check of foreign" check (id > 0)
) server remote options (schema_name 'public', table_name 'it''s');
create server files foreign data wrapper file_fdw;
create foreign table torture.file_table (line text) server files options (filename '/dev/null', format 'csv');
create table partitions.partly_foreign (id integer) partition by list (id);
create foreign table partitions.foreign_partition partition of partitions.partly_foreign
  for values in (1) server files options (filename '/dev/null');
create table partitions.local_partition partition of partitions.partly_foreign for values in (2);
insert into partitions.partly_foreign values (2);
create trigger on_foreign before insert on torture.remote_table
  for each row execute function routines.trigger_function();
\endif
