//! Clusters start, can be asked, stop, are killed, and leave nothing behind.

use std::process::Command;
use std::time::{Duration, Instant};

use pgcopydb_testkit::{Cluster, Database, Pair, Program, Signal, Version};

#[test]
fn a_cluster_can_be_asked_through_socket_and_tcp() {
    let pair = Pair::shared_named("source \"of'\\ %all", "target db");
    pair.source.sql("create table t (a int); insert into t select generate_series(1, 10)");
    assert_eq!(pair.source.value("select count(*) from t"), "10");
    assert_eq!(pair.source.value("select current_database()"), "source \"of'\\ %all");
    assert_eq!(pair.target.value("show wal_level"), "logical");
    let psql = Program::new(Version::default().program("psql"));
    for uri in [pair.source.uri(), pair.source.tcp_uri(), conninfo(&pair.source)] {
        let output = psql.clone().args(["-XAtc", "select sum(a) from t", "-d", &uri]).run();
        assert_eq!(output.assert_success().stdout, "55\n");
    }
    let error = pair.source.try_sql("select 1/0").unwrap_err();
    assert!(error.contains("division by zero"), "{error}");
}

fn conninfo(database: &Database) -> String {
    database.cluster().conninfo(database.name())
}

#[test]
fn a_cluster_stops_restarts_and_recovers_from_a_crash() {
    let cluster = Cluster::builder().setting("work_mem", "5MB").start();
    cluster.create_database("d");
    cluster.sql("d", "create table t (a int); insert into t values (1)");
    assert_eq!(cluster.value("d", "show work_mem"), "5MB");
    cluster.stop();
    assert!(cluster.try_sql("d", "select 1").is_err());
    cluster.restart();
    assert_eq!(cluster.value("d", "select a from t"), "1");
    cluster.kill();
    assert!(cluster.try_sql("d", "select 1").is_err());
    cluster.restart();
    assert_eq!(cluster.value("d", "select a from t"), "1");
    let directory = cluster.directory().to_owned();
    drop(cluster);
    assert!(!directory.exists());
}

#[test]
fn a_cluster_speaks_tls_and_checks_client_certificates() {
    let rule = "hostssl certified all 127.0.0.1/32 cert";
    let cluster = Cluster::builder().tls().hba(rule).hba("host certified all all reject").start();
    cluster.create_database("certified");
    let psql = Program::new(cluster.version().program("psql"));
    let tls = cluster.tls();
    let query = "select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()";
    let verified = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        cluster.tcp_uri("certified"),
        tls.ca.display()
    );
    psql.clone().args(["-XAtc", query, "-d", &verified]).run().assert_code(2);
    let certified = format!(
        "{verified}&sslcert={}&sslkey={}",
        tls.client_certificate.display(),
        tls.client_key.display()
    );
    let output = psql.args(["-XAtc", query, "-d", &certified]).run();
    assert_eq!(output.assert_success().stdout, "t|/CN=postgres\n");
}

#[test]
fn a_session_stays_open() {
    let pair = Pair::shared();
    pair.source.sql("create table t (a int)");
    let mut holder = pair.source.session();
    holder.run("begin; lock table t");
    let mut waiter = pair.source.session();
    waiter.send("insert into t values (1); select 'inserted'");
    pair.source.wait_for(
        "select count(*) = 1 from pg_stat_activity
          where wait_event_type = 'Lock' and datname = current_database()",
    );
    assert_eq!(pair.source.value("select count(*) from pg_class where relname = 't'"), "1");
    holder.run("commit");
    assert_eq!(waiter.answer().unwrap(), "inserted");
    waiter.send("select 1/0");
    assert!(waiter.answer().unwrap_err().contains("division by zero"));
}

#[test]
fn a_database_is_dropped_with_all_that_holds_it() {
    let pair = Pair::start();
    let source = &pair.source;
    source.sql(
        "create subscription s connection 'dbname=none' publication p
           with (connect = false, slot_name = none, enabled = false);
         select pg_create_logical_replication_slot('slot', 'test_decoding')",
    );
    let receive = ["--slot=slot", "--start", "--file=-", "-d", &source.uri()];
    let receiver = Program::new(source.cluster().version().program("pg_recvlogical"));
    let receiving = receiver.args(receive).spawn();
    source.wait_for("select active from pg_replication_slots");
    source.clone().remove().unwrap();
    receiving.kill();
    assert!(source.try_sql("select 1").unwrap_err().contains("does not exist"));
}

/// A test binary that is killed cannot clean up: its guardians must. This runs the next test in
/// a process of its own and kills that.
#[test]
fn a_killed_test_leaves_no_server_and_no_directory() {
    let binary = std::env::current_exe().unwrap();
    let program = Program::new(binary).env("PGCOPYDB_TESTKIT_SLEEPS", "1");
    let running =
        program.args(["--exact", "sleeps_with_a_cluster_if_told_to", "--nocapture"]).spawn();
    let line = running.wait_for_stderr("cluster in ");
    let directory = line.rsplit("cluster in ").next().unwrap().to_owned();
    assert!(std::path::Path::new(&directory).exists());
    running.kill();
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_served = || {
        let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        String::from_utf8_lossy(&processes.stdout).contains(&directory)
    };
    while std::path::Path::new(&directory).exists() || is_served() {
        assert!(Instant::now() < deadline, "{directory} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sleeps_with_a_cluster_if_told_to() {
    if std::env::var_os("PGCOPYDB_TESTKIT_SLEEPS").is_some() {
        let cluster = Cluster::start();
        eprintln!("cluster in {}", cluster.directory().display());
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_program_is_read_signalled_and_limited() {
    let shell = Program::new("/bin/sh").arg("-c");
    let output = shell.clone().arg("echo out; echo err >&2; exit 3").run();
    output.assert_code(3).assert_stdout_has("out").assert_stderr_has("err");

    let script =
        "trap 'echo stopped >&2; exit 7' TERM; echo ready >&2; while :; do sleep 0.1; done";
    let mut running = shell.clone().arg(script).spawn();
    running.wait_for_stderr("ready");
    assert!(running.wait_timeout(Duration::from_millis(50)).is_none());
    running.signal(Signal::TERM);
    running.wait().assert_code(7).assert_stderr_has("stopped");

    let running = shell.clone().arg("echo ready; sleep 60").spawn();
    running.wait_for_stdout("ready");
    assert_eq!(running.kill().signal(), Some(9));

    let slow = shell.clone().arg("echo before; sleep 60").timeout(Duration::from_millis(200));
    assert!(std::panic::catch_unwind(|| slow.run()).is_err());

    let output = shell.clone().arg("cat; env").stdin("typed\n").run();
    output.assert_stdout_has("typed");
    assert!(!output.stdout.contains("CARGO"), "{output}");
}
