//! Every connection parameter of libpq, its environment variable, and the first major version
//! whose libpq knows it (PostgreSQL documentation, "Parameter Key Words" and "Environment
//! Variables"). What a parameter means is decided elsewhere.

/// One connection parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key word in a connection string.
    pub name: &'static str,
    /// The environment variable that gives it when the connection string does not.
    pub variable: Option<&'static str>,
    /// The first major version of libpq that accepts the key word; 13 stands for 13 and older,
    /// since no older tools are run.
    pub since: u16,
}

impl Parameter {
    /// The parameter of this name, if libpq has one.
    pub fn find(name: &str) -> Option<&'static Parameter> {
        PARAMETERS.iter().find(|parameter| parameter.name == name)
    }

    /// Whether the value must never be shown.
    pub fn is_secret(&self) -> bool {
        matches!(
            self.name,
            "password"
                | "sslpassword"
                | "scram_client_key"
                | "scram_server_key"
                | "oauth_client_secret"
        )
    }
}

/// A row of the table below.
const fn row(name: &'static str, variable: &'static str, since: u16) -> Parameter {
    let variable = if variable.is_empty() { None } else { Some(variable) };
    Parameter { name, variable, since }
}

/// All of them, in the order of libpq's own table.
pub static PARAMETERS: &[Parameter] = &[
    row("service", "PGSERVICE", 13),
    row("servicefile", "PGSERVICEFILE", 19),
    row("user", "PGUSER", 13),
    row("password", "PGPASSWORD", 13),
    row("passfile", "PGPASSFILE", 13),
    row("channel_binding", "PGCHANNELBINDING", 13),
    row("connect_timeout", "PGCONNECT_TIMEOUT", 13),
    row("dbname", "PGDATABASE", 13),
    row("host", "PGHOST", 13),
    row("hostaddr", "PGHOSTADDR", 13),
    row("port", "PGPORT", 13),
    row("client_encoding", "PGCLIENTENCODING", 13),
    row("options", "PGOPTIONS", 13),
    row("application_name", "PGAPPNAME", 13),
    row("fallback_application_name", "", 13),
    row("keepalives", "", 13),
    row("keepalives_idle", "", 13),
    row("keepalives_interval", "", 13),
    row("keepalives_count", "", 13),
    row("tcp_user_timeout", "", 13),
    row("sslmode", "PGSSLMODE", 13),
    row("sslnegotiation", "PGSSLNEGOTIATION", 17),
    row("sslcompression", "PGSSLCOMPRESSION", 13),
    row("sslcert", "PGSSLCERT", 13),
    row("sslkey", "PGSSLKEY", 13),
    row("sslcertmode", "PGSSLCERTMODE", 16),
    row("sslpassword", "", 13),
    row("sslrootcert", "PGSSLROOTCERT", 13),
    row("sslcrl", "PGSSLCRL", 13),
    row("sslcrldir", "PGSSLCRLDIR", 14),
    row("sslsni", "PGSSLSNI", 14),
    row("requirepeer", "PGREQUIREPEER", 13),
    row("require_auth", "PGREQUIREAUTH", 16),
    row("min_protocol_version", "PGMINPROTOCOLVERSION", 18),
    row("max_protocol_version", "PGMAXPROTOCOLVERSION", 18),
    row("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", 13),
    row("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", 13),
    row("gssencmode", "PGGSSENCMODE", 13),
    row("krbsrvname", "PGKRBSRVNAME", 13),
    row("gsslib", "PGGSSLIB", 13),
    row("gssdelegation", "PGGSSDELEGATION", 16),
    row("replication", "", 13),
    row("target_session_attrs", "PGTARGETSESSIONATTRS", 13),
    row("load_balance_hosts", "PGLOADBALANCEHOSTS", 16),
    row("scram_client_key", "", 18),
    row("scram_server_key", "", 18),
    row("sslkeylogfile", "", 18),
    row("oauth_issuer", "", 18),
    row("oauth_client_id", "", 18),
    row("oauth_client_secret", "", 18),
    row("oauth_scope", "", 18),
];

/// Variables that libpq sends to the server as settings of the session (same page of the
/// documentation): the variable and the setting.
pub static SESSION_VARIABLES: &[(&str, &str)] =
    &[("PGDATESTYLE", "datestyle"), ("PGTZ", "timezone"), ("PGGEQO", "geqo")];
