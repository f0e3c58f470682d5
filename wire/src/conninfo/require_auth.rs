//! `require_auth`: which ways of authentication the user accepts (PostgreSQL documentation, same
//! parameter).

/// The ways that can be named, besides `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// The password in clear text.
    Password,
    /// Its MD5 hash.
    Md5,
    /// GSSAPI.
    Gss,
    /// SSPI.
    Sspi,
    /// SCRAM-SHA-256, with or without channel binding.
    Scram,
    /// OAuth bearer tokens.
    Oauth,
}

const METHODS: [(&str, AuthMethod); 6] = [
    ("password", AuthMethod::Password),
    ("md5", AuthMethod::Md5),
    ("gss", AuthMethod::Gss),
    ("sspi", AuthMethod::Sspi),
    ("scram-sha-256", AuthMethod::Scram),
    ("oauth", AuthMethod::Oauth),
];

/// What is acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequireAuth {
    /// The acceptable methods.
    methods: Vec<AuthMethod>,
    /// Whether a server that asks for nothing is acceptable (trust, client certificates).
    none: bool,
    /// The text, for messages.
    text: String,
}

impl RequireAuth {
    /// Reads a list such as `scram-sha-256,md5` or `!password`.
    ///
    /// # Errors
    ///
    /// An unknown name, one that is there twice, negated ones among others.
    pub fn parse(text: &str) -> Result<RequireAuth, String> {
        let mut accepted = RequireAuth {
            methods: METHODS.iter().map(|(_, method)| *method).collect(),
            none: true,
            text: text.to_owned(),
        };
        if text.is_empty() {
            return Ok(accepted);
        }
        let negated = text.starts_with('!');
        if !negated {
            accepted.methods.clear();
            accepted.none = false;
        }
        let mut seen = Vec::new();
        for word in text.split(',') {
            let name = word.strip_prefix('!').unwrap_or(word);
            if word.starts_with('!') != negated {
                return Err(format!(
                    "method \"{word}\" cannot be mixed with {} methods",
                    if negated { "negative" } else { "non-negative" }
                ));
            }
            if seen.contains(&name) {
                return Err(format!("method \"{word}\" is specified more than once"));
            }
            seen.push(name);
            if name == "none" {
                accepted.none = !negated;
                continue;
            }
            let Some((_, method)) = METHODS.iter().find(|(known, _)| *known == name) else {
                return Err(format!("unknown method \"{name}\""));
            };
            if negated {
                accepted.methods.retain(|accepted| accepted != method);
            } else {
                accepted.methods.push(*method);
            }
        }
        Ok(accepted)
    }

    /// Whether the server may ask for this.
    pub fn accepts(&self, method: AuthMethod) -> bool {
        self.methods.contains(&method)
    }

    /// Whether the server may ask for nothing.
    pub fn accepts_none(&self) -> bool {
        self.none
    }

    /// The list as the user gave it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_negations() {
        let accepted = |text: &str| {
            let accepted = RequireAuth::parse(text).unwrap();
            (accepted.methods.len(), accepted.accepts(AuthMethod::Md5), accepted.accepts_none())
        };
        assert_eq!(accepted(""), (6, true, true));
        assert_eq!(accepted("md5"), (1, true, false));
        assert_eq!(accepted("none"), (0, false, true));
        assert_eq!(accepted("scram-sha-256,none"), (1, false, true));
        assert_eq!(accepted("!md5"), (5, false, true));
        assert_eq!(accepted("!none"), (6, true, false));
        assert_eq!(accepted("!password,!md5"), (4, false, true));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["x", "md5,", ",", "md5,md5", "md5,!password", "!md5,password", "!", "!x"] {
            assert!(RequireAuth::parse(text).is_err(), "{text}");
        }
    }
}
