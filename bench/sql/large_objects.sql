-- large_objects: objects of a megabyte.
-- :objects  how many
select count(lo_from_bytea((1000000 + n)::oid, decode(repeat(md5(n::text), 65536), 'hex')))
  from generate_series(1, :objects) n;
