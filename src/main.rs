//! Reads the command line, does what it says, prints what went wrong.

use std::process::ExitCode;

use pgcopydb::{cli, command, log, signals};
use tikv_jemallocator::Jemalloc;

/// Gives memory back: what reading an archive of 35,000 entries takes for a moment stayed with the
/// process otherwise (82 MB instead of 57 for the whole run). Its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os(), |name| std::env::var_os(name)) {
        Ok(invocation) => invocation,
        Err(exit) => {
            exit.print();
            return ExitCode::from(exit.code());
        }
    };
    if let Err(error) = log::start(&invocation.log) {
        eprintln!("pgcopydb: {error}");
        return ExitCode::from(error.kind().exit_code());
    }
    for warning in &invocation.warnings {
        tracing::warn!("{warning}");
    }
    // What this program and its children write is the user's alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    leave_the_processors_to_the_servers();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::fatal(&error.into());
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        let stop = signals::listen()?;
        // Among the threads that wait for the servers: this one they would have to wake for every
        // message.
        let command = tokio::spawn(async move { command::run(invocation.request, &stop).await });
        command.await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
    });
    // A lookup of a host name may still be under way; nobody waits for its answer.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::fatal(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Asks the kernel to let this program wait until a processor is free (`SCHED_BATCH`, sched(7)). By
/// default whoever waits for something takes the processor of the process that it came from: a
/// program that passes rows on would stop the server that sends them, or takes them, some thousand
/// times a second. Threads and children inherit it; nobody misses it where it cannot be had.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate offers this system call without changing the niceness")]
fn leave_the_processors_to_the_servers() {
    // SAFETY: both calls are about the calling thread, and the second only reads `parameter`. All
    // fields of that are numbers, for which zero is a value.
    unsafe {
        if libc::sched_getscheduler(0) == libc::SCHED_OTHER {
            let parameter: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameter);
        }
    }
}

/// Other kernels have no such thing.
#[cfg(not(target_os = "linux"))]
fn leave_the_processors_to_the_servers() {}
