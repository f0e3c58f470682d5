-- Sequences that count in every way, and in every state.

create sequence torture.never_used;
create sequence torture.used_once;
select nextval('torture.used_once') \g /dev/null
create sequence torture.negative increment -3 minvalue -1000 maxvalue -1 start -10;
select nextval('torture.negative') from generate_series(1, 4) \g /dev/null
create sequence torture.small as smallint maxvalue 100 cycle cache 20;
select nextval('torture.small') from generate_series(1, 105) \g /dev/null
create sequence torture.at_the_end start 9223372036854775807 minvalue 1;
select nextval('torture.at_the_end') \g /dev/null
create sequence torture.set_not_called;
select setval('torture.set_not_called', 500, false) \g /dev/null
create sequence torture.owned_by_column owned by torture.plain.id;
select setval('torture.owned_by_column', 123456789012) \g /dev/null
create sequence torture."Sequence of ""owner"" \ 'x'";
alter sequence torture."Sequence of ""owner"" \ 'x'" owner to torture_plain;
create table torture.uses_sequences (
  a bigint default nextval('torture.used_once'),
  b bigint default nextval('torture."Sequence of ""owner"" \ ''x''"') + nextval('torture.negative')
);
insert into torture.uses_sequences select from generate_series(1, 5);
\if :pg15
create unlogged sequence torture.unlogged_sequence;
select nextval('torture.unlogged_sequence') \g /dev/null
\endif
