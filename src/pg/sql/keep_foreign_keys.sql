-- keep_foreign_keys: where the target remembers foreign keys that are gone while rows are copied.
create table if not exists pgcopydb.foreign_key (
  namespace text not null,
  relation text not null,
  name text not null,
  definition text not null,
  comment text,
  is_validated boolean not null,
  is_partitioned boolean not null,
  primary key (namespace, relation, name)
);
