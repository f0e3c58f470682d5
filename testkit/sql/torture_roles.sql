-- Roles that own and may use what torture.sql makes. Roles belong to the cluster and tests share
-- clusters, so this may run again, and at the same time as itself.
select format('do $do$ begin create role %I %s; '
              'exception when duplicate_object or unique_violation then null; end $do$',
              name, options)
  from (values ('torture "owner"', 'nologin'),
               ('torture ''reader''; --', 'login'),
               ('Torture\Writer %s', 'nologin noinherit'),
               ('torture_plain', 'login')) as role (name, options)
\gexec
