-- publications: publications, without what they publish.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
select 'publication', null, pg_catalog.quote_ident(b.pubname), p.property, p.value
  from pg_catalog.pg_publication b
       cross join lateral pg_catalog.to_jsonb(b) newer (b)
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(b.pubowner)::text),
         ('tables', case when b.puballtables then 'all' else 'listed' end),
         ('publishes', pg_catalog.concat_ws(', ', case when b.pubinsert then 'insert' end,
            case when b.pubupdate then 'update' end, case when b.pubdelete then 'delete' end,
            case when newer.b ->> 'pubtruncate' = 'true' and $1::int >= 110000
                 then 'truncate' end)),
         ('via partition root', case newer.b ->> 'pubviaroot' when 'true' then 'yes' end),
         ('generated columns', nullif(newer.b ->> 'pubgencols', 'n')),
         ('comment', pg_catalog.obj_description(b.oid, 'pg_publication'))
       ) p (property, value)
 where p.value is not null
