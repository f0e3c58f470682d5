//! Who reads bytes from outside. A target is its name, which is that of its corpus, and a function
//! that must come back whatever it is given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pgcopydb::cli::size::Size;
use pgcopydb::decode::{self, Decoder, Numbers};
use pgcopydb::filter::Filters;
use pgcopydb::model::change::{Message, Relation};
use pgcopydb::model::{Lsn, Plugin, QualifiedName};
use pgcopydb_wire::conninfo::{Environment, Files};
use pgcopydb_wire::frame::Framed;
use pgcopydb_wire::stream::Stream;
use pgcopydb_wire::{Connection, Conninfo, Row, ServerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A name and a reader.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("conninfo", conninfo),
    ("service", service),
    ("passfile", passfile),
    ("filter_ini", filter_ini),
    ("filter_json", filter_json),
    ("frames", frames),
    ("session", session),
    ("archive", archive),
    ("archive_list", archive_list),
    ("size", size),
    ("lsn", lsn),
    ("pgoutput", pgoutput),
    ("test_decoding", test_decoding),
    ("wal2json", wal2json),
];

/// Stands between the messages of one input.
const BETWEEN: &[u8] = b"\n--\n";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An environment with one file below the home directory.
fn with_file(name: &str, bytes: &[u8]) -> Environment {
    let home = PathBuf::from("/home/u");
    let files = BTreeMap::from([(home.join(name), text(bytes))]);
    Environment { home: Some(home), files: Files::Memory(files), ..Environment::default() }
}

fn conninfo(bytes: &[u8]) {
    if let Ok(conninfo) = Conninfo::parse_with(&text(bytes), &Environment::default()) {
        let _ = (conninfo.bare().to_string(), conninfo.tool_arguments());
    }
}

fn service(bytes: &[u8]) {
    let environment = with_file(".pg_service.conf", bytes);
    let _ = Conninfo::parse_with("service=app", &environment);
}

fn passfile(bytes: &[u8]) {
    let environment = with_file(".pgpass", bytes);
    let _ = Conninfo::parse_with("host=h user=u dbname=d", &environment);
}

fn filter_ini(bytes: &[u8]) {
    let _ = pgcopydb::filter::ini::parse(bytes);
}

fn filter_json(bytes: &[u8]) {
    if let Ok(filters) = Filters::from_json(&text(bytes)) {
        let again = filters.to_json().expect("what was read can be written");
        assert_eq!(Filters::from_json(&again).expect("and read again"), filters);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn frames(bytes: &[u8]) {
    let runtime = runtime();
    let _guard = runtime.enter();
    let (ours, _theirs) = tokio::net::UnixStream::pair().unwrap();
    let mut framed = Framed::new(Stream::Unix(ours));
    framed.incoming().extend_from_slice(bytes);
    while let Ok(Some(frame)) = framed.buffered() {
        let _ = ServerError::parse(&frame.body);
        if let Ok(row) = Row::parse(frame.body) {
            let _ = (row.text(0), row.parsed::<i64>(1), row.flag(2), row.bytes(3));
        }
    }
}

/// A server that lets everybody in, answers the first statement with these bytes, and goes.
fn session(bytes: &[u8]) {
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut startup = [0; 1024];
            let _ = peer.read(&mut startup).await;
            let _ = peer.write_all(WELCOME).await;
            let _ = peer.read(&mut startup).await;
            let _ = peer.write_all(bytes).await;
        };
        let ask = async {
            let text =
                format!("host=127.0.0.1 port={port} user=u sslmode=disable gssencmode=disable");
            let conninfo = Conninfo::parse_with(&text, &Environment::default()).unwrap();
            let Ok(mut session) = Connection::connect(&conninfo).await else { return };
            match bytes.len() % 2 {
                0 => drop(session.execute("select 1").await),
                _ => drop(session.query("select $1", &[Some("1")]).await),
            }
        };
        tokio::join!(serve, ask);
    });
}

fn archive(bytes: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("schema.dump");
    std::fs::write(&file, bytes).unwrap();
    let _ = pgcopydb::tools::archive::entries(&file);
}

fn archive_list(bytes: &[u8]) {
    let _ = pgcopydb::plan::list::parse(&text(bytes));
}

fn size(bytes: &[u8]) {
    let _ = text(bytes).parse::<Size>();
}

fn lsn(bytes: &[u8]) {
    if let Ok(lsn) = text(bytes).parse::<Lsn>() {
        assert_eq!(lsn.to_string().parse(), Ok(lsn));
    }
}

/// The messages of an input, in their order.
fn messages(bytes: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        messages.push(Bytes::copy_from_slice(&rest[..end]));
        rest = &rest[end + BETWEEN.len()..];
    }
    messages.push(Bytes::copy_from_slice(rest));
    messages
}

/// What a table looks like that a decoder asks for; some of them are not wanted.
fn described(name: &QualifiedName, numbers: Numbers) -> Option<Arc<Relation>> {
    let columns = ["id", "note", "a", "b"].map(str::to_owned).to_vec();
    let key = vec![true, false, false, false];
    let is_full = numbers == Numbers::Plain;
    let relation = Relation { name: name.clone(), columns, key, is_full, types: Vec::new() };
    (name.name.len() < 50).then(|| Arc::new(relation))
}

fn decoded(plugin: Plugin, bytes: &[u8]) {
    for numbers in [Numbers::Plain, Numbers::Strings] {
        let mut decoder = Decoder::new(plugin, numbers);
        for message in messages(bytes) {
            let _ = decode::mark(plugin, &message);
            let _ = decode::commit_lsn(plugin, &message);
            let _ = decode::forbids_binary(&message, false);
            let _ = decode::streamed::change(&message);
            let _ = decode::streamed::begin_and_commit(&message);
            let mut asked = 0;
            while let Ok(Message::Undescribed(name)) = decoder.message(&message) {
                // TRUNCATE asks for one table after the other.
                asked += 1;
                assert!(asked <= message.len(), "it asks for the same table for ever");
                let relation = described(&name, numbers);
                decoder.describe(name, relation);
            }
        }
    }
}

fn pgoutput(bytes: &[u8]) {
    decoded(Plugin::Pgoutput, bytes);
}

fn test_decoding(bytes: &[u8]) {
    decoded(Plugin::TestDecoding, bytes);
}

fn wal2json(bytes: &[u8]) {
    decoded(Plugin::Wal2json, bytes);
}
