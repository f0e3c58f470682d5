//! Every command has every option that scripts for it may have: its help names it, and the parser
//! takes it, in full, by its letter and its older spellings.

use pgcopydb_testkit::{Output, Program};

/// An option: all its names, the one of today first, a value if it takes one, and whether its help
/// says nothing about it.
struct Opt {
    names: &'static [&'static str],
    value: &'static str,
    is_hidden: bool,
}

/// Reads a line such as `--split-tables-larger-than --split-at -L=1GB`; a `?` at its end is for one
/// that the help leaves out.
fn options(text: &'static str) -> Vec<Opt> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (line, is_hidden) = match line.strip_suffix('?') {
                Some(line) => (line, true),
                None => (line, false),
            };
            let (names, value) = line.split_once('=').unwrap_or((line, ""));
            let names: Vec<&str> = names.split_whitespace().collect();
            Opt { names: names.leak(), value, is_hidden }
        })
        .collect()
}

/// Of all commands.
const COMMON: &str = "
    --version -V
    --verbose --notice -v
    --debug -d
    --trace -z
    --quiet -q
    --help -h";

/// Of `clone`, `fork`, `follow` and all `copy` commands.
const CLONE: &str = "
    --source -S=x
    --target -T=x
    --dir -D=/d
    --table-jobs --jobs -J=2
    --index-jobs -I=2
    --restore-jobs -j=2
    --large-objects-jobs -b=2
    --split-tables-larger-than --split-at -L=10GB
    --split-max-parts -u=2
    --estimate-table-sizes -m
    --skip-analyze -a
    --drop-if-exists -c
    --roles -A
    --no-role-passwords -P
    --no-owner -O
    --no-comments -X
    --no-acl -x
    --no-tablespaces -y
    --tablespace-map=a=b
    --skip-large-objects --skip-blobs -B
    --skip-extensions -e
    --skip-ext-comments --skip-ext-comment -M
    --skip-collations -l
    --skip-vacuum -U
    --skip-db-properties -g
    --skip-split-by-ctid -k
    --use-copy-binary -n
    --filters --filter -F=f
    --requirements -Q=f
    --fail-fast -i
    --restart -r
    --resume -R
    --not-consistent -C
    --snapshot -N=1
    --follow -f
    --plugin -p=wal2json
    --wal2json-numeric-as-string -w
    --slot-name -s=n
    --origin -o=n
    --create-slot -t?
    --endpos -E=0/1
    --publication=n
    --replay-no-op-updates
    --max-store-size --max-replaydb-size=1GB
    --host=h
    --port=1
    --secret-file=f";

/// Of the `stream` commands.
const STREAM: &str = "
    --source -S=x
    --target -T=x
    --dir -D=/d
    --plugin -p=wal2json
    --wal2json-numeric-as-string -w
    --slot-name -s=n
    --snapshot -N=1
    --origin -o=n
    --endpos -E=0/1
    --publication=n
    --max-store-size --max-replaydb-size=1GB
    --replay-no-op-updates
    --host=h
    --port=1
    --secret-file=f
    --restart -r
    --resume -R
    --not-consistent -C
    --to-stdout -O?
    --from-stdin -I?";

/// Of the `stream sentinel` commands.
const SENTINEL: &str = "
    --source -S=x
    --dir -D=/d
    --host -H=h
    --port -P=1
    --secret-file=f";

const SNAPSHOT: &str = "
    --source -S=x
    --dir -D=/d
    --follow -f
    --plugin -p=wal2json
    --wal2json-numeric-as-string -w
    --slot-name -s=n";

const DUMP: &str = "
    --source -S=x
    --target -T=x?
    --dir -D=/d
    --no-role-passwords -P
    --skip-extensions -e
    --filters --filter -F=f
    --snapshot -N=1
    --restart -r
    --resume -R
    --not-consistent -C";

const RESTORE: &str = "
    --source -S=x
    --target -T=x
    --dir -D=/d
    --drop-if-exists -c
    --no-owner -O
    --no-comments -X
    --no-acl -x
    --no-tablespaces
    --restore-jobs -j=2
    --filters --filter -F=f
    --skip-extensions -e
    --skip-ext-comments --skip-ext-comment -E
    --restart -r
    --resume -R
    --not-consistent -C
    --snapshot -N=1";

