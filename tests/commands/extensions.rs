//! Extensions, and tablespaces of other names.

use std::os::unix::fs::PermissionsExt;

use pgcopydb_testkit::{Cluster, Output, Pair, Version};

use crate::support::pgcopydb;

fn run(pair: &Pair, line: &str) -> Output {
    pgcopydb(pair).args(line.split_whitespace()).run()
}

const INSTALLED: &str = "select string_agg(format('%s %s %s', extname, extversion, extnamespace::regnamespace),
                                ', ' order by extname) from pg_extension where extname <> 'plpgsql'";

#[test]
fn extensions_are_made_alone_or_before_a_clone() {
    let pair = Pair::shared();
    pair.source.sql(
        "create schema \"Tools\";
         create extension cube schema \"Tools\";
         create extension earthdistance schema \"Tools\";
         create extension citext;
         create table t (name citext primary key, at \"Tools\".cube); insert into t values ('A', '1')",
    );
    run(&pair, "copy extensions").assert_success();
    assert_eq!(pair.target.value(INSTALLED), pair.source.value(INSTALLED));
    assert_eq!(pair.target.value("select count(*) from pg_class where relname = 't'"), "0");
    assert_eq!(pair.target.value("select to_regnamespace('pgcopydb') is null"), "t");
    run(&pair, "clone --resume --not-consistent").assert_success();
    pair.assert_same();
}

#[test]
fn extensions_are_made_in_the_versions_that_are_required() {
    let pair = Pair::shared();
    pair.source.sql("create extension hstore; create extension citext; create table t (h hstore)");
    let list = run(&pair, "list extensions --requirements --json");
    let mut requirements: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let rows = requirements.as_array_mut().unwrap();
    let hstore = rows.iter_mut().find(|row| row["name"] == "hstore").unwrap();
    assert_ne!(hstore["version"], "1.4");
    hstore["version"] = "1.4".into();
    let file = pair.directory().join("requirements.json");
    std::fs::write(&file, requirements.to_string()).unwrap();
    pair.target.sql("create extension citext version '1.4'");
    let output = pgcopydb(&pair).args(["clone", "--requirements"]).arg(&file).run();
    output.assert_success();
    output.assert_stderr_has("extension citext is on the target already in version 1.4, not 1.6");
    assert_eq!(pair.target.value(INSTALLED), "citext 1.4 public, hstore 1.4 public");

    std::fs::write(&file, "[{}]").unwrap();
    let output = pgcopydb(&pair).args(["clone", "-Q"]).arg(&file).run();
    output.assert_code(1).assert_stderr_has("cannot read the requirements in");
    let missing = run(&pair, "clone --requirements missing.json");
    missing.assert_code(1).assert_stderr_has("cannot read the requirements in \"missing.json\"");
}

#[test]
fn extensions_can_be_left_out() {
    let pair = Pair::shared();
    pair.source.sql(
        "create extension citext; comment on extension citext is 'mine'; create table t (a int)",
    );
    run(&pair, "clone --skip-extensions").assert_success();
    assert_eq!(pair.target.value(INSTALLED), "");
    let other = Pair::shared();
    other.source.sql("create extension citext; comment on extension citext is 'mine'");
    run(&other, "clone --skip-ext-comments").assert_success();
    assert_eq!(other.target.value(INSTALLED), "citext 1.6 public");
    let comment =
        "select obj_description(oid, 'pg_extension') from pg_extension where extname = 'citext'";
    assert_ne!(other.target.value(comment), "mine");
}

#[test]
fn an_extension_that_the_target_does_not_know_is_named() {
    let pair = Pair::shared();
    pair.source.sql("create extension citext");
    let file = pair.directory().join("requirements.json");
    std::fs::write(&file, r#"[{"name": "citext", "version": "99"}]"#).unwrap();
    let output = pgcopydb(&pair).args(["copy", "extensions", "-Q"]).arg(&file).run();
    output.assert_code(12).assert_stderr_has("could not create extension citext on the target");
}

#[test]
fn tablespaces_can_have_other_names() {
    let pair = Pair::start();
    for (side, names) in [(&pair.source, ["fast", "Odd one"]), (&pair.target, ["slow", "odd two"])]
    {
        for name in names {
            let directory = side.cluster().directory().join(name.replace(' ', "_"));
            std::fs::create_dir(&directory).unwrap();
            let uid = std::os::unix::fs::MetadataExt::uid(
                &std::fs::metadata(side.cluster().data_directory()).unwrap(),
            );
            std::os::unix::fs::chown(&directory, Some(uid), None).unwrap();
            side.sql(&format!("create tablespace \"{name}\" location '{}'", directory.display()));
        }
    }
    pair.source.sql(
        "create table t (a int, b int) tablespace fast;
         create index t_a on t (a) tablespace \"Odd one\";
         alter table t add primary key (b) using index tablespace fast;
         alter table t add exclude using btree (a with =) using index tablespace \"Odd one\";
         create materialized view v tablespace \"Odd one\" as select 1 as one;
         create table p (a int) partition by range (a) tablespace fast;
         create table elsewhere (a int);",
    );
    let refused = run(&pair, "clone");
    refused.assert_code(7).assert_stderr_has("copy tablespaces");
    let output = pgcopydb(&pair)
        .args([
            "clone",
            "--restart",
            "--tablespace-map",
            "fast=slow",
            "--tablespace-map",
            "Odd one=odd two",
        ])
        .run();
    output.assert_success();
    let facts = "select string_agg(relname || ' ' || coalesce(spcname, '-'), ', ' order by relname)
                   from pg_class c left join pg_tablespace s on s.oid = c.reltablespace
                  where relnamespace = 'public'::regnamespace";
    let expected = pair.source.value(facts).replace("fast", "slow").replace("Odd one", "odd two");
    assert_eq!(pair.target.value(facts), expected);
    run(&pair, "clone --tablespace-map nonsense").assert_code(1).assert_stderr_has("two names");
}

#[test]
fn tablespaces_are_made_where_the_target_lacks_them() {
    // In the data directory: two servers on one machine cannot share a directory.
    let pair = Pair::start();
    let in_place = "set allow_in_place_tablespaces = on;";
    pair.source.sql(&format!(
        "create role \"Odd owner\"; create role reader; create role missing; {in_place}
         create tablespace \"Fast one\" owner \"Odd owner\" location '' with (random_page_cost = 1.5);
         create tablespace there location '';
         create tablespace other location '';
         comment on tablespace \"Fast one\" is 'it''s fast';
         grant create on tablespace \"Fast one\" to reader with grant option;
         grant create on tablespace \"Fast one\" to public, missing;
         create table t (a int) tablespace \"Fast one\""
    ));
    pair.target.sql(&format!(
        "create role \"Odd owner\"; create role reader; {in_place}
         create tablespace there location ''"
    ));
    let copied = run(&pair, "copy tablespaces --tablespace-map other=renamed");
    copied.assert_success().assert_stderr_has("made 2 tablespaces");
    copied.assert_stderr_has("are on the target already: there");
    copied.assert_stderr_has("the target lacks roles that own it or may use it: missing");
    let facts = "select string_agg(format('%s %s %s %s %s', spcname, pg_get_userbyid(spcowner),
                        spcacl, spcoptions,
                        shobj_description(oid, 'pg_tablespace')), '; ' order by oid)
                   from pg_tablespace where spcname in ('Fast one', 'renamed')";
    let source = facts.replace("renamed", "other");
    pair.source.sql("revoke create on tablespace \"Fast one\" from missing");
    assert_eq!(pair.target.value(facts), pair.source.value(&source).replace("other", "renamed"));
    run(&pair, "clone").assert_success();
    pair.assert_same();
    run(&pair, "copy tablespaces").assert_success().assert_stderr_has("made 1 tablespaces");
}

