//! Command lines and environments, and what they turn into.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;

use super::*;
use crate::log::Level;
use crate::model::settings::{Beginning, Jobs, RowFormat, Settings};

const BOTH: &str = "--source a --target b";

/// The answer to a command line without the program's name, split at spaces.
fn parse_with(line: &str, variables: &[(&str, &str)]) -> Result<Invocation, UsageExit> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let words = std::iter::once("pgcopydb").chain(line.split_whitespace());
    parse(words, |name| variables.get(name).map(OsString::from))
}

fn exit(line: &str) -> (u8, String) {
    exit_with(line, &[])
}

fn exit_with(line: &str, variables: &[(&str, &str)]) -> (u8, String) {
    match parse_with(line, variables) {
        Ok(_) => panic!("accepted: {line}"),
        Err(exit) => (exit.code(), anstream::adapter::strip_str(exit.text()).to_string()),
    }
}

fn accepted(line: &str, variables: &[(&str, &str)]) -> Invocation {
    match parse_with(line, variables) {
        Ok(invocation) => invocation,
        Err(exit) => panic!("refused: {line}\n{}", exit.text()),
    }
}

fn cloned(line: &str, variables: &[(&str, &str)]) -> CloneRequest {
    match accepted(line, variables).request {
        Request::Clone(request) => *request,
        _ => panic!("not a clone: {line}"),
    }
}

fn settings(options: &str) -> Settings {
    cloned(&format!("clone {BOTH} {options}"), &[]).settings
}

fn settings_with(options: &str, variables: &[(&str, &str)]) -> Settings {
    cloned(&format!("clone {BOTH} {options}"), variables).settings
}

#[test]
fn the_declarations_are_consistent() {
    Cli::command().debug_assert();
    environment::detached(Cli::command()).debug_assert();
}

#[test]
fn a_clone_without_options_has_the_published_defaults() {
    assert_eq!(format!("{:?}", settings("")), format!("{:?}", Settings::default()));
}

#[test]
fn a_clone_goes_by_all_its_names() {
    for name in ["clone", "fork", "copy-db", "copy db"] {
        let request = cloned(&format!("{name} -S a -T b"), &[]);
        assert_eq!((request.source.as_str(), request.target.as_str()), ("a", "b"));
    }
}

#[test]
fn every_letter_stands_for_its_option() {
    let settings = settings(
        "-D /d -J 1 -I 2 -j 3 -b 5 -L 10MB -u 6 -k -n -c -O -X -x -y -B -e -M -U -g -i -R -C -N s",
    );
    assert_eq!(settings.jobs, Jobs { table: 1, index: 2, restore: 3, large_object: 5 });
    assert_eq!(settings.directory, Some(PathBuf::from("/d")));
    assert_eq!(settings.split_tables_larger_than, Some(10 << 20));
    assert_eq!(settings.split_max_parts, Some(6));
    assert_eq!(settings.beginning, Beginning::Resume);
    assert_eq!(settings.snapshot.as_deref(), Some("s"));
    for (letter, set) in [
        ("k", settings.skip_split_by_ctid),
        ("c", settings.drop_if_exists),
        ("O", settings.no_owner),
        ("X", settings.no_comments),
        ("x", settings.no_acl),
        ("y", settings.no_tablespaces),
        ("B", settings.skip_large_objects),
        ("e", settings.skip_extensions),
        ("M", settings.skip_extension_comments),
        ("U", settings.skip_vacuum),
        ("g", settings.skip_db_properties),
        ("i", settings.fail_fast),
        ("C", settings.not_consistent),
    ] {
        assert!(set, "-{letter}");
    }
}

#[test]
fn old_spellings_and_clear_beginnings_are_accepted() {
    assert_eq!(settings("--jobs 7").jobs.table, 7);
    assert_eq!(settings("--table-j=7").jobs.table, 7);
    assert_eq!(settings("--split-at 1GB").split_tables_larger_than, Some(1 << 30));
    assert_eq!(settings("--split-t 1GB").split_tables_larger_than, Some(1 << 30));
    assert!(settings("--skip-blobs").skip_large_objects);
    assert!(settings("--skip-ext-comment").skip_extension_comments);
    assert!(settings("--drop").drop_if_exists);
    assert_eq!(exit(&format!("clone {BOTH} --skip-ext")).0, 1);
    assert_eq!(exit(&format!("clone {BOTH} --split 1GB")).0, 1);
}

