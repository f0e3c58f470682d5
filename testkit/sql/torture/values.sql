-- A table for each type that a column can have, with ordinary and with strange values, and one
-- table with a column of each.

create temporary table value_list (type text, value text);

insert into value_list
select type, unnest(list) from (values
  ('boolean', array['t', 'f']),
  ('bytea', array['', '\x00', E'\\x0a5c2e0a0d09', '\xdeadbeef']),
  ('"char"', array['a', '', '\', '''']),
  ('name', array['name', '', 'with "quotes" and spaces']),
  ('bigint', array['0', '-9223372036854775808', '9223372036854775807']),
  ('smallint', array['0', '-32768', '32767']),
  ('integer', array['0', '-2147483648', '2147483647']),
  ('int2vector', array['', '1 2 3']),
  ('oidvector', array['', '1 4294967295']),
  ('text', array['', ' ', 'NULL', 'null', '\N', '\.', E'\\.\n', E'a\n\\.\nb', E'tab\tcr\rlf\nend',
                 E'\x01\x02\x03\x07\x08\x0b\x0c\x1b\x7f', '\', '\\', '\x41', E'quote '' " `',
                 'ünï¢ødé 漢字 😀', E'\u200b\ufeff', '$1 $$ %s %n', '{a,"b"}', '(a,"b")', E'\n']),
  ('varchar', array['', 'word', E'two\nlines']),
  ('varchar(5)', array['', 'five5', '漢字漢字漢']),
  ('char(5)', array['', 'a', 'a b', 'five5']),
  ('bpchar', array['', 'a  ']),
  ('oid', array['0', '4294967295']),
  ('tid', array['(0,0)', '(4294967295,65535)']),
  ('xid', array['0', '4294967295']),
  ('xid8', array['0', '18446744073709551615']),
  ('cid', array['0', '4294967295']),
  ('json', array['null', '{"a": 1,  "a" : [true, "\u00e9 \\ \n", 1e400]}', '""', ' [ ] ']),
  ('jsonb', array['null', '{"a": {"b": [1.50, null, "\u00e9\"\\"]}}', '""', '-0.0e-10', '[]']),
  ('jsonpath', array['$', 'strict $."a b"[*] ? (@ > 1 && @.x like_regex "^a" flag "i")']),
  ('xml', array['<a b="c">d&amp;</a>', 'text only', '<?xml version="1.0"?><a/>']),
  ('point', array['(0,0)', '(-1.5e300,4.9e-324)', '(NaN,Infinity)']),
  ('lseg', array['[(0,0),(1,1)]']),
  ('path', array['((0,0),(1,1),(2,0))', '[(0,0),(1,1)]']),
  ('box', array['(1,1),(0,0)']),
  ('polygon', array['((0,0),(1,1),(2,0))']),
  ('line', array['{1,-1,0.1}']),
  ('circle', array['<(0,0),1.1>', '<(0,0),0>']),
  ('real', array['0', '-0', '1e-45', '3.4028235e38', 'NaN', 'Infinity', '-Infinity', '0.1']),
  ('double precision', array['0', '-0', '4.9e-324', '1.7976931348623157e308', 'NaN', 'Infinity',
                             '-Infinity', '0.1', '0.30000000000000004']),
  ('money', array['0', '-92233720368547758.08', '92233720368547758.07']),
  ('numeric', array['0', '-0.000', '1.50', 'NaN', '1e-16383', '123456789012345678901234567890.12',
                    repeat('9', 3000), '-' || repeat('9', 500) || '.' || repeat('1', 500)]),
  ('numeric(10,2)', array['12345678.90', 'NaN', '-0.01']),
  ('macaddr', array['08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff']),
  ('macaddr8', array['08:00:2b:01:02:03:04:05']),
  ('inet', array['127.0.0.1', '10.1.2.3/8', '::1', 'fe80::1/64', '0.0.0.0/0']),
  ('cidr', array['10.0.0.0/8', '2001:db8::/32', '::/0']),
  ('date', array['4714-11-24 BC', '0001-01-01', '5874897-12-31', 'infinity', '-infinity',
                 '2000-02-29']),
  ('time', array['00:00', '24:00:00', '23:59:59.999999']),
  ('time(3)', array['12:34:56.789']),
  ('timetz', array['00:00+15:59:59', '24:00:00-15:59', '23:59:59.999999+00']),
  ('timestamp', array['4714-11-24 00:00 BC', '294276-12-31 23:59:59.999999', 'infinity',
                      '-infinity', '0001-12-31 23:59:59.000001 BC']),
  ('timestamptz', array['4714-11-24 00:00+00 BC', '294276-12-31 23:59:59.999999+00', 'infinity',
                        '-infinity', '2024-03-31 02:30:00+01']),
  ('timestamptz(0)', array['2024-03-31 02:30:00+01']),
  ('interval', array['0', '178000000 years', '-178000000 years', '1 mon -1 day 00:00:00.000001',
                     '-1 mon +1 day -24:00:00']),
  ('interval year to month', array['3 years 4 months']),
  ('interval second(2)', array['12.34']),
  ('bit(1)', array['0', '1']),
  ('bit(12)', array['101010101010']),
  ('varbit', array['', '1', '101010101']),
  ('uuid', array['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']),
  ('pg_lsn', array['0/0', 'FFFFFFFF/FFFFFFFF']),
  ('tsvector', array['', 'a:1A,2B ''it''''s'':3 ''back\\slash'':16383C']),
  ('tsquery', array['', '''it''''s'':AB & !b:* <2> c | d']),
  ('txid_snapshot', array['10:20:10,14,15']),
  ('pg_snapshot', array['10:20:10,14,15']),
  ('refcursor', array['', 'my "cursor"']),
  ('int4range', array['empty', '(,)', '[1,10)', '[,5]']),
  ('int8range', array['empty', '[-9223372036854775808,9223372036854775807)']),
  ('numrange', array['(1.10,2.2]', '[NaN,)']),
  ('daterange', array['[infinity,)', '[2000-01-01,2001-01-01)']),
  ('tsrange', array['["2000-01-01 00:00:00","2001-01-01 00:00:00")', '(-infinity,infinity)']),
  ('tstzrange', array['["2000-01-01 00:00:00+00",)']),
  ('types.text_range', array['["a ""b""","c,d")', '(,"\\")']),
  ('types.float_range', array['[-Infinity,Infinity]']),
  ('types.pair_range', array['["(1,a)","(2,""b c"")")']),
  ('types.positive', array['1', '2147483647']),
  ('types.short_text', array['', 'word']),
  ('types.domain_on_domain', array['999999']),
  ('types.int_list', array['{}', '{1,NULL,3}', '[5:6]={1,2}']),
  ('types.label', array['', 'a label; with semicolon']),
  ('types.pair', array['(,)', '(1,)', '(2,"a ""b"" \\ ")', '(3,NULL)']),
  ('types."Nested ""pair"""',
   array['(,,,,)', '("(1,x)","{""(2,y)"",NULL}",sad,5,pg_catalog.pg_class)']),
  ('types.no_attributes', array['()']),
  ('types.with_collation', array['(b)']),
  -- These are numbers inside, and the numbers are others on the target: only names are the same.
  ('regclass', array['-', 'pg_catalog.pg_class', 'types.pair']),
  ('types.class_name', array['types."Nested ""pair"""']),
  ('regtype', array['-', 'integer', 'types.mood', 'types.pair[]']),
  ('regproc', array['-', 'pg_catalog.now', 'types.label_in']),
  ('regprocedure', array['-', 'pg_catalog.abs(integer)', 'types.label_out(types.label)']),
  ('regoper', array['0', 'pg_catalog.||/']),
  ('regoperator', array['0', 'pg_catalog.+(integer,integer)']),
  ('regrole', array['-', '"torture ""owner"""', 'postgres']),
  ('regnamespace', array['-', 'types', '"empty schema"']),
  ('regcollation', array['-', 'types."Case Insensitive"', '"C"']),
  ('regconfig', array['-', 'pg_catalog.simple']),
  ('regdictionary', array['-', 'pg_catalog.simple']),
  ('aclitem', array['=r/postgres', '"torture ''reader''; --"=r*w/"torture ""owner"""']),
  ('extensions.hstore', array['', '"a b"=>"c\\d", n=>NULL']),
  ('extensions.citext', array['', 'MiXeD']),
  ('extensions.ltree', array['', 'Top.Science.Astronomy']),
  ('extensions.lquery', array['Top.*{1,2}.!a|b@*']),
  ('extensions.ltxtquery', array['Europe & Russia*@ & !Transportation']),
  ('extensions.cube', array['(1,2),(3,4)']),
  ('extensions.seg', array['1.50 .. 2.5', '<0.1']),
  ('extensions.isbn13', array['978-0-11-000533-1']),
  ('extensions.lo', array['4711'])
) as listed (type, list)
where to_regtype(regexp_replace(type, '\(.*\)|second.*|year to.*', '')) is not null;