#[test]
fn a_tablespace_that_cannot_be_made_is_named() {
    let pair = Pair::start();
    let directory = pair.source.cluster().directory().join("space");
    std::fs::create_dir(&directory).unwrap();
    let data = std::fs::metadata(pair.source.cluster().data_directory()).unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&data);
    std::os::unix::fs::chown(&directory, Some(uid), None).unwrap();
    pair.source.sql(&format!("create tablespace space location '{}'", directory.display()));
    pair.source.sql("set allow_in_place_tablespaces = on; create tablespace z location ''");
    std::fs::rename(&directory, directory.with_extension("gone")).unwrap();
    let copied = run(&pair, "copy tablespaces");
    copied.assert_code(7).assert_stderr_has("could not make tablespace space on the target");
    copied.assert_stderr_has("The directories must be there on the target server");
    assert_eq!(pair.target.value("select count(*) from pg_tablespace where spcname = 'z'"), "1");
    std::fs::rename(directory.with_extension("gone"), &directory).unwrap();
}

/// Tables that reference each other, rows that the script inserts and rows of the user, a sequence.
const SCRIPT: &str = "
    create table leaf (id int primary key, branch int, x int generated always as (id * 2) stored);
    create table branch (id int primary key, root int, second int);
    create table a_root (id int primary key, is_ours boolean default false);
    create table z_root (id serial primary key);
    alter table leaf add foreign key (branch) references branch;
    alter table branch add foreign key (root) references a_root;
    alter table branch add foreign key (second) references z_root;
    insert into a_root values (1, true), (2, false);
    insert into branch values (1, 2, null);
    insert into leaf values (1, 1);
    select pg_extension_config_dump('leaf', '');
    select pg_extension_config_dump('branch', '');
    select pg_extension_config_dump('a_root', 'where not is_ours');
    select pg_extension_config_dump('z_root', '');
    select pg_extension_config_dump('z_root_id_seq', '');";

