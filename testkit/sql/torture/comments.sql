-- A comment on everything, with what a careless writer stumbles over.

select format('comment on %s is %L', object,
              E'on "' || object || E'":\n  it''s -- a /* comment; $$ with \\ and \t %s and 漢字')
  from (
    select case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
                          when 'm' then 'materialized view' when 'S' then 'sequence'
                          when 'i' then 'index' when 'I' then 'index' when 'f' then 'foreign table'
                          when 'c' then 'type' end || ' ' || c.oid::regclass as object, c.relnamespace
      from pg_class c
    union all
    select format('column %s.%I', c.oid::regclass, a.attname), c.relnamespace
      from pg_class c join pg_attribute a on a.attrelid = c.oid
     where a.attnum between 1 and 20 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select format('constraint %I on %s%s', o.conname, case when o.contypid <> 0 then 'domain ' end,
                  coalesce(nullif(o.conrelid, 0)::regclass::text, o.contypid::regtype::text)),
           o.connamespace
      from pg_constraint o
     -- Older versions of pg_dump write this comment before its constraint.
     where o.convalidated or o.contypid = 0
    union all
    select format('trigger %I on %s', t.tgname, t.tgrelid::regclass), c.relnamespace
      from pg_trigger t join pg_class c on c.oid = t.tgrelid where not t.tgisinternal
    union all
    select format('rule %I on %s', r.rulename, r.ev_class::regclass), c.relnamespace
      from pg_rewrite r join pg_class c on c.oid = r.ev_class where r.rulename <> '_RETURN'
    union all
    select format('policy %I on %s', p.polname, p.polrelid::regclass), c.relnamespace
      from pg_policy p join pg_class c on c.oid = p.polrelid
    union all
    select case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end ||
           ' ' || case when p.proname in ('Ordered Set') then null else p.oid::regprocedure::text end,
           p.pronamespace
      from pg_proc p
    union all
    select case t.typtype when 'd' then 'domain' else 'type' end || ' ' || t.oid::regtype, t.typnamespace
      from pg_type t where t.typtype in ('b', 'd', 'e', 'r', 'm', 'p') and t.typelem = 0
    union all
    select format('operator %s (%s, %s)', o.oid::regoper, coalesce(nullif(o.oprleft, 0)::regtype::text, 'none'),
                  o.oprright::regtype), o.oprnamespace
      from pg_operator o
    union all
    select format('operator class %I.%I using %I', n.nspname, o.opcname, a.amname), n.oid
      from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace join pg_am a on a.oid = o.opcmethod
    union all
    select format('operator family %I.%I using %I', n.nspname, o.opfname, a.amname), n.oid
      from pg_opfamily o join pg_namespace n on n.oid = o.opfnamespace join pg_am a on a.oid = o.opfmethod
    union all
    select format('collation %I.%I', n.nspname, c.collname), n.oid
      from pg_collation c join pg_namespace n on n.oid = c.collnamespace
    union all
    select format('conversion %I.%I', n.nspname, c.conname), n.oid
      from pg_conversion c join pg_namespace n on n.oid = c.connamespace
    union all
    select format('statistics %I.%I', n.nspname, s.stxname), n.oid
      from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
    union all
    select format('text search configuration %s', c.oid::regconfig), c.cfgnamespace from pg_ts_config c
    union all
    select format('text search dictionary %s', d.oid::regdictionary), d.dictnamespace from pg_ts_dict d
    union all
    select format('text search parser %I.%I', n.nspname, p.prsname), n.oid
      from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace
    union all
    select format('text search template %I.%I', n.nspname, t.tmplname), n.oid
      from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace
    union all
    -- Older versions of pg_dump write no comment on the schema that every database has.
    select format('schema %I', nspname), oid from pg_namespace
     where nspname <> 'public' or current_setting('server_version_num')::int >= 150000
  ) as objects join pg_namespace n on n.oid = objects.relnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'extensions')
   and object is not null
 order by object
\gexec

select format('comment on %s is %L', object, 'on ' || object || E':\nit''s \\')
  from (
    select format('extension %I', extname) from pg_extension where extname <> 'plpgsql'
    union all select format('publication %I', pubname) from pg_publication
    union all select format('subscription %I', subname) from pg_subscription
     where subdbid = (select oid from pg_database where datname = current_database())
    union all select format('event trigger %I', evtname) from pg_event_trigger
    union all select format('foreign data wrapper %I', fdwname) from pg_foreign_data_wrapper
     where fdwname ~ 'handler'
    union all select format('server %I', srvname) from pg_foreign_server
    union all select format('access method %I', amname) from pg_am where amname ~ 'second'
    union all select format('language %I', lanname) from pg_language where lanname ~ 'Two'
    union all select format('cast (%s as %s)', castsource::regtype, casttarget::regtype) from pg_cast
     where castsource::regtype::text ~ '^types' or casttarget::regtype::text ~ '^types'
    union all select format('large object %s', oid) from pg_largeobject_metadata where oid::bigint % 2 = 0
  ) as objects (object)
\gexec

-- As a database that lives has them.
analyze;
