//! Opening a session: the hosts of a connection string in turn, each address of a host, with and
//! without TLS as `sslmode` says, authentication, until the server is ready for the first
//! statement. The order of attempts and the reasons to go on to the next one are libpq's
//! (PostgreSQL documentation, "Database Connection Control Functions").

mod failure;
mod fitness;
mod shuffle;
pub(crate) mod socket;
mod startup;

use std::collections::HashMap;

use tokio::time::timeout;

pub(crate) use failure::{Failure, FailureKind};
use socket::Address;
use startup::Session;

use crate::cancel::CancelKey;
use crate::conninfo::{
    Conninfo, HostPort, LoadBalanceHosts, SslMode, TargetSessionAttributes as Wanted,
};
use crate::error::{Error, Result, ServerError};
use crate::frame::Framed;
use crate::tls::{self, Tls};

/// A session that is ready for its first statement.
#[derive(Debug)]
pub struct Connected {
    /// The stream, with nothing in its buffers that belongs to the start-up.
    pub framed: Framed,
    /// What the server has reported of itself, such as `server_version`.
    pub parameters: HashMap<String, String>,
    /// Process id of the server's backend.
    pub backend_pid: i32,
    /// What is needed to cancel a statement of this session.
    pub cancel: CancelKey,
    /// Notices of the start-up.
    pub notices: Vec<ServerError>,
    /// The server that was reached.
    pub host: HostPort,
}

/// Opens a session.
///
/// # Errors
///
/// [`Error::Connect`] when no server was reached or none would have us: it names every server that
/// was tried with its reason. Every address takes at most `connect_timeout`.
pub async fn connect(conninfo: &Conninfo) -> Result<Connected> {
    let passes: &[Wanted] = match conninfo.target_session_attrs() {
        Wanted::PreferStandby => &[Wanted::Standby, Wanted::Any],
        Wanted::Any => &[Wanted::Any],
        Wanted::ReadWrite => &[Wanted::ReadWrite],
        Wanted::ReadOnly => &[Wanted::ReadOnly],
        Wanted::Primary => &[Wanted::Primary],
        Wanted::Standby => &[Wanted::Standby],
    };
    let mut failures = Failures::default();
    for wanted in passes {
        failures = Failures::default();
        let attempt = Attempt { conninfo, wanted: *wanted };
        if let Some(connected) = attempt.any_host(&mut failures).await {
            return Ok(connected);
        }
    }
    Err(failures.into_error())
}

/// What went wrong with the hosts tried so far.
#[derive(Default)]
struct Failures(Vec<(HostPort, Failure)>);

impl Failures {
    /// One error for all: with the server's own error if exactly one spoke.
    fn into_error(mut self) -> Error {
        if self.0.len() == 1
            && let Some((host, failure)) = self.0.pop()
        {
            return failure.into_error(host.to_string());
        }
        let targets: Vec<String> = self.0.iter().map(|(host, _)| host.to_string()).collect();
        let reasons: Vec<String> =
            self.0.iter().map(|(host, failure)| format!("{host}: {}", failure.reason)).collect();
        let transient = self.0.iter().any(|(_, failure)| failure.is_transient());
        let server = self.0.into_iter().rev().find_map(|(_, failure)| failure.server);
        Error::Connect { target: targets.join(", "), reason: reasons.join("; "), transient, server }
    }
}

/// Whether an attempt uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    /// Go on without if the server has no TLS.
    Optional,
    Required,
}

#[derive(Clone, Copy)]
struct Attempt<'a> {
    conninfo: &'a Conninfo,
    wanted: Wanted,
}

