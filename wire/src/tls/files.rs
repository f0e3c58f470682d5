//! Certificates, keys and revocation lists on disk: where libpq looks for them and what it demands
//! of them (PostgreSQL documentation, "SSL Support" of libpq).

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use crate::conninfo::{Conninfo, SslCertMode, SslMode};

/// Certificates that are trusted.
#[derive(Debug)]
pub(super) enum Roots {
    /// No file: the server's certificate is not looked at.
    None,
    Some {
        certificates: Vec<CertificateDer<'static>>,
        revocations: Vec<CertificateRevocationListDer<'static>>,
    },
}

/// Reads `sslrootcert`, or the default file, and the revocation lists.
pub(super) fn roots(conninfo: &Conninfo) -> Result<Roots, String> {
    let given = conninfo.non_empty("sslrootcert");
    if given == Some("system") {
        return system_roots();
    }
    let path = given.map(PathBuf::from).or_else(|| conninfo.file_in_home("root.crt"));
    let path = path.filter(|path| path.exists());
    let Some(path) = path else {
        return match conninfo.sslmode() {
            SslMode::VerifyCa | SslMode::VerifyFull => Err(format!(
                "root certificate file \"{}\" does not exist; either provide the file, use the \
                 system's trusted roots with sslrootcert=system, or change sslmode to disable \
                 server certificate verification",
                given.unwrap_or("~/.postgresql/root.crt")
            )),
            SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => {
                Ok(Roots::None)
            }
        };
    };
    let certificates = certificates(&path, "root certificate file")?;
    Ok(Roots::Some { certificates, revocations: revocations(conninfo)? })
}

fn system_roots() -> Result<Roots, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err("could not load the system's root certificates; name a file with \
                    sslrootcert"
            .into());
    }
    Ok(Roots::Some { certificates: found.certs, revocations: Vec::new() })
}

/// The lists of `sslcrl` and `sslcrldir`, or of the default file; none is required, but one that is
/// there is heeded.
fn revocations(conninfo: &Conninfo) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let file = conninfo.non_empty("sslcrl").map(PathBuf::from);
    let directory = conninfo.non_empty("sslcrldir");
    let mut paths = Vec::new();
    match (file, directory) {
        (None, None) => paths.extend(conninfo.file_in_home("root.crl")),
        (file, directory) => {
            paths.extend(file);
            if let Some(Ok(entries)) = directory.map(std::fs::read_dir) {
                paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
            }
        }
    }
    let mut lists = Vec::new();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        let bytes = read(&path, "certificate revocation list file")?;
        for list in CertificateRevocationListDer::pem_slice_iter(&bytes) {
            lists.push(list.map_err(|error| malformed("revocation list file", &path, &error))?);
        }
    }
    Ok(lists)
}

/// Reads the client's certificate and its key, if there is one to be sent.
pub(super) fn client_certificate(
    conninfo: &Conninfo,
    provider: &CryptoProvider,
) -> Result<Option<Arc<CertifiedKey>>, String> {
    let given = conninfo.non_empty("sslcert").map(PathBuf::from);
    let path = given.or_else(|| conninfo.file_in_home("postgresql.crt"));
    let Some(path) = path.filter(|_| conninfo.sslcertmode() != SslCertMode::Disable) else {
        return Ok(None);
    };
    match std::fs::metadata(&path) {
        Ok(_) => {}
        // The server may accept us without.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable("certificate file", &path, &error)),
    }
    let chain = certificates(&path, "certificate file")?;
    let key_path = conninfo
        .non_empty("sslkey")
        .map(PathBuf::from)
        .or_else(|| conninfo.file_in_home("postgresql.key"))
        .ok_or("certificate present, but no private key file; name one with sslkey")?;
    let key = private_key(&key_path)?;
    let key = provider.key_provider.load_private_key(key).map_err(|error| {
        format!(
            "private key file \"{}\" cannot be used: {error}; RSA, ECDSA P-256 and P-384 and \
             Ed25519 keys are supported",
            key_path.display()
        )
    })?;
    let certified = CertifiedKey::new(chain, key);
    if !belong_together(&certified) {
        return Err(format!(
            "certificate \"{}\" does not match private key file \"{}\"",
            path.display(),
            key_path.display()
        ));
    }
    Ok(Some(Arc::new(certified)))
}

/// The TLS library would refuse certificates of version 1 here, which servers accept.
fn belong_together(certified: &CertifiedKey) -> bool {
    let certificate = certified.cert.first().and_then(|der| Certificate::parse(der));
    match (certificate, certified.key.public_key()) {
        (Some(certificate), Some(key)) => certificate.public_key == key.as_ref(),
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("certificate present, but not private key file \"{shown}\"")
        }
        _ => unreadable("private key file", path, &error),
    })?;
    if !metadata.is_file() {
        return Err(format!("private key file \"{shown}\" is not a regular file"));
    }
    if is_open_to_others(&metadata) {
        return Err(format!(
            "private key file \"{shown}\" has group or world access; file must have permissions \
             u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r (0640) or \
             less if owned by root"
        ));
    }
    let bytes = read(path, "private key file")?;
    if bytes.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(format!(
            "private key file \"{shown}\" is encrypted, which is not supported, nor is \
             sslpassword; give sslkey a file made by: openssl pkey -in {shown} -out KEY"
        ));
    }
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        // Not PEM: libpq takes DER as well.
        Err(pem::Error::NoItemsFound) => PrivateKeyDer::try_from(bytes)
            .map_err(|error| format!("could not read private key file \"{shown}\": {error}")),
        Err(error) => Err(malformed("private key file", path, &error)),
    }
}

/// As in libpq: the group may read a file of root.
fn is_open_to_others(metadata: &Metadata) -> bool {
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

/// All certificates of a PEM file, at least one.
fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path, what)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| malformed(what, path, &error))?;
    if certificates.is_empty() {
        return Err(format!("could not read {what} \"{}\": no certificate in it", path.display()));
    }
    Ok(certificates)
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| unreadable(what, path, &error))
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> String {
    format!("could not open {what} \"{}\": {error}", path.display())
}

fn malformed(what: &str, path: &Path, error: &pem::Error) -> String {
    format!("could not read {what} \"{}\": {error}", path.display())
}
