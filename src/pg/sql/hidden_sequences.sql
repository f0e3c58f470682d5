-- hidden_sequences: sequences of users whose values our role may not read.
-- returns   namespace, name
select n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   -- The function fails for anything else, and the server may ask it first.
   and case when c.relkind = 'S' then not pg_catalog.has_sequence_privilege(c.oid, 'SELECT') end
 order by c.oid
