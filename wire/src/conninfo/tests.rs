//! Tests of the whole way from a string and an environment to a [`Conninfo`].

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment {
        variables: variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        home: Some("/home/me".into()),
        user: Some("me".into()),
        default_host: Some("/run/pg".into()),
        files: Files::default(),
    }
}

fn parse(text: &str) -> Conninfo {
    Conninfo::parse_with(text, &environment(&[])).unwrap()
}

#[test]
fn defaults() {
    let conninfo = parse("");
    assert_eq!(conninfo.to_string(), "postgres://me@%2Frun%2Fpg:5432/me");
    assert_eq!(conninfo.sslmode(), SslMode::Prefer);
    assert_eq!(conninfo.connect_timeout().as_secs(), 10);
    assert!(conninfo.password().is_none());
    assert_eq!(parse("mydb").dbname(), "mydb");
    assert_eq!(parse("user=you").dbname(), "you");
}
