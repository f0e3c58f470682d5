//! With and without TLS: every `sslmode` against servers that can, cannot, or will not; client
//! certificates; SCRAM tied to the channel. Where `psql` knows the parameter, it must agree.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use pgcopydb_testkit::{Cluster, Version};
use pgcopydb_wire::connect::connect;

use crate::oracle::{Oracle, is_encrypted};
use crate::{conninfo, tcp, versions};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// A server with TLS that lets some users in only with, and some only without.
fn picky(version: Version) -> Cluster {
    let cluster = Cluster::builder()
        .version(version)
        .tls()
        .hba("hostnossl all only_tls 127.0.0.1/32 reject")
        .hba("hostssl all only_plain 127.0.0.1/32 reject")
        .hba("hostssl all tls_wrong_password 127.0.0.1/32 scram-sha-256")
        .hba("host all scram 127.0.0.1/32 scram-sha-256")
        .hba("host all clear 127.0.0.1/32 password")
        .hba("hostssl certified postgres 127.0.0.1/32 cert")
        .hba("hostnossl certified all 127.0.0.1/32 reject")
        .start();
    cluster.sql(
        "postgres",
        "create role only_tls login; create role only_plain login;
         create role tls_wrong_password login password 'secret';
         create role scram login password 'secret';
         create role clear login password 'secret';",
    );
    cluster.sql("postgres", "create database certified");
    cluster
}

/// Asks both clients and returns the differences.
async fn differences(oracle: &Oracle, cases: impl IntoIterator<Item = String>) -> String {
    let mut differences = String::new();
    for text in cases {
        let verdict = oracle.ask(&text, &[]).await;
        if !verdict.agrees() {
            differences.push_str(&format!("\n{text}\n{verdict}"));
        }
    }
    differences
}

#[tokio::test]
async fn every_mode_does_what_psql_does() {
    for version in versions() {
        every_mode(version).await;
    }
}

async fn every_mode(version: Version) {
    let cluster = picky(version);
    let other = Cluster::builder().tls().start();
    let oracle = Oracle::new(&cluster);
    let roots = [
        String::new(),
        format!("sslrootcert={}", cluster.tls().ca.display()),
        format!("sslrootcert={}", other.tls().ca.display()),
        "sslrootcert=/no/such/file".to_owned(),
    ];
    let hosts = ["host=localhost", "host=other.test hostaddr=127.0.0.1", "hostaddr=127.0.0.1"];
    let mut cases = Vec::new();
    for mode in MODES {
        for root in &roots {
            for host in hosts {
                cases.push(format!("{host} user=postgres {root} sslmode={mode}"));
            }
        }
        for user in ["only_tls", "only_plain", "tls_wrong_password", "scram", "clear"] {
            for password in ["", "password=secret", "password=wrong"] {
                cases.push(format!("host=localhost user={user} {password} sslmode={mode}"));
            }
        }
        for binding in ["disable", "prefer", "require"] {
            for user in ["scram", "clear", "postgres"] {
                cases.push(format!(
                    "host=localhost user={user} password=secret sslmode={mode} \
                     channel_binding={binding}"
                ));
            }
        }
    }
    for bounds in [
        "ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=TLSv1.3",
        "ssl_min_protocol_version='' ssl_max_protocol_version=''",
        "sslsni=0",
        "sslsni=1",
        "sslcompression=1",
    ] {
        cases.push(format!("host=localhost user=postgres sslmode=require {bounds}"));
    }
    let rest = "dbname=postgres port={port}";
    let cases = cases.into_iter().map(|text| format!("{text} {rest}"));
    let differences = differences(&oracle, cases).await;
    assert!(differences.is_empty(), "{}: {differences}", cluster.version());
}

