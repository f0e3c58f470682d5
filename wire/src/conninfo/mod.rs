//! Connection strings: every one that `psql` accepts reaches the same server as the same user.
//!
//! What is not in the string comes, in this order, from a service file, from environment
//! variables, from defaults; passwords also from the password file (PostgreSQL documentation,
//! "Connection Strings"). Files and variables are reached through [`Environment`] only. Nothing
//! here connects.

mod environment;
mod given;
mod hosts;
mod keywords;
pub mod parameters;
pub mod passfile;
mod require_auth;
pub mod service;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod tools;
mod uri;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

pub(crate) use environment::user_name;
pub use environment::{Environment, Files};
use environment::{FileText, Privacy};
use given::{Given, Malformed, Origin};
pub use hosts::HostPort;
use parameters::SESSION_VARIABLES;
pub use require_auth::{AuthMethod, RequireAuth};
use settings::Settings;
pub use settings::{
    ChannelBinding, Keepalive, LoadBalanceHosts, ProtocolVersion, SslCertMode, SslMode,
    SslNegotiation, TargetSessionAttributes, TlsVersion,
};
pub use tools::ToolArguments;

use crate::error::{Error, Result};

/// A resolved connection string.
///
/// `Display` gives it as a URI with the parameters that were written in the string, without any
/// password; `Debug` is the same text.
#[derive(Clone)]
pub struct Conninfo {
    given: Given,
    environment: Arc<Environment>,
    user: String,
    hosts: Vec<HostPort>,
    settings: Settings,
    /// What the password file says, one per host.
    file_passwords: Vec<Option<SecretString>>,
    warnings: Vec<String>,
}

impl Conninfo {
    /// Reads a URI, a `key = value …` string or a database name, and completes it from the
    /// environment of the process and from service and password files.
    ///
    /// # Errors
    ///
    /// [`Error::Conninfo`] for what libpq refuses too; [`Error::Unsupported`] for what only libpq
    /// can do. No message shows a password or a piece of text that may be one.
    pub fn parse(text: &str) -> Result<Conninfo> {
        Conninfo::parse_with(text, &Environment::from_process())
    }

    /// Like [`Conninfo::parse`] in the given environment.
    pub fn parse_with(text: &str, environment: &Environment) -> Result<Conninfo> {
        let given = Given::read(text, environment)?;
        Conninfo::resolve(given, Arc::new(environment.clone()))
    }

    /// Computes and checks what follows from the values.
    fn resolve(given: Given, environment: Arc<Environment>) -> Result<Conninfo> {
        let user = match given.non_empty("user") {
            Some(user) => user.to_owned(),
            None => environment.user.clone().ok_or_else(|| {
                Error::Conninfo(
                    "could not find out the operating system's name of the user; name one with \
                     user= in the connection string or in PGUSER"
                        .into(),
                )
            })?,
        };
        let text = |name| given.value(name).unwrap_or("");
        let default_host = environment.default_host.as_deref();
        let hosts = hosts::hosts(text("host"), text("hostaddr"), text("port"), default_host)?;
        let settings = Settings::read(&given, &hosts)?;
        let mut conninfo = Conninfo {
            given,
            environment,
            user,
            hosts,
            settings,
            file_passwords: Vec::new(),
            warnings: Vec::new(),
        };
        conninfo.look_up_passwords();
        Ok(conninfo)
    }

    /// Asks the password file, unless a password was given.
    fn look_up_passwords(&mut self) {
        self.warnings.clear();
        self.file_passwords.clear();
        if self.given.password().is_some() {
            return;
        }
        let Some(path) = self.passfile() else { return };
        match self.environment.read(&path, Privacy::OwnerOnly) {
            FileText::Missing => {}
            FileText::Refused(reason) => self
                .warnings
                .push(format!("password file \"{}\" {reason}; it is ignored", path.display())),
            FileText::Text(text) => {
                let default_host = self.environment.default_host.as_deref();
                let find = |host: &HostPort| {
                    let wanted = passfile::Wanted {
                        host: host.name_in_passfile(default_host),
                        port: host.port_text(),
                        dbname: self.dbname(),
                        user: self.user(),
                    };
                    passfile::find(&text, wanted)
                };
                self.file_passwords = self.hosts.iter().map(find).collect();
            }
        }
    }

    /// The password file, whether it exists or not.
    fn passfile(&self) -> Option<PathBuf> {
        match self.given.non_empty("passfile") {
            Some(path) => Some(path.into()),
            None => self.environment.in_home(".pgpass"),
        }
    }

    /// Gives a parameter a value, as if it had been written in the connection string.
    ///
    /// # Errors
    ///
    /// The parameter is unknown, or the value does not go with it or with the others.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let mut given = self.given.clone();
        given.set(name, value)?;
        *self = Conninfo::resolve(given, Arc::clone(&self.environment))?;
        Ok(())
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_dbname(&self, dbname: &str) -> Conninfo {
        let mut changed = self.with("dbname", dbname);
        changed.look_up_passwords();
        changed
    }

