//! The program ends before it began: help was asked for, or the command line is wrong.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What to print, and with which code to exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageExit {
    code: u8,
    text: String,
}

impl UsageExit {
    /// A mistake of the user, and what to do about it.
    pub(super) fn new(code: u8, message: impl Into<String>, hint: impl Into<String>) -> UsageExit {
        let (message, hint) = (message.into(), hint.into());
        // The colours of the parser's own messages.
        let text =
            format!("\x1b[1m\x1b[31merror:\x1b[0m {message}\n\n  \x1b[32mhint:\x1b[0m {hint}\n");
        UsageExit { code, text: conceal(&text) }
    }

    /// Help that was asked for.
    pub(super) fn help(text: String) -> UsageExit {
        UsageExit { code: 0, text }
    }

    /// Help instead of the command that is missing.
    pub(super) fn missing_command(text: String) -> UsageExit {
        UsageExit { code: 1, text }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What the user is told; may hold colours.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Prints the text to standard error, with colours where it is a terminal that wants them.
    pub fn print(&self) {
        // With standard error closed there is nobody left to tell.
        let _ = anstream::stderr().write_all(self.text.as_bytes());
    }
}

/// What clap says about a command line.
pub(super) fn from_clap(parser: &clap::Command, error: &clap::Error) -> UsageExit {
    let mut text = error.render().ansi().to_string();
    let code = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ => 1,
    };
    if error.kind() == ErrorKind::InvalidSubcommand {
        text.push_str("\nKnown commands:\n");
        text.push_str(&command_tree(parser));
    }
    if code != 0 {
        text = conceal(&text);
    }
    UsageExit { code, text }
}

/// What clap says about the value of an environment variable.
pub(super) fn from_variable(name: &str, error: &clap::Error) -> UsageExit {
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => format!(" '{value}'"),
        _ => String::new(),
    };
    let reason = std::error::Error::source(error)
        .map_or_else(|| error.kind().to_string(), ToString::to_string);
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => format!("It stands for the option {option}."),
        _ => "Correct the variable or unset it.".to_owned(),
    };
    UsageExit::new(
        1,
        format!("invalid value{value} for environment variable {name}: {reason}"),
        option,
    )
}

/// All commands and what they do, indented.
pub(super) fn command_tree(parser: &clap::Command) -> String {
    fn describe(command: &clap::Command, depth: usize, text: &mut String) {
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("{:depth$}{}", "", command.get_name());
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<14} {about}");
            describe(command, depth + 2, text);
        }
    }
    let mut text = String::new();
    describe(parser, 0, &mut text);
    text
}

/// Hides the passwords of URIs: what was typed in the wrong place is repeated in the message.
fn conceal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (head, tail) = rest.split_at(start + "://".len());
        shown.push_str(head);
        let end = tail.find(['/', '?', ' ', '\n', '\'', '"']).unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        let secret = authority.rfind('@').and_then(|at| Some((authority.find(':')?, at)));
        match secret {
            Some((colon, at)) if colon < at => {
                shown.push_str(&authority[..colon]);
                shown.push_str(":***");
                shown.push_str(&authority[at..]);
            }
            _ => shown.push_str(authority),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_uris_are_not_repeated() {
        assert_eq!(
            conceal("unexpected 'postgres://me:a@b:c@host:5432/db?x=y' and http://host:80/"),
            "unexpected 'postgres://me:***@host:5432/db?x=y' and http://host:80/"
        );
    }
}
