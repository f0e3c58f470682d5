//! Measures `pgcopydb clone` against its rivals on throw-away servers.
//!
//! Every workload is made once; then the contenders copy it in turns, each into a target database
//! that was just created. What a contender copied first is compared with the source, since a fast
//! copy of something else is worth nothing. `docs/performance.md` says how to read the figures.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod args;
mod bout;
mod contender;
mod cost;
mod docs;
mod machine;
mod process;
mod report;
mod results;
mod workload;

use std::fs;
use std::process::ExitCode;

use args::Args;
use clap::Parser;
use results::Results;

fn main() -> ExitCode {
    match bench(&Args::parse().settled()) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<ExitCode, String> {
    let contenders = contender::all(args)?;
    let workloads = workload::chosen(&args.only)?;
    fs::create_dir_all(&args.output)
        .map_err(|error| format!("could not create \"{}\": {error}", args.output.display()))?;
    let servers = bout::Servers::start();
    let mut results = Results::new(args, &servers);
    for workload in workloads {
        results.workloads.push(bout::fight(workload, &contenders, &servers, args));
        // After each, so that an interrupted session leaves what it has measured.
        report::write(&results, &args.output)?;
    }
    for sentence in report::conditions(&results) {
        println!("{sentence}");
    }
    println!("\n{}", report::markdown::summary(&results));
    for file in report::FILES {
        println!("{}", args.output.join(file).display());
    }
    if args.write_docs {
        docs::refresh(&results)?;
    }
    Ok(if results.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
