//! Roles from one server to another.

use std::os::unix::fs::PermissionsExt;

use pgcopydb_testkit::{Cluster, Output, Pair, Version};

use crate::support::pgcopydb;

const ROLES: &str = "
    create role \"Odd; 'role'\" login password 'first' valid until '2040-01-01 00:00:00+00'
        connection limit 7;
    create role parent createdb createrole;
    create role child login noinherit;
    create role powerful superuser replication bypassrls;
    create role shared login password 'of the source';
    grant parent to child with admin option;
    grant parent to \"Odd; 'role'\";
    grant pg_monitor to parent;
    grant child to shared;
    alter role child set search_path to 'a', \"B c\";
    alter role child set work_mem to '13MB';
    alter role \"Odd; 'role'\" set application_name to 'it''s me';
    comment on role parent is 'all of them; and ''more''';";

/// What roles are, but for what `shared` is.
const FACTS: &str = "
    select string_agg(fact, E'\\n' order by fact) from (
      select format('%s %s %s %s %s %s %s %s %s %s %s', rolname, rolsuper, rolinherit, rolcreaterole,
                    rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
                    rolvaliduntil at time zone 'UTC', rolpassword) as fact
        from pg_authid where rolname !~ '^pg_' and rolname not in ('shared', 'postgres')
      union all
      select format('%s in %s %s', m.rolname, g.rolname, a.admin_option)
        from pg_auth_members a join pg_authid g on g.oid = a.roleid
             join pg_authid m on m.oid = a.member
       where m.rolname !~ '^pg_'
      union all
      select format('%s %s', r.rolname, s.setconfig)
        from pg_db_role_setting s join pg_authid r on r.oid = s.setrole where s.setdatabase = 0
      union all
      select format('%s %s', rolname, shobj_description(oid, 'pg_authid')) from pg_authid
       where rolname !~ '^pg_' and shobj_description(oid, 'pg_authid') is not null) f";

fn run(pair: &Pair, line: &str) -> Output {
    pgcopydb(pair).args(line.split_whitespace()).run()
}

fn assert_same_roles(pair: &Pair) {
    assert_eq!(pair.target.value(FACTS), pair.source.value(FACTS));
}

#[test]
fn roles_arrive_with_all_they_are() {
    let logging = Cluster::builder().setting("log_statement", "all");
    let pair = Pair::built(Cluster::builder(), logging);
    pair.source.sql(ROLES);
    pair.target.sql("create role shared nologin password 'of the target'");
    pair.target.sql("drop role if exists nobody");
    let password = "select rolpassword from pg_authid where rolname = 'shared'";
    let before = pair.target.value(password);
    let output = run(&pair, "copy roles");
    output.assert_success().assert_stderr_has("made 4 roles");
    output.assert_stderr_has("keep their attributes and passwords: postgres, shared");
    assert_same_roles(&pair);
    assert_eq!(pair.target.value(password), before);
    let file = pair.directory().join("pgcopydb/schema/roles.sql");
    let text = std::fs::read_to_string(file).unwrap();
    let log = pair.target.cluster().log();
    for text in [&output.stderr, &text, &log] {
        assert!(!text.contains("SCRAM"), "{text}");
    }
    assert!(log.contains("drop role if exists nobody"), "{log}");
    // Once more changes nothing.
    run(&pair, "copy roles").assert_success().assert_stderr_has("made 0 roles");
    assert_same_roles(&pair);
}

#[test]
fn roles_are_dumped_for_their_owner_and_restored_from_there() {
    let pair = Pair::start();
    pair.source.sql(ROLES);
    run(&pair, "dump roles").assert_success();
    let file = pair.directory().join("pgcopydb/schema/roles.sql");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("SCRAM-SHA-256$"), "{text}");
    run(&pair, "restore roles").assert_success();
    assert_same_roles(&pair);

    run(&pair, "dump roles --no-role-passwords").assert_success();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("PASSWORD"), "{text}");
    let nowhere = run(&pair, "restore roles --dir nowhere");
    nowhere.assert_code(12).assert_stderr_has("does not exist");
    std::fs::remove_file(file).unwrap();
    run(&pair, "restore roles").assert_code(3).assert_stderr_has("there is no dump of roles");
}

