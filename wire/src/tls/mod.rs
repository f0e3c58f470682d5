//! TLS: not yet.
use crate::authenticate::Channel;
use crate::connect::{Failure, FailureKind};
use crate::conninfo::{Conninfo, HostPort};
use crate::stream::Stream;

/// Everything that is needed to encrypt a connection to one host.
#[derive(Clone, Debug)]
pub(crate) struct Tls {}

/// What came of asking for TLS.
pub(crate) enum Negotiated {
    Encrypted(Stream),
    /// The server has none; the connection can go on without.
    Plain(Stream),
}

impl Tls {
    pub(crate) fn prepare(_: &Conninfo, _: &HostPort) -> Result<Tls, Failure> {
        Err(Failure::new(FailureKind::Tls, "TLS is not there yet"))
    }
    pub(crate) fn channel(&self, _: &Stream) -> Channel {
        Channel::Tls {
            server_end_point: None,
        }
    }
}

pub(crate) async fn negotiate(stream: Stream, _: &Tls) -> Result<Negotiated, Failure> {
    Ok(Negotiated::Plain(stream))
}
