//! Connection strings that reach the same server as the same user with `psql`, or that both
//! refuse.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pgcopydb_testkit::{Cluster, Version};

use crate::oracle::Oracle;
use crate::versions;

/// Connection strings and environment variables. `{port}`, `{sockets}`, `{%sockets}` and `{home}`
/// are filled in.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

/// Key words and values.
const KEYWORDS: &[Case] = &[
    ("host=127.0.0.1 port={port} user=postgres dbname=postgres", &[]),
    ("host=127.0.0.1 port={port} user=postgres", &[]),
    ("  host = 127.0.0.1  port\t=\n{port} user= postgres ", &[]),
    ("host='127.0.0.1' port='{port}'user='postgres'dbname='postgres'", &[]),
    (r"host=127.0.0.1 port={port} user=post\gres dbname='my \'odd\' db\\x'", &[]),
    (r"host=127.0.0.1 port={port} user=postgres dbname=my\ \'odd\'\ db\\x", &[]),
    ("host=127.0.0.1 port={port} user=postgres dbname=''", &[]),
    ("host=127.0.0.1 port={port} user=postgres user=clone", &[]),
    ("host=127.0.0.1 port={port} user=postgres dbname=postgres://x/y", &[]),
    ("host={sockets} port={port} user=postgres", &[]),
    ("host=localhost hostaddr=127.0.0.1 port={port} user=postgres", &[]),
    ("hostaddr=127.0.0.1 port={port} user=postgres", &[]),
    ("host=does.not.exist.invalid hostaddr=127.0.0.1 port={port} user=postgres", &[]),
    ("host=localhost port=' {port} ' user=postgres", &[]),
    ("host=127.0.0.1 port={port} user=postgres application_name='a b'", &[]),
    ("host=127.0.0.1 port={port} user=postgres application_name=''", &[]),
    ("host=127.0.0.1 port={port} user=postgres fallback_application_name=f", &[]),
    ("host=127.0.0.1 port={port} user=postgres options='-c work_mem=1MB'", &[]),
    ("host=127.0.0.1 port={port} user=postgres client_encoding=latin1", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=disable", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=allow", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=prefer", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=require", &[]),
    ("host=127.0.0.1 port={port} user=postgres requiressl=0", &[]),
    ("host=127.0.0.1 port={port} user=postgres requiressl=1", &[]),
    ("host={sockets} port={port} user=postgres sslmode=require", &[]),
    ("host={sockets} port={port} user=postgres requirepeer=postgres", &[]),
    ("host={sockets} port={port} user=postgres requirepeer=daemon", &[]),
    ("host=127.0.0.1 port={port} user=postgres requirepeer=daemon", &[]),
    ("host=127.0.0.1 port={port} user=postgres keepalives=0 keepalives_idle=5", &[]),
    ("host=127.0.0.1 port={port} user=postgres keepalives_idle=x", &[]),
    ("host={sockets} port={port} user=postgres keepalives_idle=x", &[]),
    ("host=127.0.0.1 port={port} user=postgres tcp_user_timeout=1000", &[]),
    ("host=127.0.0.1 port={port} user=postgres connect_timeout=' 3 '", &[]),
    ("host=127.0.0.1 port={port} user=postgres connect_timeout=-1", &[]),
    ("host=127.0.0.1 port={port} user=postgres connect_timeout=x", &[]),
    ("host=127.0.0.1 port={port} user=postgres gssencmode=disable krbsrvname=x", &[]),
    ("host=127.0.0.1 port={port} user=postgres gssencmode=maybe", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=sometimes", &[]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=''", &[]),
    ("host=127.0.0.1 port={port} user=postgres channel_binding=often", &[]),
    ("host=127.0.0.1 port={port} user=postgres channel_binding=require", &[]),
    ("host=127.0.0.1 port={port} user=postgres ssl_min_protocol_version=TLSv9", &[]),
    (
        "host=127.0.0.1 port={port} user=postgres ssl_min_protocol_version=TLSv1.3 \
         ssl_max_protocol_version=tlsv1.2",
        &[],
    ),
    ("host=127.0.0.1 port={port} user=nobody", &[]),
    ("host=127.0.0.1 port={port} user=postgres dbname=nothing", &[]),
    ("host=127.0.0.1 port={port} user=postgres unknown=1", &[]),
    ("host=127.0.0.1 port={port} user=postgres Host=127.0.0.1", &[]),
    ("host=127.0.0.1 port={port} user=postgres dbname", &[]),
    ("host=127.0.0.1 port={port} user=postgres dbname='postgres", &[]),
    ("=1", &[]),
    ("host=127.0.0.1 port={port}x user=postgres", &[]),
    ("host=127.0.0.1 port=0 user=postgres", &[]),
    ("host=127.0.0.1 port=99999 user=postgres", &[]),
    ("host=127.0.0.1,127.0.0.1 port=1,2,3 user=postgres", &[]),
    ("host=127.0.0.1,127.0.0.1 hostaddr=127.0.0.1 port={port} user=postgres", &[]),
    ("hostaddr=localhost port={port} user=postgres", &[]),
];

