//! What a cluster is to be like, said before it starts.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use tempfile::TempDir;

use super::server::Server;
use super::tls::TlsFiles;
use super::{Cluster, template};
use crate::clean;
use crate::version::Version;

/// Somebody else can take a port between our choice and the server's start.
const PORTS_TRIED: u32 = 10;

/// Settings of every test server. No durability, since nothing survives the test; no
/// autovacuum, so that statistics are there only if somebody made them.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "off"),
    ("autovacuum", "off"),
    ("wal_level", "logical"),
    ("max_wal_senders", "20"),
    ("max_replication_slots", "20"),
    ("max_connections", "100"),
    ("max_prepared_transactions", "20"),
    ("max_locks_per_transaction", "256"),
    ("shared_buffers", "64MB"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %d %a "),
];

/// Newer minor releases load only the output plugins that this setting lists.
const OUTPUT_PLUGINS: (&str, &str) =
    ("output_plugin_libraries", "pgoutput, test_decoding, wal2json");

/// Chooses version, settings and access rules of a [`Cluster`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    version: Version,
    initdb_arguments: Vec<String>,
    settings: Vec<(String, String)>,
    access_rules: Vec<String>,
    tls: bool,
}

impl Builder {
    /// Takes another version than the default.
    #[must_use]
    pub fn version(mut self, version: Version) -> Builder {
        self.version = version;
        self
    }

    /// Takes another major version than the default.
    ///
    /// # Panics
    /// When this machine does not have it.
    #[must_use]
    pub fn major(self, major: u32) -> Builder {
        let version = Version::of_major(major);
        self.version(version.unwrap_or_else(|| panic!("no PostgreSQL {major} on this machine")))
    }

    /// Adds a line to `postgresql.conf`. The last one of a name wins, over the defaults too.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Builder {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an argument for `initdb`, such as `--data-checksums`.
    #[must_use]
    pub fn initdb_argument(mut self, argument: &str) -> Builder {
        self.initdb_arguments.push(argument.to_owned());
        self
    }

    /// Speaks TLS on TCP connections, with certificates of an authority of its own.
    #[must_use]
    pub fn tls(mut self) -> Builder {
        self.tls = true;
        self
    }

    /// Adds a line to `pg_hba.conf`, before the ones that trust everybody.
    #[must_use]
    pub fn hba(mut self, line: &str) -> Builder {
        self.access_rules.push(line.to_owned());
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When it does not start; the message has its log.
    #[must_use]
    pub fn start(self) -> Cluster {
        let parent = clean::temporary_directory();
        let directory = tempfile::Builder::new().prefix("pgtk-").tempdir_in(parent);
        let directory = directory.expect("a temporary directory");
        open_to_others(directory.path());
        let data = directory.path().join("data");
        template::data_directory(&self.version, &self.initdb_arguments, &data);
        let sockets = directory.path().join("s");
        fs::create_dir(&sockets).expect("a directory for sockets");
        template::give_to_server_user(&sockets);
        let tls = self.tls.then(|| TlsFiles::create(&directory.path().join("tls")));
        if let Some(files) = &tls {
            template::give_to_server_user(&files.server_key);
        }
        self.configure(&data, &sockets, tls.as_ref());
        serve(self.version, directory, tls)
    }

    fn configure(&self, data: &Path, sockets: &Path, tls: Option<&TlsFiles>) {
        let path = data.join("postgresql.conf");
        let mut text = fs::read_to_string(&path).expect("the settings that initdb made");
        let mut add = |name: &str, value: &str| {
            writeln!(text, "{name} = '{}'", value.replace('\'', "''")).unwrap();
        };
        for (name, value) in SETTINGS {
            add(name, value);
        }
        add("unix_socket_directories", &sockets.to_string_lossy());
        if self.knows_setting(OUTPUT_PLUGINS.0) {
            add(OUTPUT_PLUGINS.0, OUTPUT_PLUGINS.1);
        }
        if let Some(files) = tls {
            add("ssl", "on");
            add("ssl_ca_file", &files.ca.to_string_lossy());
            add("ssl_cert_file", &files.server_certificate.to_string_lossy());
            add("ssl_key_file", &files.server_key.to_string_lossy());
        }
        for (name, value) in &self.settings {
            add(name, value);
        }
        fs::write(&path, text).expect("written settings");

        let mut rules = self.access_rules.join("\n");
        rules.push_str("\nlocal all,replication all trust\nhost all,replication all all trust\n");
        fs::write(data.join("pg_hba.conf"), rules).expect("written access rules");
    }

    fn knows_setting(&self, name: &str) -> bool {
        let words = template::as_server_user("KILL");
        let mut describe = clean::command(&words[0]);
        describe.args(&words[1..]).arg(self.version.bin().join("postgres"));
        let output = describe.arg("--describe-config").current_dir("/").output();
        let output = output.expect("the server's settings").stdout;
        String::from_utf8_lossy(&output).lines().any(|line| line.split('\t').next() == Some(name))
    }
}

/// Starts a server on the data in a directory, on a port that is free.
pub(super) fn serve(version: Version, directory: TempDir, tls: Option<TlsFiles>) -> Cluster {
    let postgres = version.bin().join("postgres");
    let mut log = String::new();
    for _ in 0..PORTS_TRIED {
        let port = free_port();
        match Server::start(&postgres, directory.path(), port) {
            Ok(server) => {
                return Cluster {
                    version,
                    directory: directory.keep(),
                    port,
                    tls,
                    server: Mutex::new(Some(server)),
                };
            }
            Err(new_log) => log = new_log,
        }
        if !log.contains("could not bind") && !log.contains("already in use") {
            break;
        }
    }
    panic!("{version} does not start:\n{log}");
}

/// As root, the server is another user and has to get to its data.
pub(super) fn open_to_others(directory: &Path) {
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(directory, permissions).expect("an open directory");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("the number of a port").port()
}
