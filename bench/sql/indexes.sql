-- indexes: a table whose indexes take longer than its rows.
-- :rows     rows
set client_min_messages = warning;
create table articles (
    id bigint not null,
    author text collate "en-x-icu" not null,
    title text collate "en-x-icu" not null,
    slug text collate "en-x-icu" not null,
    tags text[] not null,
    attributes jsonb not null,
    search tsvector not null,
    area box not null,
    valid daterange not null
);
insert into articles
select n, md5((n % 10000)::text) || ' writer', 'On the matter of ' || md5(n::text), md5((n * 7)::text),
       array['tag ' || n % 97, 'tag ' || n % 1009, 'tag ' || n % 10007],
       jsonb_build_object('kind', n % 11, 'topic', md5((n % 5000)::text)),
       to_tsvector('simple', concat_ws(' ', md5((n % 3001)::text), md5((n % 7001)::text),
                                       md5((n % 90001)::text), 'word' || n % 401)),
       box(point(n % 1000, n / 1000), point(n % 1000 + 1, n / 1000 + 1)),
       daterange(date '2020-01-01' + (n % 3000)::integer, date '2020-01-11' + (n % 3000)::integer)
  from generate_series(1, :rows) n;
alter table articles add primary key (id);
create unique index on articles (slug);
create index on articles (title);
create index on articles (author, title);
create index on articles (lower(title));
create index on articles using gin (tags);
create index on articles using gin (attributes jsonb_path_ops);
create index on articles using gin (search);
create index on articles using gist (area);
create index on articles using gist (valid);
