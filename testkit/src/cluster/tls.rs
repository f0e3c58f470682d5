//! Certificates for a cluster that speaks TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The files of a cluster's own certificate authority, and what it has signed.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate of the authority, for `sslrootcert`.
    pub ca: PathBuf,
    /// The server's certificate, for `localhost` and `127.0.0.1`.
    pub server_certificate: PathBuf,
    /// A client's certificate for user `postgres`, for `sslcert`.
    pub client_certificate: PathBuf,
    /// The key of the client's certificate, for `sslkey`.
    pub client_key: PathBuf,
    /// The server's key, which belongs to the user that the server runs as.
    pub(super) server_key: PathBuf,
}

impl TlsFiles {
    /// Makes a new authority and writes all files to a directory.
    pub(super) fn create(directory: &Path) -> TlsFiles {
        fs::create_dir(directory).expect("a directory for certificates");
        let files = TlsFiles {
            ca: directory.join("ca.crt"),
            server_certificate: directory.join("server.crt"),
            server_key: directory.join("server.key"),
            client_certificate: directory.join("client.crt"),
            client_key: directory.join("client.key"),
        };
        let issuer = authority(&files.ca);
        let server = params("localhost", &["localhost", "127.0.0.1"]);
        sign(
            &issuer,
            server,
            ExtendedKeyUsagePurpose::ServerAuth,
            [&files.server_certificate, &files.server_key],
        );
        let client = params("postgres", &[]);
        sign(
            &issuer,
            client,
            ExtendedKeyUsagePurpose::ClientAuth,
            [&files.client_certificate, &files.client_key],
        );
        files
    }
}

fn authority(certificate: &Path) -> Issuer<'static, KeyPair> {
    let mut params = params("pgcopydb testkit authority", &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key pair");
    let signed = params.self_signed(&key).expect("a self-signed certificate");
    fs::write(certificate, signed.pem()).expect("a written certificate");
    Issuer::new(params, key)
}

fn params(common_name: &str, alternative_names: &[&str]) -> CertificateParams {
    let names: Vec<String> = alternative_names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("valid alternative names");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn sign(
    issuer: &Issuer<'static, KeyPair>,
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    [certificate_path, key_path]: [&Path; 2],
) {
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().expect("a key pair");
    let signed = params.signed_by(&key, issuer).expect("a signed certificate");
    fs::write(certificate_path, signed.pem()).expect("a written certificate");
    fs::write(key_path, key.serialize_pem()).expect("a written key");
    // libpq and the server both refuse a key that others may read.
    fs::set_permissions(key_path, fs::Permissions::from_mode(0o600)).expect("a private key");
}
