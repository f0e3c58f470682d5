//! Statements are cancelled from outside, over whatever the session uses.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Cluster, Version};
use pgcopydb_wire::ServerError;
use pgcopydb_wire::connect::{Connected, connect};
use postgres_protocol::message::frontend;

use crate::{conninfo, tcp};

/// Far above what a cancel request takes, far below what the statement takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn is_cancelled(cluster: &Cluster, mut connected: Connected) {
    let began = Instant::now();
    frontend::query("select pg_sleep(100)", &mut connected.framed.outgoing).unwrap();
    connected.framed.flush().await.unwrap();
    let pid = connected.backend_pid;
    cluster.wait_for(
        "postgres",
        &format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {pid}"),
    );
    connected.cancel.cancel().await.unwrap();
    let error = loop {
        let frame = connected.framed.read().await.unwrap();
        if frame.tag == b'E' {
            break ServerError::parse(&frame.body).unwrap();
        }
    };
    assert_eq!(error.code, "57014");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn over_tls_tcp_and_a_socket() {
    let cluster = Cluster::builder().tls().start();
    let ca = cluster.tls().ca.display().to_string();
    let full = format!("host=localhost sslmode=verify-full sslrootcert={ca}");
    for more in ["sslmode=disable", "sslmode=require", &full] {
        is_cancelled(&cluster, connect(&tcp(&cluster, more)).await.unwrap()).await;
    }
    let socket = conninfo(&cluster.conninfo("postgres"));
    is_cancelled(&cluster, connect(&socket).await.unwrap()).await;
}

/// Keys are longer in version 3.2 of the protocol.
#[tokio::test]
async fn with_a_long_key() {
    let Some(version) = Version::of_major(18) else { return };
    let cluster = Cluster::builder().version(version).tls().start();
    for more in ["sslmode=disable", "sslmode=require", "sslmode=require sslnegotiation=direct"] {
        let conninfo = tcp(&cluster, &format!("{more} max_protocol_version=3.2"));
        is_cancelled(&cluster, connect(&conninfo).await.unwrap()).await;
    }
}

#[tokio::test]
async fn too_late_is_no_error_and_a_gone_server_is() {
    let cluster = Cluster::start();
    let connected = connect(&tcp(&cluster, "")).await.unwrap();
    connected.cancel.cancel().await.unwrap();
    drop(connected.framed);
    connected.cancel.cancel().await.unwrap();
    cluster.stop();
    let error = connected.cancel.cancel().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let shown = format!("{:?}", connected.cancel);
    assert!(!shown.contains("key"), "{shown}");
}
