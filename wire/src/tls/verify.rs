//! Whether a server's certificate is trusted, as libpq with OpenSSL sees it.
//!
//! Chains are verified by `webpki`, which refuses three things that PostgreSQL's documentation
//! makes people create: certificates of version 1, certificates of an authority used by a server,
//! and host names that are only in the common name. The first two are accepted here if a trusted
//! root has signed or is that very certificate, the third as libpq does.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, TrustAnchor,
    UnixTime,
};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RawPublicKeyEntity, RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::certificate::{Certificate, NameKind};

/// Which certificates are good enough.
#[derive(Debug)]
pub(super) enum Trust {
    /// Any: encryption without knowing with whom.
    Any,
    Roots(Box<Roots>),
}

/// What certificates are checked against.
#[derive(Debug)]
pub(super) struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
    revocations: Vec<CertRevocationList<'static>>,
    /// The host name that must be in the certificate; none is required for verify-ca.
    host: Option<String>,
}

impl Roots {
    /// Takes over what was read from files.
    ///
    /// # Errors
    ///
    /// No root certificate can be used, or a revocation list cannot.
    pub(super) fn new(
        certificates: Vec<CertificateDer<'static>>,
        revocations: &[CertificateRevocationListDer<'static>],
        host: Option<String>,
    ) -> Result<Roots, String> {
        let anchors: Vec<_> = certificates
            .iter()
            .filter_map(|root| Some(webpki::anchor_from_trusted_cert(root).ok()?.to_owned()))
            .collect();
        if anchors.is_empty() {
            return Err("the root certificate file has no certificate that can be used".into());
        }
        let revocations: Result<Vec<CertRevocationList<'static>>, webpki::Error> = revocations
            .iter()
            .map(|list| Ok(OwnedCertRevocationList::from_der(list)?.into()))
            .collect();
        let revocations = revocations
            .map_err(|error| format!("a certificate revocation list cannot be used: {error:?}"))?;
        Ok(Roots { certificates, anchors, revocations, host })
    }

    fn verify(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), String> {
        let certificate =
            Certificate::parse(der).ok_or("the server's certificate cannot be read")?;
        let chain = self.verify_chain(der, intermediates, now, algorithms);
        if let Err(reason) = chain
            && !self.is_root(der, &certificate, &reason, now)
            && !self.has_signed(&certificate, now, algorithms)
        {
            return Err(explain(&reason));
        }
        match &self.host {
            None => Ok(()),
            Some(host) => self.verify_name(der, &certificate, intermediates, host),
        }
    }

    fn verify_chain(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), webpki::Error> {
        let lists: Vec<&CertRevocationList<'_>> = self.revocations.iter().collect();
        // As OpenSSL does when there is a list: every certificate must have a current one.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let usage = KeyUsage::server_auth();
        EndEntityCert::try_from(der)?
            .verify_for_usage(
                algorithms.all,
                &self.anchors,
                intermediates,
                now,
                usage,
                revocation,
                None,
            )
            .map(|_| ())
    }

    /// Whether a certificate that was refused for what it is, not for who signed it, is itself one
    /// of the trusted ones.
    fn is_root(
        &self,
        der: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        reason: &webpki::Error,
        now: UnixTime,
    ) -> bool {
        let is_its_kind = matches!(
            reason,
            webpki::Error::CaUsedAsEndEntity | webpki::Error::UnsupportedCertVersion
        );
        is_its_kind
            && self.revocations.is_empty()
            && certificate.is_valid_at(unix(now))
            && self.certificates.contains(der)
    }

    /// Whether a certificate of version 1, which `webpki` does not read, was signed by a trusted
    /// one. It has no extensions, so its dates and its signature are all there is to check.
    fn has_signed(
        &self,
        certificate: &Certificate<'_>,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        if certificate.version != 1
            || !self.revocations.is_empty()
            || !certificate.is_valid_at(unix(now))
        {
            return false;
        }
        self.certificates.iter().filter_map(|root| Certificate::parse(root)).any(|root| {
            root.subject == certificate.issuer
                && root.is_valid_at(unix(now))
                && root.is_authority()
                && !root.constrains_names()
                && is_signed_by(certificate, &root, algorithms)
        })
    }

    /// Compares the host name with the certificate's alternative names, or else with its common
    /// name, as libpq does: the latter only if there is no alternative name of the same kind.
    fn verify_name(
        &self,
        der: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &str,
    ) -> Result<(), String> {
        let name = ServerName::try_from(host);
        let is_alternative = |name: &ServerName<'_>| {
            EndEntityCert::try_from(der)
                .is_ok_and(|parsed| parsed.verify_is_valid_for_subject_name(name).is_ok())
        };
        if name.as_ref().is_ok_and(is_alternative) {
            return Ok(());
        }
        let kind = match name {
            Ok(ServerName::IpAddress(_)) => NameKind::Address,
            _ => NameKind::Dns,
        };
        let common_name = certificate.common_name().unwrap_or_default();
        // Limits on names are checked for alternative names only; with limits around, common
        // names are not to be trusted.
        let issuers = self.certificates.iter().chain(intermediates);
        let mut issuers = issuers.filter_map(|issuer| Certificate::parse(issuer));
        let counts = !certificate.has_alternative_name(kind)
            && !issuers.any(|issuer| issuer.constrains_names());
        if counts && name_matches(common_name, host) {
            return Ok(());
        }
        Err(format!(
            "server certificate for \"{}\" does not match host name \"{host}\"",
            common_name.escape_default()
        ))
    }
}

