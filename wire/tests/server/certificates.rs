//! Certificates of every kind that people give their servers, made by `openssl`, and both clients'
//! opinion of them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use pgcopydb_testkit::Cluster;

use crate::oracle::{Oracle, Verdict};

/// Runs openssl in a directory.
fn openssl(directory: &Path, command: &str) {
    let output = Command::new("sh")
        .args(["-ec", &format!("openssl {command}")])
        .current_dir(directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {command}: {said}");
}

/// A server whose certificate is changed, and a directory in which certificates are made.
struct Workshop {
    cluster: Cluster,
    oracle: Oracle,
    directory: PathBuf,
}

impl Workshop {
    fn open() -> Workshop {
        let cluster = Cluster::builder()
            .tls()
            .setting("ssl_cert_file", "made.crt")
            .setting("ssl_key_file", "made.key")
            .hba("hostssl all scram 127.0.0.1/32 scram-sha-256")
            .setting("ssl", "off")
            .start();
        cluster.sql("postgres", "create role scram login password 'secret'");
        cluster.sql("postgres", "alter system set ssl = on");
        let oracle = Oracle::new(&cluster);
        let directory = oracle.home().join(".postgresql");
        fs::create_dir(&directory).unwrap();
        let workshop = Workshop { cluster, oracle, directory };
        workshop.openssl(
            "req -new -x509 -nodes -days 9 -subj /CN=authority -keyout ca.key -out ca.crt",
        );
        workshop
    }

    fn openssl(&self, command: &str) {
        openssl(&self.directory, command);
    }

    /// Makes a certificate signed by the authority, with the extensions of an openssl extension file
    /// (none at all make version 1 with older versions of openssl), and a key of the given kind.
    fn sign(&self, subject: &str, extensions: &str, key: &str, more: &str) {
        self.openssl(&format!(
            "req -new -nodes -subj '{subject}' {key} -keyout made.key -out made.csr"
        ));
        fs::write(self.directory.join("extensions"), extensions).unwrap();
        let extfile = if extensions.is_empty() { "" } else { "-extfile extensions" };
        self.openssl(&format!(
            "x509 -req -in made.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 \
             -out made.crt {extfile} {more}"
        ));
    }

    /// Gives the server what was made last.
    fn install(&self) {
        let data = self.cluster.data_directory();
        let owner = fs::metadata(&data).unwrap();
        for name in ["made.crt", "made.key"] {
            let path = data.join(name);
            fs::copy(self.directory.join(name), &path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        self.cluster.restart();
    }

    async fn ask(&self, more: &str) -> Verdict {
        let rest = "hostaddr=127.0.0.1 port={port} dbname=postgres user=postgres";
        let crt = self.directory.to_string_lossy();
        self.oracle.ask(&format!("{rest} {more}").replace("{d}", &crt), &[]).await
    }

    /// Both clients must agree; returns whether they connected.
    async fn agree(&self, more: &str) -> bool {
        let verdict = self.ask(more).await;
        assert!(verdict.agrees(), "{more}\n{verdict}");
        verdict.ours.is_ok()
    }
}

const CA: &str = "sslrootcert={d}/ca.crt";
const LEAF: &str = "basicConstraints=CA:FALSE";
const RSA: &str = "-newkey rsa:2048";

#[tokio::test]
async fn names_are_compared_as_libpq_does() {
    let workshop = Workshop::open();
    let names = [
        ("/CN=localhost", "", ["localhost"], ["other.test"]),
        ("/CN=*.example.test", LEAF, ["db.example.test"], ["a.db.example.test"]),
        ("/CN=localhost", "subjectAltName=DNS:other.test", ["OTHER.test"], ["localhost"]),
        ("/CN=localhost", "subjectAltName=DNS:*.other.test", ["db.other.test"], ["other.test"]),
        ("/CN=localhost", "subjectAltName=IP:127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
        ("/CN=localhost", "subjectAltName=IP:127.0.0.1", ["localhost"], ["other.test"]),
        ("/CN=127.0.0.1", "subjectAltName=DNS:other.test", ["127.0.0.1"], ["127.0.0.2"]),
        ("/O=no common name", "subjectAltName=DNS:other.test", ["other.test"], ["localhost"]),
        ("/CN=under_score", LEAF, ["under_score"], ["underscore"]),
    ];
    for (subject, extensions, right, wrong) in names {
        workshop.sign(subject, extensions, RSA, "");
        workshop.install();
        for (host, wanted) in
            right.map(|host| (host, true)).into_iter().chain(wrong.map(|host| (host, false)))
        {
            let full = workshop.agree(&format!("sslmode=verify-full host={host} {CA}")).await;
            assert_eq!(full, wanted, "{subject} {extensions} {host}");
            assert!(workshop.agree(&format!("sslmode=verify-ca host={host} {CA}")).await);
        }
        assert!(!workshop.agree(&format!("sslmode=verify-full {CA}")).await, "no host name");
    }
}

#[tokio::test]
async fn chains_are_verified_as_libpq_does() {
    let workshop = Workshop::open();
    let full = format!("sslmode=verify-full host=localhost {CA}");
    let own = "sslmode=verify-full host=localhost sslrootcert={d}/made.crt";

    // As PostgreSQL's documentation makes them: no extensions.
    workshop.sign("/CN=localhost", "", RSA, "");
    workshop.install();
    assert!(workshop.agree(&full).await);
    workshop.openssl("req -new -x509 -nodes -days 9 -subj /CN=authority -keyout x.key -out x.crt");
    let wrong = "sslmode=verify-ca host=localhost sslrootcert={d}/x.crt";
    assert!(!workshop.agree(wrong).await, "an authority of the same name");
    assert!(workshop.agree("sslmode=require host=localhost").await);
    assert!(!workshop.agree("sslmode=require host=localhost sslrootcert={d}/x.crt").await);

    // The documentation's self-signed one, which says that it is an authority.
    workshop.openssl(
        "req -new -x509 -nodes -days 9 -subj /CN=localhost -keyout made.key -out made.crt",
    );
    workshop.install();
    assert!(workshop.agree(own).await);
    assert!(!workshop.agree(&full).await);

    // For other purposes.
    workshop.sign("/CN=localhost", "extendedKeyUsage=clientAuth", RSA, "");
    workshop.install();
    assert!(!workshop.agree(&full).await);
    assert!(workshop.agree("sslmode=require host=localhost").await);

    // Expired at once, with and without extensions.
    for extensions in [LEAF, ""] {
        workshop.sign("/CN=localhost", extensions, RSA, "-days 0");
        workshop.install();
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert!(!workshop.agree(&full).await, "{extensions}");
        assert!(workshop.agree("sslmode=require host=localhost").await, "{extensions}");
    }

    // Through an authority between.
    workshop.sign("/CN=between", "basicConstraints=critical,CA:TRUE", RSA, "");
    let between = "x509 -req -in leaf.csr -CA made.crt -CAkey made.key -CAcreateserial -days 9";
    workshop.openssl("req -new -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr");
    fs::write(workshop.directory.join("extensions"), LEAF).unwrap();
    workshop.openssl(&format!("{between} -extfile extensions -out leaf.crt"));
    let read = |name: &str| fs::read_to_string(workshop.directory.join(name)).unwrap();
    let chain = read("leaf.crt") + &read("made.crt");
    fs::write(workshop.directory.join("made.crt"), &chain).unwrap();
    fs::copy(workshop.directory.join("leaf.key"), workshop.directory.join("made.key")).unwrap();
    workshop.install();
    assert!(workshop.agree(&full).await);
    fs::write(workshop.directory.join("made.crt"), read("leaf.crt")).unwrap();
    workshop.install();
    assert!(!workshop.agree(&full).await);
}

#[tokio::test]
async fn scram_is_tied_to_certificates_of_every_algorithm() {
    let workshop = Workshop::open();
    let algorithms = [
        (RSA, "-sha256", true),
        (RSA, "-sha384", true),
        (RSA, "-sha512", true),
        (RSA, "-sha224", true),
        (RSA, "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1", true),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-256", "-sha256", true),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-384", "-sha384", true),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-384", "-sha512", true),
        // Its signature names no hash, so nobody knows what to tie SCRAM to.
        ("-newkey ed25519", "", false),
    ];
    for (key, digest, wanted) in algorithms {
        workshop.openssl(&format!(
            "req -new -x509 -nodes -subj /CN=localhost {key} {digest} -keyout made.key \
             -out made.crt"
        ));
        workshop.install();
        for version in ["TLSv1.2", "TLSv1.3"] {
            let more = format!(
                "host=localhost user=scram password=secret sslmode=require \
                 ssl_min_protocol_version={version} ssl_max_protocol_version={version}"
            );
            let bound = workshop.agree(&format!("{more} channel_binding=require")).await;
            assert_eq!(bound, wanted, "{key} {digest} {version}");
            assert!(workshop.agree(&format!("{more} channel_binding=disable")).await);
        }
    }
}

#[tokio::test]
async fn revoked_certificates_are_refused() {
    let workshop = Workshop::open();
    workshop.sign("/CN=localhost", LEAF, RSA, "");
    workshop.install();
    fs::write(workshop.directory.join("index"), "").unwrap();
    fs::write(
        workshop.directory.join("ca.conf"),
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\ncrlnumber=number\n",
    )
    .unwrap();
    fs::write(workshop.directory.join("number"), "01\n").unwrap();
    let ca = "ca -config ca.conf -cert ca.crt -keyfile ca.key";
    workshop.openssl(&format!("{ca} -gencrl -crldays 9 -out empty.crl"));
    workshop.openssl(&format!("{ca} -revoke made.crt"));
    workshop.openssl(&format!("{ca} -gencrl -crldays 9 -out revoked.crl"));
    let with = |list: &str| format!("sslmode=verify-full host=localhost {CA} {list}");
    assert!(workshop.agree(&with("sslcrl={d}/empty.crl")).await);
    assert!(workshop.agree(&with("sslcrl={d}/missing.crl")).await);
    assert!(!workshop.agree(&with("sslcrl={d}/revoked.crl")).await);
    // The list in the home directory counts, unless another one is named.
    fs::copy(workshop.directory.join("revoked.crl"), workshop.directory.join("root.crl")).unwrap();
    assert!(!workshop.agree(&with("")).await);
    assert!(workshop.agree(&with("sslcrl={d}/empty.crl")).await);
}

/// A server of another protocol that happens to have a certificate must not be taken for ours.
#[tokio::test]
async fn tls_without_a_request_must_agree_on_the_protocol() {
    let workshop = Workshop::open();
    workshop.sign("/CN=localhost", LEAF, RSA, "");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut other = Command::new("openssl")
        .args(["s_server", "-quiet", "-cert", "made.crt", "-key", "made.key", "-accept"])
        .arg(port.to_string())
        .current_dir(&workshop.directory)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let conninfo = crate::conninfo(&format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user=u sslmode=verify-full \
         sslnegotiation=direct sslrootcert={}",
        workshop.directory.join("ca.crt").display()
    ));
    let error = loop {
        let error = pgcopydb_wire::connect::connect(&conninfo).await.unwrap_err().to_string();
        // Until it listens.
        if !error.contains("refused") {
            break error;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(error.contains("ALPN"), "{error}");
}
