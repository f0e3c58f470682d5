//! TLS: from `sslmode`, `sslrootcert` and their kin to an encrypted stream (PostgreSQL
//! documentation, "SSL Support" of libpq and "SSL Session Encryption" of the protocol).

mod certificate;
mod files;
mod verify;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, OtherError, SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authenticate::Channel;
use crate::connect::{Failure, FailureKind};
use crate::conninfo::{Conninfo, HostPort, SslCertMode, SslMode, SslNegotiation, TlsVersion};
use crate::stream::Stream;
use verify::{Trust, Verifier};

/// Length 8 and the code of an SSLRequest.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The application protocol that TLS without a request must agree on.
const ALPN: &[u8] = b"postgresql";

/// Everything that is needed to encrypt a connection to one host.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    negotiation: SslNegotiation,
    certificate: Arc<ClientCertificate>,
    certificate_mode: SslCertMode,
}

/// Names the host only: the configuration holds a private key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// What came of asking for TLS.
pub(crate) enum Negotiated {
    Encrypted(Stream),
    /// The server has none; the connection can go on without.
    Plain(Stream),
}

impl Tls {
    /// Reads all files and puts the configuration for a host together.
    pub(crate) fn prepare(conninfo: &Conninfo, host: &HostPort) -> Result<Tls, Failure> {
        Tls::configure(conninfo, host).map_err(|reason| Failure::new(FailureKind::Tls, reason))
    }

    fn configure(conninfo: &Conninfo, host: &HostPort) -> Result<Tls, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier {
            trust: trust(conninfo, host)?,
            algorithms: provider.signature_verification_algorithms,
        };
        let certificate = Arc::new(ClientCertificate::read(conninfo, &provider)?);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(conninfo)?)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesClientCert>);
        config.resumption = Resumption::disabled();
        if conninfo.sslnegotiation() == SslNegotiation::Direct {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        // The name goes into the greeting only; it is compared by our verifier. An address stands
        // for what is no name, since it is never sent.
        let name = host.name().and_then(|name| ServerName::try_from(name.to_owned()).ok());
        config.enable_sni = conninfo.sslsni() && matches!(name, Some(ServerName::DnsName(_)));
        let nobody = || ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into());
        Ok(Tls {
            config: Arc::new(config),
            server_name: name.unwrap_or_else(nobody),
            negotiation: conninfo.sslnegotiation(),
            certificate,
            certificate_mode: conninfo.sslcertmode(),
        })
    }

    /// What SCRAM can be tied to.
    pub(crate) fn channel(stream: &Stream) -> Channel {
        match stream {
            Stream::Tls(stream) => {
                let (_, session) = stream.get_ref();
                let shown = session.peer_certificates().and_then(|chain| chain.first());
                let server_end_point = shown.and_then(|der| certificate::server_end_point(der));
                Channel::Tls { server_end_point }
            }
            Stream::Tcp(_) | Stream::Unix(_) => Channel::Plain,
        }
    }
}

fn trust(conninfo: &Conninfo, host: &HostPort) -> Result<Trust, String> {
    match files::roots(conninfo)? {
        files::Roots::None => Ok(Trust::Any),
        files::Roots::Some { certificates, revocations } => {
            let name = match conninfo.sslmode() {
                SslMode::VerifyFull => Some(
                    host.name()
                        .map(str::to_owned)
                        .ok_or("host name must be specified for a verified SSL connection")?,
                ),
                SslMode::Disable
                | SslMode::Allow
                | SslMode::Prefer
                | SslMode::Require
                | SslMode::VerifyCa => None,
            };
            let roots = verify::Roots::new(certificates, &revocations, name)?;
            Ok(Trust::Roots(Box::new(roots)))
        }
    }
}