/// Whether the key of one certificate made the signature of the other.
fn is_signed_by(
    certificate: &Certificate<'_>,
    root: &Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let public_key = SubjectPublicKeyInfoDer::from(root.public_key);
    let Ok(key) = RawPublicKeyEntity::try_from(&public_key) else {
        return false;
    };
    algorithms
        .all
        .iter()
        .filter(|algorithm| {
            algorithm.signature_alg_id().as_ref() == certificate.signature_algorithm
        })
        .any(|algorithm| {
            key.verify_signature(*algorithm, certificate.signed, certificate.signature).is_ok()
        })
}

/// Compares a common name with a host name without regard to case. `*.` stands for one label.
fn name_matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(suffix), Some((label, domain))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !label.is_empty() && !suffix.is_empty() && suffix.eq_ignore_ascii_case(domain)
}

fn unix(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Why a certificate was refused, and what to do where libpq would have taken it.
fn explain(reason: &webpki::Error) -> String {
    let why = match reason {
        webpki::Error::UnknownIssuer => {
            "it is signed by an authority that is not in sslrootcert".to_owned()
        }
        webpki::Error::CertExpired { .. } => "it has expired".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "it is not valid yet".to_owned(),
        webpki::Error::CertRevoked => "it has been revoked".to_owned(),
        webpki::Error::UnknownRevocationStatus => {
            "no certificate revocation list speaks for it or its authority".to_owned()
        }
        webpki::Error::CrlExpired { .. } => "its certificate revocation list has expired".into(),
        webpki::Error::CaUsedAsEndEntity => {
            "it is a certificate of an authority (CA:TRUE); make one for the server without \
             that, or put this very certificate into the file of sslrootcert"
                .to_owned()
        }
        webpki::Error::UnsupportedCertVersion => {
            "it is of X.509 version 1 and not signed by a certificate of sslrootcert itself; \
             make one of version 3 (openssl x509 -req … -extfile)"
                .to_owned()
        }
        webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "it or its authority uses a signature that is not supported (RSA keys of 2048 to \
             8192 bits with SHA-2, ECDSA P-256 and P-384 and Ed25519 are)"
                .to_owned()
        }
        reason => format!("{reason:?}"),
    };
    format!("certificate verify failed: {why}")
}

/// The TLS library's questions, answered by [`Trust`].
#[derive(Debug)]
pub(super) struct Verifier {
    pub trust: Trust,
    pub algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Any => Ok(ServerCertVerified::assertion()),
            Trust::Roots(roots) => roots
                .verify(end_entity, intermediates, now, &self.algorithms)
                .map(|()| ServerCertVerified::assertion())
                .map_err(|reason| {
                    let reason = OtherError(Arc::new(Untrusted(reason)));
                    Error::InvalidCertificate(CertificateError::Other(reason))
                }),
        }
    }

    /// The signature is verified even if any certificate will do: SCRAM with channel binding rests
    /// on the server having the key of the certificate that it shows.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(public_key) = key_of_old_version(certificate) else {
            return verify_tls12_signature(message, certificate, signature, &self.algorithms);
        };
        let key = RawPublicKeyEntity::try_from(&public_key)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let schemes = self.algorithms.mapping.iter();
        let mut algorithms = schemes
            .filter(|(scheme, _)| *scheme == signature.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter());
        algorithms
            .any(|algorithm| {
                key.verify_signature(*algorithm, message, signature.signature()).is_ok()
            })
            .then(HandshakeSignatureValid::assertion)
            .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match key_of_old_version(certificate) {
            None => verify_tls13_signature(message, certificate, signature, &self.algorithms),
            Some(public_key) => verify_tls13_signature_with_raw_key(
                message,
                &public_key,
                signature,
                &self.algorithms,
            ),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The public key of a certificate that is too old for `webpki` to read.
fn key_of_old_version<'a>(der: &'a CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'a>> {
    let certificate = Certificate::parse(der)?;
    (certificate.version < 3).then(|| SubjectPublicKeyInfoDer::from(certificate.public_key))
}

/// A reason in our words, on its way through the TLS library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Untrusted(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (pattern, host, wanted) in [
            ("db.example.com", "DB.example.com", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*", "localhost", false),
            ("*.", "localhost.", false),
            ("d*.example.com", "db.example.com", false),
            ("", "localhost", false),
        ] {
            assert_eq!(name_matches(pattern, host), wanted, "{pattern} {host}");
        }
    }
}
