//! Sockets: looking up addresses, opening TCP and Unix-domain sockets, their options.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, UnixStream, lookup_host};

use super::failure::{Failure, FailureKind};
use crate::conninfo::{HostPort, Keepalive, user_name};
use crate::stream::Stream;

/// The longest path of a Unix-domain socket (`man 7 unix`: 108 bytes with the final NUL).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What the kernel may keep of what we send through a Unix-domain socket; it takes twice the number
/// (socket(7)). It says that there is room again when three quarters are free, and counts messages as
/// long as any of their bytes are there: with the usual 208 kB, three messages of a COPY, the server
/// had taken the last of them before it got another. TCP finds its sizes itself.
const UNIX_SEND_BUFFER_BYTES: usize = 256 * 1024;

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    /// The path; one that begins with `@` is in the abstract namespace.
    Unix(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => path.fmt(f),
        }
    }
}

/// All addresses of a host, in the order of the resolver.
pub(super) async fn addresses(host: &HostPort) -> Result<Vec<Address>, Failure> {
    if let Some(path) = host.socket_path() {
        if path.len() > SOCKET_PATH_BYTES_MAX {
            return Err(Failure::refused(format!(
                "the path of the Unix-domain socket \"{path}\" is longer than \
                 {SOCKET_PATH_BYTES_MAX} bytes"
            )));
        }
        return Ok(vec![Address::Unix(path)]);
    }
    let name = match host.hostaddr() {
        Some(address) => numeric(address)?,
        None => host.host_or_address(),
    };
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![Address::Tcp(SocketAddr::new(address, host.port()))]);
    }
    let found = lookup_host((name, host.port())).await.map_err(|error| {
        let reason = format!("could not translate host name \"{name}\" to an address: {error}");
        Failure::new(FailureKind::Unreachable, reason)
    })?;
    Ok(found.map(Address::Tcp).collect())
}

/// `hostaddr` must not cause a name lookup; forms such as `127.1` and `fe80::1%eth0` are left to
/// the system.
fn numeric(address: &str) -> Result<&str, Failure> {
    let is_short_form = address.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_scoped = address.contains(':');
    if address.parse::<IpAddr>().is_ok() || is_short_form || is_scoped {
        return Ok(address);
    }
    Err(Failure::refused(format!("could not parse network address \"{address}\" in hostaddr")))
}

/// Opens a socket with all its options set.
pub(crate) async fn open(address: &Address, keepalive: Keepalive) -> io::Result<Stream> {
    match address {
        Address::Tcp(address) => {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            set_options(&socket, keepalive)?;
            Ok(Stream::Tcp(socket.connect(*address).await?))
        }
        Address::Unix(path) => {
            let path = match path.strip_prefix('@') {
                Some(name) => format!("\0{name}"),
                None => path.clone(),
            };
            let socket = UnixStream::connect(path).await?;
            SockRef::from(&socket).set_send_buffer_size(UNIX_SEND_BUFFER_BYTES)?;
            Ok(Stream::Unix(socket))
        }
    }
}

fn set_options(socket: &TcpSocket, keepalive: Keepalive) -> io::Result<()> {
    let socket = SockRef::from(socket);
    // Statements are small and answered one by one; Nagle's algorithm would hold them back.
    socket.set_tcp_nodelay(true)?;
    if keepalive.enabled {
        let mut options = TcpKeepalive::new();
        if let Some(idle) = keepalive.idle {
            options = options.with_time(idle);
        }
        if let Some(interval) = keepalive.interval {
            options = options.with_interval(interval);
        }
        if let Some(count) = keepalive.count {
            options = options.with_retries(count);
        }
        socket.set_tcp_keepalive(&options)?;
    }
    if let Some(timeout) = keepalive.user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    Ok(())
}

/// Checks the operating system's user of the server at a Unix-domain socket.
pub(super) fn check_peer(stream: &Stream, wanted: &str) -> Result<(), Failure> {
    let Stream::Unix(socket) = stream else {
        return Ok(());
    };
    let uid = socket.peer_cred()?.uid();
    let Some(name) = user_name(uid) else {
        return Err(Failure::refused(format!("requirepeer: user id {uid} has no name here")));
    };
    if name == wanted {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "requirepeer specifies \"{wanted}\", but actual peer user name is \"{name}\""
    )))
}