    /// The same under another name in `pg_stat_activity`.
    #[must_use]
    pub fn with_application_name(&self, application_name: &str) -> Conninfo {
        self.with("application_name", application_name)
    }

    /// Replaces a value that nothing else hangs on.
    fn with(&self, name: &'static str, value: &str) -> Conninfo {
        let mut changed = self.clone();
        let known = changed.given.set(name, value);
        debug_assert!(known.is_ok(), "{name} is no parameter");
        changed
    }
}

/// What a connection string came to.
impl Conninfo {
    /// Where the server may be, in the order given; at least one.
    pub fn hosts(&self) -> &[HostPort] {
        &self.hosts
    }

    /// The user to connect as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database to connect to; the user's name when none was given.
    pub fn dbname(&self) -> &str {
        self.given.non_empty("dbname").unwrap_or(&self.user)
    }

    /// The password for the first host, when one is known.
    pub fn password(&self) -> Option<&SecretString> {
        self.password_for(0)
    }

    /// The password for one of [`Conninfo::hosts`]: the password file may have one for each.
    pub fn password_for(&self, host: usize) -> Option<&SecretString> {
        self.given.password().or_else(|| self.file_passwords.get(host)?.as_ref())
    }

    /// The value of a parameter other than the password, when one was given anywhere; an empty
    /// value is one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.given.value(name)
    }

    /// The value of a parameter for which an empty value is as good as none.
    pub(crate) fn non_empty(&self, name: &str) -> Option<&str> {
        self.given.non_empty(name)
    }

    /// The name that the session gets in `pg_stat_activity`.
    pub fn application_name(&self) -> Option<&str> {
        self.value("application_name")
            .or_else(|| self.value("fallback_application_name"))
            .filter(|name| !name.is_empty())
    }

    /// Command-line options for the server process.
    pub fn options(&self) -> Option<&str> {
        self.non_empty("options")
    }

    /// The encoding that the client asks for. `auto` asks for UTF-8, in which this client works.
    pub fn client_encoding(&self) -> Option<&str> {
        match self.non_empty("client_encoding") {
            Some("auto") => Some("UTF8"),
            encoding => encoding,
        }
    }

    /// The value of `replication`: `database` makes a session that streams changes.
    pub fn replication(&self) -> Option<&str> {
        self.non_empty("replication")
    }

    /// Settings of the session from PGDATESTYLE, PGTZ and PGGEQO, as libpq sends them.
    pub fn session_settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        SESSION_VARIABLES.iter().filter_map(|(variable, setting)| {
            let value = self.environment.variable(variable)?;
            (!value.eq_ignore_ascii_case("default")).then_some((*setting, value))
        })
    }

    /// How much TLS is asked for.
    pub fn sslmode(&self) -> SslMode {
        self.settings.sslmode
    }

    /// How TLS begins.
    pub fn sslnegotiation(&self) -> SslNegotiation {
        self.settings.sslnegotiation
    }

    /// Whether a client certificate is sent.
    pub fn sslcertmode(&self) -> SslCertMode {
        self.settings.sslcertmode
    }

    /// Lowest and highest version of TLS.
    pub fn tls_versions(&self) -> (Option<TlsVersion>, Option<TlsVersion>) {
        self.settings.tls_versions
    }

    /// Whether the host name is sent in the TLS greeting.
    pub fn sslsni(&self) -> bool {
        !self.value("sslsni").is_some_and(|value| value.starts_with('0'))
    }

    /// Whether SCRAM must be tied to the TLS channel.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.settings.channel_binding
    }

    /// The acceptable ways of authentication.
    pub fn require_auth(&self) -> &RequireAuth {
        &self.settings.require_auth
    }

    /// The operating system's user that the server at a Unix-domain socket must run as.
    pub fn requirepeer(&self) -> Option<&str> {
        self.non_empty("requirepeer")
    }

    /// Which kind of server will do.
    pub fn target_session_attrs(&self) -> TargetSessionAttributes {
        self.settings.target_session_attrs
    }

    /// The order in which hosts and addresses are tried.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.settings.load_balance_hosts
    }

    /// How long one address may take until the session is ready.
    pub fn connect_timeout(&self) -> Duration {
        self.settings.connect_timeout
    }

    /// Keepalives for TCP.
    pub fn keepalive(&self) -> Keepalive {
        self.settings.keepalive
    }

    /// Lowest and highest acceptable version of the frontend/backend protocol.
    pub fn protocol_versions(&self) -> (ProtocolVersion, ProtocolVersion) {
        self.settings.protocol_versions
    }

    /// What the user should know although it is no error, such as a password file that others can
    /// read. For the caller to print, once.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A file below `~/.postgresql/`.
    pub(crate) fn file_in_home(&self, name: &str) -> Option<PathBuf> {
        self.environment.in_home(".postgresql").map(|directory| directory.join(name))
    }
}