#[tokio::test]
async fn a_server_without_tls_is_taken_or_not() {
    let cluster = Cluster::start();
    let oracle = Oracle::new(&cluster);
    let rest = "host=localhost user=postgres dbname=postgres port={port}";
    let cases = MODES.map(|mode| format!("{rest} sslmode={mode}"));
    let differences = differences(&oracle, cases).await;
    assert!(differences.is_empty(), "{differences}");

    let error = connect(&tcp(&cluster, "sslmode=require")).await.unwrap_err();
    assert!(error.to_string().contains("server does not support SSL"), "{error}");
    assert!(!error.is_transient());
    let mut plain = connect(&tcp(&cluster, "sslmode=prefer")).await.unwrap();
    assert!(!is_encrypted(&mut plain).await);
}

#[tokio::test]
async fn client_certificates_are_sent() {
    let cluster = picky(Version::default());
    let oracle = Oracle::new(&cluster);
    let tls = cluster.tls();
    let directory = oracle.home().join(".postgresql");
    fs::create_dir(&directory).unwrap();
    let copy = |from: &std::path::Path, name: &str, mode: u32| {
        let path = directory.join(name);
        fs::copy(from, &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    copy(&tls.client_key, "open.key", 0o644);
    copy(&tls.client_key, "group.key", 0o640);
    copy(&tls.client_certificate, "any.key", 0o600);
    let openssl = |command: &str| {
        let mut words = command.split_whitespace();
        let output =
            Command::new("openssl").args(words.by_ref()).current_dir(&directory).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    copy(&tls.client_key, "plain.key", 0o600);
    openssl("pkcs8 -topk8 -in plain.key -out encrypted.key -passout pass:secret");
    openssl("pkey -in plain.key -traditional -out sec1.key");
    openssl("pkey -in plain.key -outform DER -out der.key");
    openssl("genpkey -algorithm ed25519 -out other.key");
    // As PostgreSQL's documentation says: a certificate without extensions, an RSA key.
    openssl("req -new -nodes -newkey rsa:2048 -subj /CN=postgres -keyout rsa.key -out rsa.csr");
    openssl("pkey -in rsa.key -traditional -out pkcs1.key");
    for name in ["encrypted", "sec1", "der", "other", "rsa", "pkcs1"] {
        let path = directory.join(format!("{name}.key"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    let rest = "host=localhost user=postgres dbname=certified port={port}";
    let crt = tls.client_certificate.display();
    let key = tls.client_key.display();
    let home = directory.display();
    let mut cases = vec![
        format!("{rest} sslmode=require"),
        format!("{rest} sslmode=require sslcert=/no/such/file sslkey={key}"),
        format!("{rest} sslmode=require sslcert={crt}"),
        format!("{rest} sslmode=disable sslcert={crt} sslkey={key}"),
        format!("{rest} sslmode=require sslcert={home}/any.key sslkey={key}"),
        format!("{rest} sslmode=require sslcert={home}/plain.key sslkey={key}"),
        format!("{rest} sslmode=require sslcert={crt} sslkey={home}"),
        // Ours to refuse, but not in the way of a session that needs none.
        format!("{rest} dbname=postgres sslmode=prefer sslcert={crt} sslkey={home}/open.key"),
    ];
    for mode in ["prefer", "require"] {
        for name in ["plain", "open", "group", "sec1", "der", "other", "missing", "any"] {
            cases.push(format!("{rest} sslmode={mode} sslcert={crt} sslkey={home}/{name}.key"));
        }
    }
    let differing = differences(&oracle, cases).await;
    assert!(differing.is_empty(), "{differing}");

    // From the home directory.
    copy(&tls.client_certificate, "postgresql.crt", 0o644);
    copy(&tls.client_key, "postgresql.key", 0o600);
    let verdict = oracle.ask(&format!("{rest} sslmode=require"), &[]).await;
    assert!(verdict.agrees() && verdict.ours.is_ok(), "{verdict}");

    // What only we refuse, we explain.
    let text = format!(
        "{rest} sslmode=require sslcert={crt} sslkey={home}/encrypted.key sslpassword=secret"
    );
    let verdict = oracle.ask(&text, &[]).await;
    assert!(verdict.psql.is_ok(), "{verdict}");
    let reason = verdict.ours.unwrap_err();
    assert!(reason.contains("openssl pkey -in") && !reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn sslcertmode_is_heeded() {
    let cluster = picky(Version::default());
    let tls = cluster.tls();
    let with = format!(
        "host=localhost port={} user=postgres sslmode=require sslcert={} sslkey={}",
        cluster.port(),
        tls.client_certificate.display(),
        tls.client_key.display()
    );
    for (more, wanted) in [
        ("dbname=certified sslcertmode=allow", true),
        ("dbname=certified sslcertmode=disable", false),
        ("dbname=certified sslcertmode=require", true),
        // The server asks for a certificate since it has an authority to check it with.
        ("dbname=postgres sslcertmode=require", true),
        ("dbname=postgres sslcertmode=require sslcert=/no/such/file", false),
    ] {
        let reached = connect(&conninfo(&format!("{with} {more}"))).await;
        assert_eq!(reached.is_ok(), wanted, "{more}: {:?}", reached.err());
    }
}

#[tokio::test]
async fn the_authentication_that_is_required_takes_place() {
    let cluster = picky(Version::default());
    for (user, required, wanted) in [
        ("scram", "scram-sha-256", true),
        ("scram", "md5,scram-sha-256", true),
        ("scram", "password,md5", false),
        ("scram", "!scram-sha-256", false),
        ("scram", "!password,!md5", true),
        ("scram", "none", false),
        ("clear", "password", true),
        ("clear", "!password", false),
        ("clear", "scram-sha-256", false),
        ("postgres", "none", true),
        ("postgres", "scram-sha-256", false),
        ("postgres", "scram-sha-256,none", true),
        ("postgres", "!none", false),
    ] {
        let text = format!("user={user} password=secret require_auth={required}");
        match connect(&tcp(&cluster, &text)).await {
            Ok(_) => assert!(wanted, "{text}"),
            Err(error) => {
                assert!(!wanted, "{text}: {error}");
                assert!(error.to_string().contains("requirement"), "{error}");
                assert!(!error.is_transient());
            }
        }
    }
}

/// What PostgreSQL 15 does not know yet.
#[tokio::test]
async fn newer_parameters_do_what_psql_does() {
    let Some(version) = Version::of_major(18) else { return };
    let cluster = picky(version);
    let oracle = Oracle::new(&cluster);
    let ca = cluster.tls().ca.display().to_string();
    let tls = cluster.tls();
    let crt = tls.client_certificate.display();
    let key = tls.client_key.display();
    let mut cases = Vec::new();
    for mode in MODES {
        for negotiation in ["direct", "postgres", "late"] {
            cases.push(format!(
                "user=postgres sslmode={mode} sslnegotiation={negotiation} sslrootcert={ca}"
            ));
        }
    }
    for required in ["scram-sha-256", "password", "!scram-sha-256", "none", "!none", "x", "md5,md5"]
    {
        for user in ["scram", "clear", "postgres"] {
            cases.push(format!("user={user} password=secret require_auth={required}"));
        }
    }
    for version in ["3.0", "3.1", "3.2", "latest", "4.0", ""] {
        cases.push(format!("user=postgres max_protocol_version='{version}'"));
        cases.push(format!("user=postgres min_protocol_version='{version}'"));
    }
    for mode in ["disable", "allow", "require", "x"] {
        for database in ["postgres", "certified"] {
            cases.push(format!(
                "user=postgres sslmode=require dbname={database} sslcertmode={mode} \
                 sslcert={crt} sslkey={key}"
            ));
        }
    }
    cases.push("user=postgres load_balance_hosts=random".into());
    cases.push("user=postgres load_balance_hosts=sometimes".into());
    cases.push("user=postgres sslmode=prefer sslrootcert=system".into());
    cases.push("user=postgres sslrootcert=system".into());
    cases.push("user=postgres gssdelegation=1 sslkeylogfile=".into());
    let cases = cases
        .into_iter()
        .map(|text| format!("dbname=postgres {text} host=localhost port={{port}}"));
    let differences = differences(&oracle, cases).await;
    assert!(differences.is_empty(), "{differences}");
}
