//! Roles from one server to another: what is written to `roles.sql`, what is read from it, and what
//! of it is done on a target that has roles of its own, where our role may not do everything.

mod parse;

use std::collections::{BTreeSet, HashSet};

use secrecy::ExposeSecret;

use crate::model::quote_identifier;
use crate::model::role::{GrantOption, RoleAttribute, RoleFlag, RoleStatement};

pub use parse::parse;

/// From this version on a membership has options besides ADMIN, and grantors have a meaning.
const GRANT_OPTIONS_VERSION: u32 = 160_000;

/// Roles that services of the cloud make for themselves: the whole name, or its beginning.
const SERVICE_ROLES: [&str; 9] = [
    "rdsadmin",
    "rdsrepladmin",
    "rdstopmgr",
    "azuresu",
    "neon_superuser",
    "cloud_admin",
    "alloydbadmin",
    "alloydbsuperuser",
    "supabase_admin",
];
const SERVICE_PREFIXES: [&str; 4] = ["rds_", "azure_", "cloudsql", "alloydb"];

/// Whether `roles.sql` has the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// It is what roles are made from.
    Whole,
    /// It is to be looked at: the roles are made from what is in memory.
    WithoutPasswords,
}

/// The text of `roles.sql`.
pub fn script(statements: &[RoleStatement], kind: Script) -> String {
    let mut text = String::from("--\n-- Roles, memberships and settings of roles\n--\n\n");
    for statement in statements {
        let statement = match kind {
            Script::Whole => statement.sql(),
            Script::WithoutPasswords => without_password(statement.clone()).sql(),
        };
        text.push_str(statement.expose_secret());
        text.push_str(";\n");
    }
    text
}

fn without_password(mut statement: RoleStatement) -> RoleStatement {
    if let RoleStatement::Alter { attributes, .. } = &mut statement {
        attributes.retain(|attribute| !matches!(attribute, RoleAttribute::Password(_)));
    }
    statement
}

/// What must be known of the target.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Its version.
    pub version: u32,
    /// Whether our role is a superuser there.
    pub is_superuser: bool,
    /// The roles that it has.
    pub roles: &'a [String],
}

/// What is to be done on the target.
#[derive(Debug, Default)]
pub struct RolePlan {
    /// Statements; those of one step are done together, but for those that are refused.
    pub steps: Vec<Vec<RoleStatement>>,
    /// Roles that are there already.
    pub existing: Vec<String>,
    /// Roles that belong to the server, or to a service that runs it.
    pub reserved: Vec<String>,
    /// What the target has no means for.
    pub lost: Vec<String>,
}

/// Whether a role belongs to the server or to a service that runs it.
fn is_reserved(role: &str) -> bool {
    role.starts_with("pg_")
        || SERVICE_ROLES.contains(&role)
        || SERVICE_PREFIXES.iter().any(|prefix| role.starts_with(prefix))
}

/// Decides what is done: roles that exist keep what they are, but get memberships and settings.
pub fn settle(statements: Vec<RoleStatement>, server: Server) -> RolePlan {
    let there: HashSet<&str> = server.roles.iter().map(String::as_str).collect();
    let mut plan = RolePlan::default();
    let (mut existing, mut reserved) = (BTreeSet::new(), BTreeSet::new());
    // Where the step that makes a role is.
    let mut making: Option<String> = None;
    for statement in statements {
        if let Some(role) = about(&statement).filter(|role| is_reserved(role)) {
            reserved.insert(role.to_owned());
            continue;
        }
        match statement {
            RoleStatement::Create { role } if there.contains(&*role) => {
                existing.insert(role);
            }
            RoleStatement::Create { role } => {
                making = Some(role.clone());
                plan.steps.push(vec![RoleStatement::Create { role }]);
            }
            RoleStatement::Alter { role, attributes } => {
                if there.contains(&*role) {
                    continue;
                }
                let altered = alter(&role, attributes, server.is_superuser);
                match plan.steps.last_mut().filter(|_| making.as_ref() == Some(&role)) {
                    Some(step) => step.extend(altered),
                    None => plan.steps.push(altered),
                }
            }
            RoleStatement::Grant { role, member, options, grantor } => {
                if is_reserved(&role) && !there.contains(&*role) {
                    let (role, member) = (quote_identifier(&role), quote_identifier(&member));
                    plan.lost.push(format!("{member} is no member of {role}, which is not there"));
                    continue;
                }
                let grant = RoleStatement::Grant { role, member, options, grantor };
                plan.steps.push(vec![suited(grant, server, &mut plan.lost)]);
            }
            other => plan.steps.push(vec![other]),
        }
    }
    plan.existing = existing.into_iter().collect();
    plan.reserved = reserved.into_iter().collect();
    plan
}

/// The role that a statement would change.
fn about(statement: &RoleStatement) -> Option<&str> {
    match statement {
        RoleStatement::Create { role }
        | RoleStatement::Alter { role, .. }
        | RoleStatement::Set { role, .. }
        | RoleStatement::Comment { role, .. } => Some(role),
        RoleStatement::Grant { member, .. } => Some(member),
        RoleStatement::Other(_) => None,
    }
}

/// How a new role gets its attributes. A superuser may do all at once; others are refused some of
/// them, and get each that they may.
fn alter(role: &str, attributes: Vec<RoleAttribute>, is_superuser: bool) -> Vec<RoleStatement> {
    let role = role.to_owned();
    if is_superuser {
        return vec![RoleStatement::Alter { role, attributes }];
    }
    let special = |attribute: &RoleAttribute| match attribute {
        RoleAttribute::Flag(flag, _) => matches!(
            flag,
            RoleFlag::Superuser
                | RoleFlag::CreateRole
                | RoleFlag::CreateDb
                | RoleFlag::Replication
                | RoleFlag::BypassRls
        ),
        RoleAttribute::Password(_) => true,
        RoleAttribute::ConnectionLimit(_) | RoleAttribute::ValidUntil(_) => false,
    };
    // What a new role is anyway needs no right to be said.
    let wanted = attributes.into_iter().filter(|attribute| {
        !matches!(attribute, RoleAttribute::Flag(flag, value) if *value == flag.is_default())
    });
    let (special, plain): (Vec<_>, Vec<_>) = wanted.partition(special);
    let plain = (!plain.is_empty()).then_some(plain);
    let sets = plain.into_iter().chain(special.into_iter().map(|attribute| vec![attribute]));
    sets.map(|attributes| RoleStatement::Alter { role: role.clone(), attributes }).collect()
}

/// A grant as the target understands it.
fn suited(grant: RoleStatement, server: Server, lost: &mut Vec<String>) -> RoleStatement {
    let RoleStatement::Grant { role, member, mut options, grantor } = grant else { return grant };
    let has_options = server.version >= GRANT_OPTIONS_VERSION;
    if !has_options {
        for (option, _) in options.iter().filter(|(option, value)| {
            !value && matches!(option, GrantOption::Inherit | GrantOption::Set)
        }) {
            let (role, member) = (quote_identifier(&role), quote_identifier(&member));
            let word = option.word();
            lost.push(format!("the membership of {member} in {role} loses {word} FALSE"));
        }
        options.retain(|(option, value)| *option == GrantOption::Admin && *value);
    }
    // Only a superuser may grant in somebody else's name.
    let grantor = grantor.filter(|_| has_options && server.is_superuser);
    RoleStatement::Grant { role, member, options, grantor }
}

#[cfg(test)]
mod tests;
