//! Where a server may be: the lists of hosts, addresses and ports, matched up as libpq does
//! (PostgreSQL documentation, "Specifying Multiple Hosts").

use std::fmt;

use crate::error::{Error, Result};

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// The host when nothing says otherwise and no socket directory exists.
const LOCALHOST: &str = "localhost";

/// One place where a server may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Host name or socket directory as given; empty when only an address was given.
    host: String,
    /// Numeric address that makes looking up the name unnecessary; empty when not given.
    hostaddr: String,
    port: u16,
    /// The port as it was written: the password file compares text.
    port_text: String,
    /// Whether the host is the default, which the password file calls `localhost`.
    is_default: bool,
}

impl HostPort {
    /// The host name; none for a Unix-domain socket, or when only an address was given.
    pub fn name(&self) -> Option<&str> {
        let is_name = !self.host.is_empty() && !is_socket_directory(&self.host);
        is_name.then_some(&*self.host)
    }

    /// The numeric address, when given.
    pub fn hostaddr(&self) -> Option<&str> {
        (!self.hostaddr.is_empty()).then_some(&*self.hostaddr)
    }

    /// The port; for a socket it is part of the file's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix-domain socket, if that is what is meant. One that begins with
    /// `@` is in Linux's abstract namespace.
    pub fn socket_directory(&self) -> Option<&str> {
        let is_socket = self.hostaddr.is_empty() && is_socket_directory(&self.host);
        is_socket.then_some(&*self.host)
    }

    /// The path of the Unix-domain socket, if that is what is meant.
    pub fn socket_path(&self) -> Option<String> {
        self.socket_directory().map(|directory| format!("{directory}/.s.PGSQL.{}", self.port))
    }

    /// What a user gave to name the server: the host, or else the address.
    pub fn host_or_address(&self) -> &str {
        if self.host.is_empty() { &self.hostaddr } else { &self.host }
    }

    /// The host as given; empty when only an address was.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port_text(&self) -> &str {
        &self.port_text
    }

    /// The name that the password file uses.
    pub(super) fn name_in_passfile(&self, default_host: Option<&str>) -> &str {
        let host = self.host_or_address();
        if self.is_default || (is_socket_directory(host) && Some(host) == default_host) {
            LOCALHOST
        } else {
            host
        }
    }
}

/// As a message names it: `host:port`, with brackets around an IPv6 address.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host_or_address();
        if host.contains(':') && !is_socket_directory(host) {
            write!(f, "[{host}]:{}", self.port)
        } else {
            write!(f, "{host}:{}", self.port)
        }
    }
}

/// A host that begins like a path is the directory of a Unix-domain socket.
fn is_socket_directory(host: &str) -> bool {
    host.starts_with(['/', '@'])
}

/// Matches the three lists up.
///
/// # Errors
///
/// The lists differ in length, or a port is not one. The values are not shown: a password that
/// was not percent-encoded may have ended up in them.
pub(super) fn hosts(
    host: &str,
    hostaddr: &str,
    port: &str,
    default_host: Option<&str>,
) -> Result<Vec<HostPort>> {
    let names: Vec<&str> = host.split(',').collect();
    let addresses: Vec<&str> = hostaddr.split(',').collect();
    let ports: Vec<&str> = port.split(',').collect();
    let count = if hostaddr.is_empty() { names.len() } else { addresses.len() };
    if !host.is_empty() && names.len() != count {
        return Err(mismatch(names.len(), "host names", count, "hostaddr values"));
    }
    if ports.len() != 1 && ports.len() != count {
        return Err(mismatch(ports.len(), "port numbers", count, "hosts"));
    }
    (0..count)
        .map(|index| {
            let at = |list: &[&str]| list.get(index).copied().unwrap_or("").to_owned();
            let (mut host, hostaddr) = (at(&names), at(&addresses));
            let is_default = host.is_empty() && hostaddr.is_empty();
            if is_default {
                host = default_host.unwrap_or(LOCALHOST).to_owned();
            }
            let port_text = if ports.len() == 1 { port.to_owned() } else { at(&ports) };
            let (port, port_text) = number(port_text)?;
            Ok(HostPort { host, hostaddr, port, port_text, is_default })
        })
        .collect()
}

fn number(text: String) -> Result<(u16, String)> {
    if text.is_empty() {
        return Ok((DEFAULT_PORT, DEFAULT_PORT.to_string()));
    }
    match super::settings::integer(&text).and_then(|port| u16::try_from(port).ok()) {
        Some(port) if port > 0 => Ok((port, text)),
        _ => Err(Error::Conninfo(
            "invalid port number in the connection string; if the user name or the password \
             contains one of / : @ ? it must be percent-encoded"
                .into(),
        )),
    }
}

fn mismatch(count: usize, what: &str, wanted: usize, of_what: &str) -> Error {
    Error::Conninfo(format!("could not match {count} {what} to {wanted} {of_what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(host: &str, hostaddr: &str, port: &str) -> Option<String> {
        let hosts = hosts(host, hostaddr, port, Some("/run/pg")).ok()?;
        let show = |host: &HostPort| match host.hostaddr() {
            Some(address) => format!("{host}={address}"),
            None => host.to_string(),
        };
        Some(hosts.iter().map(show).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn lists_are_matched_up() {
        for (host, hostaddr, port, wanted) in [
            ("", "", "", Some("/run/pg:5432")),
            ("a", "", "", Some("a:5432")),
            ("a,b", "", "1", Some("a:1 b:1")),
            ("a,b", "", "1,2", Some("a:1 b:2")),
            ("a,,b", "", ",2,", Some("a:5432 /run/pg:2 b:5432")),
            ("", "", "1,2", None),
            ("a,b", "", "1,2,3", None),
            ("a,b", "::1,", "", Some("a:5432=::1 b:5432")),
            ("", "::1", "", Some("[::1]:5432=::1")),
            ("a", "::1,::2", "", None),
            ("::1", "", "7", Some("[::1]:7")),
            ("a", "", " 7 ", Some("a:7")),
            ("a", "", "0", None),
            ("a", "", "65536", None),
            ("a", "", "7x", None),
        ] {
            assert_eq!(shown(host, hostaddr, port).as_deref(), wanted, "{host} {hostaddr} {port}");
        }
    }

    #[test]
    fn a_socket_is_named_by_its_directory() {
        let hosts = hosts("/tmp,@abstract,h", "", "5", None).unwrap();
        assert_eq!(hosts[0].socket_path().as_deref(), Some("/tmp/.s.PGSQL.5"));
        assert_eq!(hosts[1].socket_path().as_deref(), Some("@abstract/.s.PGSQL.5"));
        assert_eq!(hosts[2].socket_path(), None);
    }
}
