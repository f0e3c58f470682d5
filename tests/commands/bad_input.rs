//! What is wrong with a command line or a directory is said at once.

use pgcopydb_testkit::{Output, Pair, Program};

use crate::support::pgcopydb;

fn run(line: &str) -> Output {
    Program::new(env!("CARGO_BIN_EXE_pgcopydb")).args(line.split_whitespace()).run()
}

#[test]
fn a_directory_that_does_not_exist_exits_with_12() {
    for line in [
        "restore schema -S a -T b -D nowhere",
        "restore pre-data -S host=x -T host=y -D nowhere",
        "restore post-data -S host=x -T host=y -D nowhere",
        "restore parse-list -S host=x -T host=y -D nowhere",
    ] {
        let output = run(line);
        output.assert_code(12).assert_stderr_has("nowhere\" does not exist");
    }
}

#[test]
fn unknown_options_and_commands_exit_with_1() {
    for line in [
        "copy everything",
        "dump everything",
        "restore everything",
        "dump schema -S a --nonsense",
        "restore schema -S a -T b --nonsense",
        "restore schema -S a -T b extra",
        "dump schema -S a extra",
        "copy data -S a -T b --nonsense",
        "restore pre-data -S a -T b --restore-jobs 0",
        "restore pre-data -S a -T b --restart --resume",
    ] {
        let output = run(line);
        output.assert_code(1);
        assert!(output.stderr.starts_with("error: "), "{output}");
    }
    for line in ["copy", "dump", "restore"] {
        run(line).assert_code(1).assert_stderr_has("Usage: pgcopydb");
    }
}

#[test]
fn a_directory_without_a_dump_has_nothing_to_restore() {
    let pair = Pair::shared();
    let directory = pair.directory().join("empty");
    std::fs::create_dir(&directory).unwrap();
    for command in ["schema", "pre-data", "post-data", "parse-list"] {
        let output = pgcopydb(&pair).args(["restore", command, "--dir"]).arg(&directory).run();
        output.assert_code(3).assert_stderr_has("there is no dump of a schema in");
    }
}

#[test]
fn a_directory_is_not_used_twice_by_accident() {
    let pair = Pair::shared();
    pair.source.sql("create table t (a int)");
    pgcopydb(&pair).args(["dump", "schema"]).run().assert_success();
    let again = pgcopydb(&pair).args(["dump", "schema"]).run();
    again.assert_code(3).assert_stderr_has("was used by an earlier run");
    let other = pgcopydb(&pair).env("PGCOPYDB_SOURCE_PGURI", pair.target.uri());
    let other = other.args(["dump", "schema", "--resume", "--not-consistent"]).run();
    other.assert_code(3).assert_stderr_has("The directory is for source");
    pgcopydb(&pair).args(["dump", "schema", "--restart"]).run().assert_success();
}

#[test]
fn lists_of_pg_restore_are_printed_and_written() {
    let pair = Pair::shared();
    pair.source.sql("create table t (a int primary key); comment on table t is 'x'");
    pgcopydb(&pair).args(["dump", "schema"]).run().assert_success();
    let parse = || pgcopydb(&pair).args(["restore", "parse-list"]);
    for _ in 0..2 {
        let output = parse().arg("--no-comments").run();
        output.assert_success().assert_stderr_has("pre-filtered.list");
        assert_eq!(output.stdout, "");
    }
    let schema = pair.directory().join("pgcopydb/schema");
    let list = schema.join("pre-filtered.list");
    let text = std::fs::read_to_string(&list).unwrap();
    assert_eq!(text.matches(" TABLE public t ").count(), 1, "{text}");
    assert!(text.lines().any(|l| l.starts_with(';') && l.contains("COMMENT public TABLE t")));
    // Its own lists are lists that it reads, and that pg_restore takes.
    let printed = parse().arg(&list).run();
    printed.assert_success();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(printed.stdout.lines().collect::<Vec<_>>(), kept);
    let restore = pair.newer_version().program("pg_restore");
    let sql = Program::new(restore).arg("-f-").arg("-L").arg(&list).arg(schema.join("schema.dump"));
    sql.run().assert_success().assert_stdout_has("CREATE TABLE public.t");

    std::fs::write(schema.join("bad.list"), "1; 2 3 TABLE t\nnonsense\n").unwrap();
    let bad = parse().arg(schema.join("bad.list")).run();
    bad.assert_code(1).assert_stderr_has("line 2 of").assert_stderr_has("is not an entry");
    parse().arg("missing.list").run().assert_code(1).assert_stderr_has("could not read list");
}

