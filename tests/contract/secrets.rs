//! Passwords appear nowhere: not in what is printed, not in files, not in the list of processes.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use pgcopydb_testkit::{Cluster, Database, Pair, Program};

use crate::support::clone;

/// What must not be found, as it is and as a URI has it.
const SECRETS: [&str; 4] = ["sec:ret/1", "sec%3Aret%2F1", "t0p'secret", "t0p%27secret"];

/// Two servers that want these passwords on TCP.
fn pair(number: u32) -> Pair {
    static CLUSTERS: OnceLock<[Arc<Cluster>; 2]> = OnceLock::new();
    let clusters = CLUSTERS.get_or_init(|| {
        [SECRETS[0], SECRETS[2]].map(|password| {
            let cluster = Cluster::builder().hba("host all all 127.0.0.1/32 scram-sha-256").start();
            let password = pgcopydb_testkit::quoted_literal(password);
            cluster.sql("postgres", &format!("alter role postgres password {password}"));
            Arc::new(cluster)
        })
    });
    let [source, target] = clusters.clone();
    let names = [format!("source_{number}"), format!("target_{number}")];
    let pair = Pair::between(source, target, [&names[0], &names[1]]);
    pair.source.sql("create table t as select 1 as a");
    pair
}

fn uri(database: &Database, password: &str) -> String {
    database.tcp_uri().replace("postgres@", &format!("postgres:{password}@"))
}

fn with_passwords(pair: &Pair) -> Program {
    clone(pair)
        .env("PGCOPYDB_SOURCE_PGURI", uri(&pair.source, SECRETS[1]))
        .env("PGCOPYDB_TARGET_PGURI", uri(&pair.target, SECRETS[3]))
}

fn assert_no_secret(text: &[u8], place: &str) {
    for secret in SECRETS {
        let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret:?} in {place}: {}", String::from_utf8_lossy(text));
    }
}

fn assert_no_secret_below(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => assert_no_secret_below(&path),
            false => assert_no_secret(&std::fs::read(&path).unwrap(), &path.to_string_lossy()),
        }
    }
}

#[test]
fn nothing_says_a_password() {
    let pair = pair(1);
    let log = pair.directory().join("the.log");
    for run in ["-z", "-r"] {
        let output =
            with_passwords(&pair).args([run, "-c"]).env("PGCOPYDB_LOG_FILENAME", &log).run();
        output.assert_success();
        assert_no_secret(output.stderr.as_bytes(), "the log");
        assert_no_secret(output.stdout.as_bytes(), "the output");
        // In the log file, the catalog, the archive, the summary.
        assert_no_secret_below(pair.directory());
    }
    pair.assert_same();
}

#[test]
fn failures_say_no_password() {
    let pair = pair(2);
    let missing = |database: &Database, password: &str| {
        uri(database, password).replace(database.name(), "missing")
    };
    let (source, target) = (uri(&pair.source, SECRETS[1]), uri(&pair.target, SECRETS[3]));
    for (source, target) in [
        (source.clone(), missing(&pair.target, SECRETS[3])),
        (missing(&pair.source, SECRETS[1]), target.clone()),
        (source.replace("127.0.0.1:", "127.0.0.1:x"), target.clone()),
        (source.replace("127.0.0.1", "[::"), target.clone()),
        (format!("{source}?nonsense=1"), target.clone()),
        (source.replace("postgresql:", "postgres-nonsense:"), target.clone()),
        (source.clone(), format!("host=127.0.0.1 password={} nonsense=1", SECRETS[0])),
        (source.clone(), format!("host=127.0.0.1 password='{}", SECRETS[0])),
        (source.clone(), source.clone()),
    ] {
        let program = clone(&pair)
            .args(["--restart", "-d"])
            .env("PGCOPYDB_SOURCE_PGURI", &source)
            .env("PGCOPYDB_TARGET_PGURI", &target);
        let output = program.run();
        assert_ne!(output.code(), Some(0), "{output}");
        assert!(output.code().is_some(), "{output}");
        assert_no_secret(output.stderr.as_bytes(), &source);
        assert_no_secret(output.stdout.as_bytes(), &source);
    }
    // What was typed in the wrong place is not repeated either.
    for words in [vec!["--source"], vec!["--table-jobs"], vec!["nonsense"]] {
        let output = clone(&pair).args(words).arg(&source).args(["--nonsense", &target]).run();
        assert_ne!(output.code(), Some(0), "{output}");
        assert_no_secret(output.stderr.as_bytes(), "the usage");
    }
}

#[test]
fn no_process_has_a_password_among_its_words() {
    let pair = pair(3);
    let mut session = pair.source.session();
    session.run("begin; lock table t in access exclusive mode");
    let running = with_passwords(&pair).spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb% pg_dump')",
    );
    let mut seen = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        // Another test types passwords where they do not belong.
        let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
        let own = [format!("Pid:\t{}\n", running.pid()), format!("PPid:\t{}\n", running.pid())];
        if !own.iter().any(|line| status.contains(line)) {
            continue;
        }
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert_no_secret(&words, &process.path().to_string_lossy());
        let name = String::from_utf8_lossy(&words);
        seen += u32::from(name.contains("pg_dump") && name.contains(pair.source.name()));
    }
    assert_eq!(seen, 1, "the words of pg_dump");
    // Servers show the statements and names of sessions to everybody.
    for side in [&pair.source, &pair.target] {
        let shown = side.sql("select * from pg_stat_activity");
        assert_no_secret(shown.as_bytes(), "pg_stat_activity");
        assert!(shown.contains("pgcopydb["), "{shown}");
    }
    session.run("rollback");
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn passwords_come_from_where_libpq_takes_them() {
    use std::os::unix::fs::PermissionsExt;
    let pair = pair(4);
    let port = |database: &Database| database.cluster().port();
    let file = pair.directory().join("passwords");
    let lines = format!(
        "127.0.0.1:{}:*:postgres:{}\n127.0.0.1:{}:*:postgres:{}\n",
        port(&pair.source),
        SECRETS[0].replace(':', "\\:"),
        port(&pair.target),
        SECRETS[2],
    );
    std::fs::write(&file, lines).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let without = |database: &Database| database.tcp_uri();
    let program = clone(&pair)
        .env("PGCOPYDB_SOURCE_PGURI", without(&pair.source))
        .env("PGCOPYDB_TARGET_PGURI", without(&pair.target));
    program.clone().env("PGPASSFILE", &file).run().assert_success();
    pair.assert_same();
    // One variable for both servers is right for one of them; the other says its own.
    let program = program.args(["-r", "-c"]).env("PGPASSWORD", SECRETS[0]);
    program.clone().run().assert_code(7);
    program.env("PGCOPYDB_TARGET_PGURI", uri(&pair.target, SECRETS[3])).run().assert_success();
    pair.assert_same();
}
