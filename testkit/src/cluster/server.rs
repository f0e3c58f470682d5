//! The process of a server, and the guardian that ends it whatever happens to the test.
//!
//! A test may be killed, and statics are never dropped. So every server is the child of a small
//! shell, the guardian, which reads from a pipe that only the test holds: when the pipe closes,
//! the guardian shuts the server down and removes its directory. The guardian has a process
//! group of its own, so that an interrupt from the terminal ends the test and not the guardian;
//! and if the guardian itself is killed, the server's parent-death signal shuts it down.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::template;
use crate::clean;

/// $1 log file, $2 directory to remove at the end, then the server's command line.
const GUARDIAN: &str = r#"
log=$1; directory=$2; shift 2
"$@" >>"$log" 2>&1 </dev/null &
server=$!
echo "$server"
last=
while read -r word; do last=$word; done
kill -QUIT "$server" 2>/dev/null
wait "$server"
[ "$last" = keep ] || rm -rf "$directory"
"#;

/// How long a server may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A server that was started, and has possibly ended since.
#[derive(Debug)]
pub(super) struct Server {
    guardian: Child,
    postmaster: Pid,
}

impl Server {
    /// Starts a server on `directory/data` and returns when it accepts connections, or with the
    /// reason why it does not.
    pub(super) fn start(postgres: &Path, directory: &Path, port: u16) -> Result<Server, String> {
        let data = directory.join("data");
        let log = directory.join("log");
        let log_bytes_before = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut guardian = clean::command("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .args([&log, directory])
            .args(template::as_server_user("QUIT"))
            .arg(postgres)
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()])
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let stdout = guardian.stdout.take().expect("the guardian's output");
        BufReader::new(stdout).read_line(&mut line).expect("the guardian's answer");
        let postmaster = line.trim().parse().ok().and_then(Pid::from_raw);
        let postmaster = postmaster.expect("the server's process number");

        let mut server = Server { guardian, postmaster };
        let deadline = Instant::now() + PATIENCE;
        while !is_ready(&data, postmaster) {
            if !server.is_running() || Instant::now() > deadline {
                server.end(After::Keep);
                let log = fs::read(&log).unwrap_or_default();
                let new = log.get(usize::try_from(log_bytes_before).unwrap()..);
                return Err(String::from_utf8_lossy(new.unwrap_or_default()).into_owned());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(server)
    }

    /// Shuts down as `pg_ctl stop` does, and keeps the directory.
    pub(super) fn stop(mut self) {
        // It may have ended by itself, and then there is nobody to hear the signal.
        let _ = kill_process(self.postmaster, Signal::INT);
        self.wait_for_end();
        self.end(After::Keep);
    }

    /// Kills the server and all its processes at once, as a failing machine does.
    pub(super) fn kill(mut self) {
        let children = children(self.postmaster);
        for process in std::iter::once(self.postmaster).chain(children) {
            let _ = kill_process(process, Signal::KILL);
        }
        self.wait_for_end();
        self.end(After::Keep);
    }

    /// Shuts down without care for the data, which goes too.
    pub(super) fn discard(mut self) {
        self.end(After::Remove);
    }

    fn is_running(&self) -> bool {
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", self.postmaster)) else {
            return false;
        };
        // The state follows the command's name, which is in parentheses.
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z' && state != 'X')
    }

    fn wait_for_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() {
            assert!(Instant::now() < deadline, "the server does not stop");
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn end(&mut self, after: After) {
        let mut stdin = self.guardian.stdin.take().expect("the guardian's pipe");
        if let After::Keep = after {
            let _ = stdin.write_all(b"keep\n");
        }
        drop(stdin);
        let _ = self.guardian.wait();
    }
}

/// What becomes of the directory when the server is gone.
enum After {
    Keep,
    Remove,
}

/// Asks the same file as `pg_ctl` does; its eighth line says how far the server has come.
fn is_ready(data: &Path, postmaster: Pid) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&postmaster.to_string().as_str()) && lines.get(7) == Some(&"ready")
}

fn children(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
