//! Peers that are no PostgreSQL server, or one that misbehaves: every one of them ends in an error
//! within `connect_timeout`.

use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use pgcopydb_wire::Error;
use pgcopydb_wire::connect::{Connected, connect};
use pgcopydb_wire::conninfo::Conninfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::conninfo;

/// Listens, and gives every connection to the function.
async fn listen<F, Fut>(serve: F) -> u16
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// A peer that reads the startup message, says this, and closes.
async fn peer(says: &'static [u8]) -> u16 {
    listen(move |mut stream: TcpStream| async move {
        read_startup(&mut stream).await;
        let _ = stream.write_all(says).await;
        let _ = stream.shutdown().await;
    })
    .await
}

/// The message without its length; nothing if the client goes away.
async fn read_startup(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap_or(4);
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    let _ = stream.read_exact(&mut body).await;
    body
}

fn to(port: u16, more: &str) -> Conninfo {
    conninfo(&format!("host=127.0.0.1 port={port} user=u password=secret connect_timeout=1 {more}"))
}

async fn failure(port: u16, more: &str) -> Error {
    let began = Instant::now();
    let error = connect(&to(port, more)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(!text.contains("secret"), "{text}");
    error
}

#[tokio::test]
async fn garbage_is_an_error() {
    for says in [
        &b""[..],
        b"H",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        // Length beyond any limit, below the least, and a body that never comes.
        b"R\xff\xff\xff\xff",
        b"R\0\0\0\x03",
        b"R\0\0\x75\x31",
        b"E\0\0\0\x20SFATAL\0",
        // Requests that make no sense.
        b"R\0\0\0\x04",
        b"R\0\0\0\x08\0\0\0\x63",
        b"R\0\0\0\x08\0\0\0\x05",
        b"R\0\0\0\x08\0\0\0\x0a",
        b"R\0\0\0\x08\0\0\0\x0b",
        b"R\0\0\0\x08\0\0\0\x0c",
        b"R\0\0\0\x0a\0\0\0\x0a\0\0",
        // Inside without a key, with one that is too short, with a row.
        b"R\0\0\0\x08\0\0\0\0K\0\0\0\x09\0\0\0\x01x",
        b"R\0\0\0\x08\0\0\0\0D\0\0\0\x06\0\0",
        b"R\0\0\0\x08\0\0\0\0S\0\0\0\x06ab",
        b"K\0\0\0\x0c\0\0\0\x01\0\0\0\x01",
    ] {
        let error = failure(peer(says).await, "sslmode=disable").await;
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_peer_that_is_no_server_is_called_so() {
    let port = peer(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    for mode in ["disable", "prefer", "require"] {
        let error = failure(port, &format!("sslmode={mode}")).await;
        assert!(error.to_string().contains("is this a PostgreSQL server?"), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn authentication_that_we_do_not_speak_is_named() {
    for (says, wanted) in [
        (&b"R\0\0\0\x08\0\0\0\x07"[..], "GSSAPI"),
        (b"R\0\0\0\x08\0\0\0\x09", "SSPI"),
        (b"R\0\0\0\x08\0\0\0\x02", "method 2"),
        (b"R\0\0\0\x15\0\0\0\x0aOAUTHBEARER\0\0", "OAuth"),
        (b"R\0\0\0\x12\0\0\0\x0aSOMETHING\0", "SASL"),
        (b"R\0\0\0\x1c\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0", "over a non-SSL connection"),
    ] {
        let error = failure(peer(says).await, "sslmode=disable").await;
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_server_must_prove_itself_in_scram() {
    // It asks for SCRAM and says that all is well without having proved anything.
    let says = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let error = failure(peer(says).await, "sslmode=disable").await;
    assert!(error.to_string().contains("without proving"), "{error}");
}

#[tokio::test]
async fn what_answers_a_request_for_tls_is_not_shown() {
    let port = peer(b"E\0\0\0\x29SFATAL\0C28000\0Msend it to evil.test\0\0").await;
    for mode in ["prefer", "require"] {
        let error = failure(port, &format!("sslmode={mode}")).await;
        assert!(!error.to_string().contains("evil"), "{error}");
    }
    let error = failure(port, "sslmode=disable").await;
    assert!(error.to_string().contains("evil"), "{error}");
}

#[tokio::test]
async fn a_peer_that_never_answers_is_given_up() {
    let began = Instant::now();
    let silent = listen(async |mut stream: TcpStream| {
        let mut ignored = Vec::new();
        let _ = stream.read_to_end(&mut ignored).await;
    })
    .await;
    for mode in ["disable", "prefer", "require"] {
        let error = failure(silent, &format!("sslmode={mode}")).await;
        assert!(error.to_string().contains("no answer within 1 s"), "{error}");
        assert!(error.is_transient());
    }
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_peer_that_talks_for_ever_is_given_up() {
    let port = listen(async |mut stream: TcpStream| {
        read_startup(&mut stream).await;
        let notice = b"N\0\0\0\x10SNOTICE\0M.\0\0";
        while stream.write_all(notice).await.is_ok() {}
    })
    .await;
    let error = failure(port, "sslmode=disable").await;
    assert!(error.to_string().contains("messages"), "{error}");
}

#[tokio::test]
async fn every_host_is_named_with_its_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let early = peer(b"").await;
    let text = format!(
        "host=127.0.0.1,127.0.0.1,/no/such/directory port={closed},{early},5 user=u sslmode=disable"
    );
    let error = connect(&conninfo(&text)).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(&format!("127.0.0.1:{closed}: Connection refused")), "{shown}");
    assert!(shown.contains(&format!("127.0.0.1:{early}: ")), "{shown}");
    assert!(shown.contains("/no/such/directory:5: No such file"), "{shown}");
    assert!(error.is_transient());
}

/// A server of the given version of the protocol, with a cancel key of the given length.
async fn server(negotiated: Option<u32>, key: usize) -> u16 {
    listen(move |mut stream: TcpStream| async move {
        let startup = read_startup(&mut stream).await;
        let mut says = BytesMut::new();
        if let Some(version) = negotiated {
            says.put_u8(b'v');
            says.put_u32(12);
            says.put_u32(version);
            says.put_u32(0);
        }
        says.put_slice(b"R\0\0\0\x08\0\0\0\0S");
        let version = format!("asked\0{:x}{:02x}\0", startup[1], startup[3]);
        says.put_u32(u32::try_from(4 + version.len()).unwrap());
        says.put_slice(version.as_bytes());
        says.put_u8(b'K');
        says.put_u32(u32::try_from(8 + key).unwrap());
        says.put_u32(7);
        says.put_bytes(1, key);
        says.put_slice(b"Z\0\0\0\x05I");
        let _ = stream.write_all(&says).await;
        let mut ignored = Vec::new();
        let _ = stream.read_to_end(&mut ignored).await;
    })
    .await
}

#[tokio::test]
async fn versions_of_the_protocol_are_negotiated() {
    let cases: [(&str, Option<u32>, usize, Option<&str>); 8] = [
        ("", None, 4, Some("300")),
        ("max_protocol_version=3.2", None, 256, Some("302")),
        ("max_protocol_version=latest", Some(0x30000), 4, Some("302")),
        ("min_protocol_version=3.2", None, 32, Some("302")),
        ("min_protocol_version=3.2", Some(0x30000), 4, None),
        ("", Some(0x30002), 4, None),
        ("max_protocol_version=3.2", Some(0x40000), 4, None),
        ("max_protocol_version=3.2", None, 257, None),
    ];
    for (more, negotiated, key, wanted) in cases {
        let port = server(negotiated, key).await;
        let reached = connect(&to(port, &format!("sslmode=disable {more}"))).await;
        let asked = |connected: &Connected| connected.parameters["asked"].clone();
        assert_eq!(reached.as_ref().ok().map(asked).as_deref(), wanted, "{more} {negotiated:?}");
    }
}