/// All commands that connect, with options they need.
const CONNECTING: [&str; 26] = [
    "clone",
    "clone --roles",
    "follow",
    "snapshot",
    "ping",
    "compare schema",
    "compare data",
    "copy roles",
    "copy tablespaces",
    "copy extensions",
    "copy schema",
    "copy data",
    "copy table-data",
    "copy blobs",
    "copy sequences",
    "copy indexes",
    "copy constraints",
    "dump schema",
    "dump roles",
    "list databases",
    "list extensions",
    "list collations",
    "list tables",
    "list sequences",
    "list indexes",
    "list schema --json",
];

/// Runs a command with these servers; `list`, `dump` and `snapshot` know one of them alone.
fn run_with(pair: &Pair, line: &str, source: &str, target: &str) -> Output {
    let directory = pair.directory().join(line.replace(' ', "_"));
    let program = pgcopydb(pair).args(line.split(' ')).arg("--source").arg(source);
    let is_alone = ["list", "dump", "snapshot"].iter().any(|word| line.starts_with(word));
    let program = if is_alone { program } else { program.arg("--target").arg(target) };
    let has_directory = !line.starts_with("ping");
    if has_directory { program.arg("--dir").arg(directory).run() } else { program.run() }
}

#[test]
fn every_command_says_that_a_server_cannot_be_reached_and_what_to_do() {
    let pair = Pair::shared();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("postgres://someone:s3cret-word@127.0.0.1:{nobody}/x");
    for line in CONNECTING {
        let output = run_with(&pair, line, &uri, &uri);
        let code = output.code();
        assert!(code == Some(6) || code == Some(7), "{line}: {output}");
        assert_eq!(output.stdout, "", "{line}");
        output.assert_stderr_has("refused").assert_stderr_has("Check host and port");
        assert!(!output.stderr.contains("s3cret-word"), "{output}");
    }
}

#[test]
fn every_command_says_that_a_database_does_not_exist() {
    let pair = Pair::shared();
    let missing = |uri: String, name: &str| uri.replace(name, "not_there");
    let source = missing(pair.source.uri(), pair.source.name());
    let target = missing(pair.target.uri(), pair.target.name());
    for line in CONNECTING {
        let output = run_with(&pair, line, &source, &target);
        let code = output.code();
        assert!(code == Some(6) || code == Some(7), "{line}: {output}");
        assert_eq!(output.stdout, "", "{line}");
        output.assert_stderr_has("\"not_there\" does not exist");
        output.assert_stderr_has("Name a database that is there");
    }
}

#[test]
fn every_command_needs_its_servers() {
    for line in CONNECTING {
        let output = run(line);
        output.assert_code(1).assert_stderr_has("--source").assert_stderr_has("mandatory");
        assert_eq!(output.stdout, "", "{line}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named_before_anything_is_done() {
    let pair = Pair::shared();
    let directory = pair.directory().join("a directory");
    std::fs::create_dir(&directory).unwrap();
    for (option, reason) in [
        ("--filters", "could not read filters file"),
        ("--requirements", "cannot read the requirements"),
    ] {
        let output = pgcopydb(&pair).args(["clone", option]).arg(&directory).run();
        output.assert_code(1).assert_stderr_has(reason).assert_stderr_has("a directory");
    }
    assert_eq!(
        pair.target.value("select count(*) from pg_namespace where nspname = 'pgcopydb'"),
        "0"
    );
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    for line in [
        "clone -S a -T b --restart --resume",
        "dump schema -S a --restart --resume",
        "restore schema -S a -T b --restart --resume",
        "clone -S a -T b --all-databases --follow",
        "clone -S a -T b --all-databases --snapshot 1",
        "clone -S a -T b --wal2json-numeric-as-string",
        "stream sentinel set endpos --current 0/1",
    ] {
        let output = run(line);
        output.assert_code(1);
        assert!(output.stderr.starts_with("error: "), "{line}: {output}");
    }
}
