//! Tests of the whole way from a string and an environment to a [`Conninfo`].

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    Environment {
        variables: variables.iter().map(owned).collect(),
        home: Some("/home/me".into()),
        user: Some("me".into()),
        default_host: Some("/run/pg".into()),
        files: Files::default(),
    }
}

fn with_files(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Environment {
    let files = files.iter().map(|(path, text)| (path.into(), text.to_string())).collect();
    Environment { files: Files::Memory(files), ..environment(variables) }
}

fn parse(text: &str) -> Conninfo {
    Conninfo::parse_with(text, &environment(&[])).unwrap()
}

fn refusal(text: &str) -> String {
    Conninfo::parse_with(text, &environment(&[])).unwrap_err().to_string()
}

fn password(conninfo: &Conninfo, host: usize) -> Option<&str> {
    conninfo.password_for(host).map(|password| password.expose_secret())
}

#[test]
fn defaults() {
    let conninfo = parse("");
    assert_eq!(conninfo.to_string(), "postgres://me@%2Frun%2Fpg:5432/me");
    assert_eq!(conninfo.hosts()[0].socket_path().as_deref(), Some("/run/pg/.s.PGSQL.5432"));
    assert_eq!(conninfo.sslmode(), SslMode::Prefer);
    assert_eq!(conninfo.channel_binding(), ChannelBinding::Prefer);
    assert_eq!(conninfo.tls_versions(), (Some(TlsVersion::Tls12), None));
    assert_eq!(conninfo.connect_timeout(), Duration::from_secs(10));
    let keepalive = conninfo.keepalive();
    assert!(keepalive.enabled);
    assert_eq!(keepalive.idle, Some(Duration::from_secs(10)));
    assert_eq!(keepalive.interval, Some(Duration::from_secs(10)));
    assert_eq!(keepalive.count, Some(6));
    assert_eq!(keepalive.user_timeout, None);
    assert!(conninfo.password().is_none() && conninfo.application_name().is_none());
    assert_eq!(parse("mydb").dbname(), "mydb");
    assert_eq!(parse("user=you").dbname(), "you");
    assert_eq!(parse("sslrootcert=system").sslmode(), SslMode::VerifyFull);
}

#[test]
fn nobody_is_an_error_without_a_user() {
    let nobody = Environment::default();
    assert!(Conninfo::parse_with("", &nobody).is_err());
    let conninfo = Conninfo::parse_with("user=u", &nobody).unwrap();
    assert_eq!(conninfo.bare(), "postgres://u@localhost:5432/u");
}

#[test]
fn string_then_service_then_environment() {
    let files = [("/home/me/.pg_service.conf", "[s]\nhost=of-service\nport=1\nsslmode=allow\n")];
    let variables = [("PGSERVICE", "s"), ("PGPORT", "2"), ("PGDATABASE", "of-environment")];
    let environment = with_files(&files, &variables);
    let conninfo = Conninfo::parse_with("sslmode=disable", &environment).unwrap();
    assert_eq!(conninfo.bare(), "postgres://me@of-service:1/of-environment");
    assert_eq!(conninfo.sslmode(), SslMode::Disable);
    // What came from elsewhere is not shown as if it had been written.
    assert_eq!(conninfo.to_string(), conninfo.bare() + "?sslmode=disable");
}

#[test]
fn passwords_of_the_file_are_per_host() {
    let file = "a:5432:*:me:of a\nlocalhost:*:db:me:of socket\n\\:\\:1:7:*:me:of address\n";
    let environment = with_files(&[("/home/me/.pgpass", file)], &[]);
    let read = |text| Conninfo::parse_with(text, &environment).unwrap();
    let conninfo = read("host=a,b,,/run/pg,/tmp dbname=db");
    let passwords: Vec<_> = (0..5).map(|host| password(&conninfo, host)).collect();
    assert_eq!(passwords, [Some("of a"), None, Some("of socket"), Some("of socket"), None]);
    let other = conninfo.with_dbname("other");
    assert_eq!((password(&other, 0), password(&other, 2)), (Some("of a"), None));
    assert_eq!(password(&read("hostaddr=::1 port=7"), 0), Some("of address"));
    assert_eq!(password(&read("host=a password=given"), 0), Some("given"));
    assert_eq!(password(&read("host=a password=''"), 0), Some("of a"));
}

#[test]
fn a_password_file_that_others_can_read_is_ignored_with_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile();
    std::fs::write(&file, "*:*:*:*:secret\n").unwrap();
    let environment = Environment { files: Files::Disk, ..environment(&[]) };
    let text = format!("passfile={}", file.display());
    for (mode, expected) in [(0o600, Some("secret")), (0o640, None), (0o604, None)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let conninfo = Conninfo::parse_with(&text, &environment).unwrap();
        assert_eq!(password(&conninfo, 0), expected, "{mode:o}");
        let warned = conninfo.warnings().iter().any(|text| text.contains("group or world access"));
        assert_eq!(warned, expected.is_none(), "{mode:o}");
    }
    std::fs::remove_file(&file).unwrap();
    let directory = Conninfo::parse_with("passfile=/", &environment).unwrap();
    assert!(directory.warnings()[0].contains("not a plain file"));
}

