//! A running command that is asked from elsewhere.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use pgcopydb_testkit::{Output, Running};

use super::Followed;
use crate::support::pgcopydb;

/// Asks the command that listens on a port, from a directory that knows nothing.
fn ask(followed: &Followed, port: &str, words: &[&str]) -> Output {
    let elsewhere = followed.pair.directory().join("elsewhere");
    let program = pgcopydb(&followed.pair).args(["stream", "sentinel"]).args(words.iter().copied());
    let program = program.args(["--host", "127.0.0.1", "--port", port, "--dir"]).arg(&elsewhere);
    program.run()
}

/// A command that listens, and its port.
fn listening(followed: &Followed, words: &[&str]) -> (Running, String) {
    let program = followed.program("clone --follow --host 127.0.0.1 --port 0");
    let running = program.args(words.iter().copied()).spawn();
    let line = running.wait_for_stderr("listening on 127.0.0.1:");
    let port = line.rsplit("127.0.0.1:").next().unwrap_or_default();
    let port = port.split_whitespace().next().unwrap_or_default().to_owned();
    running.wait_for_stderr("applying changes after");
    (running, port)
}

#[test]
fn a_migration_is_watched_and_ended_from_elsewhere() {
    let followed = Followed::new("create table t (id int primary key)");
    let (running, port) = listening(&followed, &[]);
    followed.pair.source.sql("insert into t values (1)");
    let shown = ask(&followed, &port, &["get", "--endpos"]);
    shown.assert_success();
    assert_eq!(shown.stdout.trim(), "0/0");
    // Nonsense harms nobody.
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("a request");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.next().is_some_and(|greeting| greeting.contains("nonce")));
    assert!(lines.next().is_some_and(|answer| answer.contains("error")));
    ask(&followed, &port, &["setup", "0/1", "0/2"]).assert_code(1);
    let set = ask(&followed, &port, &["set", "endpos", "--current"]);
    set.assert_success();
    running.wait().assert_success().assert_stderr_has("the end position is");
    assert_ne!(set.stdout.trim(), "0/0");
    ask(&followed, &port, &["get"]).assert_code(3).assert_stderr_has("could not ask");
    followed.assert_same();
}

#[test]
fn a_secret_is_asked_for() {
    let followed = Followed::new("create table t (id int primary key)");
    let directory = followed.pair.directory();
    let (right, wrong) = (directory.join("right"), directory.join("wrong"));
    std::fs::write(&right, "open sesame\n").expect("a file");
    std::fs::write(&wrong, "open barley\n").expect("a file");
    let [right, wrong] = [right, wrong].map(|path| path.display().to_string());
    let (running, port) = listening(&followed, &["--secret-file", &right]);
    let refused = ask(&followed, &port, &["set", "endpos", "--current"]);
    refused.assert_code(3).assert_stderr_has("the secret is wrong");
    refused.assert_stderr_has("--secret-file");
    let words = ["set", "endpos", "--current", "--secret-file"];
    ask(&followed, &port, &[&words[..], &[&wrong]].concat()).assert_code(3);
    ask(&followed, &port, &[&words[..], &[&right]].concat()).assert_success();
    let output = running.wait();
    output.assert_success();
    assert!(!output.stderr.contains("sesame"), "{output}");
    followed.assert_same();
}

#[test]
fn what_is_applied_is_removed_from_elsewhere() {
    let followed = Followed::new("create table t (id serial primary key, v text)");
    let secret = followed.pair.directory().join("secret");
    std::fs::write(&secret, "open sesame\n").expect("a file");
    let secret = secret.display().to_string();
    let (mut running, port) =
        listening(&followed, &["--secret-file", &secret, "--max-store-size", "2MB"]);
    let prune = |words: &[&str]| {
        let elsewhere = followed.pair.directory().join("elsewhere");
        let program = pgcopydb(&followed.pair).args(["stream", "prune", "--host", "127.0.0.1"]);
        let program = program.args(["--port", &port, "--dir"]).arg(&elsewhere);
        program.args(words.iter().copied()).run()
    };
    let files = || {
        let changes = followed.pair.directory().join("pgcopydb/cdc");
        let names = std::fs::read_dir(changes).expect("a directory").flatten();
        names.filter(|entry| entry.path().extension().is_some_and(|end| end == "db")).count()
    };
    for _ in 0..10 {
        followed.pair.source.sql("insert into t (v) values (repeat('x', 300000))");
    }
    followed.pair.target.wait_for("select count(*) = 10 from t");
    prune(&[]).assert_code(3).assert_stderr_has("the secret is wrong");
    let told = prune(&["--secret-file", &secret, "--dry-run"]);
    told.assert_success().assert_stderr_has("would remove");
    // The file that is written to stays.
    while files() > 1 {
        assert!(running.is_running());
        prune(&["--secret-file", &secret]).assert_success().assert_stderr_has("removed");
    }
    followed.pair.source.sql("insert into t (v) values ('last')");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn nobody_else_is_listened_to_without_a_secret() {
    let followed = Followed::new("create table t (id int primary key)");
    let output = followed.program("clone --follow --host 0.0.0.0 --port 0").run();
    output.assert_code(1).assert_stderr_has("without a secret");
    followed.program("stream cleanup").run().assert_success();
}