insert into value_list select 'types.mood', unnest(enum_range(null::types.mood))::text;
insert into value_list select 'types.mood_domain', unnest(enum_range('it''s'::types.mood, null))::text;
insert into value_list values
  ('bytea', (select string_agg(set_byte('\x00', 0, i), null order by i)::text
               from generate_series(0, 255) i)),
  -- Does not compress, and is stored out of line.
  ('bytea', (select string_agg(decode(md5(i::text), 'hex'), null order by i)::text
               from generate_series(1, 40000) i)),
  ('text', repeat('compresses well ', 100000)),
  ('jsonb', (select jsonb_object_agg('key ' || i, md5(i::text)) from generate_series(1, 2000) i));
\if :pg14
insert into value_list values
  ('numeric', 'Infinity'), ('numeric', '-Infinity'),
  ('int4multirange', '{}'), ('int4multirange', '{[1,3),[5,)}'),
  ('nummultirange', '{(,1.5],[2.5,2.5]}'),
  ('datemultirange', '{[2000-01-01,2001-01-01),[infinity,)}'),
  ('tstzmultirange', '{["2000-01-01 00:00:00+00",)}'),
  ('types.text_multirange', '{["a,b","c}d"),["x",)}');
\endif
\if :pg15
insert into value_list values ('interval', '2562047788:00:54.775807');
\endif
\if :pg17
insert into value_list values ('interval', 'infinity'), ('interval', '-infinity');
\endif