const LIST: &str = "
    --source -S=x
    --dir -D=/d
    --schema-name -s=n
    --table-name -t=n
    --filters --filter -F=f
    --list-skipped -x
    --without-pkey -P
    --split-tables-larger-than --split-at -L=1GB
    --split-max-parts -u=2
    --skip-split-by-ctid -k
    --estimate-table-sizes -m
    --force -f
    --summary -y
    --available-versions -a
    --requirements -r
    --json -J
    --resume -R
    --not-consistent -I
    --snapshot -N=1";

const COMPARE: &str = "
    --source -S=x
    --target -T=x
    --dir -D=/d
    --table-jobs --jobs -j=2
    --all-databases -a
    --json -J";

const PING: &str = "
    --source -S=x
    --target -T=x";

/// The commands, and the options that each of them takes.
const COMMANDS: &[(&str, &str)] = &[
    ("clone, fork, copy-db, follow", CLONE),
    ("copy db, copy roles, copy extensions, copy schema, copy data, copy table-data", CLONE),
    ("copy blobs, copy sequences, copy indexes, copy constraints, copy tablespaces", CLONE),
    ("snapshot", SNAPSHOT),
    ("dump schema, dump pre-data, dump post-data, dump roles", DUMP),
    ("restore schema, restore pre-data, restore post-data, restore roles", RESTORE),
    ("restore parse-list", RESTORE),
    ("list databases, list extensions, list collations, list tables, list table-parts", LIST),
    ("list sequences, list indexes, list depends, list schema, list progress", LIST),
    ("compare schema, compare data", COMPARE),
    (
        "compare data",
        "--split-tables-larger-than --split-at -L=1GB
         --split-max-parts -u=2
         --skip-split-by-ctid -k",
    ),
    ("clone, fork, copy-db, copy db", "--all-databases"),
    ("stream setup, stream cleanup, stream prefetch, stream catchup, stream replay", STREAM),
    ("stream receive, stream apply", STREAM),
    ("stream prune", "--source -S=x?\n--target -T=x?\n--dir -D=/d\n--dry-run"),
    (
        "stream sentinel setup 0/1 0/2, stream sentinel get, stream sentinel set startpos 0/1",
        SENTINEL,
    ),
    ("stream sentinel set endpos 0/1, stream sentinel set apply", SENTINEL),
    ("stream sentinel set prefetch", SENTINEL),
    ("stream sentinel get", "--startpos -s\n--json -J"),
    ("stream sentinel get", "--endpos -e"),
    ("stream sentinel get", "--apply -a"),
    ("stream sentinel get", "--write-lsn -w"),
    ("stream sentinel get", "--transform-lsn -t?"),
    ("stream sentinel get", "--flush-lsn -f"),
    ("stream sentinel get", "--replay-lsn -r"),
    ("stream sentinel set endpos", "--current -C"),
    ("ping", PING),
    ("version", "--json -J"),
];

fn run(command: &str, words: &[&str]) -> Output {
    Program::new(env!("CARGO_BIN_EXE_pgcopydb")).args(command.split(' ')).args(words).run()
}

#[test]
fn the_help_of_every_command_names_its_options() {
    for &(commands, own) in COMMANDS {
        for command in commands.split(", ") {
            let help = run(command, &["--help"]);
            help.assert_success();
            for option in options(own).iter().chain(&options(COMMON)) {
                let name = option.names[0];
                let letter = option.names.iter().find(|name| name.len() == 2);
                let shown = match letter {
                    Some(letter) => format!("{letter}, {name}"),
                    None => name.to_owned(),
                };
                let is_shown = help.stderr.contains(&format!("{shown} "))
                    || help.stderr.contains(&format!("{shown}\n"))
                    || help.stderr.contains(&format!("{shown}..."));
                assert!(is_shown != option.is_hidden, "{command}: {shown}\n{help}");
            }
        }
    }
}

