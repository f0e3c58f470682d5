//! The parameters that choose between a few behaviours, read into types, with libpq's checks of
//! the values and of their combinations (`pqConnectOptions2`).

use std::time::Duration;

use super::given::Given;
use super::hosts::HostPort;
use super::require_auth::RequireAuth;
use crate::error::{Error, Result};

/// How long connecting to one address may take when nobody says, as in `PGCONNECT_TIMEOUT`.
const CONNECT_TIMEOUT_SECONDS: u64 = 10;

/// libpq waits for ever when told 0. An hour is longer than any server takes to start.
const CONNECT_TIMEOUT_SECONDS_MAX: u64 = 3600;

/// Keepalives that notice a dead peer within about a minute (10 s idle, then 6 times 10 s),
/// before firewalls forget an idle connection and long before the kernel's two hours.
const KEEPALIVES_IDLE_SECONDS: u64 = 10;
const KEEPALIVES_INTERVAL_SECONDS: u64 = 10;
const KEEPALIVES_COUNT: u32 = 6;

/// An enum whose variants are the words that a parameter accepts.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// The word in a connection string.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }

            fn read(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// How much TLS is asked for (PostgreSQL documentation, "SSL Mode Descriptions").
    SslMode {
        /// Never.
        Disable = "disable",
        /// Only if the server refuses a session without.
        Allow = "allow",
        /// If the server can.
        Prefer = "prefer",
        /// Always; the certificate is checked only if there is a root certificate file.
        Require = "require",
        /// Always, with a certificate of a trusted authority.
        VerifyCa = "verify-ca",
        /// Always, with a certificate of a trusted authority for this host name.
        VerifyFull = "verify-full",
    }
}

words! {
    /// How TLS begins.
    SslNegotiation {
        /// By a request in PostgreSQL's protocol.
        Postgres = "postgres",
        /// At once (PostgreSQL 17 and later).
        Direct = "direct",
    }
}

words! {
    /// Whether a client certificate is sent.
    SslCertMode {
        /// Never.
        Disable = "disable",
        /// If the server asks and there is one.
        Allow = "allow",
        /// The server must ask.
        Require = "require",
    }
}

words! {
    /// Whether SCRAM must be tied to the TLS channel.
    ChannelBinding {
        /// Never.
        Disable = "disable",
        /// If the server can.
        Prefer = "prefer",
        /// Always.
        Require = "require",
    }
}

words! {
    /// Which kind of server will do.
    TargetSessionAttributes {
        /// Any.
        Any = "any",
        /// One whose transactions may write by default.
        ReadWrite = "read-write",
        /// One whose transactions are read-only by default.
        ReadOnly = "read-only",
        /// One that is not in recovery.
        Primary = "primary",
        /// One that is in recovery.
        Standby = "standby",
        /// One in recovery if there is any, otherwise any.
        PreferStandby = "prefer-standby",
    }
}

words! {
    /// The order in which hosts and addresses are tried.
    LoadBalanceHosts {
        /// As given.
        Disable = "disable",
        /// Shuffled.
        Random = "random",
    }
}

/// A version of the TLS protocol, older ones than we speak included, as bounds may name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// TCP keepalives and the time after which unacknowledged data breaks a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether keepalives are sent at all.
    pub enabled: bool,
    /// Idle time before the first one; `None` leaves the system's default.
    pub idle: Option<Duration>,
    /// Time between two; `None` leaves the system's default.
    pub interval: Option<Duration>,
    /// How many may go unanswered; `None` leaves the system's default.
    pub count: Option<u32>,
    /// `TCP_USER_TIMEOUT`; `None` leaves the system's default.
    pub user_timeout: Option<Duration>,
}

/// Version of the frontend/backend protocol, as sent in the startup message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// 3.0, which every server speaks.
    V3_0,
    /// 3.2: long cancel keys (PostgreSQL 18).
    V3_2,
}

impl ProtocolVersion {
    /// Major version in the upper, minor version in the lower 16 bits.
    pub fn number(self) -> u32 {
        match self {
            ProtocolVersion::V3_0 => 0x0003_0000,
            ProtocolVersion::V3_2 => 0x0003_0002,
        }
    }
}