fn versions(conninfo: &Conninfo) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let (lowest, highest) = conninfo.tls_versions();
    let versions: Vec<_> = [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)]
        .into_iter()
        .filter(|(version, _)| lowest.is_none_or(|lowest| lowest <= *version))
        .filter(|(version, _)| highest.is_none_or(|highest| *version <= highest))
        .map(|(_, version)| version)
        .collect();
    if versions.is_empty() {
        return Err("TLS versions before 1.2 are not supported; raise \
                    ssl_max_protocol_version"
            .into());
    }
    Ok(versions)
}

/// The client's certificate, and whether the server asked for it.
#[derive(Debug)]
struct ClientCertificate {
    key: Option<Arc<CertifiedKey>>,
    was_sent: AtomicBool,
}

impl ClientCertificate {
    fn read(conninfo: &Conninfo, provider: &CryptoProvider) -> Result<ClientCertificate, String> {
        let key = files::client_certificate(conninfo, provider)?;
        if key.is_none() && conninfo.sslcertmode() == SslCertMode::Require {
            return Err("sslcertmode=require, but there is no client certificate; name one with \
                        sslcert"
                .into());
        }
        Ok(ClientCertificate { key, was_sent: AtomicBool::new(false) })
    }
}

impl ResolvesClientCert for ClientCertificate {
    /// Whatever authorities the server lists: OpenSSL does not look at them either.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_sent.store(self.key.is_some(), Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// Asks the server for TLS and sets it up.
pub(crate) async fn negotiate(stream: Stream, tls: &Tls) -> Result<Negotiated, Failure> {
    let Stream::Tcp(mut socket) = stream else {
        return Ok(Negotiated::Plain(stream));
    };
    if tls.negotiation == SslNegotiation::Postgres {
        socket.write_all(&SSL_REQUEST).await?;
        // Exactly one byte: what follows in the clear could come from anybody and must not be
        // taken for a part of the encrypted stream.
        match socket.read_u8().await.map_err(closed)? {
            b'S' => {}
            b'N' => return Ok(Negotiated::Plain(Stream::Tcp(socket))),
            b'E' => {
                // Its text is not shown: anybody could have sent it.
                return Err(Failure::new(
                    FailureKind::Unreachable,
                    "server sent an error response during SSL exchange",
                ));
            }
            other => {
                return Err(Failure::refused(format!(
                    "received invalid response to SSL negotiation: '{}'; is this a PostgreSQL \
                     server?",
                    char::from(other).escape_default()
                )));
            }
        }
    }
    let stream = handshake(socket, tls).await?;
    Ok(Negotiated::Encrypted(Stream::Tls(Box::new(stream))))
}

async fn handshake(socket: TcpStream, tls: &Tls) -> Result<TlsStream<TcpStream>, Failure> {
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    let connecting = connector.connect(tls.server_name.clone(), socket);
    let stream = connecting.await.map_err(|error| handshake_failure(&error))?;
    let (_, session) = stream.get_ref();
    if tls.negotiation == SslNegotiation::Direct && session.alpn_protocol() != Some(ALPN) {
        return Err(Failure::new(
            FailureKind::Tls,
            "direct SSL connection was established without ALPN protocol negotiation extension",
        ));
    }
    let was_sent = tls.certificate.was_sent.load(Ordering::Relaxed);
    if tls.certificate_mode == SslCertMode::Require && !was_sent {
        return Err(Failure::new(
            FailureKind::Tls,
            "server did not request an SSL certificate, which sslcertmode=require demands",
        ));
    }
    Ok(stream)
}

fn closed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "server closed the connection unexpectedly")
        }
        _ => error,
    }
}

fn handshake_failure(error: &io::Error) -> Failure {
    match tls_reason(error) {
        Some(reason) => Failure::new(FailureKind::Tls, reason),
        None => Failure::new(
            FailureKind::TlsLost,
            format!("connection lost while setting up TLS: {error}"),
        ),
    }
}

/// The TLS library's reason inside an I/O error, in our words if it has them from us.
pub(crate) fn tls_reason(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) => {
            format!("SSL error: {reason}")
        }
        error => format!("SSL error: {error}"),
    })
}
