-- subscriptions: subscriptions of this database, as far as everybody may read them.
-- returns   class, parent, identity, property, value
select 'subscription', null, pg_catalog.quote_ident(s.subname), p.property, p.value
  from pg_catalog.pg_subscription s
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(s.subowner)::text),
         ('enabled', case when s.subenabled then 'yes' else 'no' end),
         ('publications', (select pg_catalog.string_agg(pg_catalog.quote_ident(name), ', '
                                                        order by name collate "C")
                             from pg_catalog.unnest(s.subpublications) name)),
         ('slot', s.subslotname::text)
       ) p (property, value)
 where p.value is not null
   and s.subdbid = (select oid from pg_catalog.pg_database
                     where datname = pg_catalog.current_database())
