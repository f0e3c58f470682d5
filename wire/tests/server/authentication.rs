//! Ways to prove who we are, without TLS.

use pgcopydb_testkit::Cluster;
use pgcopydb_wire::Error;
use pgcopydb_wire::connect::connect;

use crate::tcp;

fn cluster() -> Cluster {
    let cluster = Cluster::builder()
        .hba("host all scram,keeper 127.0.0.1/32 scram-sha-256")
        .hba("host all md5 127.0.0.1/32 md5")
        .hba("host all clear 127.0.0.1/32 password")
        .hba("host all nobody 127.0.0.1/32 reject")
        .start();
    cluster.sql(
        "postgres",
        "
        create role scram login password 'pä:ss \\';
        set password_encryption = 'md5';
        create role md5 login password 'secret';
        create role clear login password 'secret';
    ",
    );
    cluster
}

#[tokio::test]
async fn passwords_are_proved_in_every_way() {
    let cluster = cluster();
    for (user, password) in
        [("postgres", ""), ("scram", r"'pä:ss \\'"), ("md5", "secret"), ("clear", "secret")]
    {
        let conninfo = tcp(&cluster, &format!("user={user} password={password}"));
        let connected = connect(&conninfo).await.unwrap();
        assert!(connected.backend_pid > 0);
        assert!(connected.parameters["server_version"].starts_with(char::is_numeric));
        assert_eq!(connected.parameters["session_authorization"], user);
    }
    for user in ["scram", "md5", "clear"] {
        let conninfo = tcp(&cluster, &format!("user={user} password=wrong"));
        let error = connect(&conninfo).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("28P01"), "{error}");
        assert!(!error.is_transient());

        let error = connect(&tcp(&cluster, &format!("user={user}"))).await.unwrap_err();
        assert!(error.to_string().contains("no password supplied"), "{error}");
        assert!(matches!(error, Error::Connect { transient: false, .. }));
    }
}
