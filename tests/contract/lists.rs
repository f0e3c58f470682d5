//! The layouts of the `list` commands, which scripts take apart.

use pgcopydb_testkit::{Output, Pair, Program};
use serde_json::Value;

use crate::support::pgcopydb;

/// A source with one of each; the test's own.
fn pair() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(
        "create schema \"Odd schema\";
         create table t (id int primary key, note text);
         insert into t select i, repeat('x', 100) from generate_series(1, 100) i;
         create table \"Odd schema\".u (id serial, \"Note\" text collate \"C\", unique (id, \"Note\"));
         create index on t (note collate \"POSIX\");
         create table keyless (a int, b int generated always as (a + 1) stored,
                               exclude using btree (a with =));
         insert into keyless select i from generate_series(1, 5000) i;
         create table never_analysed (a int);
         create table p (a int primary key) partition by range (a);
         create table p_1 partition of p for values from (0) to (10);
         select nextval('\"Odd schema\".u_id_seq'), nextval('\"Odd schema\".u_id_seq');
         analyze t, keyless;",
    );
    pair
}

fn list(pair: &Pair, line: &str) -> Output {
    let output = pgcopydb(pair).arg("list").args(line.split_whitespace()).run();
    output.assert_success();
    output
}

fn json(pair: &Pair, line: &str) -> Value {
    let output = list(pair, &format!("{line} --json"));
    assert!(output.stdout.ends_with('\n') && !output.stdout.ends_with("\n\n"), "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

/// The lines of an output, with every OID of a regclass replaced by #.
fn lines(pair: &Pair, output: &Output) -> Vec<String> {
    let numbers = pair.source.sql(
        "select oid from pg_class where relnamespace::regnamespace::text !~ '^(pg_|information)'
         union all select oid from pg_attrdef",
    );
    let mut text = output.stdout.clone();
    for number in numbers.lines() {
        for (before, after) in [(" ", " "), (" ", "\n"), ("\n", " ")] {
            let padded = format!("{before}{}{after}", "#".repeat(number.len()));
            text = text.replace(&format!("{before}{number}{after}"), &padded);
        }
    }
    text.lines().map(str::to_owned).collect()
}

#[test]
fn tables() {
    let pair = pair();
    let output = list(&pair, "tables");
    output.assert_stderr_has(
        "Fetched information for 5 tables, with an estimated total of 5100 tuples and",
    );
    assert_eq!(
        lines(&pair, &output),
        [
            "     OID |          Schema Name |           Table Name |  Est. Row Count |    On-disk size",
            "---------+----------------------+----------------------+-----------------+----------------",
            "   ##### |               public |              keyless |            5000 |          208 kB",
            "   ##### |               public |                    t |             100 |           48 kB",
            "   ##### |         \"Odd schema\" |                    u |              -1 |      8192 bytes",
            "   ##### |               public |       never_analysed |              -1 |         0 bytes",
            "   ##### |               public |                  p_1 |              -1 |         0 bytes",
            "",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn tables_can_be_restricted() {
    let pair = pair();
    let names = |line: &str| -> Vec<String> {
        let text = list(&pair, line).stdout;
        let rows = text.lines().skip(2).filter(|line| !line.is_empty());
        rows.map(|line| line.split(" | ").nth(2).unwrap().trim().to_owned()).collect()
    };
    assert_eq!(names("tables --without-pkey"), ["keyless", "u", "never_analysed"]);
    assert_eq!(names("tables -P --schema-name public"), ["keyless", "never_analysed"]);
    assert_eq!(names("tables --table-name t"), ["t"]);
    assert!(names("tables --table-name u").is_empty());
}

#[test]
fn indexes() {
    let pair = pair();
    let output = list(&pair, "indexes --schema-name public");
    output.assert_stderr_has("Fetched information for 4 indexes");
    assert_eq!(
        lines(&pair, &output),
        [
            "     OID |     Schema |           Index Name |      Constraint Name |                Constraint | DDL",
            "---------+------------+----------------------+----------------------+---------------------------+---------------------",
            "   ##### |     public |               t_pkey |               t_pkey |          PRIMARY KEY (id) | CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)",
            "   ##### |     public |           t_note_idx |                      |                           | CREATE INDEX t_note_idx ON public.t USING btree (note COLLATE \"POSIX\")",
            "   ##### |     public |                      |       keyless_a_excl | EXCLUDE USING btree (a WITH =) | ",
            "   ##### |     public |             p_1_pkey |             p_1_pkey |           PRIMARY KEY (a) | CREATE UNIQUE INDEX p_1_pkey ON public.p_1 USING btree (a)",
            "",
        ]
        .map(str::to_owned)
    );
    let of_table = list(&pair, "indexes --table-name t").stdout;
    assert_eq!(of_table.lines().count(), 5, "{of_table}");
}

#[test]
fn sequences() {
    let pair = pair();
    let output = list(&pair, "sequences");
    assert_eq!(
        lines(&pair, &output),
        [
            "     OID |          Schema Name |                  Sequence Name |   Owned By |   attrelid |    attroid ",
            "---------+----------------------+--------------------------------+------------+------------+-----------",
            "   ##### |         \"Odd schema\" |                       u_id_seq |      ##### |      ##### |      #####",
            "",
        ]
        .map(str::to_owned)
    );
    let owner = pair.source.value("select '\"Odd schema\".u'::regclass::oid");
    let row = &json(&pair, "sequences")[0];
    assert_eq!(row["ownedby"].to_string(), owner);
    assert_eq!(row["attrelid"].to_string(), owner);
}

#[test]
fn databases() {
    let pair = pair();
    let output = list(&pair, "databases");
    let mut rows = output.stdout.lines();
    assert_eq!(rows.next(), Some("       OID |        Database Name |         On-disk size"));
    assert_eq!(rows.next(), Some("-----------+----------------------+---------------------"));
    let name = pair.source.name();
    let size = pair.source.value("select pg_size_pretty(pg_database_size(current_database()))");
    let oid = pair.source.value("select oid from pg_database where datname = current_database()");
    output.assert_stdout_has(&format!("{oid:>10} | {name:>20} | {size:>20}\n"));
    assert!(!output.stdout.contains("template"), "{output}");
    assert!(output.stdout.ends_with("\n\n"), "{output}");
}

#[test]
fn extensions() {
    let pair = pair();
    assert_eq!(
        list(&pair, "extensions").stdout,
        "       OID |                      Name |               Schema |      Count | Config\n\
         -----------+---------------------------+----------------------+------------+-----------\n\
         \u{20}    OID_ |                   plpgsql |           pg_catalog |          0 | \n\n"
            .replace("OID_", &pair.source.value("select oid from pg_extension"))
    );
    let installed = json(&pair, "extensions");
    assert_eq!(installed[0]["name"], "plpgsql");
    assert_eq!(installed[0]["config"], serde_json::json!([]));

    let versions = list(&pair, "extensions --available-versions").stdout;
    let mut lines = versions.lines();
    assert_eq!(lines.next(), Some("                Name |              Default | Available"));
    assert_eq!(
        lines.next(),
        Some("---------------------+----------------------+---------------------")
    );
    assert!(
        lines.any(|line| line == "             plpgsql |                  1.0 | [\"1.0\"]"),
        "{versions}"
    );
    let plpgsql = |list: &Value| {
        let rows = list.as_array().unwrap();
        rows.iter().find(|row| row["name"] == "plpgsql").unwrap().clone()
    };
    assert_eq!(
        plpgsql(&json(&pair, "extensions --available-versions")),
        serde_json::json!({ "name": "plpgsql", "versions": ["1.0"] })
    );

    let requirements = list(&pair, "extensions --requirements").stdout;
    let mut lines = requirements.lines();
    assert_eq!(lines.next(), Some("                          Name | Version"));
    assert_eq!(lines.next(), Some("-------------------------------+---------------------"));
    assert!(lines.any(|line| line == "                       plpgsql | 1.0"), "{requirements}");
    assert_eq!(
        plpgsql(&json(&pair, "extensions --requirements")),
        serde_json::json!({ "name": "plpgsql", "version": "1.0" })
    );
}

#[test]
fn collations() {
    let pair = pair();
    let output = list(&pair, "collations");
    let mut lines = output.stdout.lines();
    assert_eq!(lines.next(), Some("       OID |                 Name | Object name          "));
    assert_eq!(lines.next(), Some("-----------+----------------------+---------------------"));
    output.assert_stdout_has(&format!("| database {} \n", pair.source.name()));
    output.assert_stdout_has(
        "       950 |                    C | column Note of table \"Odd schema\".u \n",
    );
    output.assert_stdout_has("       951 |                POSIX | index public.t_note_idx \n");
    assert!(json(&pair, "collations").as_array().unwrap().len() >= 3);
}

#[test]
fn table_parts() {
    let pair = pair();
    let parts = |options: &str| list(&pair, &format!("table-parts -t keyless {options}"));
    let output = parts("--split-at 100kB");
    output.assert_stderr_has("Table public.keyless COPY will be split 3-ways");
    assert_eq!(
        output.stdout,
        "        Part |          Min |          Max |        Count\n\
         -------------+--------------+--------------+-------------\n\
         \u{20}        1/3 |        (0,0) |        (6,0) |            7\n\
         \u{20}        2/3 |        (7,0) |       (14,0) |            8\n\
         \u{20}        3/3 |       (15,0) |       (22,0) |            8\n\n"
    );
    let output = parts("--split-at 100kB --split-max-parts 2");
    output.assert_stderr_has("will be split 2-ways");
    let output = parts("--split-at 1GB");
    output.assert_stderr_has("Table public.keyless (208 kB) will not be split");
    assert_eq!(output.stdout, "");
    let output = parts("");
    output.assert_stderr_has("Option --split-tables-larger-than is set to zero bytes, skipping");
    assert_eq!(output.stdout, "");

    // By the values of a key where rows are not to be cut by their place.
    pair.source.sql("alter table keyless add primary key (a); analyze keyless");
    let output = parts("--split-at 200kB --skip-split-by-ctid");
    assert_eq!(
        output.stdout.lines().skip(2).collect::<Vec<_>>(),
        [
            "         1/2 |           -1 |         2500 |           -1",
            "         2/2 |         2501 |           -1 |           -1",
            ""
        ]
    );

    let missing = pgcopydb(&pair).args(["list", "table-parts", "-L", "1kB"]);
    missing.run().assert_code(1).assert_stderr_has("Option --table-name is mandatory");
    let unknown = missing.args(["--table-name", "Keyless"]).run();
    unknown.assert_code(12).assert_stderr_has("there is no table \"Keyless\"");
}

#[test]
fn the_schema_as_one_document() {
    let pair = pair();
    let output = list(&pair, "schema");
    assert_eq!(output.stdout, "");
    let document = json(&pair, "schema --split-at 100kB");
    let setup = &document["setup"];
    let source = setup["source_pguri"].as_str().unwrap();
    assert!(source.starts_with("postgres://postgres@"), "{source}");
    assert_eq!(setup["split-tables-larger-than"], 102_400);
    assert_eq!(document["filters"]["type"], "SOURCE_FILTER_TYPE_NONE");
    let file = pair.directory().join("pgcopydb/schema.json");
    let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(written, document);

    let table = |name: &str| {
        let tables = document["tables"].as_array().unwrap();
        tables.iter().find(|table| table["name"] == name).unwrap().clone()
    };
    let u = table("u");
    assert_eq!(u["schema"], "\"Odd schema\"");
    assert_eq!(u["qname"], "\"Odd schema\".u");
    assert_eq!(u["restore-list-name"], "Odd schema u postgres");
    assert_eq!(u["cols"][1]["attname"], "\"Note\"");
    assert_eq!(u["cols"][1]["atttypid"], 25);
    let keyless = table("keyless");
    assert_eq!(keyless["bytes-pretty"], "208 kB");
    assert_eq!(keyless["exclude-data"], false);
    assert_eq!(keyless["cols"][1]["attisgenerated"], true);
    assert_eq!(
        keyless["parts"][0],
        serde_json::json!({ "number": 1, "total": 3, "min": 0, "max": 6, "count": 7 })
    );
    let t = table("t");
    assert_eq!(t["part-key"], "id");
    assert_eq!(t["reltuples"], 100);
    assert_eq!(t["cols"][0]["attisprimary"], true);
    assert_eq!(t["cols"][1]["attisprimary"], false);
    assert!(t.get("parts").is_none());

    let indexes = document["indexes"].as_array().unwrap();
    let index = indexes.iter().find(|index| index["name"] == "t_pkey").unwrap();
    assert_eq!(index["isPrimary"], true);
    assert_eq!(index["columns"], "id");
    assert_eq!(index["table"]["qname"], "public.t");
    assert_eq!(index["constraint"]["sql"], "PRIMARY KEY (id)");
    let sequence = &document["sequences"][0];
    assert_eq!(sequence["last-value"], 2);
    assert_eq!(sequence["is-called"], true);

    let text = list(&pair, "schema --json").stdout;
    assert!(text.starts_with("{\n    \"setup\": {\n        \"source_pguri\": \"postgres:\\/\\/"));
}

#[test]
fn what_the_directory_has_is_used_unless_it_is_not_wanted() {
    let pair = pair();
    pgcopydb(&pair).args(["dump", "schema"]).run().assert_success();
    pair.source.sql("create table newer (a int)");
    list(&pair, "tables").assert_stderr_has("using what was found on the source before");
    assert!(!list(&pair, "tables").stdout.contains("newer"));
    assert!(list(&pair, "tables --force").stdout.contains("newer"));
    // The directory is another source's.
    let other = pgcopydb(&pair).env("PGCOPYDB_SOURCE_PGURI", pair.target.uri());
    let other = other.args(["list", "tables"]).run();
    other.assert_success();
    assert!(!other.stdout.contains("keyless"), "{other}");
}

#[test]
fn a_list_reads_in_the_snapshot_it_is_given() {
    let pair = pair();
    let mut session = pair.source.session();
    session.run("begin isolation level repeatable read");
    let id = session.run("select pg_export_snapshot()");
    pair.source.sql("create table newer (a int)");
    assert!(!list(&pair, &format!("tables --snapshot {id}")).stdout.contains("newer"));
    assert!(list(&pair, "tables").stdout.contains("newer"));
}

#[test]
fn mistakes_are_named() {
    let run = |line: &str| {
        let program = Program::new(env!("CARGO_BIN_EXE_pgcopydb"));
        program.arg("list").args(line.split_whitespace()).run()
    };
    for command in [
        "databases",
        "extensions",
        "collations",
        "tables",
        "table-parts",
        "sequences",
        "indexes",
        "schema",
        "progress",
    ] {
        let output = run(command);
        output.assert_code(1).assert_stderr_has("Option --source is mandatory");
        run(&format!("{command} -S a extra")).assert_code(1);
        run(&format!("{command} -S a --nonsense")).assert_code(1);
    }
    run("tables -S a -L 10gb").assert_code(1);
    run("everything").assert_code(1);
    for line in ["progress -S host=x -D nowhere", "progress -S host=x -D nowhere --summary"] {
        run(line).assert_code(12).assert_stderr_has("nowhere\" does not exist");
    }
}
