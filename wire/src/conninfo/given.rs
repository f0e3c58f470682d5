//! What was said about a connection, by whom, before anything is made of it.

use secrecy::{ExposeSecret, SecretString};

use super::environment::Environment;
use super::parameters::{PARAMETERS, Parameter};
use super::{keywords, service, uri};
use crate::error::{Error, Result};

/// The parameters that have a value.
#[derive(Clone)]
pub(super) struct Given {
    /// In no particular order; at most one for each parameter; never the password.
    values: Vec<Value>,
    password: Option<SecretString>,
    quoting: Quoting,
}

/// A parameter's value.
#[derive(Clone)]
pub(super) struct Value {
    pub parameter: &'static Parameter,
    pub text: String,
    pub origin: Origin,
}

/// Where a value was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the connection string.
    Explicit,
    /// In a service file.
    Service,
    /// In an environment variable.
    Environment,
}

/// Whether messages may quote pieces of the connection string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    Allowed,
    /// A secret is in it, and a mistake in quoting may have put it anywhere.
    Forbidden,
}

impl Quoting {
    fn of(text: &str) -> Quoting {
        let text = text.to_ascii_lowercase();
        let is_secretive = ["@", "pass", "secret", "_key"].iter().any(|mark| text.contains(mark));
        if is_secretive { Quoting::Forbidden } else { Quoting::Allowed }
    }
}

impl Given {
    /// Reads a connection string and completes it from service files and variables.
    pub(super) fn read(text: &str, environment: &Environment) -> Result<Given> {
        let mut given = Given { values: Vec::new(), password: None, quoting: Quoting::of(text) };
        for (name, value) in scan(text)? {
            match name.as_str() {
                // The parameter's name until PostgreSQL 7.4; libpq still takes it.
                "requiressl" if value.starts_with('1') => given.set("sslmode", "require")?,
                "requiressl" => given.set("sslmode", "prefer")?,
                name => given.set(name, &value)?,
            }
        }
        let service = given.or_variable("service", environment).map(str::to_owned);
        if let Some(service) = service {
            let file = given.or_variable("servicefile", environment);
            for (parameter, text) in service::find(&service, file, environment)? {
                given.complete(parameter, text, Origin::Service);
            }
        }
        for parameter in PARAMETERS {
            if let Some(text) = parameter.variable.and_then(|name| environment.variable(name)) {
                given.complete(parameter, text.to_owned(), Origin::Environment);
            }
        }
        if environment.variable("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'))
            && let Some(sslmode) = Parameter::find("sslmode")
        {
            given.complete(sslmode, "require".to_owned(), Origin::Environment);
        }
        Ok(given)
    }

    /// Gives a parameter a value, as the connection string does: the last one counts.
    pub(super) fn set(&mut self, name: &str, text: &str) -> Result<()> {
        let Some(parameter) = Parameter::find(name) else {
            return Err(self.unknown(name));
        };
        self.store(parameter, text.to_owned(), Origin::Explicit);
        Ok(())
    }

    /// Gives a parameter a value if it has none.
    fn complete(&mut self, parameter: &'static Parameter, text: String, origin: Origin) {
        let is_known = match parameter.name {
            "password" => self.password.is_some(),
            name => self.value(name).is_some(),
        };
        if !is_known {
            self.store(parameter, text, origin);
        }
    }

    fn store(&mut self, parameter: &'static Parameter, text: String, origin: Origin) {
        if parameter.name == "password" {
            self.password = Some(text.into());
            return;
        }
        self.values.retain(|value| value.parameter != parameter);
        self.values.push(Value { parameter, text, origin });
    }

    /// The value of a parameter in the string, or else in its variable.
    fn or_variable<'a>(&'a self, name: &str, environment: &'a Environment) -> Option<&'a str> {
        let variable = Parameter::find(name).and_then(|parameter| parameter.variable);
        self.value(name).or_else(|| environment.variable(variable?))
    }

    /// The value of a parameter other than the password; an empty value is one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|value| value.parameter.name == name).map(|value| &*value.text)
    }

    /// The value of a parameter for which an empty value is as good as none.
    pub(super) fn non_empty(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|value| !value.is_empty())
    }

    /// The password, if it is not empty.
    pub(super) fn password(&self) -> Option<&SecretString> {
        self.password.as_ref().filter(|password| !password.expose_secret().is_empty())
    }

    /// Every value, in the order of libpq's table.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        PARAMETERS
            .iter()
            .filter_map(|parameter| self.values.iter().find(|value| value.parameter == parameter))
    }

    /// An error for a value that a parameter cannot have.
    pub(super) fn invalid(&self, name: &str) -> Error {
        match self.quoting {
            Quoting::Allowed => Error::Conninfo(format!(
                "invalid {name} value: \"{}\"",
                self.value(name).unwrap_or_default()
            )),
            Quoting::Forbidden => Error::Conninfo(format!("invalid {name} value")),
        }
    }

    /// The same with the reason, which may quote the value.
    pub(super) fn invalid_because(&self, name: &str, reason: &str) -> Error {
        match self.quoting {
            Quoting::Allowed => Error::Conninfo(format!("invalid {name} value: {reason}")),
            Quoting::Forbidden => self.invalid(name),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        match self.quoting {
            Quoting::Allowed => Error::Conninfo(format!("invalid connection option \"{name}\"")),
            Quoting::Forbidden => Error::Conninfo(
                "invalid connection option in the connection string (its name is not shown: it \
                 may be part of a password that is not quoted as it should be)"
                    .into(),
            ),
        }
    }
}

/// Why a connection string cannot be taken apart. It never quotes the string.
#[derive(Debug)]
pub(super) struct Malformed {
    reason: &'static str,
    /// Byte offset, when it helps to find the place.
    at: Option<usize>,
}

impl Malformed {
    pub(super) fn new(reason: &'static str) -> Malformed {
        Malformed { reason, at: None }
    }

    pub(super) fn at(offset: usize, reason: &'static str) -> Malformed {
        Malformed { reason, at: Some(offset) }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some(offset) => write!(f, "{} at byte {}", self.reason, offset + 1),
            None => f.write_str(self.reason),
        }
    }
}

/// Takes a connection string apart, whatever its form.
fn scan(text: &str) -> Result<Vec<(String, String)>> {
    let pairs = match uri::without_scheme(text) {
        Some(rest) => uri::scan(rest),
        None if text.contains('=') => keywords::scan(text),
        None if text.is_empty() => Ok(Vec::new()),
        // As for psql, anything else is the name of a database.
        None => Ok(vec![("dbname".into(), text.into())]),
    };
    pairs.map_err(|reason| Error::Conninfo(format!("invalid connection string: {reason}")))
}
