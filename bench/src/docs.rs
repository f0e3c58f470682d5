//! The figures in `docs/performance.md`, between two markers.

use std::fs;

use crate::args::in_workspace;
use crate::report::markdown;
use crate::results::Results;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- figures: begin, written by `make bench ARGS=--write-docs` -->\n";
const END: &str = "<!-- figures: end -->\n";

/// Puts the figures into the page.
pub fn refresh(results: &Results) -> Result<(), String> {
    let path = in_workspace(PAGE);
    let failed = |error| format!("could not write the figures to {PAGE}: {error}");
    let page = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    let page = replaced(&page, &markdown::block(results)).map_err(failed)?;
    fs::write(&path, page).map_err(|error| failed(error.to_string()))
}

fn replaced(page: &str, block: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN);
    let parts = parts.and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.ok_or("the markers of the figures are missing")?;
    Ok(format!("{head}{BEGIN}\n{block}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let page = replaced(&page, "new").unwrap();
        assert_eq!(page, format!("before\n{BEGIN}\nnew\n{END}after\n"));
        assert!(replaced("nothing", "new").is_err());
    }

    #[test]
    fn the_page_has_the_markers() {
        let page = fs::read_to_string(in_workspace(PAGE)).unwrap();
        assert!(replaced(&page, "").is_ok());
    }
}