/// Two servers that know an extension of the test's own; nothing where no server can.
fn pair_with_extension(name: &str, script: &str) -> Option<(Pair, tempfile::TempDir)> {
    pair_with_extensions(&[(name, "relocatable = true", script)])
}

/// The same with several, each with its name, what is said of it, and its script.
fn pair_with_extensions(extensions: &[(&str, &str, &str)]) -> Option<(Pair, tempfile::TempDir)> {
    // From 18 on an extension may be in any directory.
    let version = Version::of_major(18)?;
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let files = directory.path().join("extension");
    std::fs::create_dir(&files).unwrap();
    for (name, control, script) in extensions {
        let control = format!("default_version = '1.0'\n{control}\n");
        std::fs::write(files.join(format!("{name}.control")), control).unwrap();
        std::fs::write(files.join(format!("{name}--1.0.sql")), script).unwrap();
    }
    let path = format!("{}:$system", directory.path().display());
    let builder = || {
        let builder = Cluster::builder().version(version.clone());
        builder.setting("extension_control_path", &path).setting("allow_system_table_mods", "on")
    };
    Some((Pair::built(builder(), builder()), directory))
}

#[test]
fn timescaledb_is_told_before_and_after() {
    let script = "
        create table seen (number serial, what text);
        create table config (a int);
        select pg_extension_config_dump('config', '');
        create function timescaledb_pre_restore() returns void language sql
            as $$ insert into f.seen (what) select 'before ' || count(*) from f.config $$;
        create function timescaledb_post_restore() returns void language sql
            as $$ insert into f.seen (what) select 'after ' || count(*) from f.config $$;";
    let Some((pair, _files)) = pair_with_extension("timescaledb", script) else { return };
    pair.source.sql(
        "create schema f; create extension timescaledb schema f; insert into f.config values (1);
         create table t (a int primary key)",
    );
    let seen = "select string_agg(what, ', ' order by number) from f.seen";
    run(&pair, "clone").assert_success();
    assert_eq!(pair.target.value(seen), "before 0, after 1");
}

#[test]
fn configuration_tables_are_copied_in_the_order_of_their_foreign_keys() {
    let Some((pair, _files)) = pair_with_extension("forest", SCRIPT) else { return };
    pair.source.sql(
        "create schema f; create extension forest schema f;
         delete from f.leaf; update f.branch set root = 2;
         insert into f.a_root values (3, false);
         insert into f.z_root default values; insert into f.z_root default values;
         insert into f.branch values (2, 3, 2), (3, 2, 1);
         insert into f.leaf values (4, 2), (5, 3);",
    );
    for command in ["copy extensions", "clone --resume --not-consistent"] {
        run(&pair, command).assert_success();
        for table in ["leaf", "branch", "a_root", "z_root", "z_root_id_seq"] {
            let rows = format!("select string_agg(t::text, ' ' order by t::text) from f.{table} t");
            let without_log =
                rows.replace("f.z_root_id_seq t", "(select last_value from f.z_root_id_seq) t");
            assert_eq!(pair.target.value(&without_log), pair.source.value(&without_log), "{table}");
        }
    }
}