impl Attempt<'_> {
    async fn any_host(self, failures: &mut Failures) -> Option<Connected> {
        let mut order: Vec<usize> = (0..self.conninfo.hosts().len()).collect();
        if self.is_shuffled() {
            shuffle::shuffle(&mut order);
        }
        for index in order {
            let Some(host) = self.conninfo.hosts().get(index) else {
                continue;
            };
            match self.host(index, host).await {
                Ok(connected) => return Some(connected),
                Err(failure) => {
                    let goes_on = failure.asks_next_host();
                    failures.0.push((host.clone(), failure));
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        None
    }

    fn is_shuffled(self) -> bool {
        self.conninfo.load_balance_hosts() == LoadBalanceHosts::Random
    }

    /// All addresses of one host.
    async fn host(self, index: usize, host: &HostPort) -> Result<Connected, Failure> {
        let limit = self.conninfo.connect_timeout();
        let looked_up = timeout(limit, socket::addresses(host)).await;
        let mut addresses = looked_up.unwrap_or_else(|_| Err(Failure::timeout(limit)))?;
        if self.is_shuffled() {
            shuffle::shuffle(&mut addresses);
        }
        let mut reasons = Vec::new();
        let several = addresses.len() > 1;
        for address in addresses {
            let connecting = timeout(limit, self.address(index, host, &address)).await;
            match connecting.unwrap_or_else(|_| Err(Failure::timeout(limit))) {
                Ok(connected) => return Ok(connected),
                Err(failure) if failure.asks_next_host() => {
                    let reason = failure.reason;
                    reasons.push(if several { format!("{address}: {reason}") } else { reason });
                    if failure.server.is_some() || failure.kind == FailureKind::Unfit {
                        // This server spoke; another address is most likely the same one.
                        return Err(Failure { reason: reasons.join("; "), ..failure });
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        if reasons.is_empty() {
            reasons.push("the host name has no address".into());
        }
        Err(Failure::new(FailureKind::Unreachable, reasons.join("; ")))
    }

    /// One address, with and without TLS as `sslmode` says.
    async fn address(
        self,
        index: usize,
        host: &HostPort,
        address: &Address,
    ) -> Result<Connected, Failure> {
        let (first, second) = match (address, self.conninfo.sslmode()) {
            (Address::Unix(_), _) | (_, SslMode::Disable) => (Encryption::None, None),
            (_, SslMode::Allow) => (Encryption::None, Some(Encryption::Required)),
            (_, SslMode::Prefer) => (Encryption::Optional, Some(Encryption::None)),
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => {
                (Encryption::Required, None)
            }
        };
        let failure = match self.session(index, host, address, first).await {
            Ok(connected) => return Ok(connected),
            Err(failure) => failure,
        };
        let Some(second) = second.filter(|_| failure.may_hang_on_tls()) else {
            return Err(failure);
        };
        self.session(index, host, address, second).await.map_err(|again| {
            let with = |encryption| match encryption {
                Encryption::None => "without TLS",
                Encryption::Optional | Encryption::Required => "with TLS",
            };
            let reason = format!(
                "{} ({}); {} ({})",
                failure.reason,
                with(first),
                again.reason,
                with(second)
            );
            // The server that has no TLS said what it has to say at the first attempt.
            let said = if again.server.is_some() { again } else { failure };
            Failure { reason, ..said }
        })
    }

    /// One attempt.
    async fn session(
        self,
        index: usize,
        host: &HostPort,
        address: &Address,
        encryption: Encryption,
    ) -> Result<Connected, Failure> {
        let conninfo = self.conninfo;
        let stream = socket::open(address, conninfo.keepalive()).await?;
        if let Some(wanted) = conninfo.requirepeer() {
            socket::check_peer(&stream, wanted)?;
        }
        let (stream, tls) = match encryption {
            Encryption::None => (stream, None),
            Encryption::Optional | Encryption::Required => {
                let tls = Tls::prepare(conninfo, host)?;
                match tls::negotiate(stream, &tls).await? {
                    tls::Negotiated::Encrypted(stream) => (stream, Some(tls)),
                    tls::Negotiated::Plain(stream) if encryption == Encryption::Optional => {
                        (stream, None)
                    }
                    tls::Negotiated::Plain(_) => {
                        return Err(Failure::new(
                            FailureKind::Tls,
                            "server does not support SSL, but SSL was required",
                        ));
                    }
                }
            }
        };
        let channel = Tls::channel(&stream);
        let framed = Framed::new(stream);
        let password = conninfo.password_for(index);
        let mut session = startup::start(framed, conninfo, password, channel).await?;
        fitness::check(&mut session, self.wanted).await?;
        Ok(connected(session, host, address, tls, conninfo))
    }
}

fn connected(
    session: Session,
    host: &HostPort,
    address: &Address,
    tls: Option<Tls>,
    conninfo: &Conninfo,
) -> Connected {
    let cancel = CancelKey::new(
        address.clone(),
        conninfo.keepalive(),
        tls,
        session.backend_pid,
        session.cancel_key,
    );
    Connected {
        framed: session.framed,
        parameters: session.parameters,
        backend_pid: session.backend_pid,
        cancel,
        notices: session.notices,
        host: host.clone(),
    }
}
