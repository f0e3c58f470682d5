-- create_ledger: where a run records its steps on the target, dropped when all is done.
begin;
create schema if not exists pgcopydb;
create table if not exists pgcopydb.run (
  only_one boolean not null default true primary key check (only_one),
  id text not null,
  detail text not null
);
create table if not exists pgcopydb.step (
  key text not null primary key,
  done_at timestamptz not null default pg_catalog.clock_timestamp()
);
-- Empty as soon as the server has crashed: what else is unlogged is empty then as well.
create unlogged table if not exists pgcopydb.canary (
  only_one boolean not null default true primary key check (only_one)
);
commit;