fn tempfile() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("pgcopydb-wire-passfile-{}", std::process::id()))
}

#[test]
fn no_password_is_shown_anywhere() {
    let texts = [
        "postgres://me:secret@h/d?sslpassword=secret",
        "host=h dbname=d password=secret sslpassword=secret scram_client_key=secret",
        "host=h dbname=d password='secret' oauth_client_secret=secret",
    ];
    for text in texts {
        let conninfo = parse(text);
        for shown in [
            conninfo.to_string(),
            format!("{conninfo:?}"),
            format!("{conninfo:#?}"),
            conninfo.bare(),
            conninfo.tool_arguments().conninfo,
            format!("{:?}", conninfo.tool_arguments()),
        ] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert_eq!(conninfo.bare(), "postgres://me@h:5432/d");
    }
}

#[test]
fn no_error_shows_what_may_be_a_password() {
    for text in [
        "postgres://me:se:secret/x@h/d",
        "postgres://me:12/secret?x=@h/d",
        "postgres://me:%secret@h/d",
        "postgres://me:secret@h:port/d",
        "postgres://me:secret@h/d?secret",
        "postgres://me:secret@h/d?secret=1",
        "postgres://me:p?secret=1@h:x/d",
        "password=two secret host=h",
        "password=two secret=1 host=h",
        "password='it's secret' host=h",
        "password='secret host=h",
        "password=a sslmode=secret",
        "password=a port=secret",
        "password=a connect_timeout=secret",
        "password=a require_auth=secret",
        "password=a target_session_attrs=secret",
        "PASSWORD=secret",
        "passwd=secret",
        "pwd=secret@",
    ] {
        let reason = refusal(text);
        assert!(!reason.contains("secret"), "{text}: {reason}");
    }
}

#[test]
fn errors_name_the_mistake_when_nothing_is_secret() {
    for (text, wanted) in [
        ("hots=h", "invalid connection option \"hots\""),
        ("sslmode=requires", "invalid sslmode value: \"requires\""),
        ("require_auth=scram", "invalid require_auth value: unknown method \"scram\""),
        ("connect_timeout=soon", "invalid connect_timeout value: \"soon\""),
        ("host=a,b port=1,2,3", "could not match 3 port numbers to 2 hosts"),
        ("sslmode=prefer sslnegotiation=direct", "weak sslmode \"prefer\""),
        ("sslmode=require sslrootcert=system", "weak sslmode \"require\""),
        ("gssencmode=require", "sslmode=require"),
        ("min_protocol_version=3.2 max_protocol_version=3.0", "min_protocol_version is greater"),
        ("service=s", "definition of service \"s\" not found"),
        ("host", "\"host\""),
        ("host =", ""),
    ] {
        match Conninfo::parse_with(text, &environment(&[])) {
            Ok(conninfo) => assert!(["host", "host ="].contains(&text), "{text}: {conninfo}"),
            Err(error) => assert!(error.to_string().contains(wanted), "{text}: {error}"),
        }
    }
}

#[test]
fn values_can_be_changed() {
    let mut conninfo = parse("postgres://u:secret@h/d?application_name=mine");
    conninfo.set("client_encoding", "UTF8").unwrap();
    conninfo.set("sslmode", "require").unwrap();
    assert_eq!(conninfo.sslmode(), SslMode::Require);
    assert!(conninfo.set("sslmode", "x").is_err() && conninfo.set("x", "y").is_err());
    assert_eq!(conninfo.sslmode(), SslMode::Require);
    let other = conninfo.with_dbname("o/db").with_application_name("a&b");
    assert_eq!(
        other.to_string(),
        "postgres://u@h:5432/o%2Fdb?client_encoding=UTF8&application_name=a%26b&sslmode=require"
    );
    assert_eq!(password(&other, 0), Some("secret"));
}

