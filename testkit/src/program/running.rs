//! The program while it runs: its output so far, signals, and the wait for its end.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{Output, Program};

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long children that the program left behind may keep its output open.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

/// A started program. Dropping it kills what is left of it and of its children.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Pid,
    /// Kept for its limits and its directory, which must not go before the run ends.
    program: Program,
    stdout: Arc<Stream>,
    stderr: Arc<Stream>,
    deadline: Instant,
}

impl Running {
    pub(super) fn start(mut command: Command, program: Program) -> Running {
        let spawned = command.process_group(0).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().expect("the program's input");
        let input = program.stdin.clone();
        // The program need not read it.
        std::thread::spawn(move || stdin.write_all(&input));
        Running {
            group: Pid::from_child(&child),
            stdout: Stream::collect(child.stdout.take().expect("the program's output")),
            stderr: Stream::collect(child.stderr.take().expect("the program's errors")),
            deadline: Instant::now() + program.timeout,
            child,
            program,
        }
    }

    /// The number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program, not to its children.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.group, signal).expect("a program that still runs");
    }

    /// Kills the program as `kill -9` does, and waits for its end. Its children live on until
    /// this is dropped.
    pub fn kill(mut self) -> Output {
        let _ = self.child.kill();
        let status = self.child.wait().expect("the end of a killed program");
        self.output(status)
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    /// When it takes longer than the program's limit; the message has its output.
    pub fn wait(mut self) -> Output {
        let limit = self.deadline.saturating_duration_since(Instant::now());
        if let Some(output) = self.wait_timeout(limit) {
            return output;
        }
        let timeout = self.program.timeout;
        let _ = kill_process_group(self.group, Signal::KILL);
        panic!("killed after {timeout:?}: {}", self.kill());
    }

    /// Waits for the program's end, but not longer than this.
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<Output> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("the state of the program") {
                return Some(self.output(status));
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Whether the program has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the state of the program").is_none()
    }

    /// The standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// The standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Waits for a whole line of standard error that contains a text, and returns it. A line
    /// that has come before counts too.
    ///
    /// # Panics
    /// When the program ends without it, or takes longer than its limit.
    pub fn wait_for_stderr(&self, text: &str) -> String {
        self.wait_for(&self.stderr, text)
    }

    /// Like [`Running::wait_for_stderr`], for standard output.
    pub fn wait_for_stdout(&self, text: &str) -> String {
        self.wait_for(&self.stdout, text)
    }

    fn wait_for(&self, stream: &Stream, text: &str) -> String {
        stream.wait_for_line(text, self.deadline).unwrap_or_else(|| {
            panic!(
                "no line with {text:?}\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout(),
                self.stderr()
            )
        })
    }

    fn output(&self, status: ExitStatus) -> Output {
        let deadline = Instant::now() + OUTPUT_PATIENCE;
        self.stdout.wait_for_end(deadline);
        self.stderr.wait_for_end(deadline);
        let words = std::iter::once(self.program.path.as_os_str());
        let words = words.chain(self.program.arguments.iter().map(AsRef::as_ref));
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        Output { command: words.join(" "), status, stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that fails while the program runs has not seen what it says.
        if std::thread::panicking() {
            eprintln!("--- stderr of {}\n{}", self.program.path.display(), self.stderr());
        }
        // Nobody may be left in the group, and then there is nobody to kill.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// What a program has written to one of its outputs so far.
#[derive(Debug, Default)]
struct Stream {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    is_at_end: bool,
}

impl Stream {
    /// Reads to the end on a thread of its own.
    fn collect(mut pipe: impl Read + Send + 'static) -> Arc<Stream> {
        let stream = Arc::new(Stream::default());
        let reader = Arc::clone(&stream);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let bytes = pipe.read(&mut buffer).unwrap_or(0);
                let mut state = reader.lock();
                state.bytes.extend_from_slice(&buffer[..bytes]);
                state.is_at_end = bytes == 0;
                reader.changed.notify_all();
                if bytes == 0 {
                    return;
                }
            }
        });
        stream
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    fn wait_for_end(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.is_at_end {
            let Some(changed) = self.wait_for_change(state, deadline) else {
                return;
            };
            state = changed;
        }
    }

    fn wait_for_line(&self, text: &str, deadline: Instant) -> Option<String> {
        let mut state = self.lock();
        loop {
            let so_far = String::from_utf8_lossy(&state.bytes);
            let mut whole_lines = so_far.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(line) = whole_lines.find(|line| line.contains(text)) {
                return Some(line.trim_end().to_owned());
            }
            if state.is_at_end {
                return None;
            }
            state = self.wait_for_change(state, deadline)?;
        }
    }

    /// Gives back the state after some change, or `None` when the time is over.
    fn wait_for_change<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        deadline: Instant,
    ) -> Option<MutexGuard<'a, State>> {
        let left = deadline.checked_duration_since(Instant::now())?;
        let changed = self.changed.wait_timeout(state, left);
        Some(changed.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
