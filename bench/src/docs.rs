//! The figures in `docs/performance.md`, between two markers.

use std::fs;

use crate::args::in_workspace;
use crate::report::markdown;
use crate::results::Results;

const PAGE: &str = "docs/performance.md";
/// The figures of copies, and those of following. Those that were not measured stay.
const BLOCKS: [Block; 2] = [
    Block {
        is_of_changes: false,
        begin: "<!-- figures: begin, written by `make bench ARGS=--write-docs` -->\n",
        end: "<!-- figures: end -->\n",
    },
    Block {
        is_of_changes: true,
        begin: "<!-- follow figures: begin, written by `make bench ARGS=--write-docs` -->\n",
        end: "<!-- follow figures: end -->\n",
    },
];

/// How the time grows.
const GROWTH: [&str; 2] = [
    "<!-- growth: begin, written by `make bench ARGS=\"--growth --write-docs\"` -->\n",
    "<!-- growth: end -->\n",
];

/// A part of the page.
struct Block {
    is_of_changes: bool,
    begin: &'static str,
    end: &'static str,
}

/// Puts the figures into the page.
pub fn refresh(results: &Results) -> Result<(), String> {
    rewrite(|mut page| {
        for block in &BLOCKS {
            let part = results.part(block.is_of_changes);
            if !part.workloads.is_empty() {
                page = block.replaced(&page, &markdown::block(&part))?;
            }
        }
        Ok(page)
    })
}

/// Puts what was found about growth into the page.
pub fn refresh_growth(text: &str) -> Result<(), String> {
    rewrite(|page| replaced(&page, GROWTH, text))
}

fn rewrite(change: impl FnOnce(String) -> Result<String, String>) -> Result<(), String> {
    let path = in_workspace(PAGE);
    let failed = |error| format!("could not write the figures to {PAGE}: {error}");
    let page = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    let page = change(page).map_err(failed)?;
    fs::write(&path, page).map_err(|error| failed(error.to_string()))
}

fn replaced(page: &str, [begin, end]: [&str; 2], text: &str) -> Result<String, String> {
    let parts = page.split_once(begin);
    let parts = parts.and_then(|(head, rest)| Some((head, rest.split_once(end)?.1)));
    let (head, tail) = parts.ok_or("the markers of the figures are missing")?;
    Ok(format!("{head}{begin}\n{text}\n{end}{tail}"))
}

impl Block {
    fn replaced(&self, page: &str, text: &str) -> Result<String, String> {
        replaced(page, [self.begin, self.end], text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced() {
        for block in &BLOCKS {
            let (begin, end) = (block.begin, block.end);
            let page = format!("before\n{begin}old\n{end}after\n");
            let page = block.replaced(&page, "new").unwrap();
            assert_eq!(page, format!("before\n{begin}\nnew\n{end}after\n"));
            assert!(block.replaced("nothing", "new").is_err());
        }
    }

    #[test]
    fn the_page_has_the_markers() {
        let page = fs::read_to_string(in_workspace(PAGE)).unwrap();
        assert!(BLOCKS.iter().all(|block| block.replaced(&page, "").is_ok()));
        assert!(replaced(&page, GROWTH, "").is_ok());
    }
}
