//! Sessions that end while somebody uses them: whatever is asked of them afterwards may succeed on
//! another one, and says so.

use pgcopydb_testkit::Cluster;
use pgcopydb_wire::{Connection, Error};

use crate::tcp;

#[tokio::test]
async fn a_session_that_was_ended_is_lost_for_every_later_request() {
    let cluster = Cluster::start();
    let mut session = Connection::connect(&tcp(&cluster, "")).await.unwrap();
    cluster.sql("postgres", &format!("select pg_terminate_backend({})", session.backend_pid()));
    let first = session.execute("select 1").await.unwrap_err();
    assert!(first.is_transient(), "{first}");
    for error in [
        session.execute("select 1").await.unwrap_err(),
        session.query("select 1", &[]).await.unwrap_err(),
        session.pipeline().unwrap_err(),
    ] {
        assert!(matches!(error, Error::Lost(_)), "{error:?}");
        assert!(error.is_transient() && error.is_closed(), "{error}");
    }
}

#[tokio::test]
async fn a_session_whose_answer_was_not_awaited_is_lost() {
    let cluster = Cluster::start();
    let mut session = Connection::connect(&tcp(&cluster, "")).await.unwrap();
    let limit = std::time::Duration::from_millis(10);
    let late = tokio::time::timeout(limit, session.execute("select pg_sleep(60)")).await;
    assert!(late.is_err());
    assert!(!session.is_ready());
    let error = session.execute("select 1").await.unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error:?}");
}
