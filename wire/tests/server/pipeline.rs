//! Many statements, one wait: what is sent while the server is at work.

use pgcopydb_testkit::Cluster;
use pgcopydb_wire::Connection;
use pgcopydb_wire::pipeline::Value;

use crate::tcp;

/// More than waits for a server that is at work.
const ROWS: usize = 60_000;

fn rows() -> Vec<u8> {
    (0..ROWS).flat_map(|n| format!("{n}\t{}\n", "x".repeat(100)).into_bytes()).collect()
}

async fn with_table(cluster: &Cluster) -> Connection {
    let mut session = Connection::connect(&tcp(cluster, "")).await.unwrap();
    session.execute("create table t (n int, x text)").await.unwrap();
    session
}

#[tokio::test]
async fn what_piles_up_while_the_server_works_arrives() {
    let cluster = Cluster::start();
    let (mut session, rows) = (with_table(&cluster).await, rows());
    let mut pipeline = session.pipeline().unwrap();
    pipeline.prepare("copy", "copy t from stdin").await.unwrap();
    pipeline.prepare("update", "update t set n = n + $1::int where n < 10").await.unwrap();
    for _ in 0..3 {
        pipeline.copy("copy", &rows).await.unwrap();
        pipeline.nudge().await.unwrap();
        pipeline.execute("update", &[Value::Text("1000000")]).await.unwrap();
        pipeline.nudge().await.unwrap();
    }
    pipeline.sync().await.unwrap();
    let count = ROWS as u64;
    assert_eq!(pipeline.take_counts(), [count, 10, count, 10, count, 10]);
    pipeline.nudge().await.unwrap();
    pipeline.finish().await.unwrap();
    let found = session.query("select count(*), count(distinct n) from t", &[]).await.unwrap();
    let found = found.first().unwrap();
    assert_eq!(found.text(0).unwrap(), Some((3 * ROWS).to_string().as_str()));
    assert_eq!(found.text(1).unwrap(), Some(ROWS.to_string().as_str()));
}

#[tokio::test]
async fn an_error_is_told_although_much_was_sent_after_it() {
    let cluster = Cluster::start();
    let (mut session, rows) = (with_table(&cluster).await, rows());
    let mut pipeline = session.pipeline().unwrap();
    pipeline.prepare("copy", "copy t from stdin").await.unwrap();
    pipeline.copy("copy", b"1\tx\n").await.unwrap();
    pipeline.copy("copy", b"no number\tx\n").await.unwrap();
    for _ in 0..2 {
        pipeline.copy("copy", &rows).await.unwrap();
        pipeline.nudge().await.unwrap();
    }
    let error = pipeline.sync().await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22P02"), "{error}");
    assert_eq!(pipeline.take_counts(), [1]);
    pipeline.finish().await.unwrap();
    let found = session.query("select count(*) from t", &[]).await.unwrap();
    assert_eq!(found.first().unwrap().text(0).unwrap(), Some("0"));
}
