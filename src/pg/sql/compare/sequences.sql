-- sequences: how sequences count, and what owns them.
-- returns   class, parent, identity, property, value
select 'S', null, pg_catalog.format('%I.%I', n.nspname, c.relname), p.property, p.value
  from pg_catalog.pg_sequence s
       join pg_catalog.pg_class c on c.oid = s.seqrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join lateral (values
         ('definition', pg_catalog.format(
            'as %s start %s increment %s minvalue %s maxvalue %s cache %s%s',
            pg_catalog.format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin,
            s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' end)),
         ('owned by',
          (select pg_catalog.format('%I.%I.%I', tn.nspname, t.relname, a.attname)
             from pg_catalog.pg_depend d
                  join pg_catalog.pg_class t on t.oid = d.refobjid
                  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
                  join pg_catalog.pg_attribute a
                    on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
              and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and d.deptype in ('a', 'i')))
       ) p (property, value)
 where p.value is not null
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and e.objid = c.oid and e.deptype = 'e')
