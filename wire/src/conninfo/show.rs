//! A connection string as it may be shown: never with a password.

use std::fmt;

use super::uri::encoded;
use super::{Conninfo, Origin};

/// Parameters that have their own place in a URI.
const IN_PLACE: [&str; 5] = ["user", "password", "host", "port", "dbname"];

impl Conninfo {
    /// `postgres://user@host:port/dbname`: which database this is, and nothing else.
    pub fn bare(&self) -> String {
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .map(|host| {
                let name = host.host_or_address();
                // An IPv6 address is bracketed; a colon elsewhere would end the host.
                let is_address = name.parse::<std::net::Ipv6Addr>().is_ok();
                let name = if is_address { format!("[{name}]") } else { encoded(name) };
                format!("{name}:{}", host.port())
            })
            .collect();
        let user = encoded(self.user());
        format!("postgres://{user}@{}/{}", hosts.join(","), encoded(self.dbname()))
    }
}

/// A URI with the parameters that were written in the connection string, in the order of libpq's
/// table; values are percent-encoded.
impl fmt::Display for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())?;
        let mut separator = '?';
        for value in self.given.values() {
            let parameter = value.parameter;
            let is_shown = value.origin == Origin::Explicit && !parameter.is_secret();
            if is_shown && !IN_PLACE.contains(&parameter.name) {
                write!(f, "{separator}{}={}", parameter.name, encoded(&value.text))?;
                separator = '&';
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conninfo({self})")
    }
}
