-- subscription_details: what only those may read who may read connection strings, which are shown
--           as a fingerprint.
-- returns   class, parent, identity, property, value
select 'subscription', null, pg_catalog.quote_ident(s.subname), p.property, p.value
  from pg_catalog.pg_subscription s
       -- What is newer than the oldest server that is read is shown when it is not the default.
       cross join lateral pg_catalog.to_jsonb(s) newer (s)
       cross join lateral (values
         ('connection', pg_catalog.format('fingerprint %s', pg_catalog.to_hex(
                                            pg_catalog.hashtext(s.subconninfo)))),
         ('synchronous commit', s.subsynccommit),
         ('binary', nullif(newer.s ->> 'subbinary', 'false')),
         ('streaming', nullif(case newer.s ->> 'substream' when 'true' then 't' when 'false' then 'f'
                              else newer.s ->> 'substream' end, 'f')),
         ('two-phase commit', case when newer.s ->> 'subtwophasestate' in ('p', 'e') then 'yes' end),
         ('disable on error', nullif(newer.s ->> 'subdisableonerr', 'false')),
         ('password', case newer.s ->> 'subpasswordrequired' when 'false' then 'not required' end),
         -- Until 15 they all did.
         ('run as owner', coalesce(newer.s ->> 'subrunasowner', 'true')),
         ('failover', nullif(newer.s ->> 'subfailover', 'false')),
         ('origin', nullif(newer.s ->> 'suborigin', 'any')),
         ('comment', pg_catalog.obj_description(s.oid, 'pg_subscription'))
       ) p (property, value)
 where p.value is not null
   and s.subdbid = (select oid from pg_catalog.pg_database
                     where datname = pg_catalog.current_database())
