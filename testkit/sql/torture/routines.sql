-- Functions in every style, procedures, aggregates, operators, casts, text search, conversions.

create function routines.plain(a integer, b text default E'it''s\n\\ a "default"') returns integer
  language sql immutable parallel safe cost 12.5 as 'select a';
create function routines.dollars(inout text text, variadic numbers integer[] default '{}')
  language plpgsql volatile as $torture$
declare
  /* A comment with ' and ; and $$ in it, and a line that looks like the end of COPY data:
\.
  */
  inner_text text := $$it's $1$$;
begin
  text := text || inner_text || E'\\' || array_length(numbers, 1);
end
$torture$;
create function routines.overloaded(integer) returns text language sql as $$select 'integer'$$;
create function routines.overloaded(text) returns text language sql as $$select 'text'$$;
create function routines.overloaded() returns text language sql as $$select 'nothing'$$;
create function routines."Set Returning %s"("in" integer)
  returns table ("out a" integer, "out b" types.mood)
  language sql stable rows 7 as 'select "in", ''sad''::types.mood';
create function routines.with_settings() returns text
  language plpgsql security definer leakproof strict
  set search_path to pg_catalog, "empty schema", pg_temp
  set "work_mem" to '5MB' set datestyle to 'ISO, MDY' set timezone from current
  as $$ begin return current_setting('search_path'); end $$;
alter function routines.with_settings() owner to "torture ""owner""";
create function routines.polymorphic(anycompatible, anycompatiblearray) returns anycompatible
  language sql immutable as 'select $1';
create function routines.takes_row(types.pair) returns text language sql immutable
  as 'select $1.b';

create procedure routines.procedure(inout a integer, b types.pair default row(1, 'x'))
  language plpgsql as $$ begin a := a + b.a; commit; end $$;
create function routines.trigger_function() returns trigger language plpgsql as $$
begin
  -- Whoever lets this run while rows are copied changes them.
  if tg_level = 'ROW' and tg_op in ('INSERT', 'UPDATE') then
    new.note := coalesce(new.note, '') || ' changed by ' || tg_name;
    return new;
  end if;
  return coalesce(new, old);
end $$;
create function routines.event_trigger_function() returns event_trigger language plpgsql
  as $$ begin null; end $$;

\if :pg14
create function routines.atomic(a integer) returns integer language sql
begin atomic
  select a + 1;
  select count(*)::integer from types.wide w where w.id < a;
end;
create function routines.returns_expression(a integer) returns text
  language sql immutable return 'a;' || a || routines.plain(a, 'x');
create procedure routines.with_out(a integer, out b integer) language sql
  begin atomic select a; end;
\endif

create aggregate routines.sum_of_squares(integer) (
  sfunc = int4pl, stype = integer, initcond = '0', combinefunc = int4pl, parallel = safe
);
create function routines.final_text(text[], double precision) returns text
  language sql immutable as 'select array_to_string($1, '','') || $2';
create aggregate routines."Ordered Set"(double precision order by text) (
  sfunc = array_append, stype = text[], finalfunc = routines.final_text
);
create aggregate routines.moving(integer) (
  sfunc = int4pl, stype = integer, msfunc = int4pl, minvfunc = int4mi, mstype = integer,
  minitcond = '0'
);

create function routines.pair_equal(types.pair, types.pair) returns boolean
  language sql immutable as 'select $1.a = $2.a';
create function routines.pair_different(types.pair, types.pair) returns boolean
  language sql immutable as 'select $1.a <> $2.a';
create operator routines.=== (
  leftarg = types.pair, rightarg = types.pair, function = routines.pair_equal,
  commutator = operator(routines.===), negator = operator(routines.!==),
  restrict = eqsel, join = eqjoinsel, hashes, merges
);
create operator routines.!== (
  leftarg = types.pair, rightarg = types.pair, function = routines.pair_different,
  commutator = operator(routines.!==), negator = operator(routines.===)
);
create operator routines.@#@ (rightarg = integer, function = int4um);

create operator family routines."Family \ of %s" using btree;
create function routines.reverse_compare(integer, integer) returns integer
  language sql immutable parallel safe as 'select pg_catalog.btint4cmp($2, $1)';
create operator class routines.reverse_order for type integer using btree
  family routines."Family \ of %s" as
  operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <,
  function 1 routines.reverse_compare(integer, integer);
alter operator family routines."Family \ of %s" using btree add
  function 1 (bigint, bigint) btint8cmp(bigint, bigint);

create cast (types.pair as text) with function routines.takes_row(types.pair) as assignment;
create cast (types.label as integer) with inout;
create cast (integer as types.label) with inout as implicit;

create text search dictionary routines."Dictionary 'of'" (
  template = pg_catalog.simple, stopwords = 'english', accept = false
);
create text search configuration routines.search (copy = pg_catalog.english);
alter text search configuration routines.search
  alter mapping for asciiword, word with routines."Dictionary 'of'", pg_catalog.simple;
create text search parser routines.parser (
  start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype
);
create text search template routines.template (init = dsimple_init, lexize = dsimple_lexize);

create conversion routines.conversion for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create default conversion routines.default_conversion for 'LATIN2' to 'UTF8' from iso8859_to_utf8;

create access method second_heap type table handler heap_tableam_handler;
create access method second_btree type index handler bthandler;
create operator class routines.second_order default for type integer using second_btree as
  operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
  function 1 btint4cmp(integer, integer);

create function routines.call_handler() returns language_handler
  language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function routines.inline_handler(internal) returns void
  language c strict as '$libdir/plpgsql', 'plpgsql_inline_handler';
create trusted language "plpgsql Two" handler routines.call_handler
  inline routines.inline_handler;
create function routines.in_second_language() returns integer language "plpgsql Two"
  as $$ begin return 2; end $$;