#[test]
fn the_last_of_repeated_options_counts() {
    assert_eq!(settings("-J 2 --jobs 3 -c -c").jobs.table, 3);
}

#[test]
fn restore_jobs_follow_index_jobs() {
    assert_eq!(settings("--index-jobs 9").jobs.restore, 9);
    assert_eq!(settings("--index-jobs 9 --restore-jobs 2").jobs.restore, 2);
}

#[test]
fn a_size_of_zero_means_never() {
    assert_eq!(settings("--split-at 0").split_tables_larger_than, Some(0));
}

#[test]
fn text_can_be_forced() {
    assert_eq!(settings("").row_format, RowFormat::Automatic);
    assert_eq!(settings("--use-copy-binary").row_format, RowFormat::Automatic);
    assert_eq!(settings("--copy-format text").row_format, RowFormat::Text);
    let both = accepted(&format!("clone {BOTH} -n --copy-format text"), &[]);
    assert_eq!(both.warnings, ["ignoring --use-copy-binary: the format is text"]);
}

#[test]
fn what_is_out_of_range_is_refused() {
    for options in [
        "--table-jobs 0",
        "--table-jobs 129",
        "--index-jobs x",
        "--restore-jobs -1",
        "--large-objects-jobs 1.5",
        "--split-max-parts 0",
        "--split-at 10gb",
        "--copy-format csv",
        "--no-such-option",
        "--drop-if-exists=yes",
        "--dir",
    ] {
        assert_eq!(exit(&format!("clone {BOTH} {options}")).0, 1, "{options}");
    }
    assert_eq!(
        exit(&format!("clone {BOTH} --jobs 129")).1,
        "error: invalid value '129' for '--table-jobs <N>': 129 is not in 1..=128\n\n\
         For more information, try '--help'.\n"
    );
    assert_eq!(
        exit(&format!("clone {BOTH} -L 10gb")).1,
        "error: invalid value '10gb' for '--split-tables-larger-than <SIZE>': \
         the unit must be one of B, kB, MB, GB, TB, PB, EB\n\n\
         For more information, try '--help'.\n"
    );
}

#[test]
fn both_servers_are_mandatory() {
    for line in [
        "clone",
        "clone -S a",
        "clone -T b",
        "ping",
        "copy db -S a",
        "copy table-data -T b",
        "restore schema -S a",
        "restore post-data",
        "restore parse-list",
    ] {
        let (code, text) = exit(line);
        assert_eq!(code, 1, "{line}");
        assert!(text.starts_with("error: Options --source and --target are mandatory\n"), "{text}");
    }
    assert_eq!(
        exit("snapshot").1,
        "error: Option --source is mandatory\n\n  hint: Give --source, or set \
         PGCOPYDB_SOURCE_PGURI.\n"
    );
}

#[test]
fn an_empty_connection_string_is_a_missing_one() {
    let words = ["pgcopydb", "clone", "--source", "", "--target", "b"];
    let Err(exit) = parse(words, |_| None) else { panic!("accepted") };
    assert!(exit.text().contains("Options --source and --target are mandatory"));
}

#[test]
fn restart_and_resume_exclude_each_other() {
    let (code, text) = exit(&format!("clone {BOTH} --restart --resume"));
    assert_eq!(code, 1);
    assert!(text.starts_with("error: the argument '--restart' cannot be used with '--resume'"));
    assert_eq!(settings("--restart").beginning, Beginning::Restart);
    assert_eq!(settings("--resume").beginning, Beginning::Resume);
}