#[test]
fn configuration_tables_follow_foreign_keys_to_other_extensions() {
    let base = "create table base (id int primary key);
                select pg_extension_config_dump('base', '');";
    let above = "create table above (id int primary key references base);
                 select pg_extension_config_dump('above', '');";
    let extensions = [
        ("a_above", "relocatable = true\nrequires = 'base'", above),
        ("base", "relocatable = true", base),
    ];
    let Some((pair, _files)) = pair_with_extensions(&extensions) else { return };
    pair.source.sql(
        "create extension base; create extension a_above;
         insert into base select generate_series(1, 20000);
         insert into above select generate_series(1, 20000);",
    );
    run(&pair, "clone").assert_success();
    assert_eq!(pair.target.value("select count(*) from above"), "20000");
}

/// The catalogs and functions of citus that are used, and a record of the calls.
const CITUS: &str = "
    create table pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod \"char\", partkey text,
        colocationid int, repmodel \"char\");
    create table pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint);
    select pg_extension_config_dump('pg_catalog.pg_dist_partition', '');
    create function pg_catalog.column_to_column_name(t regclass, k text) returns text language sql
        as $$ select k $$;
    create function pg_catalog.create_distributed_table(t regclass, k text, distribution_type text default 'hash',
        colocate_with text default 'default', shard_count int default null) returns void language sql
        as $$ insert into pg_catalog.pg_dist_partition values
                (t, case when k is null then 'n' else 'h' end, k,
                 case colocate_with when 'none' then t::oid::int else colocate_with::regclass::oid::int end, 's');
              insert into pg_catalog.pg_dist_shard
                select t, n from generate_series(1, coalesce(current_setting('citus.shard_count', true)::int, 32)) n $$;
    create function pg_catalog.create_reference_table(t regclass) returns void language sql
        as $$ insert into pg_catalog.pg_dist_partition values (t, 'n', null, 1, 't') $$;";

#[test]
fn tables_that_citus_has_distributed_are_distributed_again() {
    let extensions = [("citus", "schema = pg_catalog\nrelocatable = false", CITUS)];
    let Some((pair, _files)) = pair_with_extensions(&extensions) else { return };
    pair.source.sql(
        "create extension citus;
         create table \"Tenants\" (\"Id\" int primary key);
         create table bills (tenant int, id int, primary key (tenant, id));
         create table countries (id int primary key);
         create table parted (tenant int, at int) partition by range (at);
         create table parted_1 partition of parted for values from (0) to (10);
         create table plain (id int primary key);
         insert into \"Tenants\" select generate_series(1, 9); insert into bills select 1, 1;
         insert into parted values (1, 1); insert into countries values (1);
         set citus.shard_count = 4;
         select create_distributed_table('\"Tenants\"', 'Id', colocate_with => 'none');
         select create_distributed_table('bills', 'tenant', colocate_with => '\"Tenants\"');
         select create_distributed_table('parted', 'tenant', colocate_with => '\"Tenants\"');
         select create_reference_table('countries');
         insert into pg_dist_partition values ('parted_1', 'h', 'tenant', 1, 's');",
    );
    let distributed = "select string_agg(concat_ws(' ', p.logicalrelid, partmethod, partkey, repmodel,
                              case when colocationid > 1 then colocationid::regclass end,
                              (select count(*) from pg_dist_shard s where s.logicalrelid = p.logicalrelid)), '; '
                              order by p.logicalrelid::text)
                         from pg_dist_partition p where p.logicalrelid <> 'parted_1'::regclass";
    run(&pair, "clone").assert_success().assert_stderr_has("distributing tables as the source has");
    assert_eq!(pair.target.value(distributed), pair.source.value(distributed));
    assert_eq!(pair.target.value("select count(*) from pg_dist_partition"), "4");
    assert_eq!(pair.target.value("select count(*) from \"Tenants\""), "9");

    // Without the extension they are ordinary tables.
    pair.target.sql("drop schema public cascade; create schema public; drop extension citus");
    let without = run(&pair, "clone --restart --skip-extensions");
    without.assert_success().assert_stderr_has("4 distributed tables are made as ordinary ones");
    assert_eq!(pair.target.value("select count(*) from bills"), "1");
}
