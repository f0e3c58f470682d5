-- operators: operators, operator classes and operator families.
-- returns   class, parent, identity, property, value
select 'operator', null,
       pg_catalog.format('%I.%s(%s, %s)', n.nspname, o.oprname,
                         case when o.oprleft = 0 then 'none'
                              else pg_catalog.format_type(o.oprleft, null) end,
                         case when o.oprright = 0 then 'none'
                              else pg_catalog.format_type(o.oprright, null) end),
       p.property, p.value
  from pg_catalog.pg_operator o
       join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(o.oprowner)::text),
         ('function', o.oprcode::text),
         ('returns', pg_catalog.format_type(nullif(o.oprresult, 0), null)),
         ('commutator', case when o.oprcom <> 0 then o.oprcom::regoperator::text end),
         ('negator', case when o.oprnegate <> 0 then o.oprnegate::regoperator::text end),
         ('restriction estimator', nullif(o.oprrest::text, '-')),
         ('join estimator', nullif(o.oprjoin::text, '-')),
         ('merges', case when o.oprcanmerge then 'yes' end),
         ('hashes', case when o.oprcanhash then 'yes' end),
         ('comment', pg_catalog.obj_description(o.oid, 'pg_operator'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
            and e.objid = o.oid and e.deptype = 'e')
union all
select 'operator class', null,
       pg_catalog.format('%I.%I using %I', n.nspname, o.opcname, am.amname), p.property, p.value
  from pg_catalog.pg_opclass o
       join pg_catalog.pg_namespace n on n.oid = o.opcnamespace
       join pg_catalog.pg_am am on am.oid = o.opcmethod
       join pg_catalog.pg_opfamily f on f.oid = o.opcfamily
       join pg_catalog.pg_namespace fn on fn.oid = f.opfnamespace
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(o.opcowner)::text),
         ('type', pg_catalog.format_type(o.opcintype, null)),
         ('family', pg_catalog.format('%I.%I', fn.nspname, f.opfname)),
         ('default', case when o.opcdefault then 'yes' end),
         ('storage', pg_catalog.format_type(nullif(o.opckeytype, 0), null)),
         ('comment', pg_catalog.obj_description(o.oid, 'pg_opclass'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass
            and e.objid = o.oid and e.deptype = 'e')
union all
select 'operator family', null,
       pg_catalog.format('%I.%I using %I', n.nspname, f.opfname, am.amname), p.property, p.value
  from pg_catalog.pg_opfamily f
       join pg_catalog.pg_namespace n on n.oid = f.opfnamespace
       join pg_catalog.pg_am am on am.oid = f.opfmethod
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(f.opfowner)::text),
         ('operators',
          (select pg_catalog.string_agg(
                    pg_catalog.concat_ws(' ', o.amopstrategy, o.amopopr::regoperator,
                      case when o.amoppurpose = 'o' then 'for order by' end,
                      case when o.amopsortfamily <> 0 then
                        (select pg_catalog.format('%I.%I', sn.nspname, s.opfname)
                           from pg_catalog.pg_opfamily s
                                join pg_catalog.pg_namespace sn on sn.oid = s.opfnamespace
                          where s.oid = o.amopsortfamily) end),
                    E'\n' order by o.amopstrategy, o.amopopr::regoperator::text collate "C")
             from pg_catalog.pg_amop o
            where o.amopfamily = f.oid)),
         ('functions',
          (select pg_catalog.string_agg(
                    pg_catalog.format('%s (%s, %s) %s', a.amprocnum,
                                      pg_catalog.format_type(a.amproclefttype, null),
                                      pg_catalog.format_type(a.amprocrighttype, null),
                                      a.amproc::oid::regprocedure),
                    E'\n' order by a.amprocnum, a.amproc::oid::regprocedure::text collate "C",
                                   pg_catalog.format_type(a.amproclefttype, null) collate "C")
             from pg_catalog.pg_amproc a
            where a.amprocfamily = f.oid)),
         ('comment', pg_catalog.obj_description(f.oid, 'pg_opfamily'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass
            and e.objid = f.oid and e.deptype = 'e')
