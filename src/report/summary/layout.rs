//! Tables of text: right-aligned columns as wide as what is in them.

/// Lines of a table under its header. The rows are made twice: there may be too many to keep them.
pub(in crate::report) fn aligned<Row: AsRef<[String]>>(
    header: &[&str],
    rows: impl IntoIterator<Item = Row> + Clone,
) -> String {
    let mut widths: Vec<usize> = header.iter().map(|title| width(title)).collect();
    for row in rows.clone() {
        for (widest, cell) in widths.iter_mut().zip(row.as_ref()) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = line(header, &widths);
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    text.push_str(&dashes.join("-+-"));
    text.push('\n');
    for row in rows {
        text.push_str(&line(row.as_ref(), &widths));
    }
    text
}

fn line(cells: &[impl AsRef<str>], widths: &[usize]) -> String {
    let cells = cells.iter().map(AsRef::as_ref).zip(widths);
    let padded: Vec<String> =
        cells.map(|(cell, width)| format!("{cell:>width$}", width = *width)).collect();
    format!("{}\n", padded.join(" | "))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A name for the terminal: characters that would move its cursor, or worse, are escaped.
pub(in crate::report) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}
