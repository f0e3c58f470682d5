//! What the command line promises to scripts: exit codes, which stream speaks, the shape of the
//! log. No server is needed.

use pgcopydb_testkit::{Output, Program};

fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_pgcopydb"))
}

fn run(line: &str) -> Output {
    program().args(line.split_whitespace()).run()
}

#[test]
fn help_speaks_on_standard_error() {
    for (line, code) in [
        ("--help", 0),
        ("help", 0),
        ("help clone", 0),
        ("clone --help", 0),
        ("copy db -h", 0),
        ("snapshot --help", 0),
        ("ping --help", 0),
        ("compare data --help", 0),
        ("compare", 1),
        ("", 1),
        ("copy", 1),
    ] {
        let output = run(line);
        output.assert_code(code);
        assert_eq!(output.stdout, "", "{line}");
        assert!(output.stderr.lines().count() > 5, "{output}");
    }
}

#[test]
fn mistakes_exit_with_1_and_say_nothing_on_standard_output() {
    for line in [
        "nonsense",
        "--nonsense",
        "clone",
        "clone --source x",
        "ping --target x",
        "snapshot",
        "clone --source a --target b --table-jobs 129",
        "clone --source a --target b --split-at 10gb",
        "clone --source a --target b --restart --resume",
        "clone --source a --target b --skip-ext",
    ] {
        let output = run(line);
        output.assert_code(1);
        assert_eq!(output.stdout, "", "{line}");
        assert!(output.stderr.starts_with("error: "), "{output}");
    }
}

#[test]
fn an_unknown_command_is_answered_with_the_known_ones() {
    let output = run("nonsense");
    for command in ["clone", "copy", "snapshot", "ping", "help", "version"] {
        output.assert_stderr_has(&format!("\n  {command} "));
    }
}

#[test]
fn options_on_the_command_line_go_before_the_environment() {
    let wrong = program().env("PGCOPYDB_TABLE_JOBS", "500");
    let output = wrong.clone().args(["clone", "-S", "a", "-T", "b"]).run();
    output.assert_code(1);
    output.assert_stderr_has("environment variable PGCOPYDB_TABLE_JOBS");
    // The variable is not looked at: what is missing is the target.
    let output = wrong.args(["clone", "-S", "a", "--jobs", "2"]).run();
    output.assert_code(1);
    output.assert_stderr_has("Options --source and --target are mandatory");
}

#[test]
fn a_wrong_boolean_exits_with_1_and_one_of_the_log_with_12() {
    let clone = program().args(["clone", "-S", "a", "-T", "b"]);
    clone.clone().env("PGCOPYDB_FAIL_FAST", "maybe").run().assert_code(1);
    clone.env("PGCOPYDB_LOG_JSON", "maybe").run().assert_code(12);
}

#[test]
fn data_goes_to_standard_output_and_the_log_to_standard_error() {
    for line in ["version", "--version", "clone -V"] {
        let output = run(line);
        output.assert_success();
        assert!(output.stdout.starts_with("pgcopydb version 0.18\n"), "{output}");
        let (log, _) = output.stderr.split_once('\n').unwrap();
        assert!(log.contains(" INFO   "), "{output}");
        assert!(log.contains("Running pgcopydb version 0.18 from \"/"), "{output}");
    }
}

#[test]
fn the_log_can_be_json_and_go_to_a_file_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pgcopydb.log");
    std::fs::write(&file, "of an earlier run").unwrap();
    let output = program()
        .arg("version")
        .env("PGCOPYDB_LOG_JSON", "yes")
        .env("PGCOPYDB_LOG_FILENAME", &file)
        .run();
    output.assert_success();
    let line: serde_json::Value = serde_json::from_str(&output.stderr).unwrap();
    assert_eq!(line["error_level"], 5);
    assert_eq!(line["error_severity"], "INFO");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(" INFO   log.rs:"), "{text}");
    assert!(!text.contains("earlier"), "{text}");
}

#[test]
fn a_quiet_program_is_quiet() {
    let output = run("-q version");
    output.assert_success();
    assert_eq!(output.stderr, "");
}

#[test]
fn a_negative_number_is_a_wrong_value_and_no_option() {
    for (line, option) in [
        ("clone -S a -T b --table-jobs -1", "--table-jobs"),
        ("clone -S a -T b -I -1", "--index-jobs"),
        ("clone -S a -T b --split-at -5", "--split-tables-larger-than"),
    ] {
        let output = run(line);
        output.assert_code(1).assert_stderr_has("invalid value '-");
        output.assert_stderr_has(option);
    }
}