/// All of them, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub sslmode: SslMode,
    pub sslnegotiation: SslNegotiation,
    pub sslcertmode: SslCertMode,
    pub tls_versions: (Option<TlsVersion>, Option<TlsVersion>),
    pub channel_binding: ChannelBinding,
    pub require_auth: RequireAuth,
    pub target_session_attrs: TargetSessionAttributes,
    pub load_balance_hosts: LoadBalanceHosts,
    pub connect_timeout: Duration,
    pub keepalive: Keepalive,
    pub protocol_versions: (ProtocolVersion, ProtocolVersion),
}

impl Settings {
    /// Reads and checks what a connection string and its environment say.
    pub(super) fn read(given: &Given, hosts: &[HostPort]) -> Result<Settings> {
        let root_is_system = given.value("sslrootcert") == Some("system");
        let default_mode = if root_is_system { SslMode::VerifyFull } else { SslMode::Prefer };
        let sslmode = word(given, "sslmode", SslMode::read, default_mode)?;
        let sslnegotiation =
            word(given, "sslnegotiation", SslNegotiation::read, SslNegotiation::Postgres)?;
        let is_weak = matches!(sslmode, SslMode::Disable | SslMode::Allow | SslMode::Prefer);
        if sslnegotiation == SslNegotiation::Direct && is_weak {
            return Err(weak(sslmode, "sslnegotiation=direct"));
        }
        if root_is_system && sslmode != SslMode::VerifyFull {
            return Err(weak(sslmode, "sslrootcert=system"));
        }
        check_gssencmode(given)?;
        Ok(Settings {
            sslmode,
            sslnegotiation,
            sslcertmode: word(given, "sslcertmode", SslCertMode::read, SslCertMode::Allow)?,
            tls_versions: tls_versions(given)?,
            channel_binding: word(
                given,
                "channel_binding",
                ChannelBinding::read,
                ChannelBinding::Prefer,
            )?,
            require_auth: require_auth(given)?,
            target_session_attrs: word(
                given,
                "target_session_attrs",
                TargetSessionAttributes::read,
                TargetSessionAttributes::Any,
            )?,
            load_balance_hosts: word(
                given,
                "load_balance_hosts",
                LoadBalanceHosts::read,
                LoadBalanceHosts::Disable,
            )?,
            connect_timeout: connect_timeout(given)?,
            keepalive: keepalive(given, hosts)?,
            protocol_versions: protocol_versions(given)?,
        })
    }
}

fn require_auth(given: &Given) -> Result<RequireAuth> {
    RequireAuth::parse(given.value("require_auth").unwrap_or(""))
        .map_err(|reason| given.invalid_because("require_auth", &reason))
}

fn word<T>(
    given: &Given,
    name: &'static str,
    read: fn(&str) -> Option<T>,
    default: T,
) -> Result<T> {
    match given.value(name) {
        None => Ok(default),
        Some(word) => read(word).ok_or_else(|| given.invalid(name)),
    }
}

/// Only whether GSSAPI encryption must be used is of interest: it cannot.
fn check_gssencmode(given: &Given) -> Result<()> {
    match given.value("gssencmode") {
        None | Some("disable" | "prefer") => Ok(()),
        Some("require") => Err(Error::Unsupported(
            "gssencmode=require is not supported; use sslmode=require or stronger for an \
             encrypted connection"
                .into(),
        )),
        Some(_) => Err(given.invalid("gssencmode")),
    }
}

fn weak(sslmode: SslMode, with: &str) -> Error {
    Error::Conninfo(format!("weak sslmode \"{}\" may not be used with {with}", sslmode.as_str()))
}

/// The value of an integer parameter as C's `strtol` reads it: spaces around it are allowed.
pub(super) fn integer(text: &str) -> Option<i32> {
    let is_space = |character: char| u8::try_from(character).is_ok_and(super::keywords::is_space);
    text.trim_matches(is_space).parse().ok()
}