#[test]
fn the_environment_gives_what_the_command_line_does_not() {
    let variables = [
        ("PGCOPYDB_SOURCE_PGURI", "postgres://source/"),
        ("PGCOPYDB_TARGET_PGURI", "postgres://target/"),
        ("PGCOPYDB_TABLE_JOBS", "5"),
        ("PGCOPYDB_TARGET_INDEX_JOBS", "6"),
        ("PGCOPYDB_RESTORE_JOBS", "7"),
        ("PGCOPYDB_LARGE_OBJECTS_JOBS", "8"),
        ("PGCOPYDB_SPLIT_TABLES_LARGER_THAN", "1 GB"),
        ("PGCOPYDB_SPLIT_MAX_PARTS", "9"),
        ("PGCOPYDB_SNAPSHOT", "00000003-1"),
        ("PGCOPYDB_COPY_FORMAT", "text"),
    ];
    let request = cloned("clone --source mine -J 2", &variables);
    assert_eq!(request.source, "mine");
    assert_eq!(request.target, "postgres://target/");
    let settings = request.settings;
    assert_eq!(settings.jobs, Jobs { table: 2, index: 6, restore: 7, large_object: 8 });
    assert_eq!(settings.split_tables_larger_than, Some(1 << 30));
    assert_eq!(settings.split_max_parts, Some(9));
    assert_eq!(settings.snapshot.as_deref(), Some("00000003-1"));
    assert_eq!(settings.row_format, RowFormat::Text);
}

#[test]
fn booleans_of_the_environment_are_read() {
    let all = |value| {
        let variables = [
            ("PGCOPYDB_DROP_IF_EXISTS", value),
            ("PGCOPYDB_FAIL_FAST", value),
            ("PGCOPYDB_SKIP_VACUUM", value),
            ("PGCOPYDB_SKIP_DB_PROPERTIES", value),
            ("PGCOPYDB_SKIP_CTID_SPLIT", value),
            ("PGCOPYDB_SKIP_TABLESPACES", value),
            ("PGCOPYDB_USE_COPY_BINARY", value),
        ];
        let settings = settings_with("", &variables);
        [
            settings.drop_if_exists,
            settings.fail_fast,
            settings.skip_vacuum,
            settings.skip_db_properties,
            settings.skip_split_by_ctid,
            settings.no_tablespaces,
        ]
    };
    assert_eq!(all("YES"), [true; 6]);
    assert_eq!(all("off"), [false; 6]);
    assert_eq!(all(""), [false; 6]);
    assert!(settings_with("--fail-fast", &[("PGCOPYDB_FAIL_FAST", "no")]).fail_fast);
}

#[test]
fn a_wrong_variable_is_named() {
    let clone = format!("clone {BOTH}");
    assert_eq!(
        exit_with(&clone, &[("PGCOPYDB_FAIL_FAST", "maybe")]),
        (
            1,
            "error: invalid value 'maybe' for environment variable PGCOPYDB_FAIL_FAST: not a \
             boolean\n\n  hint: Use one of true, yes, on, 1, false, no, off, 0.\n"
                .to_owned()
        )
    );
    assert_eq!(
        exit_with(&clone, &[("PGCOPYDB_TARGET_TABLE_JOBS", "500")]),
        (
            1,
            "error: invalid value '500' for environment variable PGCOPYDB_TARGET_TABLE_JOBS: 500 \
             is not in 1..=128\n\n  hint: It stands for the option --table-jobs <N>.\n"
                .to_owned()
        )
    );
    let (code, text) = exit_with(&clone, &[("PGCOPYDB_COPY_FORMAT", "csv")]);
    assert_eq!(code, 1);
    assert!(text.contains("environment variable PGCOPYDB_COPY_FORMAT"), "{text}");
}

#[test]
fn help_works_when_everything_else_is_broken() {
    let (code, text) = exit_with("clone --help", &[("PGCOPYDB_TABLE_JOBS", "x")]);
    assert_eq!(code, 0);
    assert!(text.contains("[$PGCOPYDB_TABLE_JOBS]"), "{text}");
}

#[test]
fn the_log_is_set_by_its_variables() {
    let variables = [
        ("PGCOPYDB_LOG_JSON", "on"),
        ("PGCOPYDB_LOG_FILENAME", "/tmp/x.log"),
        ("PGCOPYDB_LOG_JSON_FILE", "t"),
        ("PGCOPYDB_LOG_TIME_FORMAT", "%H"),
    ];
    assert_eq!(
        accepted(&format!("ping {BOTH}"), &variables).log,
        crate::log::Options {
            level: Level::Info,
            json: true,
            file: Some(PathBuf::from("/tmp/x.log")),
            json_file: true,
            time_format: Some("%H".to_owned()),
        }
    );
    assert_eq!(exit_with(&format!("ping {BOTH}"), &[("PGCOPYDB_LOG_JSON", "x")]).0, 12);
}

