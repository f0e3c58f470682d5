//! What programs of PostgreSQL are given so that they reach the same server in the same way as
//! we do, whatever their environment says, and without a password in their arguments.

use secrecy::SecretString;

use super::parameters::PARAMETERS;
use super::{Conninfo, Origin, keywords, settings};

/// The oldest libpq that programs of PostgreSQL may come with.
const OLDEST_LIBPQ: u16 = 13;

/// For `pg_dump --dbname` and its like.
#[derive(Clone, Debug)]
pub struct ToolArguments {
    /// A `key = value …` string without any secret; everything that we know is in it.
    pub conninfo: String,
    /// Environment variables to set.
    pub environment: Vec<(&'static str, SecretString)>,
    /// Environment variables to remove: what they say is in the string, or was overruled by it.
    pub removed: Vec<&'static str>,
}

impl Conninfo {
    /// What a program of PostgreSQL needs to reach the same server.
    ///
    /// Parameters from the environment that an older libpq does not know stay in the environment,
    /// where it ignores them.
    pub fn tool_arguments(&self) -> ToolArguments {
        let mut conninfo = String::new();
        let mut kept = Vec::new();
        for value in self.given.values() {
            let parameter = value.parameter;
            let is_new = parameter.since > OLDEST_LIBPQ && value.origin == Origin::Environment;
            if is_new {
                kept.extend(parameter.variable);
            } else if is_for_tools(parameter.name) && !parameter.is_secret() {
                keywords::push_pair(&mut conninfo, parameter.name, &value.text);
            }
        }
        self.push_resolved(&mut conninfo);
        let mut environment = Vec::new();
        match self.password() {
            // One variable cannot hold a password for each host; the tool reads the file itself.
            Some(_) if self.given.password().is_none() && self.hosts.len() > 1 => {
                if let Some(path) = self.passfile() {
                    keywords::push_pair(&mut conninfo, "passfile", &path.to_string_lossy());
                }
            }
            Some(password) => environment.push(("PGPASSWORD", password.clone())),
            None => {}
        }
        let is_kept = |variable: &&'static str| {
            !kept.contains(variable) && environment.iter().all(|(set, _)| set != variable)
        };
        let removed = PARAMETERS
            .iter()
            .filter_map(|parameter| parameter.variable)
            .chain(["PGREQUIRESSL"])
            .filter(is_kept)
            .collect();
        ToolArguments { conninfo, environment, removed }
    }

    /// What the values do not say because it is a default or was looked up.
    fn push_resolved(&self, conninfo: &mut String) {
        let list = |part: &dyn Fn(&super::HostPort) -> String| {
            self.hosts.iter().map(part).collect::<Vec<_>>().join(",")
        };
        keywords::push_pair(conninfo, "host", &list(&|host| host.host().to_owned()));
        keywords::push_pair(conninfo, "port", &list(&|host| host.port().to_string()));
        keywords::push_pair(conninfo, "user", self.user());
        keywords::push_pair(conninfo, "dbname", self.dbname());
        let defaults = settings::keepalive_defaults()
            .into_iter()
            .chain([("connect_timeout", settings::connect_timeout_default())]);
        for (name, value) in defaults {
            if self.value(name).is_none() {
                keywords::push_pair(conninfo, name, &value);
            }
        }
    }
}

/// Whether a parameter is passed on as it was given. A service is resolved; the password file was
/// asked; the others are written from their resolved form.
fn is_for_tools(name: &str) -> bool {
    let is_resolved = matches!(
        name,
        "service" | "servicefile" | "passfile" | "host" | "port" | "user" | "dbname"
    );
    !is_resolved && name != "replication"
}
