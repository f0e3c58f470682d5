//! The same connection string given to us and to `psql`, and what each came to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgcopydb_testkit::Cluster;
use pgcopydb_wire::connect::{Connected, connect};
use pgcopydb_wire::conninfo::{Conninfo, Environment, Files};
use pgcopydb_wire::frame::Framed;
use postgres_protocol::message::frontend;

/// Where the session is, as who, and how.
const QUESTION: &str = "select concat_ws(' ', 'user=' || session_user, \
     'db=' || quote_ident(current_database()), \
     'port=' || current_setting('port'), \
     'tcp=' || (inet_server_addr() is not null), \
     'app=' || quote_ident(current_setting('application_name')), \
     'encoding=' || current_setting('client_encoding'), \
     'style=' || current_setting('datestyle'), \
     'work_mem=' || current_setting('work_mem'), \
     'ssl=' || (select coalesce(version, 'none') from pg_stat_ssl where pid = pg_backend_pid()))";

/// A session was made and answered this, or it was not, for this reason.
pub type Answer = Result<String, String>;

/// Both clients in the same surroundings.
pub struct Oracle {
    psql: PathBuf,
    home: PathBuf,
    port: u16,
    sockets: PathBuf,
}

/// What both came to.
pub struct Verdict {
    pub ours: Answer,
    pub psql: Answer,
}

impl Oracle {
    pub fn new(cluster: &Cluster) -> Oracle {
        Oracle {
            psql: cluster.version().program("psql"),
            home: super::directory(cluster, "home"),
            port: cluster.port(),
            sockets: cluster.socket_directory(),
        }
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Fills in `{port}`, `{sockets}`, `{%sockets}` (percent-encoded) and `{home}`.
    pub fn fill(&self, text: &str) -> String {
        let sockets = self.sockets.to_string_lossy();
        text.replace("{port}", &self.port.to_string())
            .replace("{%sockets}", &sockets.replace('/', "%2F"))
            .replace("{sockets}", &sockets)
            .replace("{home}", &self.home.to_string_lossy())
    }

    /// Asks both.
    pub async fn ask(&self, text: &str, variables: &[(&str, &str)]) -> Verdict {
        let text = self.fill(text);
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| (name.to_string(), self.fill(value))).collect();
        Verdict {
            ours: self.ask_us(&text, &variables).await,
            psql: self.ask_psql(&text, &variables),
        }
    }

    async fn ask_us(&self, text: &str, variables: &BTreeMap<String, String>) -> Answer {
        let environment = Environment {
            variables: variables.clone(),
            home: Some(self.home.clone()),
            files: Files::Disk,
            ..Environment::from_process()
        };
        let mut conninfo =
            Conninfo::parse_with(text, &environment).map_err(|error| error.to_string())?;
        // As psql does, whatever the string says.
        conninfo.set("fallback_application_name", "psql").unwrap();
        let mut connected = connect(&conninfo).await.map_err(|error| error.to_string())?;
        Ok(value(&mut connected.framed, QUESTION).await)
    }

    fn ask_psql(&self, text: &str, variables: &BTreeMap<String, String>) -> Answer {
        let output = Command::new(&self.psql)
            .args(["-XAtw", "-c", QUESTION, "-d", text])
            .env_clear()
            .env("HOME", &self.home)
            .envs(variables)
            .env("PGCONNECT_TIMEOUT", variables.get("PGCONNECT_TIMEOUT").map_or("10", |v| v))
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl Verdict {
    /// Whether both have a session with the same properties, or neither has one.
    pub fn agrees(&self) -> bool {
        match (&self.ours, &self.psql) {
            (Ok(ours), Ok(psql)) => ours == psql,
            (Err(_), Err(_)) => true,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, answer) in [("we", &self.ours), ("psql", &self.psql)] {
            match answer {
                Ok(session) => writeln!(f, "    {who}: {session}")?,
                Err(reason) => writeln!(f, "    {who}: failed: {}", reason.trim_end())?,
            }
        }
        Ok(())
    }
}

/// The only value of a query's only row, by the simple protocol.
pub async fn value(framed: &mut Framed, query: &str) -> String {
    frontend::query(query, &mut framed.outgoing).unwrap();
    framed.flush().await.unwrap();
    let mut value = String::new();
    loop {
        let frame = framed.read().await.unwrap();
        match frame.tag {
            b'D' => value = String::from_utf8(frame.body[6..].to_vec()).unwrap(),
            b'E' => panic!("{}", String::from_utf8_lossy(&frame.body)),
            b'Z' => return value,
            _ => {}
        }
    }
}

/// Whether the session is encrypted, as the server sees it.
pub async fn is_encrypted(connected: &mut Connected) -> bool {
    let query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    value(&mut connected.framed, query).await == "t"
}
