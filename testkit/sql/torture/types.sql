-- Types of our own: enums, domains, composites, ranges, a base type, a shell type.

create type types.mood as enum ('sad', 'it''s', '', 'a "label"', E'two\nlines', 'back\slash', '漢字',
                                'comma, {brace}', 'NULL');
-- A label that was put between others later has a sort order that is no integer.
alter type types.mood add value 'between' before 'it''s';
create type types."Enum With Spaces" as enum ('one', 'Two');
create type types.no_labels as enum ();

create domain types.positive as integer default 1 constraint "is positive" check (value > 0);
create domain types.short_text as varchar(40) collate "C" not null default 'x';
create domain types.domain_on_domain as types.positive check (value < 1000000);
create domain types.mood_domain as types.mood check (value <> 'sad');
create domain types.int_list as integer[] check (array_length(value, 1) < 100);
create domain types.class_name as regclass;
create domain types.unvalidated as integer;

create type types.pair as (a integer, b text);
create type types."Nested ""pair""" as (
  "a b" types.pair,
  list types.pair[],
  mood types.mood,
  amount types.positive,
  "class" regclass
);
create type types.no_attributes as ();
create type types.with_collation as (word text collate "C");

create type types.text_range as range (subtype = text, collation = "C");
create type types.float_range as range (subtype = float8, subtype_diff = float8mi);
create type types.pair_range as range (subtype = types.pair);

-- A base type made from the input and output functions of another one.
create type types.label;
create function types.label_in(cstring) returns types.label
  language internal immutable strict as 'textin';
create function types.label_out(types.label) returns cstring
  language internal immutable strict as 'textout';
create type types.label (
  input = types.label_in, output = types.label_out, like = text, category = 'S', delimiter = ';'
);
create type types.shell_only;

select exists (select from pg_collation where collname = 'und-x-icu') as has_icu
\gset
\if :has_icu
create collation types."Case Insensitive" (
  provider = icu, locale = 'und-u-ks-level2', deterministic = false
);
\else
create collation types."Case Insensitive" from "C";
\endif
create collation types.posix from "C";