#[test]
fn verbosity_has_a_scale() {
    for (line, level) in [
        ("clone", Level::Info),
        ("clone -v", Level::Notice),
        ("clone --notice", Level::Notice),
        ("clone -vv", Level::Sql),
        ("clone -vvv", Level::Debug),
        ("clone -vvvv", Level::Trace),
        ("clone -vvvvvvv", Level::Trace),
        ("clone -d", Level::Debug),
        ("clone -z", Level::Trace),
        ("clone -q", Level::Error),
        ("clone -q -v", Level::Notice),
        ("clone -v -q", Level::Error),
        ("-v clone -v", Level::Sql),
        ("-q clone", Level::Error),
        ("-q clone -v", Level::Notice),
        ("-d clone -q", Level::Error),
        ("ping -v", Level::Notice),
        ("ping -vv", Level::Debug),
        ("ping -vvv", Level::Trace),
    ] {
        assert_eq!(accepted(&format!("{line} {BOTH}"), &[]).log.level, level, "{line}");
    }
}

fn compared(options: &str, variables: &[(&str, &str)]) -> CompareDataRequest {
    match accepted(&format!("compare data {BOTH} {options}"), variables).request {
        Request::CompareData(request) => request,
        _ => panic!("not a comparison: {options}"),
    }
}

#[test]
fn a_comparison_has_options_of_its_own() {
    let request = compared("", &[]);
    assert_eq!((request.table_jobs, request.rows, request.json), (4, 0, false));
    assert_eq!(compared("-j 7", &[]).table_jobs, 7);
    assert_eq!(compared("--jobs 7", &[]).table_jobs, 7);
    assert_eq!(compared("", &[("PGCOPYDB_TABLE_JOBS", "7")]).table_jobs, 7);
    assert_eq!(compared("--rows", &[]).rows, 10);
    assert_eq!(compared("--rows=3 -J", &[]).rows, 3);
    assert!(compared("-J", &[]).json);
    assert_eq!(compared("--split-at 1MB", &[]).split_tables_larger_than, Some(1 << 20));
    let schema = format!("--json compare schema {BOTH} -j 2 --dir /d");
    assert!(matches!(
        accepted(&schema, &[]).request,
        Request::CompareSchema(CompareSchemaRequest { json: true, .. })
    ));
    for line in
        ["compare", "compare nothing", "compare data -S a", "compare data -S a -T b --rows=0"]
    {
        assert_eq!(exit(line).0, 1, "{line}");
    }
}

