-- Large objects: empty, of some megabytes, with holes, with owners, privileges and comments.

select lo_create(4711), lo_from_bytea(4712, 'small'), lo_from_bytea(4713, '\x00ff5c0a'),
       lo_from_bytea(4294967295, 'the last number')
\g /dev/null
-- Some megabytes that do not compress, longer than a whole number of pages.
select lo_from_bytea(5000, string_agg(decode(md5(i::text), 'hex'), null order by i) || 'end')
  from generate_series(1, 200000) i
\g /dev/null
-- A hole of a megabyte takes no space, and reads as zeros.
select lo_from_bytea(5001, 'begin'), lo_put(5001, 1048576, 'after the hole') \g /dev/null
select lo_from_bytea(6000 + i, repeat('object ' || i, i)::bytea) from generate_series(1, 100) i \g /dev/null

alter large object 4712 owner to "torture ""owner""";
alter large object 4713 owner to torture_plain;
grant select, update on large object 4712 to "torture 'reader'; --" with grant option;
grant select on large object 4713, 5000 to public;
revoke all on large object 5001 from postgres;
