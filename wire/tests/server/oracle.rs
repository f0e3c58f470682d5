//! The same connection string given to us and to `psql`, and what each came to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgcopydb_testkit::{Cluster, Version};
use pgcopydb_wire::connect::{Connected, connect};
use pgcopydb_wire::conninfo::{Conninfo, Environment, Files};
use pgcopydb_wire::frame::Framed;
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;

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
        // What older ones do not know yet is not what we are compared with.
        let version = cluster.version().max(&Version::default()).clone();
        Oracle {
            psql: version.program("psql"),
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

    /// Asks `psql` with what we give to tools, in surroundings that would lead it astray.
    pub fn ask_tool(&self, text: &str, variables: &[(&str, &str)]) -> Answer {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| (name.to_string(), self.fill(value))).collect();
        let environment = self.environment(&variables);
        let conninfo = Conninfo::parse_with(&self.fill(text), &environment).unwrap();
        let tool = conninfo.tool_arguments();
        let mut psql = self.psql();
        for name in ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE", "PGREQUIREPEER", "PGUSER"] {
            psql.env(name, "astray");
        }
        psql.envs(&variables);
        for name in tool.removed {
            psql.env_remove(name);
        }
        for (name, value) in tool.environment {
            psql.env(name, value.expose_secret());
        }
        answer(psql.args(["-d", &tool.conninfo]))
    }

    fn environment(&self, variables: &BTreeMap<String, String>) -> Environment {
        Environment {
            variables: variables.clone(),
            home: Some(self.home.clone()),
            files: Files::Disk,
            ..Environment::from_process()
        }
    }

    async fn ask_us(&self, text: &str, variables: &BTreeMap<String, String>) -> Answer {
        let environment = self.environment(variables);
        let mut conninfo =
            Conninfo::parse_with(text, &environment).map_err(|error| error.to_string())?;
        // As psql does, whatever the string says.
        conninfo.set("fallback_application_name", "psql").unwrap();
        let mut connected = connect(&conninfo).await.map_err(|error| error.to_string())?;
        Ok(value(&mut connected.framed, QUESTION).await)
    }

    fn ask_psql(&self, text: &str, variables: &BTreeMap<String, String>) -> Answer {
        let mut psql = self.psql();
        // Our default, so that both wait equally long.
        psql.env("PGCONNECT_TIMEOUT", "10").envs(variables);
        answer(psql.args(["-d", text]))
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["-XAtw", "-c", QUESTION]).env_clear().env("HOME", &self.home);
        psql
    }
}

fn answer(psql: &mut Command) -> Answer {
    let output = psql.output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
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
