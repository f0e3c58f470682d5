//! A program run to its end: its messages become log lines, its password travels in its
//! environment, and it does not outlive us.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pgcopydb_wire::Conninfo;
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::error::{Error, Kind, Result};
use crate::stop::Stop;

/// Lines of a failed program's messages that are repeated in the error.
const LAST_LINES: usize = 5;

/// How long a program may take to end when it is asked to: we have two seconds for everything.
const END_MS: u64 = 500;

/// What a program says when its connection broke, or when the server would not have it at the
/// moment: it may succeed a little later.
const LOST: [&str; 15] = [
    "server closed the connection unexpectedly",
    "connection to server was lost",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
    "SSL SYSCALL error",
    "SSL connection has been closed unexpectedly",
    "terminating connection due to",
    "FATAL:  the database system is ",
    "Connection refused",
    "Connection reset by peer",
    "Connection timed out",
    "timeout expired",
    "sorry, too many clients already",
    "remaining connection slots are reserved",
];

/// What it says when the snapshot it was told to read in is gone.
const LOST_SNAPSHOT: [&str; 2] =
    ["invalid snapshot identifier", "could not import the requested snapshot"];

/// How much a running program has worked, for those who look from outside.
#[derive(Clone, Debug, Default)]
pub struct Worked(Arc<AtomicU32>);

impl Worked {
    /// Processor time of the program, in ticks of the system; 0 where that is not known.
    pub fn ticks(&self) -> u64 {
        let pid = self.0.load(Ordering::Relaxed);
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name, in parentheses, may hold anything; user and system time are fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        fields.split_whitespace().skip(11).take(2).filter_map(|time| time.parse::<u64>().ok()).sum()
    }
}

/// A program to run.
#[derive(Debug)]
pub struct Child {
    command: Command,
    name: String,
    worked: Worked,
}

impl Child {
    /// Prepares to run a program.
    pub fn new(program: &std::path::Path) -> Child {
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its messages are read by us; a setting of the user's terminal must not change them.
        command.env("LC_MESSAGES", "C").kill_on_drop(true);
        end_with_parent(&mut command);
        Child { command, name: name.unwrap_or_default(), worked: Worked::default() }
    }

    /// Lets others see how much it works.
    pub fn seen_by(mut self, worked: &Worked) -> Child {
        self.worked = worked.clone();
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Child {
        self.command.arg(argument);
        self
    }

    /// Names the server to connect to, the password aside.
    pub fn connect(mut self, conninfo: &Conninfo) -> Child {
        let tool = conninfo.tool_arguments();
        self.command.arg("--dbname").arg(tool.conninfo);
        for name in tool.removed {
            self.command.env_remove(name);
        }
        for (name, value) in tool.environment {
            self.command.env(name, value.expose_secret());
        }
        self
    }

    /// Runs it and returns what it printed on its standard output.
    pub async fn run(mut self, stop: &Stop) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error, name: &str| {
            Error::new(Kind::Tools, format!("could not run {name}: {error}"))
        };
        let mut child = self.command.spawn().map_err(|error| failed(error, &self.name))?;
        self.worked.0.store(child.id().unwrap_or_default(), Ordering::Relaxed);
        let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let read = async {
                let mut output = Vec::new();
                match stdout {
                    Some(mut stdout) => stdout.read_to_end(&mut output).await.map(|_| output),
                    None => Ok(output),
                }
            };
            let messages = async {
                match stderr {
                    Some(stderr) => relay(&self.name, stderr).await,
                    None => Vec::new(),
                }
            };
            let (read, messages) = tokio::join!(read, messages);
            (read, messages, child.wait().await)
        };
        tokio::pin!(work);
        let (read, messages, status) = tokio::select! {
            ended = &mut work => ended,
            () = stop.requested() => {
                // Asked politely, PostgreSQL's programs cancel what they run on the server.
                if let Some(pid) = pid {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                }
                let limit = Duration::from_millis(END_MS);
                // Dropping the child kills it.
                let _ = tokio::time::timeout(limit, work).await;
                return Err(stopped());
            }
        };
        let output = read.map_err(|error| failed(error, &self.name))?;
        let status = status.map_err(|error| failed(error, &self.name))?;
        if !status.success() {
            return Err(failure(&self.name, status, &messages));
        }
        Ok(output)
    }
}

fn failure(name: &str, status: std::process::ExitStatus, messages: &[String]) -> Error {
    let says = |texts: &[&str]| {
        messages.iter().any(|message| texts.iter().any(|text| message.contains(text)))
    };
    let error = Error::new(Kind::Tools, format!("{name} failed with {status}"));
    let error = error.detail(messages.join("\n"));
    match () {
        () if says(&LOST_SNAPSHOT) => error.that_lost_the_snapshot(),
        () if says(&LOST) => error.transient(),
        () => error,
    }
}

/// The error of everything that ends because we were asked to stop.
pub fn stopped() -> Error {
    Error::new(Kind::Stopped, "stopped on request")
}

/// Turns a program's messages into log lines and keeps the last ones.
async fn relay(name: &str, stderr: tokio::process::ChildStderr) -> Vec<String> {
    let mut last = Vec::new();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(": warning: ") {
            tracing::warn!("{line}");
        } else {
            tracing::debug!("{name}: {line}");
        }
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(line);
    }
    last
}

/// Asks the kernel to end the child when we die, even of SIGKILL.
#[allow(unsafe_code)]
fn end_with_parent(command: &mut Command) {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // SAFETY: between fork and exec the closure makes one system call, which is async-signal-safe,
    // and touches no memory of the parent.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}