#[test]
fn what_pg_dumpall_writes_is_restored() {
    let pair = Pair::start();
    pair.source.sql(ROLES);
    run(&pair, "dump roles").assert_success();
    let file = pair.directory().join("pgcopydb/schema/roles.sql");
    let dump = pgcopydb_testkit::Program::new(pair.newer_version().program("pg_dumpall"));
    let dump = dump.args(["--roles-only", "--dbname", &pair.source.uri()]).run();
    dump.assert_success();
    std::fs::write(&file, dump.stdout).unwrap();
    run(&pair, "restore roles").assert_success();
    assert_same_roles(&pair);
}

#[test]
fn a_clone_brings_the_roles_that_its_objects_need() {
    let pair = Pair::start();
    pair.source.sql(ROLES);
    pair.source.sql(
        "create table t (a int); alter table t owner to \"Odd; 'role'\"; grant select on t to parent;
         insert into t values (1);
         alter database source_db set search_path to 'a', \"B c\", 'd';
         alter role child in database source_db set search_path to \"x, y\", 'z'",
    );
    run(&pair, "clone").assert_code(7).assert_stderr_has("lacks roles");
    run(&pair, "clone --roles --restart").assert_success();
    assert_same_roles(&pair);
    pair.assert_same();
    let settings =
        "select string_agg(setconfig::text, '; ' order by setrole) from pg_db_role_setting
                     where setdatabase <> 0";
    assert_eq!(pair.target.value(settings), pair.source.value(settings));
}

#[test]
fn who_may_not_do_everything_does_what_they_may_and_lists_the_rest() {
    let pair = Pair::start();
    pair.source.sql(ROLES);
    pair.source.sql(
        "create role rdsadmin superuser; create role rds_superuser; grant rds_superuser to child",
    );
    pair.source.sql("create role reader login");
    pair.target.sql("create role admin login createrole createdb");
    let [source, target] = [(&pair.source, "reader"), (&pair.target, "admin")]
        .map(|(side, role)| side.uri().replace("postgres@", &format!("{role}@")));
    let output = pgcopydb(&pair)
        .env("PGCOPYDB_SOURCE_PGURI", source)
        .env("PGCOPYDB_TARGET_PGURI", target)
        .args(["copy", "roles"])
        .run();
    output.assert_success();
    output.assert_stderr_has("passwords of roles are left out");
    output.assert_stderr_has("left alone: rds_superuser, rdsadmin");
    output.assert_stderr_has("the target refused ALTER ROLE powerful WITH SUPERUSER: ");
    output.assert_stderr_has("child is no member of rds_superuser, which is not there");
    let facts = "select string_agg(format('%s %s %s %s', rolname, rolcanlogin, rolcreatedb, rolconnlimit), ', '
                        order by rolname) from pg_roles where rolname !~ '^pg_'";
    assert_eq!(
        pair.target.value(facts),
        "Odd; 'role' t f 7, admin t t -1, child t f -1, parent f t -1, postgres t t -1, \
         powerful f f -1, reader t f -1, shared t f -1"
    );
    assert_eq!(pair.target.value("select pg_has_role('shared', 'parent', 'member')"), "t");
}

#[test]
fn memberships_have_the_options_of_newer_servers() {
    let newest = Version::newest();
    if newest.major() < 16 {
        return;
    }
    let pair = Pair::of_versions(&newest, &newest);
    pair.source.sql(
        "create role parent; create role first createrole; create role second; create role third;
         grant parent to first with admin true, inherit false, set true;
         set role first;
         grant parent to second with inherit true, set false granted by first;
         reset role;
         grant parent to third with inherit false;
         grant set on parameter work_mem to third with grant option;
         grant alter system on parameter \"custom.Thing\" to second;",
    );
    run(&pair, "copy roles").assert_success();
    let facts =
        "select string_agg(format('%s %s %s %s %s %s', g.rolname, m.rolname, a.admin_option,
                          a.inherit_option, a.set_option, b.rolname), ', ' order by 1)
                   from pg_auth_members a join pg_roles g on g.oid = a.roleid
                        join pg_roles m on m.oid = a.member join pg_roles b on b.oid = a.grantor
                  where g.rolname !~ '^pg_'
                 union all
                 select string_agg(format('%s %s', parname, paracl), ', ' order by parname)
                   from pg_parameter_acl";
    assert_eq!(pair.target.sql(facts), pair.source.sql(facts));
}