fn connect_timeout(given: &Given) -> Result<Duration> {
    let seconds = match given.value("connect_timeout") {
        None => CONNECT_TIMEOUT_SECONDS,
        Some(text) => {
            let seconds = integer(text).ok_or_else(|| given.invalid("connect_timeout"))?;
            match u64::try_from(seconds) {
                Ok(0) | Err(_) => CONNECT_TIMEOUT_SECONDS_MAX,
                Ok(seconds) => seconds.min(CONNECT_TIMEOUT_SECONDS_MAX),
            }
        }
    };
    Ok(Duration::from_secs(seconds))
}

/// libpq reads these only for TCP, and so do we: elsewhere any text passes.
fn keepalive(given: &Given, hosts: &[HostPort]) -> Result<Keepalive> {
    let is_tcp = hosts.iter().any(|host| host.socket_directory().is_none());
    // A value of 0 or less means the system's default, and no value ours.
    let number = |name: &'static str, default: u64| match given.value(name) {
        Some(text) if is_tcp => integer(text)
            .map(|value| u64::try_from(value).unwrap_or(0))
            .ok_or_else(|| given.invalid(name)),
        _ => Ok(default),
    };
    let some = |value: u64| (value > 0).then_some(value);
    let idle = number("keepalives_idle", KEEPALIVES_IDLE_SECONDS)?;
    let interval = number("keepalives_interval", KEEPALIVES_INTERVAL_SECONDS)?;
    let count = number("keepalives_count", u64::from(KEEPALIVES_COUNT))?;
    Ok(Keepalive {
        enabled: number("keepalives", 1)? != 0,
        idle: some(idle).map(Duration::from_secs),
        interval: some(interval).map(Duration::from_secs),
        count: some(count).and_then(|count| u32::try_from(count).ok()),
        user_timeout: some(number("tcp_user_timeout", 0)?).map(Duration::from_millis),
    })
}

/// The keepalive parameters with the program's defaults, for the tools that we run.
pub(super) fn keepalive_defaults() -> [(&'static str, String); 4] {
    [
        ("keepalives", "1".into()),
        ("keepalives_idle", KEEPALIVES_IDLE_SECONDS.to_string()),
        ("keepalives_interval", KEEPALIVES_INTERVAL_SECONDS.to_string()),
        ("keepalives_count", KEEPALIVES_COUNT.to_string()),
    ]
}

/// The connect timeout when none was given, for the tools that we run.
pub(super) fn connect_timeout_default() -> String {
    CONNECT_TIMEOUT_SECONDS.to_string()
}

fn tls_versions(given: &Given) -> Result<(Option<TlsVersion>, Option<TlsVersion>)> {
    let version = |name: &'static str| -> Result<Option<TlsVersion>> {
        let text = given.value(name).unwrap_or("").to_ascii_lowercase();
        match text.as_str() {
            "" => Ok(None),
            "tlsv1" => Ok(Some(TlsVersion::Tls10)),
            "tlsv1.1" => Ok(Some(TlsVersion::Tls11)),
            "tlsv1.2" => Ok(Some(TlsVersion::Tls12)),
            "tlsv1.3" => Ok(Some(TlsVersion::Tls13)),
            _ => Err(given.invalid(name)),
        }
    };
    // Anything older than TLS 1.2 must be asked for.
    let lowest = match given.value("ssl_min_protocol_version") {
        None => Some(TlsVersion::Tls12),
        Some(_) => version("ssl_min_protocol_version")?,
    };
    let highest = version("ssl_max_protocol_version")?;
    if let (Some(lowest), Some(highest)) = (lowest, highest)
        && lowest > highest
    {
        return Err(Error::Conninfo("invalid SSL protocol version range".into()));
    }
    Ok((lowest, highest))
}

fn protocol_versions(given: &Given) -> Result<(ProtocolVersion, ProtocolVersion)> {
    let version = |name: &'static str| match given.value(name) {
        None | Some("3.0") => Ok(ProtocolVersion::V3_0),
        Some("3.2" | "latest") => Ok(ProtocolVersion::V3_2),
        Some(_) => Err(given.invalid(name)),
    };
    let lowest = version("min_protocol_version")?;
    let highest = match given.value("max_protocol_version") {
        None => lowest,
        Some(_) => version("max_protocol_version")?,
    };
    if lowest > highest {
        return Err(Error::Conninfo(
            "min_protocol_version is greater than max_protocol_version".into(),
        ));
    }
    Ok((lowest, highest))
}