/// URIs.
const URIS: &[Case] = &[
    ("postgres://postgres@127.0.0.1:{port}/postgres", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres", &[]),
    ("postgresql://postgres@127.0.0.1:{port}", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/", &[]),
    ("postgresql://postgres@127.0.0.1:{port}?dbname=template1", &[]),
    ("postgresql://127.0.0.1:{port}/template1?user=postgres", &[]),
    ("postgresql://127.0.0.1/?port={port}&user=postgres&application_name=a%20b", &[]),
    ("postgresql:///postgres?host=127.0.0.1&port={port}&user=postgres", &[]),
    ("postgresql://postgres@{%sockets}:{port}/postgres", &[]),
    ("postgresql://postgres@/postgres?host={sockets}&port={port}", &[]),
    ("postgresql://postgres@/postgres?host={%sockets}&port={port}", &[]),
    ("postgresql://po%73tgres@127.0.0.1:{port}/my%20%27odd%27%20db%5Cx", &[]),
    ("postgresql://clone:se%2Fcr%40et@127.0.0.1:{port}/postgres", &[]),
    ("postgresql://clone:wrong@127.0.0.1:{port}/postgres", &[]),
    ("postgresql://clone@127.0.0.1:{port}/postgres?password=se/cr%40et", &[]),
    ("postgresql://postgres@[::1]:{port},127.0.0.1:{port}/postgres", &[]),
    ("postgresql://postgres@127.0.0.1:1,127.0.0.1:{port}/postgres", &[]),
    ("postgresql://postgres@127.0.0.1,127.0.0.1/postgres?port={port}", &[]),
    ("postgresql://postgres@127.0.0.1,127.0.0.1:{port}/postgres?connect_timeout=2", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?ssl=true", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?ssl=false", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?requiressl=0", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?&sslmode=disable", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=a=b", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?unknown=1", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?options=-c%20work_mem%3D1MB", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/postgres?options=-c+work_mem=1MB", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/post%67res%", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/%00", &[]),
    ("postgresql://postgres@127.0.0.1:{port}/%zz", &[]),
    ("postgresql://postgres@[127.0.0.1]:{port}/postgres", &[]),
    ("postgresql://postgres@[::1/postgres", &[]),
    ("postgresql://postgres@[]:{port}/postgres", &[]),
    ("postgresql://postgres@[::1]x:{port}/postgres", &[]),
    ("postgresql://user:pa/ss@127.0.0.1:{port}/postgres", &[]),
    ("Postgresql://postgres@127.0.0.1:{port}/postgres", &[]),
    ("postgres:/postgres@127.0.0.1", &[]),
];

/// What is not in the string.
const SURROUNDINGS: &[Case] = &[
    ("postgres", &[("PGHOST", "127.0.0.1"), ("PGPORT", "{port}"), ("PGUSER", "postgres")]),
    ("", &[("PGHOST", "{sockets}"), ("PGPORT", "{port}"), ("PGUSER", "postgres")]),
    ("my 'odd' db\\x", &[("PGHOST", "{sockets}"), ("PGPORT", "{port}"), ("PGUSER", "postgres")]),
    ("no such database", &[("PGHOST", "{sockets}"), ("PGPORT", "{port}")]),
    ("host={sockets} port={port}", &[]),
    ("host={sockets} port={port} user=''", &[("PGUSER", "postgres")]),
    ("host={sockets} port={port}", &[("PGUSER", "postgres"), ("PGDATABASE", "template1")]),
    ("postgres://{%sockets}:{port}/", &[("PGUSER", "postgres"), ("PGDATABASE", "template1")]),
    (
        "host={sockets} port={port} dbname=''",
        &[("PGDATABASE", "template1"), ("PGUSER", "postgres")],
    ),
    ("host={sockets} port={port} user=postgres", &[("PGAPPNAME", "from environment")]),
    ("host={sockets} port={port} user=postgres", &[("PGOPTIONS", "-c work_mem=2MB")]),
    ("host={sockets} port={port} user=postgres", &[("PGCLIENTENCODING", "LATIN1")]),
    ("host={sockets} port={port} user=postgres", &[("PGDATESTYLE", "german")]),
    ("host={sockets} port={port} user=postgres", &[("PGDATESTYLE", "Default")]),
    ("host={sockets} port={port} user=postgres", &[("PGDATESTYLE", "nonsense")]),
    ("port={port} user=postgres", &[("PGHOSTADDR", "127.0.0.1")]),
    ("host=127.0.0.1 port={port} user=postgres", &[("PGSSLMODE", "require")]),
    ("host=127.0.0.1 port={port} user=postgres", &[("PGREQUIRESSL", "1")]),
    ("host=127.0.0.1 port={port} user=postgres sslmode=disable", &[("PGREQUIRESSL", "1")]),
    ("host=127.0.0.1 port={port} user=postgres", &[("PGSSLMODE", "x")]),
    ("host=127.0.0.1 port={port} user=postgres", &[("PGTARGETSESSIONATTRS", "standby")]),
    ("host=127.0.0.1 port={port} user=clone", &[("PGPASSWORD", "se/cr@et")]),
    ("host=127.0.0.1 port={port} user=clone password=wrong", &[("PGPASSWORD", "se/cr@et")]),
    ("host=127.0.0.1 port={port} user=clone password=''", &[("PGPASSWORD", "se/cr@et")]),
    // The password file.
    ("host=127.0.0.1 port={port} user=filed dbname=postgres", &[]),
    ("host=127.0.0.1 port={port} user=filed dbname=template1", &[]),
    ("host=127.0.0.1 port={port} user=filed dbname=postgres password=''", &[]),
    ("host=localhost hostaddr=127.0.0.1 port={port} user=filed dbname=postgres", &[]),
    ("host=127.0.0.1 port={port} user=filed dbname=postgres", &[("PGPASSFILE", "{home}/open")]),
    ("host=127.0.0.1 port={port} user=filed dbname=postgres passfile={home}/none", &[]),
    ("host=127.0.0.1 port={port} user=filed dbname=template1 passfile={home}/any", &[]),
    ("host=127.0.0.1,127.0.0.1 port=1,{port} user=filed dbname=postgres", &[]),
    // Service files.
    ("service=here", &[]),
    ("service=here user=clone password=se/cr@et", &[]),
    ("postgresql:///template1?service=here", &[]),
    ("", &[("PGSERVICE", "here")]),
    ("service=here", &[("PGSERVICE", "nowhere"), ("PGDATABASE", "template1")]),
    ("service=nowhere", &[]),
    ("service=", &[]),
    ("service=broken", &[]),
    ("service=nested", &[]),
    ("service=misspelt", &[]),
    ("service=here", &[("PGSERVICEFILE", "{home}/no such file")]),
    ("service=other", &[("PGSERVICEFILE", "{home}/services")]),
    ("service=here", &[("PGSERVICEFILE", "{home}/services")]),
    ("service=of_system", &[("PGSYSCONFDIR", "{home}")]),
];

/// Several hosts, of which some will not do.
const HOSTS: &[Case] = &[
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=any", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=read-write", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=read-only", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=primary", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=standby", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=prefer-standby", &[]),
    ("host=127.0.0.1 port={port} user=postgres target_session_attrs=best", &[]),
    (
        "host=127.0.0.1 port={port} user=postgres dbname=cautious target_session_attrs=read-write",
        &[],
    ),
    (
        "host=127.0.0.1 port={port} user=postgres dbname=cautious target_session_attrs=read-only",
        &[],
    ),
    ("host=127.0.0.1,{sockets} port={port} user=clone password=wrong", &[]),
    ("host=/no/such/directory,{sockets} port={port} user=postgres", &[]),
    ("host=no.such.host.invalid,{sockets} port={port} user=postgres", &[]),
    ("host=,{sockets} port=1,{port} user=postgres", &[]),
];

#[tokio::test]
async fn for_every_connection_string() {
    for version in versions() {
        compare(version).await;
    }
}

async fn compare(version: Version) {
    let cluster = Cluster::builder()
        .version(version)
        .hba("host all clone,filed 127.0.0.1/32 scram-sha-256")
        .start();
    // The operating system's user, in whose name tests without a user connect.
    let me =
        String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout);
    let me = me.unwrap().trim().to_owned();
    cluster.sql(
        "postgres",
        "
        create role clone login password 'se/cr@et';
        create role filed login password 'in:file';
    ",
    );
    cluster.sql("postgres", "create database \"my 'odd' db\\x\"");
    cluster.sql("postgres", "create database cautious");
    cluster.sql("postgres", "alter database cautious set default_transaction_read_only = on");
    if me != "postgres" {
        cluster.sql("postgres", &format!("create role \"{me}\" login"));
        cluster.sql("postgres", &format!("create database \"{me}\""));
    }
    let oracle = Oracle::new(&cluster);
    write_files(&oracle);

    let mut differences = String::new();
    let mut reached = 0;
    let cases: Vec<&Case> = [KEYWORDS, URIS, SURROUNDINGS, HOSTS].into_iter().flatten().collect();
    for (text, variables) in &cases {
        let verdict = oracle.ask(text, variables).await;
        reached += usize::from(verdict.ours.is_ok());
        if !verdict.agrees() {
            differences.push_str(&format!("\n{text} {variables:?}\n{verdict}"));
        }
        // Tools must get to the same place by what we give them.
        if verdict.ours.is_ok() {
            let tool = oracle.ask_tool(text, variables);
            if tool != verdict.ours {
                differences.push_str(&format!("\n{text} {variables:?}\n{verdict}    {tool:?}\n"));
            }
        }
    }
    assert!(differences.is_empty(), "{}: {differences}", cluster.version());
    // Most strings must reach the server, or the list compares nothing.
    assert!(cases.len() > 140 && reached * 2 > cases.len(), "{reached} of {}", cases.len());
}

fn write_files(oracle: &Oracle) {
    let write = |name: &str, mode: u32, text: &str| {
        let path = oracle.home().join(name);
        fs::write(&path, oracle.fill(text)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let passwords = "# comment\n\n\
         127.0.0.1:1:*:filed:wrong\n\
         127.0.0.1:{port}:postgres:filed:in\\:file\n\
         127.0.0.1:{port}:*:filed:wrong\n";
    write(".pgpass", 0o600, passwords);
    write("open", 0o644, passwords);
    write("any", 0o400, "*:*:*:*:in\\:file\r\n");
    write(
        ".pg_service.conf",
        0o644,
        "\
         # comment\n\
         [other]\nnonsense\n\
         [here]\n host={sockets} \nport={port}\nuser=postgres\nuser=nobody\n\
         application_name=of service\ndbname=postgres\n\
         [broken]\nhost {sockets}\n\
         [nested]\nservice=here\n\
         [misspelt]\nhots=127.0.0.1\n",
    );
    write("services", 0o644, "[other]\nhost={sockets}\nport={port}\nuser=postgres\n");
    write("pg_service.conf", 0o644, "[of_system]\nhost={sockets}\nport={port}\nuser=postgres\n");
}
