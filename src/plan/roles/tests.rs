use super::*;

fn shown(statements: &[RoleStatement]) -> Vec<String> {
    statements.iter().map(|statement| statement.sql().expose_secret().to_owned()).collect()
}

/// As `pg_dumpall --roles-only` writes it.
const DUMP: &str = r#"--
-- PostgreSQL database cluster dump
--

\restrict aBcD

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE "Odd; role";
ALTER ROLE "Odd; role" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:a=$b:c' VALID UNTIL '2030-01-01 00:00:00+00';
COMMENT ON ROLE "Odd; role" IS 'it''s; odd';
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;

--
-- User Configurations
--

--
-- User Config "Odd; role"
--

ALTER ROLE "Odd; role" SET search_path TO 'a', 'b';


--
-- Role memberships
--

GRANT pg_monitor TO "Odd; role" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE GRANTED BY postgres;
GRANT SET ON PARAMETER work_mem TO "Odd; role";

\unrestrict aBcD

--
-- PostgreSQL database cluster dump complete
--

"#;

#[test]
fn a_dump_is_read_and_written() {
    let statements = parse(DUMP);
    assert_eq!(
        shown(&statements),
        [
            "CREATE ROLE \"Odd; role\"",
            "ALTER ROLE \"Odd; role\" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN \
             NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:a=$b:c' \
             VALID UNTIL '2030-01-01 00:00:00+00'",
            "COMMENT ON ROLE \"Odd; role\" IS 'it''s; odd'",
            "CREATE ROLE postgres",
            "ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION \
             BYPASSRLS",
            "ALTER ROLE \"Odd; role\" SET search_path TO 'a', 'b'",
            "GRANT pg_monitor TO \"Odd; role\" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE \
             GRANTED BY postgres",
            "GRANT SET ON PARAMETER work_mem TO \"Odd; role\"",
        ]
    );
    assert!(matches!(statements[5], RoleStatement::Set { .. }));
    assert!(matches!(statements[7], RoleStatement::Other(_)));
    let again = parse(&script(&statements, Script::Whole));
    assert_eq!(shown(&again), shown(&statements));
}

#[test]
fn a_password_is_not_shown() {
    for statement in parse(DUMP) {
        assert!(!statement.to_string().contains("SCRAM"), "{statement}");
        assert!(!format!("{statement:?}").contains("SCRAM"), "{statement:?}");
    }
    let unknown = parse("ALTER ROLE x WITH FUTURE PASSWORD 'secret';");
    assert!(!unknown[0].to_string().contains("secret"));
}

#[test]
fn names_come_back_as_they_were() {
    for name in ["plain", "Mixed", "a\"b", "semi;colon", "back\\slash", "it's", "--", "ünï", "1st"]
    {
        let statements = vec![
            RoleStatement::Create { role: name.into() },
            RoleStatement::Comment { role: name.into(), text: format!("{name}\n\\\\ 'x' ;") },
            RoleStatement::Grant {
                role: name.into(),
                member: format!("{name}2"),
                options: vec![],
                grantor: Some(name.into()),
            },
        ];
        let again = parse(&script(&statements, Script::Whole));
        assert_eq!(shown(&again), shown(&statements));
        assert!(matches!(&again[0], RoleStatement::Create { role } if role == name), "{again:?}");
        assert!(
            matches!(&again[1], RoleStatement::Comment { text, .. } if *text == format!("{name}\n\\\\ 'x' ;")),
            "{again:?}"
        );
    }
}

fn settled(text: &str, version: u32, is_superuser: bool, roles: &[&str]) -> RolePlan {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    settle(parse(text), Server { version, is_superuser, roles: &roles })
}

fn steps(plan: &RolePlan) -> Vec<Vec<String>> {
    plan.steps.iter().map(|step| shown(step)).collect()
}

#[test]
fn a_role_that_exists_keeps_what_it_is_and_gets_its_memberships() {
    let plan = settled(DUMP, 180_000, true, &["postgres", "Odd; role", "pg_monitor"]);
    assert_eq!(plan.existing, ["Odd; role", "postgres"]);
    assert_eq!(
        steps(&plan),
        [
            ["COMMENT ON ROLE \"Odd; role\" IS 'it''s; odd'"],
            ["ALTER ROLE \"Odd; role\" SET search_path TO 'a', 'b'"],
            ["GRANT pg_monitor TO \"Odd; role\" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE \
              GRANTED BY postgres"],
            ["GRANT SET ON PARAMETER work_mem TO \"Odd; role\""],
        ]
    );
}

#[test]
fn an_older_target_gets_what_it_understands() {
    let plan = settled(DUMP, 150_000, true, &["postgres", "Odd; role", "pg_monitor"]);
    assert_eq!(steps(&plan)[2], ["GRANT pg_monitor TO \"Odd; role\" WITH ADMIN OPTION"]);
    assert_eq!(plan.lost, ["the membership of \"Odd; role\" in pg_monitor loses INHERIT FALSE"]);
}

#[test]
fn who_is_no_superuser_asks_for_each_thing_alone() {
    let text = "CREATE ROLE a; ALTER ROLE a WITH SUPERUSER NOINHERIT NOCREATEROLE CREATEDB LOGIN \
                NOREPLICATION BYPASSRLS CONNECTION LIMIT 3 PASSWORD 'x';";
    let plan = settled(text, 160_000, false, &[]);
    assert_eq!(
        steps(&plan),
        [[
            "CREATE ROLE a",
            "ALTER ROLE a WITH NOINHERIT LOGIN CONNECTION LIMIT 3",
            "ALTER ROLE a WITH SUPERUSER",
            "ALTER ROLE a WITH CREATEDB",
            "ALTER ROLE a WITH BYPASSRLS",
            "ALTER ROLE a WITH PASSWORD 'x'",
        ]]
    );
}

#[test]
fn roles_of_a_service_are_left_alone() {
    let text =
        "CREATE ROLE rdsadmin; ALTER ROLE rdsadmin WITH SUPERUSER; CREATE ROLE rds_superuser;
                CREATE ROLE azure_pg_admin; CREATE ROLE cloudsqlsuperuser; CREATE ROLE rds;
                CREATE ROLE pg_own; GRANT rds_superuser TO me; GRANT me TO rdsadmin;
                GRANT cloudsqlsuperuser TO me; ALTER ROLE rdsadmin SET work_mem TO '1MB';";
    let plan = settled(text, 160_000, false, &["cloudsqlsuperuser"]);
    assert_eq!(
        plan.reserved,
        ["azure_pg_admin", "cloudsqlsuperuser", "pg_own", "rds_superuser", "rdsadmin"]
    );
    assert_eq!(steps(&plan), [["CREATE ROLE rds"], ["GRANT cloudsqlsuperuser TO me"]]);
    assert_eq!(plan.lost, ["me is no member of rds_superuser, which is not there"]);
}
