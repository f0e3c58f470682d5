//! Service files: named groups of connection parameters (PostgreSQL documentation, "The
//! Connection Service File"). Follows libpq's `parseServiceFile`.

use std::path::{Path, PathBuf};

use super::environment::{Environment, FileText, Privacy};
use super::parameters::Parameter;
use crate::error::{Error, Result};

/// Where Debian's libpq looks when PGSYSCONFDIR is not set.
const SYSTEM_DIRECTORY: &str = "/etc/postgresql-common";

/// The parameters of one service, in the order of the file. The first of a name counts.
pub type Service = Vec<(&'static Parameter, String)>;

/// Finds a service in the user's file or else in the system's.
///
/// # Errors
///
/// The service is in neither, or a file that was asked for is missing or malformed.
pub(super) fn find(name: &str, file: Option<&str>, environment: &Environment) -> Result<Service> {
    let asked = file.map(PathBuf::from);
    let own = asked.clone().or_else(|| environment.in_home(".pg_service.conf"));
    let directory = environment.variable("PGSYSCONFDIR").unwrap_or(SYSTEM_DIRECTORY);
    let of_system = Path::new(directory).join("pg_service.conf");
    for path in own.into_iter().chain([of_system]) {
        match environment.read(&path, Privacy::Any) {
            FileText::Text(text) => {
                let service = parse(&text, name).map_err(|reason| {
                    Error::Conninfo(format!("service file \"{}\": {reason}", path.display()))
                })?;
                if let Some(service) = service {
                    return Ok(service);
                }
            }
            FileText::Missing if asked.as_ref() == Some(&path) => {
                let path = path.display();
                return Err(Error::Conninfo(format!("service file \"{path}\" not found")));
            }
            FileText::Missing => {}
            FileText::Refused(reason) => {
                let path = path.display();
                return Err(Error::Conninfo(format!("service file \"{path}\" {reason}")));
            }
        }
    }
    Err(Error::Conninfo(format!("definition of service \"{name}\" not found")))
}

/// Reads the group of this name from a service file's text; `None` when it has none.
///
/// # Errors
///
/// A line inside the group that is not `name=value`, names an unknown parameter, refers to
/// another service or to LDAP. Lines outside the group are not looked at.
pub fn parse(text: &str, name: &str) -> Result<Option<Service>, String> {
    let mut service = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches(|character: char| {
            u8::try_from(character).is_ok_and(super::keywords::is_space)
        });
        let number = index + 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if service.is_some() {
                break;
            }
            if header.strip_prefix(name).is_some_and(|rest| rest.starts_with(']')) {
                service = Some(Service::new());
            }
            continue;
        }
        let Some(pairs) = &mut service else { continue };
        if line.starts_with("ldap") {
            return Err(format!(
                "line {number} looks the service up with LDAP, which is not supported; \
                 write the parameters into the file"
            ));
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("syntax error in line {number}"));
        };
        if matches!(key, "service" | "servicefile") {
            return Err(format!("nested service specification in line {number}"));
        }
        let Some(parameter) = Parameter::find(key) else {
            return Err(format!("syntax error in line {number}: unknown parameter"));
        };
        if pairs.iter().all(|(known, _)| *known != parameter) {
            pairs.push((parameter, value.to_owned()));
        }
    }
    Ok(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# comment
not looked at
[other]
bad line
[mine]
 host=h1 \r
host=h2
port = 1
[mine]
dbname=again
";

    #[test]
    fn the_first_value_of_the_first_group_counts() {
        let text = FILE.replace("port = 1\n", "port=1\ndbname=a b\n");
        let service = parse(&text, "mine").unwrap().unwrap();
        let pairs: Vec<_> = service.iter().map(|(key, value)| (key.name, &value[..])).collect();
        assert_eq!(pairs, [("host", "h1"), ("port", "1"), ("dbname", "a b")]);
        assert!(parse(FILE, "none").unwrap().is_none());
    }

    #[test]
    fn a_bad_line_in_the_group_is_an_error() {
        assert_eq!(parse(FILE, "other").unwrap_err(), "syntax error in line 4");
        // Spaces around "=" belong to the key.
        assert!(parse(FILE, "mine").unwrap_err().contains("line 8"));
        assert!(parse("[a]\nservice=b", "a").unwrap_err().contains("nested"));
        assert!(parse("[a]\nldap://x", "a").unwrap_err().contains("LDAP"));
    }
}
