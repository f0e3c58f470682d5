//! The file of `--requirements`: versions that extensions are wanted in.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::exit::UsageExit;
use super::settings::mandatory;

/// One extension; what else the file says of it is not looked at.
#[derive(Deserialize)]
struct Requirement {
    name: String,
    version: String,
}

/// Reads the file, if there is one.
pub(super) fn requirements(file: Option<&Path>) -> Result<BTreeMap<String, String>, UsageExit> {
    let Some(file) = file else { return Ok(BTreeMap::new()) };
    let refused = |reason: String| {
        mandatory(
            &format!("cannot read the requirements in \"{}\": {reason}", file.display()),
            "Write them with pgcopydb list extensions --requirements --json.",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    parse(&text).map_err(|error| refused(error.to_string()))
}

fn parse(text: &str) -> serde_json::Result<BTreeMap<String, String>> {
    let requirements: Vec<Requirement> = serde_json::from_str(text)?;
    Ok(requirements.into_iter().map(|one| (one.name, one.version)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_read_and_the_rest_is_not() {
        let text =
            r#"[{"name": "postgis", "version": "3.3.2", "why": 1}, {"version": "1", "name": "a"}]"#;
        let requirements = parse(text).unwrap();
        assert_eq!(requirements["postgis"], "3.3.2");
        assert_eq!(requirements["a"], "1");
        for text in ["", "{}", r#"[{"name": "postgis"}]"#, r#"[{"name": 1, "version": "1"}]"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