-- Some servers are built without XML.
create function pg_temp.is_supported(type text, value text) returns boolean language plpgsql as $$
begin
  execute format('select %L::%s', value, type);
  return true;
exception when feature_not_supported then
  return false;
end $$;
delete from value_list where not pg_temp.is_supported(type, value);

-- A table for each: values alone, and arrays of them with a null, two dimensions, a lower bound.
select format('create table types.%I (id integer generated always as identity primary key, '
              'value %s, list %2$s[])', 'values of ' || type, type)
  from value_list group by type order by type
\gexec
select format('insert into types.%I (value, list) select %L::%3$s, array[%2$L, null, %2$L]::%3$s[]',
              'values of ' || type, value, type)
  from value_list where type <> 'types.short_text' order by type, value
\gexec
select format('insert into types.%I (value, list) '
              'values (%L, array[[%2$L, %4$L], [%4$L, %2$L]]::%3$s[]), (%4$L, ''{}'')',
              'values of ' || type, min(value), type, max(value))
  from value_list group by type order by type
\gexec
select format('insert into types.%I (value, list) values (null, null), '
              '(%L, array_fill(null::%s, array[2], array[-2]))',
              'values of ' || type, min(value), type)
  from value_list
 where type not in ('types.short_text') group by type order by type
\gexec

select format('create table types.wide (id integer, %s)',
              string_agg(format('%I %s', type, type), ', ' order by type))
  from (select distinct type from value_list) types
\gexec
insert into types.wide (id, "types.short_text") select i, 'x' from generate_series(1, 5) i;
select format('update types.wide set %s where id in (2, 4)',
              string_agg(format('%I = %L', type, value), ', '))
  from (select type, max(value) as value from value_list where length(value) < 1000 group by type) m
\gexec

drop table value_list;

-- A row that no longer satisfies its domain.
create table types.unvalidated_values (value types.unvalidated);
insert into types.unvalidated_values values (-1), (1), (null);
alter domain types.unvalidated add constraint "not yet valid" check (value > 0) not valid;
