//! Who copies: this pgcopydb, PostgreSQL's own programs, and a pgcopydb of another make.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pgcopydb_testkit::{Output, Pair, Program};

use crate::args::Args;
use crate::cost::Client;

/// Longer than any copy takes.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How many lines of a failed program are shown.
const LINES_SHOWN: usize = 10;

/// Somebody who copies databases.
pub struct Contender {
    /// How it is called in the results.
    pub name: String,
    kind: Kind,
    jobs: String,
}

enum Kind {
    Pgcopydb(PathBuf),
    DumpAndRestore,
}

/// All who take part, this pgcopydb first.
pub fn all(args: &Args) -> Result<Vec<Contender>, String> {
    let contender = |name: String, kind| Contender { name, kind, jobs: args.jobs.to_string() };
    // Asked now, so that a wrong path is noticed before anything is made.
    version(&args.program)?;
    let mut contenders = vec![
        contender("pgcopydb".to_owned(), Kind::Pgcopydb(args.program.clone())),
        contender("pg_dump + pg_restore".to_owned(), Kind::DumpAndRestore),
    ];
    if let Some(rival) = &args.rival {
        let name = format!("{} (rival)", version(rival)?);
        contenders.push(contender(name, Kind::Pgcopydb(rival.clone())));
    }
    Ok(contenders)
}

/// What a pgcopydb calls itself, as "pgcopydb 0.18".
fn version(program: &Path) -> Result<String, String> {
    if !program.is_file() {
        return Err(format!("there is no program \"{}\"", program.display()));
    }
    let output = Program::new(program).arg("--version").run();
    let line = output.stdout.lines().next().unwrap_or_default();
    match line.strip_prefix("pgcopydb version ") {
        Some(version) => Ok(format!("pgcopydb {}", version.trim())),
        None => Err(format!("\"{}\" is no pgcopydb: {output}", program.display())),
    }
}

impl Contender {
    /// The command lines, for the reader of the results.
    pub fn commands(&self) -> String {
        let jobs = &self.jobs;
        match &self.kind {
            Kind::Pgcopydb(_) => format!("pgcopydb clone, {jobs} jobs of each kind"),
            Kind::DumpAndRestore => {
                format!("pg_dump -Fd -Z0 -j{jobs}; pg_restore -j{jobs}; vacuumdb -Z -j{jobs}")
            }
        }
    }

    /// Copies the source of a pair to its target, with files in a directory. The words of a
    /// program that failed are returned.
    pub fn copy(&self, pair: &Pair, directory: &Path, client: &Client) -> Result<(), String> {
        for program in self.programs(pair, directory) {
            let running = program.timeout(PATIENCE).spawn();
            client.is(running.pid());
            let output = running.wait();
            if output.code() != Some(0) {
                return Err(reason(&output));
            }
        }
        Ok(())
    }

    fn programs(&self, pair: &Pair, directory: &Path) -> Vec<Program> {
        let (source, target) = (pair.source.uri(), pair.target.uri());
        let jobs = self.jobs.as_str();
        match &self.kind {
            Kind::Pgcopydb(path) => {
                let files = directory.join("pgcopydb");
                // By their variables: what another make does not know it does not look at.
                let variables = ["TABLE", "INDEX", "RESTORE", "LARGE_OBJECTS"];
                let program = pair.program(path).directory(directory).arg("clone").arg("--dir");
                let program = variables.iter().fold(program.arg(files), |program, name| {
                    program.env(format!("PGCOPYDB_{name}_JOBS"), jobs)
                });
                vec![program]
            }
            Kind::DumpAndRestore => {
                let version = pair.newer_version();
                let tool = |name: &str| {
                    Program::new(version.program(name)).directory(directory).args(["-j", jobs])
                };
                let dump = directory.join("dump");
                vec![
                    tool("pg_dump").args(["-Fd", "-Z0", "-d", &source, "-f"]).arg(&dump),
                    tool("pg_restore").args(["-d", &target]).arg(&dump),
                    tool("vacuumdb").args(["-Z", "-q", "-d", &target]),
                ]
            }
        }
    }
}

/// The last words of a program that failed.
pub fn reason(output: &Output) -> String {
    let lines: Vec<&str> = output.stderr.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    let program = output.command.split_whitespace().next().unwrap_or_default();
    let program = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    format!("{program}: {}\n{}", output.status, shown.join("\n"))
}
