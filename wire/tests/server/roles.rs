//! Which of several servers is taken: primaries and standbys, all in order or at random, by
//! whatever kind of address.

use std::collections::HashSet;
use std::fs;

use pgcopydb_testkit::{Cluster, Version};
use pgcopydb_wire::connect::connect;

use crate::oracle::Oracle;
use crate::{conninfo, versions};

/// A server that is in recovery for ever.
fn standby(version: Version) -> Cluster {
    let cluster = Cluster::builder().version(version).start();
    cluster.stop();
    fs::write(cluster.data_directory().join("standby.signal"), "").unwrap();
    cluster.restart();
    cluster.wait_for("postgres", "select pg_is_in_recovery()");
    cluster
}

/// From 14 on servers report what they are; older ones have to be asked.
#[tokio::test]
async fn the_kind_of_server_that_is_wanted_is_taken() {
    for version in versions() {
        let (primary, standby) =
            (Cluster::builder().version(version.clone()).start(), standby(version));
        primary.sql("postgres", "create database cautious");
        primary.sql("postgres", "alter database cautious set default_transaction_read_only = on");
        let oracle = Oracle::new(&primary);
        let (one, two) = (primary.port(), standby.port());
        let mut differences = String::new();
        for wanted in ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] {
            for (ports, database) in [
                (format!("{one},{two}"), "postgres"),
                (format!("{two},{one}"), "postgres"),
                (format!("{one},{one}"), "postgres"),
                (format!("{two},{two}"), "postgres"),
                (format!("{one},{one}"), "cautious"),
            ] {
                let text = format!(
                    "host=127.0.0.1,127.0.0.1 port={ports} user=postgres dbname={database} \
                     target_session_attrs={wanted}"
                );
                let verdict = oracle.ask(&text, &[]).await;
                if !verdict.agrees() {
                    differences.push_str(&format!("\n{text}\n{verdict}"));
                }
            }
        }
        assert!(differences.is_empty(), "{}: {differences}", primary.version());
    }
}

#[tokio::test]
async fn hosts_are_shuffled_if_wished() {
    let clusters = [Cluster::start(), Cluster::start()];
    let ports: Vec<String> = clusters.iter().map(|cluster| cluster.port().to_string()).collect();
    let text = format!("host=127.0.0.1,127.0.0.1 port={} user=postgres", ports.join(","));
    for (more, wanted) in [("", 1), ("load_balance_hosts=random", 2)] {
        let mut reached = HashSet::new();
        // The chance that one of the two is never taken is 1 to 2 to the power of 39.
        for _ in 0..40 {
            reached
                .insert(connect(&conninfo(&format!("{text} {more}"))).await.unwrap().host.port());
        }
        assert_eq!(reached.len(), wanted, "{more}");
    }
}

#[tokio::test]
async fn a_socket_may_be_in_the_abstract_namespace() {
    let name = format!("@pgcopydb-wire-{}", std::process::id());
    let cluster = Cluster::start();
    cluster.sql(
        "postgres",
        &format!(
            "alter system set unix_socket_directories = '{}', '{name}'",
            cluster.socket_directory().display()
        ),
    );
    cluster.restart();
    let text = format!("host={name} port={} user=postgres", cluster.port());
    let connected = connect(&conninfo(&text)).await.unwrap();
    connected.cancel.cancel().await.unwrap();
    assert_eq!(connected.host.socket_directory(), Some(&*name));
}

#[tokio::test]
async fn a_server_that_is_full_is_worth_another_try() {
    let cluster =
        Cluster::builder().setting("max_connections", "25").setting("max_wal_senders", "0").start();
    cluster.sql("postgres", "create role u login");
    let conninfo =
        conninfo(&format!("host=127.0.0.1 port={} user=u dbname=postgres", cluster.port()));
    let mut sessions = Vec::new();
    let error = loop {
        match connect(&conninfo).await {
            Ok(connected) => sessions.push(connected),
            Err(error) => break error,
        }
    };
    assert_eq!(error.sqlstate(), Some("53300"), "{error}");
    assert!(error.is_transient() && !sessions.is_empty());
}
