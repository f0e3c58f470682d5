-- toast: bytea of all sizes. Uncompressed, so that the bytes that are moved are the bytes that are there.
-- :inline :pictures :notes :archives   rows of each table
set client_min_messages = warning;
create table inline (id integer primary key, content bytea not null);
insert into inline select n, decode(repeat(md5(n::text), 8), 'hex') from generate_series(1, :inline) n;

create table pictures (id integer primary key, content bytea not null);
alter table pictures alter content set storage external;
insert into pictures select n, decode(repeat(md5(n::text), 625), 'hex')
  from generate_series(1, :pictures) n;

create table notes (id integer primary key, body text not null);
insert into notes select n, string_agg(md5((n * m)::text), ' ')
  from generate_series(1, :notes) n, generate_series(1, 120) m group by n;

-- One page of heap; all the rest of it is TOAST.
create table archives (id integer primary key, content bytea not null);
alter table archives alter content set storage external;
insert into archives select n, decode(repeat(md5(n::text), 524288), 'hex')
  from generate_series(1, :archives) n;
