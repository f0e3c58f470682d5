//! What could not be done, so that one can do it by hand: the object, which server refused, why,
//! and the statement.

use crate::model::Failure;

use super::layout::printable;

/// The list, numbered.
pub(super) fn text(failures: &[Failure]) -> String {
    let mut text = match failures.len() {
        1 => "1 step failed:\n".to_owned(),
        count => format!("{count} steps failed:\n"),
    };
    for (number, failure) in (1..).zip(failures) {
        text.push_str(&format!("\n{number:>3}. {}\n", printable(&failure.object)));
        push(&mut text, "", &reason(failure));
        for (title, content) in
            [("DETAIL: ", &failure.detail), ("HINT: ", &failure.hint), ("SQL: ", &failure.sql)]
        {
            if let Some(content) = content {
                push(&mut text, title, content);
            }
        }
    }
    text
}

fn reason(failure: &Failure) -> String {
    let sqlstate = failure.sqlstate.as_ref().map(|sqlstate| format!("SQLSTATE {sqlstate}"));
    let server = (!failure.server.is_empty()).then(|| failure.server.clone());
    let origin: Vec<String> = server.into_iter().chain(sqlstate).collect();
    if origin.is_empty() {
        failure.message.clone()
    } else {
        format!("{}: {}", origin.join(", "), failure.message)
    }
}

/// A text of possibly many lines, indented below its object.
fn push(text: &mut String, title: &str, content: &str) {
    for (number, line) in content.lines().enumerate() {
        let title = if number == 0 { title } else { "" };
        text.push_str(&format!("     {title}{}\n", printable(line)));
    }
}