#[test]
fn every_command_takes_its_options() {
    for &(commands, own) in COMMANDS {
        let options = options(own);
        for command in commands.split(", ") {
            // All at once, but for what excludes each other; the version is all that is done.
            for kind in ["long", "joined", "letter", "older"] {
                let mut words = Vec::new();
                for option in options.iter().filter(|option| option.names[0] != "--restart") {
                    let name = match kind {
                        "letter" => option.names.iter().find(|name| name.len() == 2),
                        "older" => option.names.get(1).filter(|name| name.len() > 2),
                        _ => option.names.first(),
                    };
                    let Some(name) = name else { continue };
                    match (kind, option.value) {
                        (_, "") => words.push((*name).to_owned()),
                        ("long" | "letter", value) => {
                            words.extend([(*name).to_owned(), value.to_owned()]);
                        }
                        (_, value) => words.push(format!("{name}={value}")),
                    }
                }
                if words.is_empty() {
                    continue;
                }
                words.push("--version".to_owned());
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let output = run(command, &words);
                assert_eq!(output.code(), Some(0), "{command} {words:?}\n{output}");
            }
        }
    }
}

#[test]
fn long_options_may_be_abbreviated_where_that_is_clear() {
    for line in [
        "clone --table-j 2 --index 2 --restore-j 2 --large-objects 2 --estimate --drop --requ f",
        "copy data --skip-ana --skip-vac --skip-db --skip-split --skip-col --use --fail --rest",
        "copy roles --no-role --role",
        "list tables --without --list-s --filter f --est --split-m 2",
        "list progress --sum --js",
        "restore schema --no-ow --no-ac --no-com --no-tab",
        "dump roles --no-role --res",
        "compare data --table-j 3",
        "snapshot --fol --slot n",
    ] {
        let (command, options) = line.split_once(" --").unwrap();
        let options = format!("--{options} --version");
        let words: Vec<&str> = options.split(' ').collect();
        let output = run(command, &words);
        // Restart and resume begin alike.
        match line.ends_with("--rest") || line.ends_with("--res") {
            true => assert_eq!(output.code(), Some(1), "{line}\n{output}"),
            false => assert_eq!(output.code(), Some(0), "{line}\n{output}"),
        }
    }
}

#[test]
fn every_variable_stands_for_its_option() {
    for (variable, command, wrong) in [
        ("PGCOPYDB_TABLE_JOBS", "clone", "129"),
        ("PGCOPYDB_TABLE_JOBS", "compare data", "0"),
        ("PGCOPYDB_INDEX_JOBS", "clone", "0"),
        ("PGCOPYDB_RESTORE_JOBS", "restore schema", "x"),
        ("PGCOPYDB_LARGE_OBJECTS_JOBS", "copy blobs", "-1"),
        ("PGCOPYDB_SPLIT_TABLES_LARGER_THAN", "copy data", "10gb"),
        ("PGCOPYDB_SPLIT_TABLES_LARGER_THAN", "list table-parts", "10gb"),
        ("PGCOPYDB_SPLIT_MAX_PARTS", "list table-parts", "0"),
        ("PGCOPYDB_OUTPUT_PLUGIN", "clone", "none"),
        ("PGCOPYDB_ESTIMATE_TABLE_SIZES", "copy data", "maybe"),
        ("PGCOPYDB_ESTIMATE_TABLE_SIZES", "list tables", "maybe"),
        ("PGCOPYDB_SKIP_ANALYZE", "clone", "maybe"),
        ("PGCOPYDB_DROP_IF_EXISTS", "restore schema", "maybe"),
        ("PGCOPYDB_FAIL_FAST", "clone", "maybe"),
        ("PGCOPYDB_SKIP_VACUUM", "clone", "maybe"),
        ("PGCOPYDB_SKIP_DB_PROPERTIES", "clone", "maybe"),
        ("PGCOPYDB_SKIP_CTID_SPLIT", "clone", "maybe"),
        ("PGCOPYDB_SKIP_TABLESPACES", "clone", "maybe"),
        ("PGCOPYDB_USE_COPY_BINARY", "clone", "maybe"),
        ("PGCOPYDB_REPLAY_NO_OP_UPDATES", "follow", "maybe"),
        ("PGCOPYDB_WAL2JSON_NUMERIC_AS_STRING", "clone", "maybe"),
        ("PGCOPYDB_PORT", "stream replay", "x"),
    ] {
        let program = Program::new(env!("CARGO_BIN_EXE_pgcopydb")).env(variable, wrong);
        let output = program.args(command.split(' ')).args(["-S", "a", "-T", "b"]);
        let output = match command.starts_with("list") {
            true => {
                let program = Program::new(env!("CARGO_BIN_EXE_pgcopydb")).env(variable, wrong);
                program.args(command.split(' ')).args(["-S", "a"]).run()
            }
            false => output.run(),
        };
        output.assert_code(1).assert_stderr_has(variable);
    }
}
