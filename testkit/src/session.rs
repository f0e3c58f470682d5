//! A session that stays open between statements.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::database::Psql;

/// Marks the end of a statement's output; no test prints it by accident.
const END: &str = "--- end of statement ---";

/// A `psql` that waits for statements, to hold a lock, a snapshot or a transaction while the
/// program under test runs. It ends when it is dropped.
#[derive(Debug)]
pub struct Session {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Session {
    pub(crate) fn open(psql: &Psql) -> Session {
        let mut command = psql.command();
        // Errors go where the output goes, so that run() can show them.
        let mut shell = crate::clean::command("sh");
        shell.args(["-c", "exec \"$@\" 2>&1", "session"]);
        shell.arg(command.get_program()).args(command.get_args());
        command = shell;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("psql");
        let stdin = process.stdin.take().expect("the pipe to psql");
        let stdout = BufReader::new(process.stdout.take().expect("the pipe from psql"));
        let mut session = Session { process, stdin, stdout };
        session.run("select 1");
        session
    }

    /// Runs statements and returns what they printed, when they have ended.
    ///
    /// # Panics
    /// With the server's words when a statement fails: the session is lost then.
    pub fn run(&mut self, text: &str) -> String {
        self.send(text);
        self.answer().unwrap_or_else(|error| panic!("{error}\nin: {text}"))
    }

    /// Starts statements that may take long, without waiting; see [`Session::answer`].
    pub fn send(&mut self, text: &str) {
        let sent = writeln!(self.stdin, "{text}\n;\n\\echo '{END}'");
        sent.and_then(|()| self.stdin.flush()).expect("a psql that listens");
    }

    /// Waits for the end of what was sent, and returns what it printed, or the server's words.
    pub fn answer(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let bytes = self.stdout.read_line(&mut line).expect("the output of psql");
            if bytes == 0 {
                return Err(text);
            }
            if line.trim_end() == END {
                return Ok(text.trim_end().to_owned());
            }
            text.push_str(&line);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Its statement may wait for a lock for ever, so it is not asked to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
