//! A real browser without a window, for a machine that has one.

use std::path::{Path, PathBuf};

use pgcopydb_testkit::Program;

/// What the page looks like once it is laid out; a script that the page itself would not run
/// leaves it in the document. What is a lane has blocks, and what is a block has a size.
const LOOK: &str = r#"<script>
const lanes = [...document.querySelectorAll('#timeline svg .lane')];
const picture = document.querySelector('#timeline svg').getBoundingClientRect();
const blocks = lane => [...lane.querySelectorAll('rect')].map(b => b.getBoundingClientRect());
const visible = box => box.width > 0 && box.height > 5;
const outside = box => box.left < picture.left || box.right > picture.right + 2;
const facts = [
    lanes.filter(lane => visible(lane.getBoundingClientRect())).length,
    lanes.filter(lane => !blocks(lane).some(visible)).length,
    lanes.flatMap(blocks).filter(outside).length,
    document.querySelectorAll('.lane rect.critical').length,
    Number(document.documentElement.scrollWidth > window.innerWidth),
];
document.body.innerHTML = 'SEEN ' + facts.join(' ') + ' END';
</script></body>"#;

/// What a browser shows of a page.
#[derive(Debug)]
pub struct Seen {
    /// Lanes that can be seen.
    pub lanes: usize,
    /// Lanes in which nothing can be seen.
    pub empty_lanes: usize,
    /// Blocks that are not in the picture.
    pub outside: usize,
    /// Blocks on the critical path.
    pub critical_blocks: usize,
    /// Whether the page is wider than the window.
    pub scrolls_sideways: bool,
}

/// A program that shows pages.
pub struct Browser(PathBuf);

impl Browser {
    /// The first that is in the `PATH`.
    pub fn find() -> Option<Browser> {
        let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
        let path = std::env::var_os("PATH")?;
        let directories = std::env::split_paths(&path);
        let mut all = directories.flat_map(|directory| names.map(|name| directory.join(name)));
        all.find(|program| program.is_file()).map(Browser)
    }

    /// Shows a page, with files of the browser's own in a directory.
    pub fn look_at(&self, page: &str, directory: &Path) -> Seen {
        // The page forbids scripts, ours too.
        let policy = "http-equiv=\"Content-Security-Policy\"";
        assert!(page.contains(policy), "{page}");
        let page = page.replace(policy, "name=\"policy\"").replace("</body>", LOOK);
        let file = directory.join("looked_at.html");
        std::fs::write(&file, page).unwrap();
        let output = Program::new(&self.0)
            .directory(directory)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--window-size=1280,1024", "--dump-dom"])
            .arg(format!("file://{}", file.display()))
            .run();
        output.assert_success();
        let facts = output.stdout.split_once("SEEN ").and_then(|(_, rest)| rest.split_once(" END"));
        let facts = facts.unwrap_or_else(|| panic!("the script did not run: {output}")).0;
        let facts: Vec<usize> = facts.split(' ').map(|word| word.parse().unwrap()).collect();
        let [lanes, empty_lanes, outside, critical_blocks, scrolls] = facts[..] else {
            panic!("{output}");
        };
        let scrolls_sideways = scrolls == 1;
        Seen { lanes, empty_lanes, outside, critical_blocks, scrolls_sideways }
    }
}