#[test]
fn several_hosts_and_addresses_are_shown() {
    for (text, wanted) in [
        ("host=a,b port=1,2", "postgres://me@a:1,b:2/me"),
        ("host=::1,/tmp", "postgres://me@[::1]:5432,%2Ftmp:5432/me"),
        ("host=h hostaddr=127.0.0.1", "postgres://me@h:5432/me?hostaddr=127.0.0.1"),
        ("hostaddr=127.0.0.1", "postgres://me@127.0.0.1:5432/me?hostaddr=127.0.0.1"),
        ("user='ü@ß' dbname='?'", "postgres://%C3%BC%40%C3%9F@%2Frun%2Fpg:5432/%3F"),
    ] {
        assert_eq!(parse(text).to_string(), wanted, "{text}");
    }
}

#[test]
fn tools_get_everything_but_the_password() {
    let variables = [
        ("PGPASSWORD", "secret"),
        ("PGSSLMODE", "require"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGOPTIONS", "-c x='y z'"),
        ("PGUSER", "u"),
    ];
    let environment = environment(&variables);
    let conninfo =
        Conninfo::parse_with("host=h dbname='d b' replication=database", &environment).unwrap();
    let tool = conninfo.tool_arguments();
    assert_eq!(
        tool.conninfo,
        r"options='-c x=\'y z\'' sslmode=require host=h port=5432 user=u dbname='d b' ".to_owned()
            + "keepalives=1 keepalives_idle=10 keepalives_interval=10 keepalives_count=6 "
            + "connect_timeout=10"
    );
    let [("PGPASSWORD", password)] = &tool.environment[..] else { panic!("{tool:?}") };
    assert_eq!(password.expose_secret(), "secret");
    assert!(["PGSERVICE", "PGSSLMODE", "PGUSER"].iter().all(|name| tool.removed.contains(name)));
    // Tools of PostgreSQL 15 do not know this one as a key word, and do not mind the variable.
    assert!(!tool.removed.contains(&"PGREQUIREAUTH") && !tool.removed.contains(&"PGPASSWORD"));
}

#[test]
fn tools_read_the_password_file_for_several_hosts() {
    let environment = with_files(&[("/x y", "*:*:*:*:secret")], &[("PGPASSFILE", "/x y")]);
    let tool = |text| Conninfo::parse_with(text, &environment).unwrap().tool_arguments();
    let one = tool("host=a");
    assert_eq!(one.environment.len(), 1);
    assert!(!one.conninfo.contains("passfile"));
    let several = tool("host=a,b");
    assert!(several.environment.is_empty());
    assert!(several.conninfo.contains("passfile='/x y'"));
}

/// Text for a host: no comma, which separates hosts, and not empty, which means the default.
const HOST: &str = "[^\0,]{1,12}";

proptest! {
    #[test]
    fn every_form_is_read_back(
        values in prop::array::uniform4("[^\0]{1,12}"),
        hosts in prop::collection::vec((HOST, 1..=65535_u16), 1..4),
    ) {
        let [user, dbname, application_name, secret] = &values;
        let names: Vec<&str> = hosts.iter().map(|(host, _)| host.as_str()).collect();
        let ports: Vec<String> = hosts.iter().map(|(_, port)| port.to_string()).collect();
        let mut text = String::new();
        for (name, value) in [
            ("user", user),
            ("dbname", dbname),
            ("application_name", application_name),
            ("password", secret),
            ("host", &names.join(",")),
            ("port", &ports.join(",")),
        ] {
            keywords::push_pair(&mut text, name, value);
        }
        let conninfo = parse(&text);
        prop_assert_eq!(conninfo.password().unwrap().expose_secret(), secret);
        for again in [text, conninfo.to_string(), conninfo.tool_arguments().conninfo] {
            let again = parse(&again);
            prop_assert_eq!(again.user(), user);
            prop_assert_eq!(again.dbname(), dbname);
            prop_assert_eq!(again.application_name(), Some(&**application_name));
            prop_assert_eq!(again.hosts(), conninfo.hosts());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        let _ = Conninfo::parse_with(&text, &environment(&[]));
    }

    #[test]
    fn what_is_shown_is_read_back(text in "(postgres://|)[a-z0-9@:/?&=%,' \\[\\]]{0,30}") {
        if let Ok(conninfo) = Conninfo::parse_with(&text, &environment(&[])) {
            let shown = conninfo.to_string();
            let again = parse(&shown);
            prop_assert_eq!(again.to_string(), shown);
            prop_assert_eq!(again.bare(), conninfo.bare());
        }
    }
}