#[test]
fn the_version_can_be_asked_for_everywhere() {
    for (line, expected) in [
        ("version", false),
        ("--version", false),
        ("-V", false),
        ("clone -V", false),
        ("version --json", true),
        ("--json version", true),
        ("-J -V", true),
    ] {
        match accepted(line, &[]).request {
            Request::Version { json } => assert_eq!(json, expected, "{line}"),
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn words_that_mean_nothing_are_ignored_loudly() {
    let invocation = accepted(&format!("clone nonsense {BOTH}"), &[]);
    assert_eq!(invocation.warnings, ["ignoring \"nonsense\": the command takes options only"]);
    assert_eq!(exit("ping postgres://me:secret@host/db").0, 1);
    assert!(!exit("ping postgres://me:secret@host/db").1.contains("secret"));
}

#[test]
fn help_is_an_answer_and_a_missing_command_a_mistake() {
    for (line, code, beginning) in [
        ("--help", 0, "Copy a live PostgreSQL database to another server\n\nUsage: pgcopydb"),
        ("", 1, "Copy a live PostgreSQL database to another server\n\nUsage: pgcopydb"),
        ("-v", 1, "Copy a live PostgreSQL database to another server\n\nUsage: pgcopydb"),
        ("clone -h", 0, "Copy a whole database"),
        ("help clone", 0, "Copy a whole database"),
        ("help copy db", 0, "The same as clone\n\nUsage: pgcopydb copy db --source"),
        ("help ping", 0, "Try to connect to both servers\n\nUsage: pgcopydb ping [OPTIONS]"),
        ("help nothing", 1, "error: there is no command \"nothing\""),
        ("copy", 1, "Copy a part of a database\n\nUsage: pgcopydb copy"),
        ("copy --help", 0, "Copy a part of a database\n\nUsage: pgcopydb copy"),
        ("nothing", 1, "error: unrecognized subcommand 'nothing'"),
    ] {
        let (actual, text) = exit(line);
        assert_eq!(actual, code, "{line}");
        assert!(text.starts_with(beginning), "{line}: {text}");
    }
}

#[test]
fn help_names_all_commands() {
    assert_eq!(
        exit("help").1,
        "\
Copy a live PostgreSQL database to another server

Commands:
  clone          Copy a whole database: schema, rows, indexes, constraints, sequences, large objects
  copy           Copy a part of a database
    db           The same as clone
    roles        Make the roles of the source server on the target server
    tablespaces  Make the tablespaces of the source server on the target server
    extensions   Make extensions, and copy their configuration tables
    schema       Make every object on the target, but copy no rows
    data         Copy rows, large objects and sequences, and build indexes and constraints
    table-data   Copy the rows of all tables
    blobs        Copy large objects
    sequences    Set sequences to their values on the source
    indexes      Build all indexes
    constraints  Turn indexes into primary keys and unique constraints
  dump           Dump the schema of the source
    schema       Dump the schema of the source into the work directory
    pre-data     The same as dump schema: both are in one archive
    post-data    The same as dump schema: both are in one archive
    roles        Write the roles of the source server to roles.sql in the work directory
  restore        Restore what was dumped
    schema       Make every object of the dump on the target
    pre-data     Make the objects that come before the rows: tables, types, functions, views
    post-data    Make the objects that come after the rows: indexes, constraints, triggers, privileges
    roles        Make the roles of roles.sql on the target server
    parse-list   Print the entries of a list of pg_restore, or write the lists of the dump
  list           List objects of the source, or how far a run has come
    databases    List the databases of the source server
    extensions   List extensions, those that can be installed, or a file of requirements
    collations   List the collations that the database, its columns and its indexes use
    tables       List tables
    table-parts  List the parts that a table is copied in
    sequences    List sequences and what they belong to
    indexes      List indexes and constraints
    depends      List what is left out because it needs what --filters leaves out
    schema       Print tables, indexes and sequences as one document, with --json
    progress     Print how far the run in the work directory has come
  compare        Find out whether source and target are the same
    schema       Compare every object of both databases, but not their rows
    data         Compare rows, sequences and large objects of both databases
  follow         Apply the changes of the source to a target that was copied before
  stream         Receive changes, apply them, and control both
    setup        Make the publication and the replication slot on the source, and the origin on the target
    cleanup      Drop what setup made
    replay       Receive changes and apply them
    receive      Receive changes into the work directory
    apply        Apply the changes that were received
    prune        Remove changes from the work directory that are applied
    sentinel     Print or change where following stops, and whether changes are applied
      setup      Write a new row: where changes begin, and where they end
      get        Print the row, or one value of it
      set        Change the row
        startpos Change where changes begin
        endpos   Change where to stop, also while the program runs; 0/0 for nowhere
        apply    Apply changes from now on
        prefetch Only receive changes from now on
  snapshot       Export a snapshot of the source, and keep it alive until told to stop
  report         Write a page for the browser about the runs in a work directory
  ping           Try to connect to both servers
  help           Print all commands, or the options of one
  version        Print the version

Options of a command: pgcopydb <COMMAND> --help
"
    );
}

#[test]
fn a_report_has_a_file() {
    let request = accepted("report --dir d page.html", &[]).request;
    let Request::Report(request) = request else { panic!("not a report") };
    assert_eq!(request.file, PathBuf::from("page.html"));
    assert_eq!(request.directory, Some(PathBuf::from("d")));
    assert_eq!(exit("report --dir d").0, 1);
    let report = |options: &str| cloned(&format!("clone {BOTH} {options}"), &[]).report;
    assert_eq!(report("--report page.html"), Some(PathBuf::from("page.html")));
    assert_eq!(report(""), None);
}
