//! Roles, as the statements that make them.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{quote_identifier, quote_literal};

/// One statement about roles. `Display` is the statement with its password hidden.
#[derive(Clone, Debug)]
pub enum RoleStatement {
    /// `CREATE ROLE`.
    Create {
        /// The role.
        role: String,
    },
    /// `ALTER ROLE … WITH`.
    Alter {
        /// The role.
        role: String,
        /// What it is given.
        attributes: Vec<RoleAttribute>,
    },
    /// `ALTER ROLE … SET`.
    Set {
        /// The role.
        role: String,
        /// The name of the setting and its value, as they stand in SQL.
        setting: String,
    },
    /// `GRANT … TO …`.
    Grant {
        /// The role that is granted.
        role: String,
        /// Who becomes a member.
        member: String,
        /// Options with their values; those that are not named have the server's default.
        options: Vec<(GrantOption, bool)>,
        /// Who grants it, where that matters.
        grantor: Option<String>,
    },
    /// `COMMENT ON ROLE`.
    Comment {
        /// The role.
        role: String,
        /// The comment.
        text: String,
    },
    /// Something else, as it stands.
    Other(String),
}

/// What `ALTER ROLE` gives a role.
#[derive(Clone, Debug)]
pub enum RoleAttribute {
    /// Something that it is, may, or not.
    Flag(RoleFlag, bool),
    /// `CONNECTION LIMIT`.
    ConnectionLimit(i32),
    /// `PASSWORD`, hashed.
    Password(SecretString),
    /// `VALID UNTIL`.
    ValidUntil(String),
}

/// What a role is, or may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleFlag {
    /// SUPERUSER.
    Superuser,
    /// INHERIT.
    Inherit,
    /// CREATEROLE.
    CreateRole,
    /// CREATEDB.
    CreateDb,
    /// LOGIN.
    Login,
    /// REPLICATION.
    Replication,
    /// BYPASSRLS.
    BypassRls,
}

impl RoleFlag {
    /// All flags, in the order they are written in.
    pub const ALL: [RoleFlag; 7] = [
        RoleFlag::Superuser,
        RoleFlag::Inherit,
        RoleFlag::CreateRole,
        RoleFlag::CreateDb,
        RoleFlag::Login,
        RoleFlag::Replication,
        RoleFlag::BypassRls,
    ];

    /// Its word in SQL.
    pub fn word(self) -> &'static str {
        match self {
            RoleFlag::Superuser => "SUPERUSER",
            RoleFlag::Inherit => "INHERIT",
            RoleFlag::CreateRole => "CREATEROLE",
            RoleFlag::CreateDb => "CREATEDB",
            RoleFlag::Login => "LOGIN",
            RoleFlag::Replication => "REPLICATION",
            RoleFlag::BypassRls => "BYPASSRLS",
        }
    }

    /// Whether `CREATE ROLE` gives it to a new role.
    pub fn is_default(self) -> bool {
        self == RoleFlag::Inherit
    }
}

/// Options of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantOption {
    /// The member may grant the role to others.
    Admin,
    /// The member has the role's privileges at once; from 16 on.
    Inherit,
    /// The member may become the role; from 16 on.
    Set,
}

impl GrantOption {
    /// All options.
    pub const ALL: [GrantOption; 3] = [GrantOption::Admin, GrantOption::Inherit, GrantOption::Set];

    /// Its word in SQL.
    pub fn word(self) -> &'static str {
        match self {
            GrantOption::Admin => "ADMIN",
            GrantOption::Inherit => "INHERIT",
            GrantOption::Set => "SET",
        }
    }
}

impl RoleStatement {
    /// The statement, without a semicolon.
    pub fn sql(&self) -> SecretString {
        self.text(|password| password.expose_secret().to_owned()).into()
    }

    fn text(&self, password: impl Fn(&SecretString) -> String) -> String {
        match self {
            RoleStatement::Create { role } => format!("CREATE ROLE {}", quote_identifier(role)),
            RoleStatement::Alter { role, attributes } => {
                let attributes = attributes.iter().map(|attribute| attribute.text(&password));
                let attributes = attributes.collect::<Vec<_>>().join(" ");
                format!("ALTER ROLE {} WITH {attributes}", quote_identifier(role))
            }
            RoleStatement::Set { role, setting } => {
                format!("ALTER ROLE {} SET {setting}", quote_identifier(role))
            }
            RoleStatement::Grant { role, member, options, grantor } => {
                let (role, member) = (quote_identifier(role), quote_identifier(member));
                let mut text = format!("GRANT {role} TO {member}");
                for (number, (option, value)) in options.iter().enumerate() {
                    let before = if number == 0 { " WITH" } else { "," };
                    let value = match (option, value) {
                        // The only form that servers before 16 know.
                        (GrantOption::Admin, true) => "OPTION",
                        (_, true) => "TRUE",
                        (_, false) => "FALSE",
                    };
                    text.push_str(&format!("{before} {} {value}", option.word()));
                }
                if let Some(grantor) = grantor {
                    text.push_str(&format!(" GRANTED BY {}", quote_identifier(grantor)));
                }
                text
            }
            RoleStatement::Comment { role, text } => {
                format!("COMMENT ON ROLE {} IS {}", quote_identifier(role), quote_literal(text))
            }
            RoleStatement::Other(text) => text.clone(),
        }
    }
}

impl RoleAttribute {
    fn text(&self, password: &impl Fn(&SecretString) -> String) -> String {
        match self {
            RoleAttribute::Flag(flag, true) => flag.word().to_owned(),
            RoleAttribute::Flag(flag, false) => format!("NO{}", flag.word()),
            RoleAttribute::ConnectionLimit(limit) => format!("CONNECTION LIMIT {limit}"),
            RoleAttribute::Password(secret) => {
                format!("PASSWORD {}", quote_literal(&password(secret)).trim_start())
            }
            RoleAttribute::ValidUntil(end) => {
                format!("VALID UNTIL {}", quote_literal(end).trim_start())
            }
        }
    }
}

impl fmt::Display for RoleStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It may hold anything.
            RoleStatement::Other(text) if text.to_ascii_uppercase().contains("PASSWORD") => {
                f.write_str("a statement with a password")
            }
            _ => f.write_str(&self.text(|_| "***".to_owned())),
        }
    }
}
